#include "sys/fifo.hpp"

#include <charconv>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace keel::sys {

std::string instance_name(std::string_view unit, Slot slot)
{
    return std::string(unit) + "." + std::to_string(slot);
}

std::optional<InstanceName> parse_instance_name(std::string_view name)
{
    const std::size_t dot = name.rfind('.');
    if (dot == std::string_view::npos || dot == 0) return std::nullopt;
    Slot slot = 0;
    const std::string_view digits = name.substr(dot + 1);
    const auto [end, failed] = std::from_chars(digits.begin(), digits.end(), slot);
    if (failed != std::errc() || end != digits.end() || slot == 0) return std::nullopt;
    return InstanceName{std::string(name.substr(0, dot)), slot};
}

std::uint64_t hold_key(std::string_view name)
{
    // FNV-1a: short, and the same for ever, which std::hash does not promise.
    std::uint64_t key = 0xcbf29ce484222325ULL;
    for (const char byte : name)
        key = (key ^ static_cast<unsigned char>(byte)) * 0x100000001b3ULL;
    return key != 0 ? key : 1;
}

Result<OwnedFd> open_fifo(const std::filesystem::path& path)
{
    for (int attempt = 0; attempt < 2; ++attempt) {
        if (::mkfifo(path.c_str(), 0600) != 0 && errno != EEXIST)
            return Error::from_errno("make fifo", path);
        OwnedFd fifo(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
        const int refused = errno;
        struct stat seen {};
        if (fifo && ::fstat(fifo.get(), &seen) == 0 && S_ISFIFO(seen.st_mode)) {
            ::fchmod(fifo.get(), 0600); // mkfifo heeds the umask
            return fifo;
        }
        if (!fifo && refused != ELOOP && refused != EISDIR && refused != ENXIO)
            return Error{"open fifo", path, refused};
        ::unlink(path.c_str());
    }
    return Error{"open fifo", path, EEXIST};
}

void give_fifo(int fifo, const std::optional<ports::Credentials>& owner)
{
    struct stat seen {};
    if (::fstat(fifo, &seen) != 0) return;
    const uid_t uid = owner ? owner->uid : ::geteuid();
    const gid_t gid = owner ? owner->gid : ::getegid();
    if (seen.st_uid != uid || seen.st_gid != gid) (void)!::fchown(fifo, uid, gid);
}

void make_plain(int fifo)
{
    const int flags = ::fcntl(fifo, F_GETFL);
    if (flags >= 0 && (flags & (O_NONBLOCK | O_APPEND | O_ASYNC | O_DIRECT)) != 0)
        ::fcntl(fifo, F_SETFL, 0);
}

} // namespace keel::sys
