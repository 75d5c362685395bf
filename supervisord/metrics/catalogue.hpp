// The catalogue of metrics: the only place that names them.
//
// Exporter, documentation and tests all read this table. Every series of a closed label set exists
// from the start, at 0, so that a rate() over it is right from the first event on. Durations are
// in seconds, sizes in bytes, as Prometheus has it.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace keel::metrics {

enum class Kind : std::uint8_t { gauge, counter, histogram };

struct MetricSpec {
    std::string_view name;
    Kind kind;
    std::string_view help;
    std::array<std::string_view, 4> labels{}; ///< in order; empty ones are not there
};

/// Index into the catalogue. The order is that of the page.
enum class Metric : std::uint8_t {
    unit_up,
    unit_status,
    unit_ready_instances,
    unit_wanted_instances,
    unit_held,
    unit_info,
    restarts,
    liveness_restraints,
    spawn_failures,
    ladder_rung,
    ladder_last_rung,
    release_info,
    deploys,
    outages,
    outage_seconds,
    outage_open,
    outage_open_since,
    availability,
    log_bytes,
    log_dropped_bytes,
    cpu_seconds,
    memory_bytes,
    processes,
    oom_kills,
    probe_up,
    probe_duration,
    probe_verdicts,
    restart_latency,
    outage_detection,
    outage_recovery,
    probe_latency,
    loop_lag,
    notifications,
    operations,
    engine_starts,
    adopted_processes,
    config_last_apply_success,
    config_last_apply_timestamp,
    invariant_failures,
    build_info
};

inline constexpr std::array catalogue = std::to_array<MetricSpec>({
    {"keel_unit_up",
     Kind::gauge,
     "1 while the unit has as many ready instances as it needs (min_ready), else 0.",
     {"unit"}},
    {"keel_unit_status",
     Kind::gauge,
     "1 for the status that the unit has, 0 for all others.",
     {"unit", "status"}},
    {"keel_unit_ready_instances", Kind::gauge, "Instances that are ready or done.", {"unit"}},
    {"keel_unit_wanted_instances", Kind::gauge, "Instances that the unit file asks for.", {"unit"}},
    {"keel_unit_held", Kind::gauge, "1 while a person holds the unit, else 0.", {"unit"}},
    {"keel_unit_info",
     Kind::gauge,
     "Always 1; its labels tell of the unit, those of its own (labels) among them.",
     {"unit", "description"}},
    {"keel_restarts_total",
     Kind::counter,
     "Starts of instances other than first starts, by what made them necessary.",
     {"unit", "reason"}},
    {"keel_liveness_restraints_total",
     Kind::counter,
     "Kills for a failed liveness probe that were held back, by what held them back: the loop of "
     "keeld was late, others of the unit were being replaced, or the storm brake was on.",
     {"unit", "reason"}},
    {"keel_spawn_failures_total",
     Kind::counter,
     "Starts that failed before the program ran, by the stage of the set-up that failed.",
     {"unit", "stage"}},
    {"keel_ladder_rung",
     Kind::gauge,
     "How far the unit has climbed its escalation ladder; 0 is the bottom.",
     {"unit"}},
    {"keel_ladder_last_rung",
     Kind::gauge,
     "The last rung of the unit's ladder, counted from 0; with one rung, there is nothing to "
     "climb.",
     {"unit"}},
    {"keel_release_info",
     Kind::gauge,
     "Always 1; its labels tell of the unit's current release, and whether it is good. Only of "
     "units with [deploy] that have one.",
     {"unit", "release", "good"}},
    {"keel_deploys_total",
     Kind::counter,
     "Deployments, redeployments and rollbacks that are over, whoever asked for them, by how they "
     "ended. Only of units with [deploy].",
     {"unit", "result"}},
    {"keel_outages_total",
     Kind::counter,
     "Unplanned outages that outlived the unit's grace, by cause.",
     {"unit", "cause"}},
    {"keel_outage_seconds_total",
     Kind::counter,
     "Time in unplanned outages; it advances while one is open.",
     {"unit"}},
    {"keel_outage_open", Kind::gauge, "1 while an unplanned outage is open, else 0.", {"unit"}},
    {"keel_outage_open_since_timestamp_seconds",
     Kind::gauge,
     "When the open unplanned outage began (Unix time); 0 while none is open.",
     {"unit"}},
    {"keel_availability_ratio",
     Kind::gauge,
     "Ready time by the time in which the unit was wanted up, without planned outages and without "
     "the time in which Keel was away, in the last hour, day and month; NaN where nothing is "
     "known.",
     {"unit", "window"}},
    {"keel_log_bytes_total",
     Kind::counter,
     "Bytes of the unit's output that were stored, since the engine began.",
     {"unit"}},
    {"keel_log_dropped_bytes_total",
     Kind::counter,
     "Bytes of the unit's output that could not be stored, since the engine began.",
     {"unit"}},
    {"keel_unit_cpu_seconds_total",
     Kind::counter,
     "Processor time of the unit's processes, hooks and exec probes since the engine began; where "
     "they have no control groups, less what ended between two readings of this page.",
     {"unit"}},
    {"keel_unit_memory_bytes",
     Kind::gauge,
     "Memory of the unit's processes: what their control groups are charged with, page cache "
     "included; where the host does not count that, resident memory added up, shared pages "
     "once for each process.",
     {"unit"}},
    {"keel_unit_processes",
     Kind::gauge,
     "Living processes of the unit, whatever they descend from; hooks and exec probes too.",
     {"unit"}},
    {"keel_unit_oom_kills_total",
     Kind::counter,
     "Processes of the unit that the kernel killed for want of memory, since the engine began. "
     "Stays 0 where the host hands no memory controller down to control groups.",
     {"unit"}},
    {"keel_probe_up",
     Kind::gauge,
     "1 while the probe's latest verdict is pass, else 0.",
     {"unit", "instance", "probe"}},
    {"keel_probe_duration_seconds",
     Kind::gauge,
     "How long the probe's latest try took.",
     {"unit", "instance", "probe"}},
    {"keel_probe_verdicts_total",
     Kind::counter,
     "Verdicts of the probe, all instances together. Unknown speaks against the prober, not the "
     "unit.",
     {"unit", "probe", "verdict"}},
    {"keel_restart_latency_seconds",
     Kind::histogram,
     "From the end of a process to the next one running, backoff included.",
     {}},
    {"keel_outage_detection_seconds",
     Kind::histogram,
     "From the first sign of an outage to its opening.",
     {}},
    {"keel_outage_recovery_seconds",
     Kind::histogram,
     "Length of unplanned outages that closed.",
     {}},
    {"keel_probe_latency_seconds", Kind::histogram, "How long tries of probes took.", {}},
    {"keel_loop_lag_seconds",
     Kind::histogram,
     "How long a turn of the event loop took: for so long nothing else was served.",
     {}},
    {"keel_notifications_total",
     Kind::counter,
     "What became of what people are told, by channel: delivered, kept back in quiet time, or "
     "dropped because too many waited or it had waited for a day. Failed is a try, and is tried "
     "again.",
     {"channel", "result"}},
    {"keel_operations_total",
     Kind::counter,
     "Operations that are over, by how they ended: those that persons asked for, and those that an "
     "apply made necessary.",
     {"verb", "result"}},
    {"keel_engine_starts_total",
     Kind::counter,
     "Starts of the engine since the host was booted; more than 1 means that it was replaced.",
     {}},
    {"keel_adopted_processes_total",
     Kind::counter,
     "Living processes that an engine took over from the one before it.",
     {}},
    {"keel_config_last_apply_success",
     Kind::gauge,
     "0 if the latest apply since the host was booted was reverted, else 1.",
     {}},
    {"keel_config_last_apply_timestamp_seconds",
     Kind::gauge,
     "When the latest apply ended, since the epoch; 0: there was none since the host was booted.",
     {}},
    {"keel_invariant_failures_total",
     Kind::counter,
     "Defects of Keel that it noticed itself. Please report them.",
     {}},
    {"keel_build_info", Kind::gauge, "Always 1; its label tells the version.", {"version"}},
});
static_assert(catalogue.size() == static_cast<std::size_t>(Metric::build_info) + 1);

constexpr const MetricSpec& spec_of(Metric metric)
{
    return catalogue[static_cast<std::size_t>(metric)];
}

constexpr std::size_t label_count(const MetricSpec& spec)
{
    std::size_t count = 0;
    while (count < spec.labels.size() && !spec.labels[count].empty())
        ++count;
    return count;
}

} // namespace keel::metrics
