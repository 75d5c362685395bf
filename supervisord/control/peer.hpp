// Who is at the other end of the control socket, and what he may do.
//
// The kernel is asked, not the client. Groups include supplementary ones, as the process had them
// when it connected. Names of users and groups are no business of this file.
#pragma once
#include "base/enum_names.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <sys/types.h>
#include <vector>

namespace keel::control {

struct Peer {
    pid_t pid = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups; ///< supplementary
};

/// Of a connected unix socket.
Result<Peer> peer_of(int fd);

/// Each may do what those before it may.
enum class Role : std::uint8_t { nobody, reader, operator_ };

/// Groups that hold a role; none: no group does.
struct RoleGroups {
    std::optional<gid_t> operators = {};
    std::optional<gid_t> readers = {};
};

/// root and the user that Keel runs as are operators.
Role role_of(const Peer&, const RoleGroups&, uid_t own_uid);

} // namespace keel::control

namespace keel {
template <>
inline constexpr std::array
    names_of<control::Role> = std::to_array<std::string_view>({"nobody", "reader", "operator"});
} // namespace keel
