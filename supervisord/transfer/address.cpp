#include "transfer/address.hpp"

#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <strings.h>

namespace keel::transfer {

std::optional<HostPort> split_host_port(std::string_view text)
{
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view host = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    if (host.starts_with('[')) {
        if (!host.ends_with(']')) return std::nullopt;
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
        return std::nullopt;
    }
    HostPort parts;
    const char* end = digits.data() + digits.size();
    const auto [rest, error] = std::from_chars(digits.data(), end, parts.port);
    if (host.empty() || error != std::errc{} || rest != end || parts.port == 0) return std::nullopt;
    parts.host = std::string(host);
    return parts;
}

std::optional<std::vector<IpAddress>> known_addresses(const std::string& host)
{
    if (::strcasecmp(host.c_str(), "localhost") == 0)
        return std::vector<IpAddress>{"127.0.0.1", "::1"};
    if (socket_address(host, 1)) return std::vector<IpAddress>{host};
    return std::nullopt;
}

std::optional<SocketAddress> socket_address(const IpAddress& address, std::uint16_t port)
{
    // With these flags getaddrinfo only parses; unlike inet_pton it knows scopes (`%eth0`).
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
        return std::nullopt;
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
    SocketAddress result;
    result.length = found->ai_addrlen;
    std::memcpy(&result.storage, found->ai_addr, found->ai_addrlen);
    return result;
}

IpAddress ip_text(const sockaddr* address, socklen_t length)
{
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(address, length, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0)
        return {};
    return text.data();
}

} // namespace keel::transfer
