#include "cli/status.hpp"

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/layout.hpp"
#include "cli/watch.hpp"
#include "cli/words.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::cli {
namespace {

using control::Deadline;
using control::Reply;
using control::Trouble;
using control::trouble_of;
using core::UnitView;

const Duration patience = std::chrono::seconds(10);

Exit exit_for_units(const std::vector<UnitView>& units, const StatusOptions& options)
{
    // A unit that is down on purpose is news only to those who ask for it by name.
    const auto is_missing = [&](const UnitView& unit) {
        const bool matters = !options.units.empty() || is_wanted_up(unit);
        return matters && !is_well(unit);
    };
    return std::ranges::any_of(units, is_missing) ? Exit::not_up : Exit::done;
}

/// What Keel has to say of it, and what it says itself.
std::string words_on(const UnitView& unit, const core::InstanceView& instance, WallTime now)
{
    std::string note = note_of(instance, now);
    if (!instance.release.empty() && (unit.deployment || instance.release != unit.release))
        note = fmt::format("on {}{}{}", instance.release, note.empty() ? "" : "; ", note);
    if (instance.says.empty()) return note;
    return note + (note.empty() ? "says: " : "; says: ") + instance.says;
}

std::string ready_of(const UnitView& unit)
{
    return fmt::format("{}/{}", unit.ready, unit.wanted_instances);
}

} // namespace

std::string status_table(const std::vector<UnitView>& units, WallTime now, const Screen& screen)
{
    if (units.empty())
        return "No units. Put a file into the unit directory: `keel check` names it.\n";
    using Align = Table::Align;
    Table table({{"UNIT"},
                 {"STATUS"},
                 {"READY"},
                 {"SINCE", Align::right},
                 {"RESTARTS", Align::right},
                 {"WHY"}});
    for (const auto& unit : units)
        table.add({{unit.name, Tone::strong},
                   {std::string(name(unit.status)), tone_of(unit.status)},
                   {ready_of(unit)},
                   {age(unit.since, now)},
                   {std::to_string(unit.restarts)},
                   {note_of(unit, now)}});
    return table.text(screen);
}

std::string unit_details(const UnitView& unit, WallTime now, const Screen& screen)
{
    const std::size_t columns = columns_of(screen);
    std::string text = hanging({}, standing_of(unit, now, screen.colour), columns);
    if (!unit.description.empty()) text += hanging("  ", printable(unit.description), columns);
    // A deployment has a line of its own, which tells more.
    const bool is_deployed =
        unit.deployment && unit.operation && core::is_deployment(unit.operation->verb);
    if (const std::string note = intervention_of(unit, now); !note.empty() && !is_deployed)
        text += hanging("  ", printable(note), columns);
    if (const std::string note = change_of(unit); !note.empty())
        text += hanging("  ", note, columns);
    for (const std::string& note : {release_of(unit), deployment_of(unit, now)})
        if (!note.empty()) text += hanging("  ", note, columns);

    using Align = Table::Align;
    Table instances({{"INSTANCE"},
                     {"STATE"},
                     {"PID", Align::right},
                     {"SINCE", Align::right},
                     {"RESTARTS", Align::right},
                     {"WHY"}});
    Table probes({{"PROBE"}, {"OF"}, {"VERDICT"}});
    bool has_probes = false;
    for (const auto& instance : unit.instances) {
        instances.add({{instance.name},
                       {std::string(instance.state), tone_of_state(instance.state)},
                       {instance.pid ? std::to_string(*instance.pid) : ""},
                       {age(instance.since, now)},
                       {std::to_string(instance.restarts)},
                       {words_on(unit, instance, now)}});
        for (const auto& probe : instance.probes) {
            has_probes = true;
            const bool passes = probe.verdict == core::Verdict::pass;
            probes.add({{probe.name},
                        {instance.name},
                        {probe_note(probe), passes ? Tone::plain : Tone::warning}});
        }
    }
    text += "\n" + instances.text(screen);
    if (has_probes) text += "\n" + probes.text(screen);
    return text;
}

Reply<std::string> fetch_units(const Context& context, const std::vector<std::string>& units)
{
    const Deadline deadline = control::deadline_in(patience);
    if (units.empty())
        return control::get(context.socket_path,
                            context.as_json() ? "/v1/units" : "/v1/units?brief=1", deadline);
    std::string joined = R"({"units":[)";
    for (const std::string& unit : units) {
        auto one =
            control::get(context.socket_path, "/v1/units/" + control::url_encoded(unit), deadline);
        if (trouble_of(one) != nullptr) return one;
        if (joined.back() != '[') joined += ',';
        joined += std::get<std::string>(one);
    }
    return joined + "]}";
}

Reply<std::vector<UnitView>> understood(const std::string& json)
{
    auto units = control::decode_units(json);
    if (!units) return Trouble{Trouble::Kind::garbled, units.error().text(), {}};
    return std::move(*units);
}

Exit show_units(const Context& context, const StatusOptions& options)
{
    auto json = fetch_units(context, options.units);
    if (const auto* trouble = trouble_of(json)) return give_up(*trouble);
    auto units = understood(std::get<std::string>(json));
    if (const auto* trouble = trouble_of(units)) return give_up(*trouble);
    const auto& views = std::get<std::vector<UnitView>>(units);

    std::string text;
    if (context.as_json())
        text = std::get<std::string>(json) + "\n";
    else if (options.units.empty() || options.watch == StatusOptions::Watch::yes)
        text = status_table(views, wall_now(), context.screen);
    else
        for (const auto& unit : views)
            text += unit_details(unit, wall_now(), context.screen) +
                    (&unit == &views.back() ? "" : "\n");
    print(text);
    if (const auto alarms = control::decode_alarms(std::get<std::string>(json)); alarms)
        for (const std::string& alarm : *alarms)
            complain(printable(alarm));
    return exit_for_units(views, options);
}

Exit status(const Context& context, const StatusOptions& options)
{
    if (options.watch == StatusOptions::Watch::yes) return watch(context, options);
    return show_units(context, options);
}

} // namespace keel::cli
