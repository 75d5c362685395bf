#include "sys/state_journal.hpp"

#include "sys/state_journal_format.hpp"

#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace keel::sys {
namespace {

constexpr std::size_t slack = std::size_t{256} << 10;
constexpr std::size_t growth = 4;

Result<void> write_all(int fd, std::string_view bytes, const std::string& path)
{
    while (!bytes.empty()) {
        const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return Error::from_errno("write", path);
        bytes.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return {};
}

/// At most `limit` bytes of the file; what could be read if reading fails midway.
std::string read_all(int fd, std::size_t limit)
{
    struct stat seen {};
    if (::fstat(fd, &seen) != 0 || !S_ISREG(seen.st_mode)) return {};
    std::string bytes(std::min(static_cast<std::size_t>(seen.st_size), limit), '\0');
    std::size_t have = 0;
    while (have < bytes.size()) {
        const ssize_t got = ::read(fd, bytes.data() + have, bytes.size() - have);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        have += static_cast<std::size_t>(got);
    }
    bytes.resize(have);
    return bytes;
}

} // namespace

FileStateJournal::FileStateJournal(Options options) : options_(std::move(options))
{
    recover();
    if (fd_ < 0) settle(rewrite());
}

FileStateJournal::~FileStateJournal()
{
    if (fd_ >= 0) ::close(fd_);
}

/// Reads what is there and cuts what is damaged. Leaves fd_ at -1 if there is nothing to keep.
void FileStateJournal::recover()
{
    const int fd = ::open(options_.path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return;
    const std::string bytes = read_all(fd, growth * options_.live_max + slack);
    auto parsed = journal::parse(bytes, options_.boot_id);
    for (const auto& [key, value] : parsed.entries) {
        live_.emplace(key, value);
        live_size_ += journal::record_size(key.size(), value.size());
    }
    recovered_ = std::move(parsed.entries);
    const auto end = static_cast<off_t>(parsed.good_size);
    if (parsed.good_size == 0 || ::ftruncate(fd, end) != 0 || ::lseek(fd, end, SEEK_SET) != end) {
        ::close(fd);
        return;
    }
    fd_ = fd;
    size_ = parsed.good_size;
}

const std::map<std::string, std::string>& FileStateJournal::recovered() const { return recovered_; }

void FileStateJournal::put(std::string_view key, std::string_view record)
{
    const auto known = live_.find(key);
    if (known != live_.end() && known->second == record && fd_ >= 0) return;
    const std::size_t before =
        known == live_.end() ? 0 : journal::record_size(key.size(), known->second.size());
    const std::size_t after = live_size_ - before + journal::record_size(key.size(), record.size());
    if (key.empty() || key.size() > journal::key_max || record.size() > journal::value_max ||
        after > options_.live_max) {
        settle(Error{"keep a record of that size", std::string(key.substr(0, 64)), EFBIG});
        return;
    }
    live_size_ = after;
    if (known == live_.end())
        live_.emplace(key, record);
    else
        known->second = record;
    record_.clear();
    journal::append_put(record_, key, record);
    append(record_);
}

void FileStateJournal::erase(std::string_view key)
{
    const auto known = live_.find(key);
    if (known == live_.end()) return;
    live_size_ -= journal::record_size(key.size(), known->second.size());
    live_.erase(known);
    record_.clear();
    journal::append_erase(record_, key);
    append(record_);
}

void FileStateJournal::append(std::string_view record)
{
    if (fd_ >= 0 && size_ + record.size() > std::max(growth * live_size_ + slack, compact_above_)) {
        if (rewrite()) return settle({});
        compact_above_ = size_ + slack;
    }
    settle(fd_ < 0 ? rewrite() : write_at_end(record));
}

Result<void> FileStateJournal::write_at_end(std::string_view bytes)
{
    auto wrote = write_all(fd_, bytes, options_.path);
    if (wrote) {
        size_ += bytes.size();
        return {};
    }
    // Half a record would hide all that are written behind it, so nothing is: whoever reads the
    // file now drops the half, and the next put writes it anew.
    ::close(fd_);
    fd_ = -1;
    return wrote;
}

/// Writes what is live beside the file and puts it in the file's place: whoever dies in between
/// leaves the old file whole.
Result<void> FileStateJournal::rewrite()
{
    std::string bytes = journal::header(options_.boot_id);
    bytes.reserve(bytes.size() + live_size_);
    for (const auto& [key, value] : live_)
        journal::append_put(bytes, key, value);
    const std::string beside = options_.path + ".new";
    const int fd =
        ::open(beside.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return Error::from_errno("open", beside);
    auto wrote = write_all(fd, bytes, beside);
    // An empty one is worth no wait: what a loss of power leaves of it is as empty.
    const bool waits = options_.replaces == Replaces::once_on_disk && !live_.empty();
    if (wrote && waits && ::fsync(fd) != 0) wrote = Error::from_errno("synchronise", beside);
    if (wrote && ::rename(beside.c_str(), options_.path.c_str()) != 0)
        wrote = Error::from_errno("rename", beside);
    if (!wrote) {
        ::close(fd);
        ::unlink(beside.c_str());
        return wrote;
    }
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
    size_ = bytes.size();
    compact_above_ = 0;
    return {};
}

void FileStateJournal::settle(const Result<void>& outcome)
{
    if (outcome.ok()) {
        told_ = false;
        if (options_.on_written) options_.on_written();
        return;
    }
    ++failures_;
    if (!std::exchange(told_, true) && options_.on_failure) options_.on_failure(outcome.error());
}

} // namespace keel::sys
