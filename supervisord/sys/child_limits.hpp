// What a child may use and how it stands among other processes: limits, niceness, processors, the
// OOM killer's score.
//
// A child begins where a login session would, whatever keeld's own service unit says, and then
// takes what its unit file asks for. What must be changed for that is worked out here, before the
// clone; the child only makes the calls. Setting back to a default may fail (lowering an OOM score
// needs a capability) and is then left; what the unit file asks for may not.
#pragma once
#include "ports/spawner.hpp"

#include <cstdint>
#include <sched.h>
#include <string>
#include <sys/resource.h>
#include <vector>

namespace keel::sys {

struct ProcessLimit {
    int resource = 0; ///< RLIMIT_…
    rlimit value{};
};

enum class Change : std::uint8_t { none, if_possible, required };

/// Where keeld's own process differs from a login session, found out once.
struct LoginDefaults {
    std::vector<ProcessLimit> limits;
    bool oom_score_differs = false;
    bool nice_differs = false;
    bool processors_differ = false;

    static LoginDefaults differing_from_ours();
};

/// The changes that one child makes to itself.
struct ChildLimits {
    ChildLimits(const LoginDefaults& defaults, const ports::SpawnPlan& plan);

    std::vector<ProcessLimit> limits;
    mode_t umask = 0;
    Change change_nice = Change::none;
    int nice = 0;
    Change change_oom_score = Change::none;
    std::string oom_score; ///< decimal
    Change change_processors = Change::none;
    std::vector<unsigned char> processors; ///< a bit for each, as sched_setaffinity wants them
};

} // namespace keel::sys
