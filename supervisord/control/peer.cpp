#include "control/peer.hpp"

#include <algorithm>
#include <sys/socket.h>

namespace keel::control {

Result<Peer> peer_of(int fd)
{
    ucred credentials{};
    socklen_t length = sizeof credentials;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0)
        return Error::from_errno("ask who is connected");
    Peer peer{credentials.pid, credentials.uid, credentials.gid, {}};

    // The kernel says how much room it needs if this is not enough.
    peer.groups.resize(32);
    for (;;) {
        length = static_cast<socklen_t>(peer.groups.size() * sizeof(gid_t));
        if (::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &length) == 0) break;
        if (errno != ERANGE) return Error::from_errno("ask for the groups of who is connected");
        peer.groups.resize(length / sizeof(gid_t));
    }
    peer.groups.resize(length / sizeof(gid_t));
    return peer;
}

Role role_of(const Peer& peer, const RoleGroups& groups, uid_t own_uid)
{
    const auto belongs = [&](const std::optional<gid_t>& group) {
        return group &&
               (peer.gid == *group || std::ranges::find(peer.groups, *group) != peer.groups.end());
    };
    if (peer.uid == 0 || peer.uid == own_uid || belongs(groups.operators)) return Role::operator_;
    return belongs(groups.readers) ? Role::reader : Role::nobody;
}

} // namespace keel::control
