// What concerns several keys of one unit at once: a probe's one target, {port} without port_base,
// min_ready beyond instances.
//
// Pure. What concerns several units is unit_set.hpp's, what concerns the host host_check.hpp's.
#pragma once
#include "units/problem.hpp"
#include "units/reader.hpp"
#include "units/schema.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace keel::units {

/// What a probe can ask, one of which each has.
inline constexpr std::array<std::string_view, 3> probe_targets = {"http", "tcp", "exec"};

/// Gives each probe without a name the name of its target, or `tcp-2` and so on where that is
/// taken. Both lists go by probe.
void give_names(std::vector<std::string>& names, const std::vector<std::string_view>& targets);

/// A list of sections that have names: its key, and what one of them is called.
struct NamedList {
    std::string_view key;
    std::string_view each;
};
/// Reports names that are given twice, then gives names to those that have none, as give_names().
void settle_names(std::vector<std::string>& names, const std::vector<std::string_view>& usual,
                  const NamedList& list, const Notes& notes, Report& report);

/// Ends the reading of one [[probe]]: the target is chosen, and keys of other targets are reported.
/// `place.key` is `probe[2]`.
ProbeSpec finish_probe(const ProbeDraft& draft, const Place& place, const Notes& notes,
                       Report& report);

/// Checks across keys, and the defaults that depend on other keys. A key that has a problem of its
/// own is not judged again.
void finish_unit(UnitSpec& unit, const Notes& notes, Report& report);

/// Takes those of keel.toml's hooks that the ladder names; one that is not there is a problem.
void take_hooks(UnitSpec& unit, const NamedHooks& hooks, const Notes& notes, Report& report);

/// Whether keel.toml has the channels that the unit names.
void check_channels(const UnitSpec& unit, const std::vector<std::string>& channels,
                    const Notes& notes, Report& report);

} // namespace keel::units
