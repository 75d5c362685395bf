// Hosts, ports and numeric addresses: text in, socket addresses out, without asking anybody.
//
// Nothing here looks up a name or blocks; names are the resolver's (resolver.hpp).
#pragma once
#include <cstdint>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

namespace keel::transfer {

/// A numeric IPv4 or IPv6 address as text without brackets: `127.0.0.1`, `::1`, `fe80::1%eth0`.
using IpAddress = std::string;

struct HostPort {
    std::string host; ///< without the brackets of an IPv6 address
    std::uint16_t port = 0;
};

/// `host:port` or `[v6]:port`; nothing if it is neither or the port is not 1 to 65535.
[[nodiscard]] std::optional<HostPort> split_host_port(std::string_view text);

/// The addresses of what needs no lookup: a numeric address is itself, `localhost` is this host's
/// two loopback addresses, IPv4 first. Nothing for any other name.
[[nodiscard]] std::optional<std::vector<IpAddress>> known_addresses(const std::string& host);

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;
    [[nodiscard]] const sockaddr* get() const
    {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
    [[nodiscard]] int family() const { return storage.ss_family; }
};

/// Nothing if `address` is not numeric.
[[nodiscard]] std::optional<SocketAddress> socket_address(const IpAddress& address,
                                                          std::uint16_t port);

/// The numeric text of a socket address; empty for what is neither IPv4 nor IPv6.
[[nodiscard]] IpAddress ip_text(const sockaddr* address, socklen_t length);

} // namespace keel::transfer
