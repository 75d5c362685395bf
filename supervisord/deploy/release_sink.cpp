#include "deploy/release_sink.hpp"

#include "deploy/failed.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace keel::deploy {
namespace {

constexpr mode_t mode_bits = 0755;
constexpr mode_t implied_directory_mode = 0755;

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::array<timespec, 2> both_times(std::int64_t seconds)
{
    return {timespec{seconds, 0}, timespec{seconds, 0}};
}

} // namespace

OwnedFd ReleaseSink::open(const std::string& path, std::uint64_t flags, std::uint64_t mode) const
{
    open_how how{};
    how.flags = flags | O_CLOEXEC;
    how.mode = mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    const char* name = path.empty() ? "." : path.c_str();
    OwnedFd fd(static_cast<int>(::syscall(SYS_openat2, directory_, name, &how, sizeof(how))));
    if (!fd) fail_by_errno("open", path);
    return fd;
}

OwnedFd ReleaseSink::open_parent(const std::string& path) const
{
    const std::size_t slash = path.rfind('/');
    return open(slash == std::string::npos ? "" : path.substr(0, slash), O_PATH | O_DIRECTORY);
}

void ReleaseSink::make_missing(const Place& place) const
{
    for (const std::string& one : place.missing)
        if (::mkdirat(open_parent(one).get(), name_of(one).c_str(), implied_directory_mode) != 0)
            fail_by_errno("make directory", one);
}

std::int64_t ReleaseSink::clamped(std::int64_t time) const
{
    return std::clamp<std::int64_t>(time, 0, now_);
}

void ReleaseSink::directory(const Entry& entry, const Place& place)
{
    make_missing(place);
    if (!place.path.empty() &&
        ::mkdirat(open_parent(place.path).get(), name_of(place.path).c_str(), S_IRWXU) != 0 &&
        errno != EEXIST)
        fail_by_errno("make directory", place.path);
    const OwnedFd own = open(place.path, O_RDONLY | O_DIRECTORY);
    if (::fchmod(own.get(), (entry.mode & mode_bits) | S_IRWXU) != 0)
        fail_by_errno("set the mode of", place.path);
    directory_times_.emplace_back(place.path, clamped(entry.modified));
}

void ReleaseSink::symbolic_link(const Entry& entry, const Place& place)
{
    make_missing(place);
    const OwnedFd parent = open_parent(place.path);
    const std::string name = name_of(place.path);
    if (::symlinkat(entry.target.c_str(), parent.get(), name.c_str()) != 0)
        fail_by_errno("make symbolic link", place.path);
    const auto times = both_times(clamped(entry.modified));
    if (::utimensat(parent.get(), name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0)
        fail_by_errno("set the time of", place.path);
}

void ReleaseSink::hard_link(const Entry&, const Place& place)
{
    make_missing(place);
    const OwnedFd from = open_parent(place.target);
    const OwnedFd to = open_parent(place.path);
    if (::linkat(from.get(), name_of(place.target).c_str(), to.get(), name_of(place.path).c_str(),
                 0) != 0)
        fail_by_errno("make hard link", place.path);
}

void ReleaseSink::begin_file(const Entry& entry, const Place& place)
{
    make_missing(place);
    file_ = open(place.path, O_WRONLY | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR);
    path_ = place.path;
    size_ = entry.size;
    modified_ = clamped(entry.modified);
    if (::fchmod(file_.get(), entry.mode & mode_bits) != 0) fail_by_errno("set the mode of", path_);
}

void ReleaseSink::file_bytes(std::span<const char> bytes, std::uint64_t offset)
{
    while (!bytes.empty()) {
        const ssize_t count =
            ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail_by_errno("write", path_);
        bytes = bytes.subspan(static_cast<std::size_t>(count));
        offset += static_cast<std::uint64_t>(count);
    }
}

void ReleaseSink::end_file()
{
    // Sparse files may end in a hole.
    if (::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0) fail_by_errno("write", path_);
    const auto times = both_times(modified_);
    if (::futimens(file_.get(), times.data()) != 0) fail_by_errno("set the time of", path_);
    file_.reset();
}

void ReleaseSink::finish()
{
    for (const auto& [path, time] : directory_times_)
        if (const auto times = both_times(time);
            ::futimens(open(path, O_RDONLY | O_DIRECTORY).get(), times.data()) != 0)
            fail_by_errno("set the time of", path);
}

} // namespace keel::deploy
