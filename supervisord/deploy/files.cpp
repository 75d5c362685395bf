#include "deploy/files.hpp"

#include "base/text.hpp"
#include "deploy/failed.hpp"

#include <algorithm>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <sys/statvfs.h>
#include <vector>

namespace keel::deploy {
OwnedFd open_at(int dir, const std::string& name, int flags, mode_t mode)
{
    OwnedFd fd(::openat(dir, name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!fd) fail_by_errno("open", name);
    return fd;
}

std::optional<OwnedFd> open_if_there(int dir, const std::string& name, int flags)
{
    OwnedFd fd(::openat(dir, name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW));
    if (!fd && errno != ENOENT) fail_by_errno("open", name);
    if (!fd) return std::nullopt;
    return fd;
}

OwnedFd open_directory(int dir, const std::string& name, mode_t mode)
{
    if (::mkdirat(dir, name.c_str(), mode) != 0 && errno != EEXIST)
        fail_by_errno("make directory", name);
    return open_at(dir, name, O_RDONLY | O_DIRECTORY);
}

struct stat stat_of(int fd, const std::string& name)
{
    struct stat status {};
    if (::fstat(fd, &status) != 0) fail_by_errno("look at", name);
    return status;
}

bool is_there(int dir, const std::string& name)
{
    struct stat status {};
    if (::fstatat(dir, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return true;
    if (errno != ENOENT) fail_by_errno("look at", name);
    return false;
}

namespace {

struct Close {
    void operator()(DIR* stream) const { ::closedir(stream); }
};

} // namespace

std::vector<std::string> names_in(int dir, const std::string& name)
{
    OwnedFd own = open_at(dir, ".", O_RDONLY | O_DIRECTORY);
    const std::unique_ptr<DIR, Close> stream(::fdopendir(own.get()));
    if (!stream) fail_by_errno("list", name);
    (void)own.release();
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* one = ::readdir(stream.get())) {
        const std::string_view each = one->d_name;
        if (each != "." && each != "..") names.emplace_back(each);
        errno = 0;
    }
    if (errno != 0) fail_by_errno("list", name);
    std::sort(names.begin(), names.end());
    return names;
}

void remove_file(int dir, const std::string& name)
{
    if (::unlinkat(dir, name.c_str(), 0) != 0 && errno != ENOENT) fail_by_errno("remove", name);
}

void rename_at(int dir, const std::string& from, const std::string& to)
{
    if (::renameat(dir, from.c_str(), dir, to.c_str()) != 0) fail_by_errno("rename", from);
}

void synchronise(int fd, const std::string& name)
{
    if (::fsync(fd) != 0) fail_by_errno("synchronise", name);
}

void write_all(int fd, std::span<const char> bytes, const std::string& name)
{
    while (!bytes.empty()) {
        const ssize_t count = ::write(fd, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail_by_errno("write", name);
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
}

void read_all(int fd, const std::string& name,
              const std::function<void(std::span<const char>)>& take)
{
    std::vector<char> block(256U << 10);
    for (off_t at = 0;;) {
        const ssize_t count = ::pread(fd, block.data(), block.size(), at);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail_by_errno("read", name);
        if (count == 0) return;
        at += count;
        take(std::span<const char>(block).first(static_cast<std::size_t>(count)));
    }
}

std::string read_small(int fd, std::size_t limit, const std::string& name)
{
    std::string bytes(limit + 1, '\0');
    std::size_t size = 0;
    while (size < bytes.size()) {
        const ssize_t count =
            ::pread(fd, bytes.data() + size, bytes.size() - size, static_cast<off_t>(size));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail_by_errno("read", name);
        if (count == 0) break;
        size += static_cast<std::size_t>(count);
    }
    bytes.resize(size);
    return bytes;
}

std::uint64_t room_at(int fd)
{
    struct statvfs disk {};
    if (::fstatvfs(fd, &disk) != 0) fail_by_errno("ask for the room on the disk");
    if (disk.f_blocks == 0) return ~std::uint64_t{0}; // memory without a limit of its own
    return static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
}

void need_room(int fd, std::uint64_t needed)
{
    const std::uint64_t room = room_at(fd);
    if (needed <= room) return;
    throw Failed(Fault::host,
                 fmt::format("the disk is too full: {} needed, {} free", human_size(needed),
                             human_size(room)),
                 ENOSPC);
}

} // namespace keel::deploy
