#include "control/listeners.hpp"

#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace keel::control {
namespace {

constexpr int backlog = 512;

Result<sockaddr_un> address_of(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return Error{"listen on", path, ENAMETOOLONG};
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

const sockaddr* generic(const sockaddr_un& address)
{
    return reinterpret_cast<const sockaddr*>(&address);
}

/// Ok if nothing at `path` speaks against taking its place.
Result<void> ensure_stale(const std::string& path, const sockaddr_un& address)
{
    struct stat file {};
    if (::lstat(path.c_str(), &file) != 0) {
        if (errno == ENOENT) return {};
        return Error::from_errno("look at", path);
    }
    if (!S_ISSOCK(file.st_mode)) return Error{"not replaced, as it is no socket:", path, 0};
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) return Error::from_errno("socket");
    const int connected = ::connect(probe, generic(address), sizeof address);
    const int failure = errno;
    ::close(probe);
    if (connected != 0 && (failure == ECONNREFUSED || failure == ENOENT)) return {};
    return Error{"another keeld listens on", path, EADDRINUSE};
}

Error close_and(int fd, Error error)
{
    ::close(fd);
    return error;
}

} // namespace

Result<int> listen_on_path(const std::string& path, const ControlSocketAccess& access)
{
    const auto final_address = address_of(path);
    if (!final_address) return final_address.error();
    // Bound under another name first: clients see the old socket or the finished new one.
    const std::string draft = path + ".new";
    const auto draft_address = address_of(draft);
    if (!draft_address) return draft_address.error();
    if (auto stale = ensure_stale(path, *final_address); !stale) return stale.error();

    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return Error::from_errno("socket");
    ::unlink(draft.c_str());
    if (::bind(fd, generic(*draft_address), sizeof(sockaddr_un)) != 0)
        return close_and(fd, Error::from_errno("bind", draft));
    // Nobody can connect before listen(), so it is safe that bind() used the umask's mode.
    if (access.group && ::chown(draft.c_str(), static_cast<uid_t>(-1), *access.group) != 0)
        return close_and(fd, Error::from_errno("chown", draft));
    if (::chmod(draft.c_str(), access.mode) != 0)
        return close_and(fd, Error::from_errno("chmod", draft));
    if (::listen(fd, backlog) != 0) return close_and(fd, Error::from_errno("listen on", draft));
    if (::rename(draft.c_str(), path.c_str()) != 0)
        return close_and(fd, Error::from_errno("rename to", path));
    return fd;
}

std::optional<TcpAddress> parse_tcp_address(std::string_view text)
{
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    TcpAddress address;
    const std::string_view digits = text.substr(colon + 1);
    const auto [end, failed] =
        std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
    if (failed != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;

    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    address.host = host == "localhost" ? "127.0.0.1" : host;
    in6_addr parsed{};
    if (::inet_pton(bracketed ? AF_INET6 : AF_INET, address.host.c_str(), &parsed) != 1)
        return std::nullopt;
    return address;
}

Result<int> listen_on_tcp(const TcpAddress& address)
{
    sockaddr_storage storage{};
    socklen_t length = 0;
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    if (::inet_pton(AF_INET, address.host.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(address.port);
        length = sizeof *v4;
    } else if (::inet_pton(AF_INET6, address.host.c_str(), &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(address.port);
        length = sizeof *v6;
    } else {
        return Error{"listen on", address.host, EINVAL};
    }
    const std::string subject = address.host + ":" + std::to_string(address.port);
    const int fd =
        ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (fd < 0) return Error::from_errno("socket");
    const int yes = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&storage), length) != 0 ||
        ::listen(fd, backlog) != 0)
        return close_and(fd, Error::from_errno("listen on", subject));
    return fd;
}

std::uint16_t bound_port(int fd)
{
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return 0;
    return ntohs(storage.ss_family == AF_INET6
                     ? reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port
                     : reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

} // namespace keel::control
