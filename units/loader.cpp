#include "units/loader.hpp"

#include "base/text.hpp"
#include "units/document.hpp"
#include "units/mistakes.hpp"
#include "units/schema.hpp"
#include "units/validate.hpp"

#include <fmt/format.h>
#include <unordered_map>

namespace keel::units {
namespace {

const Key* find_key(const std::string& path)
{
    static const auto index = [] {
        std::unordered_map<std::string_view, const Key*> keys;
        for (const Key& key : schema())
            keys.emplace(key.path, &key);
        return keys;
    }();
    const auto found = index.find(path);
    return found == index.end() ? nullptr : found->second;
}

/// Walks over the tables of a document along the schema.
class Walk {
public:
    Walk(Draft& draft, Report& report, Notes& notes) : draft_(draft), report_(report), notes_(notes)
    {}

    /// `parent` is the schema's name of the table (`probe[].`), `prefix` that of the problems
    /// (`probe[2].`).
    void read_table(const std::string& parent, const std::string& prefix, const Table& table,
                    Position at)
    {
        for (const Entry& entry : table) {
            const Key* const key = find_key(parent + entry.key);
            // A dotted name in quotes is one name, and no key is called that.
            const bool known = key != nullptr && last_name(key->path) == entry.key;
            if (known)
                read_entry(*key, {prefix + entry.key, entry.at}, entry.value);
            else
                report_.add(entry.at, prefix + entry.key, unknown_key(parent, entry.key));
        }
        require(parent, prefix, at);
    }

private:
    void read_entry(const Key& key, const Place& place, const Value& value)
    {
        if (std::holds_alternative<Section>(key.kind))
            read_section(key, place, value);
        else if (const auto* sections = std::get_if<Sections>(&key.kind))
            read_sections(key, *sections, place, value);
        else
            read_value(key, place, value, draft_, report_, notes_);
    }

    void read_section(const Key& key, const Place& place, const Value& value)
    {
        if (const auto* table = std::get_if<Table>(&value.data))
            read_table(std::string(key.path) + ".", place.key + ".", *table, place.at);
        else
            report_.add(value.at, place.key, wrong_type(key, value));
    }

    void read_sections(const Key& key, const Sections& sections, const Place& place,
                       const Value& value)
    {
        const auto* list = std::get_if<List>(&value.data);
        if (list == nullptr) return report_.add(value.at, place.key, wrong_type(key, value));
        if (list->size() > sections.sections_max)
            return report_.add(value.at, place.key,
                               {fmt::format("has more than {} sections", sections.sections_max),
                                "leave some out"});
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
            draft_.probe = {};
            read_table(std::string(key.path) + "[].", here.key + ".", *table, element.at);
            draft_.unit.probes.push_back(finish_probe(draft_.probe, here, notes_, report_));
        }
    }

    void require(const std::string& parent, const std::string& prefix, Position at)
    {
        for (const Key& key : schema()) {
            if (key.presence != Presence::required || parent_of(key.path) != parent) continue;
            const std::string name = prefix + std::string(last_name(key.path));
            if (!notes_.positions.contains(name)) report_.add(at, name, missing_key(key));
        }
    }

    Draft& draft_;
    Report& report_;
    Notes& notes_;
};

} // namespace

std::string unit_name_of(std::string_view file)
{
    std::string_view name = file.substr(file.find_last_of('/') + 1);
    if (name.ends_with(unit_file_extension)) name.remove_suffix(unit_file_extension.size());
    return std::string(name);
}

LoadedUnit load_unit(std::string_view text, const std::string& file)
{
    LoadedUnit loaded{unit_name_of(file), file, {}, {}, {}, {}};
    Report report(file);
    Notes notes;
    Draft draft;
    draft.unit.name = loaded.name;
    if (!is_name(loaded.name))
        report.add({}, "",
                   {fmt::format("`{}` cannot be the name of a unit", printable(loaded.name, 80)),
                    "the file's name is the unit's: " + std::string(name_rule)});

    const auto document = parse_document(text, file);
    if (const auto* problem = std::get_if<Problem>(&document)) {
        report.add({problem->line, problem->column}, "", {problem->message, problem->hint});
    } else {
        Walk(draft, report, notes).read_table("", "", std::get<Table>(document), {1, 1});
        finish_unit(draft.unit, notes, report);
        (report.empty() ? loaded.spec : loaded.remains) = std::move(draft.unit);
    }
    loaded.problems = report.take();
    loaded.positions = std::move(notes.positions);
    return loaded;
}

const UnitSpec* readable_spec(const LoadedUnit& unit)
{
    if (unit.spec) return &*unit.spec;
    return unit.remains ? &*unit.remains : nullptr;
}

Position position_of(const LoadedUnit& unit, std::string_view key)
{
    const auto found = unit.positions.find(key);
    return found == unit.positions.end() ? Position{1, 1} : found->second;
}

} // namespace keel::units
