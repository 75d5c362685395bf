// A snapshot as Prometheus has it: families of the catalogue with a value for every series.
//
// One Collectable over plain numbers. Objects of prometheus-cpp's own for every series would cost
// some 30 KB a unit and be kept up to date at every event; this costs nothing until it is asked.
#pragma once
#include "metrics/snapshot.hpp"

#include <prometheus/collectable.h>
#include <string>

namespace keel::metrics {

class Collector final : public prometheus::Collectable {
public:
    /// The snapshot must outlive the collector.
    explicit Collector(const Snapshot& snapshot) : snapshot_(snapshot) {}
    [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

private:
    const Snapshot& snapshot_;
};

/// The page that Prometheus reads, in its text format 0.0.4.
std::string page_of(const Snapshot& snapshot);

} // namespace keel::metrics
