// What the state journal's records say: one JSON object per host, unit, instance, process and
// ended outage.
//
// A record holds what a new engine cannot find out by looking: what is wanted, histories,
// deadlines, open outages, counters. Times on the monotonic clock are its nanoseconds; they hold
// within one boot, and the journal begins anew with each. What decode cannot read it refuses as a
// whole.
#pragma once
#include "core/counters.hpp"
#include "core/host.hpp"
#include "ports/spawner.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace keel::engine {

/// Host-wide numbers.
struct HostRecord {
    core::Host::Counters counters;
    OperationId next_operation{1};
    std::uint64_t engine_starts = 0;
    std::uint64_t adopted_processes = 0;
    std::uint64_t invariant_failures = 0;
};

std::string encode(const HostRecord&);
/// Everything of the unit but its instances, and its counters.
std::string encode(const core::Unit&, const core::UnitCounters&);
std::string encode(const core::Instance&);
std::string encode(const ports::Spawner::Survivor&);
std::string encode(const core::Outage&);

std::optional<HostRecord> decode_host(std::string_view);
bool decode(std::string_view, core::Unit&, core::UnitCounters&);
std::optional<core::Instance> decode_instance(std::string_view);
std::optional<ports::Spawner::Survivor> decode_process(std::string_view);
std::optional<core::Outage> decode_outage(std::string_view);

} // namespace keel::engine
