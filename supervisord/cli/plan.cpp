// keel plan: what would change if the configuration on the disk were applied. Needs no daemon.
#include "units/plan.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/places.hpp"
#include "cli/table.hpp"
#include "control/json_writer.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

namespace keel::cli {
namespace {

using control::JsonWriter;
using units::KeyChange;
using units::Plan;
using units::PlanStep;
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

/// One line for all steps that need not wait for each other.
std::string order_text(const std::vector<PlanStep>& order)
{
    std::string text = order.empty() ? "no process is touched\n" : "in this order\n";
    std::size_t number = 0;
    for (const PlanStep& step : order) {
        text += number == step.number ? "     " : fmt::format("  {}. ", step.number);
        number = step.number;
        text += fmt::format("{} {}", name(step.action), step.unit);
        text += step.along_with.empty() ? "\n" : fmt::format(", because of {}\n", step.along_with);
    }
    return text;
}

std::string plan_text(const Plan& plan, const std::vector<PlanStep>& order)
{
    if (plan.empty()) return "nothing changes\n";
    std::string text;
    if (!plan.daemon.empty()) text += "keel.toml\n";
    for (const KeyChange& change : plan.daemon) {
        const bool is_live = change.takes_effect == units::TakesEffect::live;
        text += change_line(change, is_live ? "live" : "when keeld starts again");
    }
    for (const UnitChange& unit : plan.units) {
        text += fmt::format("{} ({})\n", unit.unit, name(unit.kind));
        for (const KeyChange& change : unit.keys)
            text += change_line(change, name(change.takes_effect));
    }
    if (!plan.units.empty()) text += order_text(order);
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

std::string plan_json(const Plan& plan, const std::vector<PlanStep>& order)
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
    out.end_list().key("order").begin_list();
    for (const PlanStep& step : order)
        out.begin_object()
            .member("step", step.number)
            .member("action", name(step.action))
            .member("unit", step.unit)
            .member_if_any("because_of", step.along_with)
            .end_object();
    return out.end_list().end_object().take() + "\n";
}

/// Says so where the files cannot be compared: they are secrets, and so is what is kept of them.
void compare_environments(Plan& plan, const std::string& generation,
                          const units::Configuration& in_force, const units::Configuration& wanted)
{
    const auto has_files = [](const units::LoadedUnit& unit) {
        return unit.spec && !unit.spec->environment_files.empty();
    };
    if (std::ranges::none_of(in_force.units.units, has_files)) return;
    const auto path =
        std::filesystem::path(generation).parent_path() / units::environment_digests_name;
    const auto kept = units::collect_source(path);
    const auto* text = std::get_if<std::string>(&kept.text);
    if (text == nullptr)
        return complain("what stands in environment files is not compared: " +
                        std::get<units::Mistake>(kept.text).message);
    units::compare_environments(plan, wanted, units::digests_from(*text),
                                units::read_environments(wanted));
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
    Plan found = units::plan_of(now, wanted);
    compare_environments(found, folder, now, wanted);
    const auto order = units::order_of(found, now, wanted);
    print(context.as_json() ? plan_json(found, order) : plan_text(found, order));
    return Exit::done;
}

} // namespace keel::cli
