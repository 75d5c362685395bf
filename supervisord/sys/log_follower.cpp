#include "sys/log_follower.hpp"

#include <algorithm>
#include <fcntl.h>
#include <span>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

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
        if (!found.file) {
            found.identity = rotated_identity(names, found.older.back());
            return found;
        }
        found.older.pop_back();
    }
    if (!found.file) return std::nullopt;
    found.identity = file_identity(found.file.get());
    return found;
}

std::string_view LogFollower::read()
{
    if (!file_ && !packed_ && !begin()) return {};
    for (;;) {
        if (const std::size_t got = read_here(); got > 0)
            return std::string_view(buffer_).substr(0, got);
        if (!advance()) return {};
    }
}

/// A packed file is only read forward; what comes before the position is passed over.
std::size_t LogFollower::read_packed()
{
    for (;;) {
        const std::size_t got = packed_->read(std::span(buffer_));
        const std::uint64_t began = std::exchange(packed_at_, packed_at_ + got);
        if (got == 0) return 0;
        if (packed_at_ <= offset_) continue;
        const std::size_t known = offset_ > began ? static_cast<std::size_t>(offset_ - began) : 0;
        buffer_.erase(0, known);
        offset_ = packed_at_;
        return got - known;
    }
}

std::size_t LogFollower::read_here()
{
    buffer_.resize(piece);
    if (packed_) return read_packed();
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
        if (newest->file && newest->identity == from_.file) {
            file_ = std::move(newest->file);
            identity_ = from_.file;
            offset_ = from_.offset;
            return true;
        }
        for (const std::uint64_t sequence : newest->older) {
            if (rotated_identity(names_, sequence) != from_.file) continue;
            if (!open_rotated(sequence)) break;
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
    // What came between the last read and the rename; a packed file was complete before.
    const std::size_t rest = packed_ ? 0 : read_here();
    if (rest > 0) {
        offset_ -= rest;
        return true;
    }
    for (const std::uint64_t sequence : names_.list_rotated())
        if (rotated_identity(names_, sequence) == identity_) return open_after(sequence);
    return open_after(std::nullopt);
}

/// Opens the first file behind the rotated one of this number (none: the oldest of all).
bool LogFollower::open_after(std::optional<std::uint64_t> sequence)
{
    for (int attempt = 0; attempt < attempts; ++attempt) {
        const auto rotated = names_.list_rotated();
        const auto next = sequence ? std::upper_bound(rotated.begin(), rotated.end(), *sequence)
                                   : rotated.begin();
        if (next != rotated.end()) {
            if (open_rotated(*next)) return true;
            continue; // pruned in this moment
        }
        OwnedFd file = open_read(names_.current());
        if (!file) return false;
        if (names_.list_rotated() != rotated) continue;
        identity_ = file_identity(file.get());
        file_ = std::move(file);
        packed_.reset();
        offset_ = 0;
        return true;
    }
    return false;
}

bool LogFollower::open_rotated(std::uint64_t sequence)
{
    identity_ = rotated_identity(names_, sequence);
    file_ = open_read(names_.rotated(sequence));
    packed_.reset();
    packed_at_ = 0;
    offset_ = 0;
    if (!file_) packed_ = PackedReader::open(names_.packed(sequence));
    return file_ || packed_;
}

} // namespace keel::sys
