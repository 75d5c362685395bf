// Everything that the metrics are made of, as plain values of one moment.
//
// Taken on the loop's thread, where it costs a copy; turned into text elsewhere. It holds views and
// counters as they are and no name of a metric.
#pragma once
#include "core/counters.hpp"
#include "core/views.hpp"
#include "metrics/availability.hpp"
#include "ports/notifier.hpp"
#include "ports/supervisor.hpp"
#include "ports/usage_meter.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace keel::metrics {

/// What became of a unit's output since the engine began.
struct LogVolume {
    std::uint64_t bytes = 0;
    std::uint64_t dropped_bytes = 0;
};
using LogVolumeOf = std::function<LogVolume(const std::string& unit)>;

struct UnitSnapshot {
    core::UnitView view;
    core::UnitCounters counters;
    std::vector<std::string> probes; ///< names, in the order of counters.probes
    LogVolume log;
    ports::Usage usage;
};

struct Snapshot {
    std::string version;
    std::vector<UnitSnapshot> units;
    core::HostCounters host;
    ports::NotificationCounts notifications{};
    Availabilities::Latest availabilities{};
};

Snapshot take_snapshot(const ports::Supervisor& supervisor, const LogVolumeOf& log_volume_of,
                       const ports::UsageByUnit& usage, std::string version);

} // namespace keel::metrics
