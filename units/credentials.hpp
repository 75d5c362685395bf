// Names of users and groups as the numbers that a process runs under.
//
// Asks the host's user database, which may be a network service: these calls may block.
#pragma once
#include "base/result.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace keel::units {

struct Credentials {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups; ///< supplementary ones, the primary one included
    std::string name;          ///< of the user; its number, if the database has no name for it
    std::string home = "/";
};

/// The accounts that a unit names. `user` and `group` may be empty: keeld's own user, the user's
/// primary group. All may be numbers.
struct AccountNames {
    std::string user;
    std::string group;
    std::vector<std::string> groups{}; ///< more supplementary ones
    friend auto operator<=>(const AccountNames&, const AccountNames&) = default;
};

/// Their numbers. Error: `find user` or `find group`, with the name as its subject; errno 0 if the
/// database was asked and does not know it.
Result<Credentials> resolve_credentials(const AccountNames& names);

} // namespace keel::units
