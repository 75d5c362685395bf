#include "core/counters.hpp"

#include <algorithm>

namespace keel::core {

void Histogram::observe(double value)
{
    const auto bucket = std::ranges::lower_bound(bounds, value) - bounds.begin();
    ++counts[static_cast<std::size_t>(bucket)];
    sum += value;
}

namespace {

template <std::size_t count>
void raise_each(const std::array<std::uint64_t, count>& other,
                std::array<std::uint64_t, count>& own)
{
    for (std::size_t i = 0; i < count; ++i)
        own[i] = std::max(own[i], other[i]);
}

} // namespace

void raise_to(const Histogram& other, Histogram& own)
{
    for (std::size_t i = 0; i < own.counts.size() && i < other.counts.size(); ++i)
        own.counts[i] = std::max(own.counts[i], other.counts[i]);
    own.sum = std::max(own.sum, other.sum);
}

void raise_to(const ProbeCounters& other, ProbeCounters& own)
{
    raise_each(other.verdicts, own.verdicts);
}

void raise_to(const UnitCounters& other, UnitCounters& own)
{
    raise_each(other.starts, own.starts);
    raise_each(other.spawn_failures, own.spawn_failures);
    raise_each(other.restraints, own.restraints);
    raise_each(other.outages, own.outages);
    raise_each(other.deploys, own.deploys);
    own.outage_seconds = std::max(own.outage_seconds, other.outage_seconds);
    for (std::size_t i = 0; i < own.probes.size() && i < other.probes.size(); ++i)
        raise_to(other.probes[i], own.probes[i]);
}

void raise_to(const HostCounters& other, HostCounters& own)
{
    raise_to(other.restart_latency, own.restart_latency);
    raise_to(other.outage_detection, own.outage_detection);
    raise_to(other.outage_recovery, own.outage_recovery);
    raise_to(other.probe_latency, own.probe_latency);
    raise_to(other.loop_lag, own.loop_lag);
}

HostCounters::HostCounters()
    : restart_latency({0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 5, 30, 120}),
      outage_detection({0.001, 0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60}),
      outage_recovery({0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600}),
      probe_latency({0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}),
      loop_lag({0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1})
{}

} // namespace keel::core
