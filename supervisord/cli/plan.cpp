// keel plan: what would change if the configuration on the disk were applied. Needs no daemon.
#include "units/plan.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/places.hpp"
#include "cli/table.hpp"
#include "control/json_writer.hpp"

#include <filesystem>
#include <fmt/format.h>

namespace keel::cli {
namespace {

using control::JsonWriter;
using units::KeyChange;
using units::Plan;
using units::UnitChange;

constexpr std::size_t value_shown_max = 200;

std::string change_line(const KeyChange& change, std::string_view takes_effect)
{
    const auto side = [](const std::string& value) {
        return value.empty() ? std::string("(nothing)") : printable(value, value_shown_max);
    };
    return fmt::format("  {}: {} -> {}   [{}]\n", change.key, side(change.before),
                       side(change.after), takes_effect);
}

std::string plan_text(const Plan& plan)
{
    if (plan.empty()) return "nothing changes\n";
    std::string text;
    if (!plan.daemon.empty()) text += "keel.toml\n";
    for (const KeyChange& change : plan.daemon)
        text += change_line(change, "when keeld starts again");
    for (const UnitChange& unit : plan.units) {
        text += fmt::format("{} ({})\n", unit.unit, name(unit.kind));
        for (const KeyChange& change : unit.keys)
            text += change_line(change, name(change.takes_effect));
    }
    return text;
}

void write_changes(JsonWriter& out, const std::vector<KeyChange>& changes)
{
    out.key("changes").begin_list();
    for (const KeyChange& change : changes)
        out.begin_object()
            .member("key", change.key)
            .member_if_any("before", change.before)
            .member_if_any("after", change.after)
            .member("takes_effect", name(change.takes_effect))
            .end_object();
    out.end_list();
}

std::string plan_json(const Plan& plan)
{
    JsonWriter out;
    out.begin_object().key("daemon").begin_object();
    write_changes(out, plan.daemon);
    out.end_object().key("units").begin_list();
    for (const UnitChange& unit : plan.units) {
        out.begin_object().member("name", unit.unit).member("kind", name(unit.kind));
        write_changes(out, unit.keys);
        out.end_object();
    }
    return out.end_list().end_object().take() + "\n";
}

} // namespace

Exit plan(const Context& context)
{
    const std::string folder = generation_in_force(context.root);
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error)) {
        complain("no configuration is in force that could be compared: there is no " + folder,
                 "keeld stores one when it starts");
        return Exit::failed;
    }
    const auto now = units::load_configuration(units::collect(units::places_in(folder)));
    const auto wanted =
        units::load_configuration(units::collect(configuration_places(context.root)));
    const auto problems = wanted.all_problems();
    for (const units::Problem& problem : problems)
        complain(printable(units::to_text(problem), 2048));
    if (!problems.empty()) {
        complain("a configuration with problems cannot be applied", "`keel check` tells them all");
        return Exit::failed;
    }
    const Plan found = units::plan_of(now, wanted);
    print(context.as_json() ? plan_json(found) : plan_text(found));
    return Exit::done;
}

} // namespace keel::cli
