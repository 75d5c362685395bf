#include "units/walk.hpp"

#include "base/text.hpp"
#include "units/mistakes.hpp"

#include <fmt/format.h>
#include <unordered_map>

namespace keel::units {
namespace {

using Index = std::unordered_map<std::string_view, const Key*>;

Index index_of(const Language& language)
{
    Index keys;
    for (const Key& key : language.keys)
        keys.emplace(key.path, &key);
    return keys;
}

const Key* find_key(const Language& language, const std::string& path)
{
    static const Index of_units = index_of(unit_language());
    static const Index of_daemon = index_of(daemon_language());
    const Index& index = &language == &daemon_language() ? of_daemon : of_units;
    const auto found = index.find(path);
    return found == index.end() ? nullptr : found->second;
}

} // namespace

void Walk::read_table(const std::string& parent, const std::string& prefix, const Table& table,
                      Position at)
{
    for (const Entry& entry : table) {
        const Key* const key = find_key(language_, parent + entry.key);
        // A dotted name in quotes is one name, and no key is called that.
        const bool known = key != nullptr && last_name(key->path) == entry.key;
        if (known)
            read_entry(*key, {prefix + entry.key, entry.at}, entry.value);
        else
            report_.add(entry.at, prefix + entry.key, unknown_key(language_, parent, entry.key));
    }
    require(parent, prefix, at);
}

void Walk::read_entry(const Key& key, const Place& place, const Value& value)
{
    if (std::holds_alternative<Section>(key.kind))
        read_section(key, place, value);
    else if (const auto* sections = std::get_if<Sections>(&key.kind))
        read_sections(key, *sections, place, value);
    else if (const auto* named = std::get_if<NamedSections>(&key.kind))
        read_named(key, *named, place, value);
    else if (std::holds_alternative<UnitKeys>(key.kind))
        read_defaults(place, value);
    else
        read_value(key, place, value, draft_, report_, notes_);
}

void Walk::read_section(const Key& key, const Place& place, const Value& value)
{
    if (const auto* table = std::get_if<Table>(&value.data))
        read_table(std::string(key.path) + ".", place.key + ".", *table, place.at);
    else
        report_.add(value.at, place.key, wrong_type(key, value));
}

void Walk::read_named(const Key& key, const NamedSections& sections, const Place& place,
                      const Value& value)
{
    const auto* named = std::get_if<Table>(&value.data);
    if (named == nullptr) return report_.add(value.at, place.key, wrong_type(key, value));
    if (named->size() > sections.sections_max)
        return report_.add(
            value.at, place.key,
            {fmt::format("has more than {} sections", sections.sections_max), "leave some out"});
    for (const Entry& entry : *named) {
        const Place here{place.key + "." + printable(entry.key, 64), entry.at};
        if (!is_name(entry.key)) {
            report_.add(here.at, here.key,
                        {fmt::format("`{}` cannot be a name", printable(entry.key, 64)),
                         std::string(name_rule)});
            continue;
        }
        const auto* table = std::get_if<Table>(&entry.value.data);
        if (table == nullptr) {
            report_.add(entry.value.at, here.key,
                        {fmt::format("expected a section, found {}", type_name(entry.value)),
                         fmt::format("[{}], and its keys below it", here.key)});
            continue;
        }
        read_table(std::string(key.path) + ".NAME.", here.key + ".", *table, entry.at);
        sections.keep(draft_, entry.key);
    }
}

/// What is said there is only judged here; it is read once more under each unit.
void Walk::read_defaults(const Place& place, const Value& value)
{
    const auto* table = std::get_if<Table>(&value.data);
    if (table == nullptr) {
        report_.add(value.at, place.key,
                    {fmt::format("expected a section, found {}", type_name(value)),
                     fmt::format("[{}], and keys of a unit file below it", place.key)});
        return;
    }
    Draft draft;
    Notes notes;
    Walk(defaults_language(), Extent::fragment, draft, report_, notes)
        .read_table("", place.key + ".", *table, place.at);
}

void Walk::read_sections(const Key& key, const Sections& sections, const Place& place,
                         const Value& value)
{
    const auto* list = std::get_if<List>(&value.data);
    if (list == nullptr) return report_.add(value.at, place.key, wrong_type(key, value));
    if (list->size() > sections.sections_max)
        return report_.add(
            value.at, place.key,
            {fmt::format("has more than {} sections", sections.sections_max), "leave some out"});
    for (std::size_t i = 0; i < list->size(); ++i) {
        const Value& element = (*list)[i];
        const Place here{fmt::format("{}[{}]", place.key, i + 1), element.at};
        const auto* table = std::get_if<Table>(&element.data);
        if (table == nullptr) {
            report_.add(element.at, here.key,
                        {fmt::format("expected a section, found {}", type_name(element)),
                         fmt::format("[[{}]], and its keys below it", place.key)});
            continue;
        }
        sections.begin(draft_);
        read_table(std::string(key.path) + "[].", here.key + ".", *table, element.at);
        if (extent_ == Extent::whole) sections.keep(draft_, here, notes_, report_);
    }
}

void Walk::require(const std::string& parent, const std::string& prefix, Position at)
{
    if (extent_ == Extent::fragment) return;
    for (const Key& key : language_.keys) {
        if (key.presence != Presence::required || parent_of(key.path) != parent) continue;
        const std::string name = prefix + std::string(last_name(key.path));
        if (!notes_.positions.contains(name)) report_.add(at, name, missing_key(key));
    }
}

} // namespace keel::units
