// What the state journal's records say: one JSON object per host, unit, process and ended outage,
// and the last words of outages as lists.
//
// A record holds what a new engine cannot find out by looking: what is wanted, histories,
// deadlines, open outages, counters. Times on the monotonic clock are its nanoseconds; they hold
// within one boot, and the journal begins anew with each. What decode cannot read it refuses as a
// whole.
#pragma once
#include "core/counters.hpp"
#include "core/host.hpp"
#include "core/views.hpp"
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
    core::LastApply last_apply{};
    decltype(core::HostCounters::operations) operations{};
};

/// An operation, and the key under which its asker may ask again; empty: none.
struct KeyedOperation {
    core::OperationRecord record;
    std::string key;
    std::optional<core::DeployTerms> deploy{}; ///< none: an older record, which does not say
};

std::string encode(const HostRecord&);
std::string encode(const KeyedOperation&);
/// The unit with its instances and its counters, in one record: a new engine finds all of a step
/// or nothing of it.
std::string encode(const core::Unit&, const core::UnitCounters&);
std::string encode(const ports::Spawner::Survivor&);
std::string encode(const core::Outage&);
std::string encode(const std::vector<std::string>& last_words);

/// The unit's releases below that root, and its deployment, alone, to be kept over boots.
std::string encode_releases(const core::Unit&, const std::string& root);
/// False also if they are below another root.
bool decode_releases(std::string_view, const std::string& root, core::Unit& unit);

/// A hold that outlives the boot, for a journal that does so, too.
std::string encode(const core::Held&);
/// Its time as the present boot's clocks have it: what is left by the wall clock, yet never more
/// than the hold's whole length, whatever a wall clock says that is not set yet. The time may be
/// over. What it goes back to is for the unit's file to say.
std::optional<core::Held> decode_hold(std::string_view, Now now);

std::optional<HostRecord> decode_host(std::string_view);
/// Instances beyond those that `unit` has, and units' missing ones, are left out.
bool decode(std::string_view, core::Unit& unit, core::UnitCounters&);
std::optional<ports::Spawner::Survivor> decode_process(std::string_view);
std::optional<core::Outage> decode_outage(std::string_view);
/// Null: no sense in it.
core::LastWords decode_last_words(std::string_view);
std::optional<KeyedOperation> decode_operation(std::string_view);

} // namespace keel::engine
