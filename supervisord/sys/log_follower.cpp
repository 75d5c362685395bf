#include "sys/log_follower.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace keel::sys {
namespace {

constexpr std::size_t piece = std::size_t{64} << 10;
/// Rotations that may come between looking and opening before a reader takes what it gets.
constexpr int attempts = 20;

OwnedFd open_read(const std::filesystem::path& path)
{
    return OwnedFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
}

} // namespace

std::optional<OpenLog> open_newest(const LogNames& names)
{
    OpenLog found;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        found.older = names.list_rotated();
        found.file = open_read(names.current());
        // The same list afterwards: what was opened is what comes right behind it.
        if (names.list_rotated() == found.older) break;
    }
    if (!found.file && !found.older.empty()) {
        found.file = open_read(names.rotated(found.older.back()));
        found.older.pop_back();
    }
    if (!found.file) return std::nullopt;
    found.identity = file_identity(found.file.get());
    return found;
}

std::string_view LogFollower::read()
{
    if (!file_ && !begin()) return {};
    for (;;) {
        if (const std::size_t got = read_here(); got > 0)
            return std::string_view(buffer_).substr(0, got);
        if (!advance()) return {};
    }
}

std::size_t LogFollower::read_here()
{
    buffer_.resize(piece);
    const ssize_t got =
        ::pread(file_.get(), buffer_.data(), buffer_.size(), static_cast<off_t>(offset_));
    if (got <= 0) {
        // Somebody emptied the file under us: what comes now is new.
        struct stat seen {};
        if (::fstat(file_.get(), &seen) == 0 && static_cast<std::uint64_t>(seen.st_size) < offset_)
            offset_ = 0;
        return 0;
    }
    offset_ += static_cast<std::uint64_t>(got);
    return static_cast<std::size_t>(got);
}

/// Finds the file of the position; if it is gone, the oldest one there is.
bool LogFollower::begin()
{
    if (from_.file != 0) {
        auto newest = open_newest(names_);
        if (!newest) return false;
        if (newest->identity == from_.file) {
            file_ = std::move(newest->file);
            identity_ = from_.file;
            offset_ = from_.offset;
            return true;
        }
        for (const std::uint64_t sequence : newest->older) {
            OwnedFd rotated = open_read(names_.rotated(sequence));
            if (!rotated || file_identity(rotated.get()) != from_.file) continue;
            file_ = std::move(rotated);
            identity_ = from_.file;
            offset_ = from_.offset;
            return true;
        }
    }
    return open_after(std::nullopt);
}

/// At the end of this file: goes on to the next one if there is one. While this file has its
/// current name it may still grow; once it has lost it, it is complete.
bool LogFollower::advance()
{
    const std::uint64_t current = file_identity(names_.current());
    if (current == identity_ || current == 0) return false;
    const std::size_t rest = read_here(); // what came between the last read and the rename
    if (rest > 0) {
        offset_ -= rest;
        return true;
    }
    for (const std::uint64_t sequence : names_.list_rotated())
        if (file_identity(names_.rotated(sequence)) == identity_) return open_after(sequence);
    return open_after(std::nullopt);
}

/// Opens the first file behind the rotated one of this number (none: the oldest of all).
bool LogFollower::open_after(std::optional<std::uint64_t> sequence)
{
    for (int attempt = 0; attempt < attempts; ++attempt) {
        const auto rotated = names_.list_rotated();
        const auto next = sequence ? std::upper_bound(rotated.begin(), rotated.end(), *sequence)
                                   : rotated.begin();
        OwnedFd file = open_read(next == rotated.end() ? names_.current() : names_.rotated(*next));
        if (!file) {
            if (next == rotated.end()) return false;
            continue; // pruned in this moment
        }
        if (next == rotated.end() && names_.list_rotated() != rotated) continue;
        identity_ = file_identity(file.get());
        file_ = std::move(file);
        offset_ = 0;
        return true;
    }
    return false;
}

} // namespace keel::sys
