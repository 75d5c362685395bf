// What the engine counts, as plain numbers; metrics/ turns them into series. Kept over engine
// restarts by the state journal, and over boots by the totals, so that no count ever goes back; but
// for the engine's own starts, which begin anew with each boot, and with each loss of its state.
#pragma once
#include "core/unit.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace keel::core {

/// A histogram with fixed upper bounds (seconds, ascending); `counts` has one more for +Inf.
struct Histogram {
    std::vector<double> bounds;
    std::vector<std::uint64_t> counts;
    double sum = 0;

    explicit Histogram(std::vector<double> upper_bounds)
        : bounds(std::move(upper_bounds)), counts(bounds.size() + 1)
    {}
    void observe(double value);
};

template <NamedEnum E> using CountBy = std::array<std::uint64_t, names_of<E>.size()>;

struct ProbeCounters {
    CountBy<Verdict> verdicts{};
};

/// Of one unit.
struct UnitCounters {
    CountBy<StartCause> starts{}; ///< processes that ran, by cause; `wanted` is no restart
    CountBy<SetupStage> spawn_failures{};
    CountBy<Restraint> restraints{}; ///< kills for liveness that were held back, by what
    CountBy<OutageCause> outages{};  ///< those that outlived `grace`, and were not planned
    double outage_seconds = 0;       ///< of closed ones; the open one's length comes on top
    CountBy<CloseDeployment::Outcome> deploys{};
    std::vector<ProbeCounters> probes; ///< one per ProbeSpec, all instances together
};

/// Raises what is lower than in `other`: both were true once, and none goes back.
void raise_to(const Histogram& other, Histogram& own);
void raise_to(const ProbeCounters& other, ProbeCounters& own);
/// Probes are those of the same place.
void raise_to(const UnitCounters& other, UnitCounters& own);

/// How the latest apply ended: on the new configuration, or not.
struct LastApply {
    enum class Outcome : std::uint8_t { none, failed, in_force } outcome = Outcome::none;
    WallTime at{};
};

/// Of the host.
struct HostCounters {
    std::uint64_t engine_starts = 0;
    std::uint64_t adopted_processes = 0;
    std::uint64_t invariant_failures = 0;
    LastApply last_apply;
    /// Those that are over, by verb and outcome.
    std::array<CountBy<OperationResult::Outcome>, names_of<Verb>.size()> operations{};
    Histogram restart_latency; ///< end of a process to the next one running, backoff included
    Histogram outage_detection;
    Histogram outage_recovery;
    Histogram probe_latency;
    Histogram loop_lag; ///< how long one turn of the loop took
    HostCounters();
};

/// The histograms alone.
void raise_to(const HostCounters& other, HostCounters& own);

} // namespace keel::core
