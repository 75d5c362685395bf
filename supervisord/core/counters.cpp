#include "core/counters.hpp"

#include <algorithm>

namespace keel::core {

void Histogram::observe(double value)
{
    const auto bucket = std::ranges::lower_bound(bounds, value) - bounds.begin();
    ++counts[static_cast<std::size_t>(bucket)];
    sum += value;
}

HostCounters::HostCounters()
    : restart_latency({0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 5, 30, 120}),
      outage_detection({0.001, 0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60}),
      outage_recovery({0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600}),
      probe_latency({0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}),
      loop_lag({0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1})
{}

} // namespace keel::core
