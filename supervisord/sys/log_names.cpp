#include "sys/log_names.hpp"

#include <algorithm>
#include <charconv>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace keel::sys {
namespace {

constexpr std::string_view packed_ending = ".zst";

std::uint64_t identity_of(int dir_fd, const char* path, int flags)
{
    struct statx seen {};
    if (::statx(dir_fd, path, flags | AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &seen) != 0)
        return 0;
    const auto birth =
        static_cast<std::uint64_t>(seen.stx_btime.tv_sec) * 1'000'000'000U + seen.stx_btime.tv_nsec;
    // Any mixing will do; the multiplier is the golden ratio in 64 bits.
    const std::uint64_t mixed = seen.stx_ino ^ (birth * 0x9e3779b97f4a7c15ULL);
    return mixed != 0 ? mixed : 1;
}

WallTime time_of(const statx_timestamp& at)
{
    return WallTime(std::chrono::seconds(at.tv_sec) + std::chrono::nanoseconds(at.tv_nsec));
}

std::optional<WallTime> birth_of(int dir_fd, const char* path, int flags)
{
    struct statx seen {};
    if (::statx(dir_fd, path, flags, STATX_BTIME, &seen) != 0) return std::nullopt;
    if ((seen.stx_mask & STATX_BTIME) == 0) return std::nullopt;
    return time_of(seen.stx_btime);
}

std::optional<WallTime> last_written(const std::filesystem::path& path)
{
    struct statx seen {};
    if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_MTIME, &seen) != 0)
        return std::nullopt;
    return time_of(seen.stx_mtime);
}

} // namespace

LogNames::LogNames(const std::filesystem::path& log_dir, const std::string& unit, Slot slot)
    : folder_(log_dir / unit),
      current_name_(slot == whole_unit ? "deploy.log" : std::to_string(slot) + ".log")
{}

std::filesystem::path LogNames::current() const { return folder_ / current_name_; }

std::filesystem::path LogNames::rotated(std::uint64_t sequence) const
{
    return folder_ / (current_name_ + "." + std::to_string(sequence));
}

std::filesystem::path LogNames::packed(std::uint64_t sequence) const
{
    return rotated(sequence).native() + std::string(packed_ending);
}

std::optional<WallTime> LogNames::rotated_at(std::uint64_t sequence) const
{
    const auto raw = last_written(rotated(sequence));
    return raw ? raw : last_written(packed(sequence));
}

std::optional<WallTime> LogNames::rotated_birth(std::uint64_t sequence) const
{
    return birth_of(AT_FDCWD, rotated(sequence).c_str(), AT_SYMLINK_NOFOLLOW);
}

void LogNames::remove_rotated(std::uint64_t sequence) const
{
    ::unlink(rotated(sequence).c_str());
    ::unlink(packed(sequence).c_str());
    ::unlink((packed(sequence).native() + ".partial").c_str()); // of an engine that was killed
}

std::optional<std::uint64_t> LogNames::sequence_in(std::string_view file_name) const
{
    if (!file_name.starts_with(current_name_)) return std::nullopt;
    file_name.remove_prefix(current_name_.size());
    if (file_name.size() < 2 || file_name[0] != '.' || file_name[1] == '0') return std::nullopt;
    file_name.remove_prefix(1);
    if (file_name.ends_with(packed_ending)) file_name.remove_suffix(packed_ending.size());
    std::uint64_t sequence = 0;
    const auto [end, failed] = std::from_chars(file_name.begin(), file_name.end(), sequence);
    if (failed != std::errc() || end != file_name.end()) return std::nullopt;
    return sequence;
}

std::vector<std::uint64_t> LogNames::list_rotated() const
{
    std::vector<std::uint64_t> found;
    std::error_code failed;
    std::filesystem::directory_iterator entry(folder_, failed);
    for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed))
        if (const auto sequence = sequence_in(entry->path().filename().native()))
            found.push_back(*sequence);
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end()); // while one is being packed
    return found;
}

std::uint64_t file_identity(int fd) { return identity_of(fd, "", AT_EMPTY_PATH); }

std::uint64_t file_identity(const std::filesystem::path& path)
{
    return identity_of(AT_FDCWD, path.c_str(), 0);
}

std::optional<WallTime> file_birth(int fd) { return birth_of(fd, "", AT_EMPTY_PATH); }

} // namespace keel::sys
