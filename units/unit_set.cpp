#include "units/unit_set.hpp"

#include "units/dependencies.hpp"
#include "units/document.hpp"
#include "units/small_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <variant>

namespace keel::units {
namespace {

std::string because(int errno_value) { return ::strerrordesc_np(errno_value); }

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

LoadedUnit load_file(const std::string& path)
{
    auto text = read_small_file(path, document_size_max);
    if (const auto* given = std::get_if<std::string>(&text)) return load_unit(*given, path);
    const auto& mistake = std::get<Mistake>(text);
    return {
        unit_name_of(path), path, {}, {}, {{path, 0, 0, "", mistake.message, mistake.hint}}, {}};
}

UnitSet link_units(std::vector<LoadedUnit> units)
{
    UnitSet set;
    drop_doubles(units, set.problems);
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

UnitSet load_directory(const std::string& path)
{
    namespace fs = std::filesystem;
    std::error_code error;
    std::vector<std::string> files;
    for (fs::directory_iterator entry(path, error), end; !error && entry != end;
         entry.increment(error)) {
        const std::string name = entry->path().filename();
        if (name.ends_with(unit_file_extension) && !name.starts_with('.'))
            files.push_back(entry->path());
        if (files.size() > units_max) break;
    }
    UnitSet set;
    if (error)
        set.problems.push_back({path, 0, 0, "", "cannot be read: " + because(error.value()),
                                "unit files are looked for in this directory"});
    if (files.size() > units_max)
        set.problems.push_back({path, 0, 0, "",
                                fmt::format("has more than {} unit files", units_max),
                                "none of them is used"});
    if (!set.problems.empty()) return set;

    std::sort(files.begin(), files.end());
    std::vector<LoadedUnit> units;
    units.reserve(files.size());
    for (const std::string& file : files)
        units.push_back(load_file(file));
    return link_units(std::move(units));
}

} // namespace keel::units
