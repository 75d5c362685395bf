// Listening sockets: the control socket in the file system, and the TCP port of the pages.
//
// Both are non-blocking and close-on-exec. A name service is never asked, so nothing here can hang.
#pragma once
#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace keel::control {

/// A unix socket at `path`. What stands there is replaced, in one step, if it is a socket that
/// nobody listens on; an Error if somebody does, or if it is something else. `group` owns it and
/// may connect; none: the owner only.
struct ControlSocketAccess {
    std::optional<gid_t> group;
    mode_t mode = 0660;
};
Result<int> listen_on_path(const std::string& path, const ControlSocketAccess& access);

/// `127.0.0.1:9632`, `[::1]:0`, `0.0.0.0:9632`, `localhost:9632`: addresses, no other names.
struct TcpAddress {
    std::string host; ///< without brackets
    std::uint16_t port = 0;
};
std::optional<TcpAddress> parse_tcp_address(std::string_view text);

Result<int> listen_on_tcp(const TcpAddress& address);

/// The port that a TCP socket is bound to.
std::uint16_t bound_port(int fd);

} // namespace keel::control
