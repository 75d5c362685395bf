#include "units/overlay.hpp"

#include "units/schema.hpp"
#include "units/validate.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace keel::units {
namespace {

void mark_source(Value& value, std::uint32_t source)
{
    value.at.source = source;
    if (auto* table = std::get_if<Table>(&value.data)) units::mark_source(*table, source);
    if (auto* list = std::get_if<List>(&value.data))
        for (Value& element : *list)
            mark_source(element, source);
}

const Entry* find(const Table& table, std::string_view key)
{
    const auto found = std::find_if(table.begin(), table.end(),
                                    [&](const Entry& entry) { return entry.key == key; });
    return found == table.end() ? nullptr : &*found;
}

std::string given_name(const Table& probe)
{
    const Entry* const entry = find(probe, "name");
    const auto* name = entry == nullptr ? nullptr : std::get_if<std::string>(&entry->value.data);
    return name == nullptr ? std::string{} : *name;
}

/// The first target that a probe has; empty: none.
std::string_view target_of(const Table& probe)
{
    for (const std::string_view target : probe_targets)
        if (find(probe, target) != nullptr) return target;
    return {};
}

/// Whether a key of a probe says something about another target than this one.
bool is_of_another_target(std::string_view key, std::string_view target)
{
    for (const Key& row : schema())
        if (parent_of(row.path) == "probe[]." && last_name(row.path) == key &&
            !row.only_with.empty())
            return row.only_with != target;
    return key != target &&
           std::find(probe_targets.begin(), probe_targets.end(), key) != probe_targets.end();
}

void lay_over_probe(Table& base, Table&& over)
{
    if (const std::string_view target = target_of(over); !target.empty())
        std::erase_if(base,
                      [&](const Entry& entry) { return is_of_another_target(entry.key, target); });
    lay_over(base, std::move(over));
}

/// The places of probes by the names that they have or would get; the first of each name.
std::map<std::string, std::size_t> places_by_name(const List& probes)
{
    std::vector<std::string> names;
    std::vector<std::string_view> targets;
    for (const Value& probe : probes) {
        const auto* table = std::get_if<Table>(&probe.data);
        names.push_back(table == nullptr ? std::string{} : given_name(*table));
        targets.push_back(table == nullptr ? std::string_view{} : target_of(*table));
    }
    give_names(names, targets);
    std::map<std::string, std::size_t> places;
    for (std::size_t i = 0; i < names.size(); ++i)
        places.emplace(names[i], i);
    return places;
}

/// Far more than a unit may have; finding names among them takes time.
constexpr std::size_t probes_searched_max = 256;

void lay_over_probes(List& base, List&& over)
{
    const auto places = base.size() > probes_searched_max ? std::map<std::string, std::size_t>{}
                                                          : places_by_name(base);
    for (Value& probe : over) {
        auto* table = std::get_if<Table>(&probe.data);
        const auto found = table == nullptr ? places.end() : places.find(given_name(*table));
        auto* below =
            found == places.end() ? nullptr : std::get_if<Table>(&base[found->second].data);
        if (below != nullptr)
            lay_over_probe(*below, std::move(*table));
        else
            base.push_back(std::move(probe));
    }
}

void lay_over_value(const std::string& key, Value& base, Value&& over)
{
    auto* table = std::get_if<Table>(&base.data);
    auto* table_over = std::get_if<Table>(&over.data);
    if (table != nullptr && table_over != nullptr) return lay_over(*table, std::move(*table_over));
    auto* list = std::get_if<List>(&base.data);
    auto* list_over = std::get_if<List>(&over.data);
    if (key == "probe" && list != nullptr && list_over != nullptr)
        return lay_over_probes(*list, std::move(*list_over));
    base = std::move(over);
}

} // namespace

void mark_source(Table& table, std::uint32_t source)
{
    for (Entry& entry : table) {
        entry.at.source = source;
        mark_source(entry.value, source);
    }
}

void lay_over(Table& base, Table&& over)
{
    std::map<std::string, std::size_t> places;
    for (std::size_t i = 0; i < base.size(); ++i)
        places.emplace(base[i].key, i);
    for (Entry& entry : over) {
        const auto found = places.find(entry.key);
        if (found == places.end()) {
            base.push_back(std::move(entry));
            continue;
        }
        Entry& below = base[found->second];
        if (!std::holds_alternative<Table>(below.value.data)) below.at = entry.at;
        lay_over_value(entry.key, below.value, std::move(entry.value));
    }
}

} // namespace keel::units
