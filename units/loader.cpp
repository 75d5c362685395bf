#include "units/loader.hpp"

#include "base/text.hpp"
#include "units/document.hpp"
#include "units/overlay.hpp"
#include "units/validate.hpp"
#include "units/walk.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::units {
namespace {

bool is_deploy(const Entry& entry) { return entry.key == "deploy"; }

bool has_deploy(const Table& table) { return std::any_of(table.begin(), table.end(), is_deploy); }

/// The texts of one unit on their way to a spec.
class Loading {
public:
    Loading(const UnitSources& sources, const Defaults& defaults)
        : loaded_{sources.name, sources.file.path, paths_of(sources, defaults), {}, {}, {}, {}},
          report_(loaded_.sources), defaults_(defaults)
    {
        if (!is_name(loaded_.name))
            report_.add(
                {}, "",
                {fmt::format("`{}` cannot be the name of a unit", printable(loaded_.name, 80)),
                 "the file's name is the unit's: " + std::string(name_rule)});
        file_ = take(sources.file, 0);
        std::uint32_t source = 0;
        for (const Source& drop_in : sources.drop_ins)
            if (auto table = take(drop_in, ++source)) drop_ins_.push_back(std::move(*table));
    }

    LoadedUnit finish()
    {
        // What a drop-in hides is judged all the same: it comes back once the drop-in goes.
        if (!drop_ins_.empty()) {
            if (file_) read_alone(*file_);
            for (const Table& drop_in : drop_ins_)
                read_alone(drop_in);
        }
        Notes notes;
        if (file_) {
            Table whole = defaults_.keys;
            if (!is_deployed()) std::erase_if(whole, is_deploy);
            mark_source(whole, static_cast<std::uint32_t>(loaded_.sources.size() - 1));
            lay_over(whole, std::move(*file_));
            for (Table& drop_in : drop_ins_)
                lay_over(whole, std::move(drop_in));
            Draft draft;
            draft.unit.name = loaded_.name;
            Walk(unit_language(), Extent::whole, draft, report_, notes)
                .read_table("", "", whole, {1, 1});
            finish_unit(draft.unit, notes, report_);
            if (defaults_.hooks) take_hooks(draft.unit, *defaults_.hooks, notes, report_);
            if (defaults_.channels) check_channels(draft.unit, *defaults_.channels, notes, report_);
            (report_.empty() ? loaded_.spec : loaded_.remains) = std::move(draft.unit);
        }
        loaded_.problems = report_.take();
        loaded_.positions = std::move(notes.positions);
        return std::move(loaded_);
    }

private:
    static std::vector<std::string> paths_of(const UnitSources& sources, const Defaults& defaults)
    {
        std::vector<std::string> paths = {sources.file.path};
        for (const Source& drop_in : sources.drop_ins)
            paths.push_back(drop_in.path);
        paths.push_back(defaults.path);
        return paths;
    }

    /// The text as a table whose positions name their source, or a problem.
    std::optional<Table> take(const Source& source, std::uint32_t number)
    {
        if (const auto* mistake = std::get_if<Mistake>(&source.text)) {
            report_.add({0, 0, number}, "", *mistake);
            return std::nullopt;
        }
        auto document = parse_document(std::get<std::string>(source.text), source.path);
        if (const auto* problem = std::get_if<Problem>(&document)) {
            report_.add({problem->line, problem->column, number}, "",
                        {problem->message, problem->hint});
            return std::nullopt;
        }
        auto& table = std::get<Table>(document);
        mark_source(table, number);
        return std::move(table);
    }

    /// Whether it has releases is the unit's own word; what is said of those of all units holds
    /// for those that have some.
    [[nodiscard]] bool is_deployed() const
    {
        return has_deploy(*file_) || std::any_of(drop_ins_.begin(), drop_ins_.end(), has_deploy);
    }

    void read_alone(const Table& table)
    {
        Draft draft;
        Notes notes;
        Walk(unit_language(), Extent::fragment, draft, report_, notes)
            .read_table("", "", table, {1, 1});
    }

    LoadedUnit loaded_;
    Report report_;
    const Defaults& defaults_;
    std::optional<Table> file_;
    std::vector<Table> drop_ins_;
};

} // namespace

LoadedUnit load_unit(const UnitSources& sources, const Defaults& defaults)
{
    return Loading(sources, defaults).finish();
}

LoadedUnit load_unit(std::string_view text, const std::string& file)
{
    return load_unit({unit_name_of(file), {file, std::string(text)}, {}});
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
