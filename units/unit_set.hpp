// All units of a configuration, checked against each other.
//
// A unit's mistakes are its own: the others stay usable. What a unit drags along are those that
// require it, since they could never start. link_units() is pure; load_file() and load_directory()
// read files as sources.hpp has it.
#pragma once
#include "units/loader.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace keel::units {

struct UnitSet {
    std::vector<LoadedUnit> units; ///< sorted by name, each name once
    std::vector<Problem> problems; ///< of the directory as a whole, and of files that are no units

    [[nodiscard]] const LoadedUnit* find(std::string_view name) const;
    /// Problems of the directory and of every unit, in the order in which people fix them.
    [[nodiscard]] std::vector<Problem> all_problems() const;
};

/// Reads one unit file and its drop-ins. That one cannot be read is a problem too.
LoadedUnit load_file(const std::string& path);

/// Checks units against each other: dependencies that do not exist, cycles, names that occur twice,
/// requirements that have problems, releases in one place. A unit that gets a
/// problem here loses its spec.
UnitSet link_units(std::vector<LoadedUnit> units);

/// What was collected, loaded and linked. Pure.
UnitSet load_units(const Collected& collected, const Defaults& defaults = {});

/// Every unit of one directory, loaded and linked.
UnitSet load_directory(const std::string& path);

} // namespace keel::units
