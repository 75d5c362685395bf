// Whether a process that ended is to come back, when, and whether that counts as a failure.
//
// Pure functions over the unit's [restart] table and the instance's own history. They know nothing
// of states, ladders or dependencies; core/instance.hpp puts their answers to use.
#pragma once
#include "base/time.hpp"
#include "core/process.hpp"
#include "units/spec.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace keel::core {

/// Why an instance is being started; also the closed set of reasons that restarts are counted by.
enum class StartCause : std::uint8_t {
    wanted, ///< a first start, at boot or by a person: not a restart
    operator_restart,
    exit,   ///< the process exited by itself
    signal, ///< the process was ended by a signal
    start_timeout,
    liveness,
    unready,   ///< unready for longer than unready_limit
    spawn,     ///< the spawn itself failed
    lost,      ///< it ended while no engine was there to see how
    bound,     ///< a unit that it is bound to was gone
    companion, ///< a unit that it restarts with was restarted
    watchdog,  ///< it did not send WATCHDOG=1 in time, or found itself broken
    oom,       ///< the kernel killed it for want of memory
    deploy     ///< another release, or the same one afresh; last, as journals count by number
};

/// How long a spawn was ready, in all. None: it never was, which is less than no time at all: a
/// process can become ready and end within one and the same turn of the loop.
using ReadyTime = std::optional<Duration>;

/// How a run of an instance came to its end.
struct Ending {
    StartCause cause = StartCause::exit; ///< never wanted or operator_restart
    ExitStatus status;                   ///< cause exit, signal, oom and lost
    std::string what;                    ///< for people: `exit 1`, `probe http: status 503`
    ReadyTime ready_for;
};

enum class Outcome : std::uint8_t {
    restart_clean,  ///< comes back, no failure
    restart_failed, ///< comes back, one failure
    done,           ///< a clean end that policy does not restart
    failed          ///< a failure that policy forbids to restart
};

struct Judgement {
    Outcome outcome;
    std::string reason; ///< Ending::what, with what policy has to say to it
};

Judgement judge(const units::RestartSpec&, const Ending&);

/// Whether a run that was ready for so long sets the delay back.
bool is_stable(const units::RestartSpec&, ReadyTime ready_for);

/// Failures of one instance.
struct RestartHistory {
    std::uint32_t in_a_row = 0;    ///< restarts since the last stable run
    std::vector<MonoTime> charged; ///< when the budget was charged, oldest first; only as many
                                   ///< as the budget allows are kept
};

/// Delay before the k-th restart in a row, k from 1: 0 for the first, then
/// min(cap, delay·factor^(k−2)), spread by ± jitter of itself. `draw` is uniform in [−1, 1).
Duration backoff_delay(const units::RestartSpec&, Duration cap, std::uint32_t k, double draw);

/// `window`, raised to failures × (start.timeout + stop.timeout + delay_max) if that is longer:
/// otherwise a unit that is slow to fail could never spend its budget.
Duration budget_window(const units::UnitSpec&);

/// Charges one failure at `now`, forgetting those that have left the window.
void charge(const units::UnitSpec&, RestartHistory&, MonoTime now);

/// Failures that count at `now`.
std::uint32_t charged_within(const units::UnitSpec&, const RestartHistory&, MonoTime now);

/// Whether the budget of `failures` within the window is used up. Never, if `failures` is 0.
bool is_spent(const units::UnitSpec&, const RestartHistory&, MonoTime now);

} // namespace keel::core

namespace keel {
template <>
inline constexpr std::array names_of<core::StartCause> = std::to_array<std::string_view>(
    {"wanted", "operator", "exit", "signal", "start-timeout", "liveness", "unready", "spawn",
     "lost", "bound", "companion", "watchdog", "oom", "deploy"});
} // namespace keel
