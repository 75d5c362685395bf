#include "sys/journal_stream.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace keel::sys {
namespace {

/// Much may be written before anybody has to wait for a journal that is slow; the kernel gives
/// what it allows.
constexpr int buffer_bytes = 1 << 20;

} // namespace

Result<OwnedFd> connect_to_journal(const std::filesystem::path& socket, std::string_view identifier)
{
    const std::string path = socket.string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return Error{"connect to", path, ENAMETOOLONG};
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    OwnedFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return Error::from_errno("connect to", path);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return Error::from_errno("connect to", path);
    ::shutdown(fd.get(), SHUT_RD);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
    const std::string head = fmt::format("{}\n\n6\n1\n0\n0\n0\n", identifier);
    const ssize_t sent = ::send(fd.get(), head.data(), head.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(head.size())) return Error::from_errno("write to", path);
    if (::fcntl(fd.get(), F_SETFL, 0) != 0) return Error::from_errno("write to", path);
    return fd;
}

} // namespace keel::sys
