// What was counted, as a part of the state journal's records and as records of the totals.
//
// Of the totals there is one record per unit, written whenever something of it is counted that is
// rare, and one of what was told: what changes with every probe and every turn is written down when
// somebody is about to be told of it, and only then. Reading takes the larger of two counts, as
// both were true once; so nothing that is read twice, or late, counts for more.
#pragma once
#include "core/counters.hpp"
#include "engine/state_json.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keel::engine {

state_json::json put_counters(const core::UnitCounters& counters);
/// As many as both know; throws json::exception.
void get_counters(const state_json::json& j, core::UnitCounters& counters);

/// Probes go by their names, as another configuration may have them in other places.
std::string encode(const core::UnitCounters& counters, const std::vector<std::string>& probes);
/// Raises what is lower than the record says. One without sense changes nothing.
void raise_to(std::string_view record, core::UnitCounters& counters,
              const std::vector<std::string>& probes);

/// What a page of metrics says beyond the units' own records.
struct ToldCounts {
    core::HostCounters host{}; ///< the histograms only
    struct OfUnit {
        std::map<std::string, core::ProbeCounters> probes{};
        double outage_seconds = 0; ///< with those of the outage that is open
    };
    std::map<std::string, OfUnit> units{};
};
std::string encode(const ToldCounts& told);
std::optional<ToldCounts> decode_told(std::string_view record);

} // namespace keel::engine
