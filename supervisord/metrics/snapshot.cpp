#include "metrics/snapshot.hpp"

namespace keel::metrics {

Snapshot take_snapshot(const ports::Supervisor& supervisor, const LogVolumeOf& log_volume_of,
                       const ports::UsageByUnit& usage, std::string version)
{
    Snapshot snapshot{std::move(version), {}, supervisor.counters(), {}};
    for (core::UnitView& view : supervisor.units()) {
        UnitSnapshot unit;
        unit.counters = supervisor.counters_of(view.name);
        unit.probes = supervisor.probe_names(view.name);
        if (log_volume_of) unit.log = log_volume_of(view.name);
        if (const auto used = usage.find(view.name); used != usage.end()) unit.usage = used->second;
        unit.view = std::move(view);
        snapshot.units.push_back(std::move(unit));
    }
    return snapshot;
}

} // namespace keel::metrics
