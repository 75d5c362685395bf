// What units use of the host: measured when somebody asks, not before.
//
// Counters only grow, for as long as the engine lives; a new engine begins at 0 and leaves out what
// was used before it. Units that never used anything are not named.
#pragma once
#include "base/time.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace keel::ports {

/// All processes of a unit together: of its instances, its hooks and its exec probes.
struct Usage {
    Duration cpu{0};             ///< counter
    std::uint64_t oom_kills = 0; ///< counter
    std::uint64_t memory_bytes = 0;
    std::uint64_t processes = 0;
};
using UsageByUnit = std::map<std::string, Usage, std::less<>>;

class UsageMeter {
public:
    virtual ~UsageMeter() = default;

    /// Calls `done` once, later, on the loop's thread. Not at all if the loop ends first.
    virtual void measure(std::function<void(const UsageByUnit&)> done) = 0;
};

} // namespace keel::ports
