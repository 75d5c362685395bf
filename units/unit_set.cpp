#include "units/unit_set.hpp"

#include "units/dependencies.hpp"
#include "units/releases.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::units {
namespace {

bool by_name(const LoadedUnit& a, const LoadedUnit& b) { return a.name < b.name; }

/// Keeps the first unit of each name; the others become problems of the set.
void drop_doubles(std::vector<LoadedUnit>& units, std::vector<Problem>& problems)
{
    std::stable_sort(units.begin(), units.end(), by_name);
    std::vector<LoadedUnit> kept;
    for (LoadedUnit& unit : units) {
        if (kept.empty() || kept.back().name != unit.name)
            kept.push_back(std::move(unit));
        else
            problems.push_back({unit.path, 0, 0, "",
                                fmt::format("the unit `{}` is defined already", unit.name),
                                "by " + kept.back().path});
    }
    units = std::move(kept);
}

} // namespace

const LoadedUnit* UnitSet::find(std::string_view name) const
{
    const auto found =
        std::lower_bound(units.begin(), units.end(), name,
                         [](const LoadedUnit& unit, std::string_view n) { return unit.name < n; });
    return found != units.end() && found->name == name ? &*found : nullptr;
}

std::vector<Problem> UnitSet::all_problems() const
{
    std::vector<Problem> all = problems;
    for (const LoadedUnit& unit : units)
        all.insert(all.end(), unit.problems.begin(), unit.problems.end());
    return all;
}

LoadedUnit load_file(const std::string& path) { return load_unit(collect_file(path)); }

UnitSet link_units(std::vector<LoadedUnit> units)
{
    UnitSet set;
    drop_doubles(units, set.problems);
    check_roots(units);
    check_dependencies(units);
    for (LoadedUnit& unit : units) {
        if (unit.problems.empty()) continue;
        if (unit.spec) unit.remains = std::move(unit.spec);
        unit.spec.reset();
        sort_by_position(unit.problems);
    }
    set.units = std::move(units);
    return set;
}

UnitSet load_units(const Collected& collected, const Defaults& defaults)
{
    std::vector<LoadedUnit> units;
    units.reserve(collected.units.size());
    for (const UnitSources& sources : collected.units)
        units.push_back(load_unit(sources, defaults));
    UnitSet set = link_units(std::move(units));
    set.problems.insert(set.problems.begin(), collected.problems.begin(), collected.problems.end());
    return set;
}

UnitSet load_directory(const std::string& path) { return load_units(collect({path})); }

} // namespace keel::units
