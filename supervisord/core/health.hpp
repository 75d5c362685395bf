// The health of one probe of one spawn, and when it is to be tried next.
//
// One counter does rise and fall, as in HAProxy's check.c: from 0 up to `successes` the probe is
// not (yet) passing; from there up to `successes + failures - 1` it is, and the distance to
// `successes` is the number of failures that are still forgiven. An `unknown` verdict moves
// nothing: it speaks about the prober, not about the unit.
#pragma once
#include "base/enum_names.hpp"
#include "base/time.hpp"
#include "core/verdict.hpp"
#include "units/spec.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keel::core {

/// What holds a kill for liveness back.
enum class Restraint : std::uint8_t {
    late_loop, ///< keeld's own loop was late by more than the probe's timeout
    others,    ///< enough of the unit's instances are being replaced for theirs
    storm      ///< the storm brake has no token
};
/// How long, at most.
inline constexpr Duration restraint_max = std::chrono::minutes(1);

/// A kill that is due and does not happen yet.
struct HeldBack {
    Restraint by;
    MonoTime until;    ///< then it goes ahead
    std::string why{}; ///< for people
};

struct ProbeHealth {
    std::uint32_t counter = 0;
    MonoTime next_at{};                    ///< when to try next; meaningless while in flight
    std::optional<MonoTime> answer_by;     ///< set: one attempt is in flight, to be given up then
    std::uint32_t attempt = 0;             ///< number of the latest attempt, from 1
    std::uint32_t unknown_run = 0;         ///< unknown verdicts in a row
    std::uint32_t liveness_fails = 0;      ///< failures in a row while liveness was not suspended
    std::optional<MonoTime> failing_since; ///< first of the present run of failures
    std::optional<ProbeAnswer> last;       ///< none: not answered yet in this spawn
    std::optional<HeldBack> held_back;     ///< set: liveness fails often enough for a kill
};

/// What an answer did to the probe's standing.
enum class HealthChange : std::uint8_t { unchanged, pending, changed };

bool is_passing(const units::ProbeSpec&, const ProbeHealth&);

HealthChange observe(const units::ProbeSpec&, ProbeHealth&, const ProbeAnswer&, MonoTime now);

/// Full health, as after a pass: an instance that enters service is given all its `failures`.
void forgive(const units::ProbeSpec&, ProbeHealth&);

/// Whether the probe decides about leaving `starting`.
bool gates_readiness(const units::ProbeSpec&);

/// Delay from an answer to the next attempt while the instance is starting: every 10 ms until
/// 200 ms after the spawn, then 10 % of the time elapsed, up to `interval`. Exec probes never
/// faster than every 100 ms.
Duration startup_pause(const units::ProbeSpec&, Duration since_spawn);

/// How much longer than its timeout an attempt may take before core stops waiting for it.
inline constexpr Duration answer_slack = std::chrono::seconds(5);

} // namespace keel::core

namespace keel {
template <>
inline constexpr std::array
    names_of<core::Restraint> = std::to_array<std::string_view>({"late-loop", "others", "storm"});
} // namespace keel
