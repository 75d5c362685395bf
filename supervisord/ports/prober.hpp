// Carrying out one probe attempt. The decision when to probe and what follows is core's.
#pragma once
#include "base/ids.hpp"
#include "core/verdict.hpp"
#include "ports/spawner.hpp"
#include "units/spec.hpp"

#include <cstdint>
#include <functional>

namespace keel::ports {

/// Names one attempt; an answer carries it back. Never reused within an engine life.
enum class AttemptId : std::uint64_t {};

struct ProbeRequest {
    AttemptId attempt{};
    units::ProbeTarget target; ///< placeholders filled in
    Duration timeout{};
    SpawnPlan plan; ///< exec probes only: credentials, environment and directory of the unit
};

class Prober {
public:
    virtual ~Prober() = default;

    /// Answers exactly once, later, within `timeout` plus the loop's own lateness, unless
    /// cancelled. What the prober itself could not do is Verdict::unknown.
    virtual void probe(const ProbeRequest& request,
                       std::function<void(const core::ProbeAnswer&)> answer) = 0;

    /// The answer is not wanted any more and will not come. Unknown attempts are ignored.
    virtual void cancel(AttemptId attempt) = 0;
};

} // namespace keel::ports
