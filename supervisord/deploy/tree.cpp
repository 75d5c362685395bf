#include "deploy/tree.hpp"

#include "base/text.hpp"
#include "deploy/failed.hpp"
#include "deploy/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <vector>

namespace keel::deploy {
namespace {

/// Each level keeps a descriptor open. Far more than any archive may have; steps of a deployment
/// may have made more.
constexpr int depth_max = 500;

/// A directory that its owner cannot read is made readable first.
OwnedFd open_to_empty(int dir, const std::string& name)
{
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
    OwnedFd own(::openat(dir, name.c_str(), flags));
    if (!own && errno == EACCES && ::fchmodat(dir, name.c_str(), 0700, 0) == 0)
        own = OwnedFd(::openat(dir, name.c_str(), flags));
    if (!own) fail_by_errno("open", name);
    const struct stat status = stat_of(own.get(), name);
    if ((status.st_mode & S_IRWXU) != S_IRWXU) ::fchmod(own.get(), 0700);
    return own;
}

void remove_within(int dir, const std::string& name, dev_t device, int depth)
{
    if (::unlinkat(dir, name.c_str(), 0) == 0 || errno == ENOENT) return;
    if (errno != EISDIR && errno != EPERM) fail_by_errno("remove", name);
    if (depth > depth_max)
        throw Failed(Fault::host, fmt::format("remove {}: it is too deep", printable(name)));
    {
        const OwnedFd own = open_to_empty(dir, name);
        if (stat_of(own.get(), name).st_dev != device)
            throw Failed(Fault::host, fmt::format("remove {}: another file system is mounted there",
                                                  printable(name)));
        for (const std::string& each : names_in(own.get(), name))
            remove_within(own.get(), each, device, depth + 1);
    }
    if (::unlinkat(dir, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
        fail_by_errno("remove directory", name);
}

class Taking {
public:
    Taking(uid_t writer, dev_t device) : writer_(writer), device_(device) {}

    void directory(int dir, const std::string& name, int depth)
    {
        const OwnedFd own = open_at(dir, name, O_RDONLY | O_DIRECTORY);
        const struct stat status = stat_of(own.get(), name);
        check(status, name);
        if (depth > depth_max) strange(name);
        // From here on nobody else of that user can change what is in it.
        if (is_foreign(status) && ::fchown(own.get(), ::geteuid(), ::getegid()) != 0)
            fail_by_errno("give away", name);
        for (const std::string& each : names_in(own.get(), name))
            entry(own.get(), each, depth + 1);
        const mode_t mode = (status.st_mode & 0755U) | S_IRWXU;
        if (::fchmod(own.get(), mode) != 0) fail_by_errno("set the mode of", name);
    }

private:
    void entry(int dir, const std::string& name, int depth)
    {
        struct stat status {};
        if (::fstatat(dir, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
            fail_by_errno("look at", name);
        if (S_ISDIR(status.st_mode)) return directory(dir, name, depth);
        const bool again = S_ISREG(status.st_mode) && status.st_nlink > 1 && !is_foreign(status);
        if (!again) check(status, name);
        if (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode)) strange(name);
        if (is_foreign(status) &&
            ::fchownat(dir, name.c_str(), ::geteuid(), ::getegid(), AT_SYMLINK_NOFOLLOW) != 0)
            fail_by_errno("give away", name);
        // The directory is this process' by now: it is still the file that was looked at.
        if (S_ISREG(status.st_mode) &&
            ::fchmodat(dir, name.c_str(), status.st_mode & 0755U, 0) != 0)
            fail_by_errno("set the mode of", name);
    }

    [[nodiscard]] static bool is_foreign(const struct stat& status)
    {
        return status.st_uid != ::geteuid() || status.st_gid != ::getegid();
    }

    void check(const struct stat& status, const std::string& name) const
    {
        if (status.st_uid != writer_ || status.st_dev != device_) strange(name);
    }

    [[noreturn]] static void strange(const std::string& name)
    {
        throw Failed(Fault::release,
                     fmt::format("the archive is refused: {}: unpacking it has brought what no "
                                 "archive can hold",
                                 printable(name)));
    }

    uid_t writer_;
    dev_t device_;
};

} // namespace

void remove_tree(int dir, const std::string& name)
{
    remove_within(dir, name, stat_of(dir, name).st_dev, 0);
}

void take_over(int dir, const std::string& name, uid_t writer)
{
    Taking(writer, stat_of(dir, name).st_dev).directory(dir, name, 0);
}

} // namespace keel::deploy
