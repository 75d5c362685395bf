#include "units/validate.hpp"

#include "units/placeholders.hpp"
#include "units/releases.hpp"
#include "units/show.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace keel::units {
namespace {

ProbeTarget chosen_target(const ProbeDraft& draft, std::string_view chosen)
{
    if (chosen == "tcp") return draft.tcp;
    if (chosen == "exec") return draft.exec;
    return draft.http;
}

/// Keys that need another target than the chosen one.
void report_strays(const Place& place, std::string_view chosen, const Notes& notes, Report& report)
{
    for (const Key& key : schema()) {
        if (key.only_with.empty() || key.only_with == chosen) continue;
        const std::string name = fmt::format("{}.{}", place.key, last_name(key.path));
        if (!notes.positions.contains(name)) continue;
        report.add(position_of(notes, name), name,
                   {fmt::format("means nothing in a probe by `{}`", chosen),
                    fmt::format("it goes with `{}`", key.only_with)});
    }
}

// ---- checks of a unit, one each ----------------------------------------------------------------

void check_min_ready(const UnitSpec& unit, const Notes& notes, Report& report)
{
    if (unit.min_ready <= unit.instances) return;
    if (report.speaks_of("min_ready") || report.speaks_of("instances")) return;
    report.add(position_of(notes, "min_ready"), "min_ready",
               {fmt::format("is {}, but there {} only {} instance{}", unit.min_ready,
                            unit.instances == 1 ? "is" : "are", unit.instances,
                            unit.instances == 1 ? "" : "s"),
                fmt::format("at most {}, or raise `instances`", unit.instances)});
}

void check_ports(const UnitSpec& unit, const Notes& notes, Report& report)
{
    if (!notes.positions.contains("port_base"))
        for (const Notes::FilledText& text : notes.texts)
            if (uses_placeholder(text.text, "port"))
                report.add(text.at, text.key,
                           {"uses {port}, but the unit has no `port_base`",
                            "for example port_base = 8080, at the top of the file"});
    if (report.speaks_of("instances")) return;
    const int last = unit.port_base + unit.instances - 1;
    if (unit.port_base != 0 && last > 65535)
        report.add(position_of(notes, "port_base"), "port_base",
                   {fmt::format("the port of instance {} would be {}", unit.instances, last),
                    fmt::format("at most {}", 65536 - unit.instances)});
}

void check_delays(const UnitSpec& unit, const Notes& notes, Report& report)
{
    const RestartSpec& restart = unit.restart;
    const bool given = notes.positions.contains("restart.delay");
    if (!given || restart.delay <= restart.delay_max || report.speaks_of("restart.delay_max"))
        return;
    report.add(
        position_of(notes, "restart.delay"), "restart.delay",
        {fmt::format("is longer than `delay_max`, which is {}", keel::to_text(restart.delay_max)),
         fmt::format("write delay_max = {} or more", toml_string(keel::to_text(restart.delay)))});
}

void check_dependencies(const UnitSpec& unit, const Notes& notes, Report& report)
{
    const auto check = [&](const std::vector<std::string>& names, std::string_view key) {
        const auto found = std::find(names.begin(), names.end(), unit.name);
        if (found == names.end()) return;
        report.add(position_of(notes, fmt::format("{}.{}", key, unit.name)), key,
                   {fmt::format("`{}` is this unit itself", unit.name), "leave it out"});
    };
    check(unit.requires_units, "requires");
    check(unit.binds_to, "binds_to");
    check(unit.after, "after");
    check(unit.restart_with, "restart_with");
}

void name_probes(UnitSpec& unit, const Notes& notes, Report& report)
{
    std::vector<std::string> names;
    std::vector<std::string_view> targets;
    for (const ProbeSpec& probe : unit.probes) {
        names.push_back(probe.name);
        targets.push_back(probe_targets[probe.target.index()]);
    }
    settle_names(names, targets, {"probe", "probe"}, notes, report);
    for (std::size_t i = 0; i < names.size(); ++i)
        unit.probes[i].name = std::move(names[i]);
}

/// A oneshot is ready when it has ended well, and takes the time it takes.
/// What is written first of any probe; none: nothing is.
const std::string* first_key_of_probes(const Notes& notes)
{
    const auto first = notes.positions.lower_bound("probe[1]");
    if (first == notes.positions.end() || !first->first.starts_with("probe[1]")) return nullptr;
    return &first->first;
}

void settle_oneshot(UnitSpec& unit, const Notes& notes, Report& report)
{
    if (unit.type != UnitType::oneshot) return;
    const char* const no_sense = "means nothing for a oneshot";
    const char* const instead = "it is done, and ready, once it has ended well";
    if (!notes.positions.contains("restart.policy"))
        unit.restart.policy = RestartWhen::on_failure;
    else if (unit.restart.policy == RestartWhen::always)
        report.add(position_of(notes, "restart.policy"), "restart.policy",
                   {"is `always`, but a oneshot ends when its work is done",
                    "\"on-failure\" or \"never\", or leave out `type`"});
    for (const std::string_view key :
         {"ready", "start.timeout", "restart.stable_after", "unready_limit"})
        if (notes.positions.contains(key) && (key != "start.timeout" || unit.start.pre.empty()))
            report.add(position_of(notes, key), key, {no_sense, instead});
    if (const std::string* key = first_key_of_probes(notes))
        report.add(position_of(notes, *key), "probe", {no_sense, instead});
    if (notes.positions.contains("start.post"))
        report.add(position_of(notes, "start.post"), "start.post",
                   {no_sense, "`stop.post` runs once it has ended"});
}

void settle_ready(UnitSpec& unit, const Notes& notes, Report& report)
{
    const bool gated =
        std::any_of(unit.probes.begin(), unit.probes.end(), [](const ProbeSpec& probe) {
            return probe.role.startup || probe.role.readiness;
        });
    if (!notes.positions.contains("ready"))
        unit.ready = gated ? ReadyBy::probe : ReadyBy::exec;
    else if (unit.ready == ReadyBy::probe && !gated)
        report.add(position_of(notes, "ready"), "ready",
                   {"is `probe`, but no probe has the role startup or readiness",
                    "add a [[probe]], or write ready = \"exec\""});
}

/// What Keel does not see it cannot find anything in.
void check_ready_line(const UnitSpec& unit, const Notes& notes, Report& report)
{
    if (unit.ready != ReadyBy::log || unit.log.target == LogTarget::file) return;
    report.add(position_of(notes, "ready"), "ready",
               {fmt::format("waits for a line that Keel does not see: log.target is `{}`",
                            name(unit.log.target)),
                "leave log.target at \"file\", or choose another kind of readiness"});
}

/// Keel gives the process these itself.
void check_notify_variables(const UnitSpec& unit, const Notes& notes, Report& report)
{
    if (!hears_notices(unit)) return;
    for (const std::string_view variable : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
        if (unit.environment.contains(std::string(variable)))
            report.add(position_of(notes, "environment"), "environment",
                       {fmt::format("sets {}, which Keel does itself", variable),
                        "leave it out, or do without `ready = \"notify\"` and `watchdog`"});
}

void check_reload(const UnitSpec& unit, const Notes& notes, Report& report)
{
    const bool both =
        notes.positions.contains("reload.signal") && notes.positions.contains("reload.command");
    if (both)
        report.add(position_of(notes, "reload.command"), "reload.command",
                   {"stands beside `signal`", "a reload is one of the two"});
    if (unit.type != UnitType::oneshot) return;
    for (const std::string_view key : {"reload.signal", "reload.command"})
        if (notes.positions.contains(key))
            report.add(position_of(notes, key), key,
                       {"means nothing for a oneshot", "it ends when its work is done"});
}

/// A hook that is killed as it begins does nothing, and says so at every stop.
void check_hook_time(const UnitSpec& unit, const Notes& notes, Report& report)
{
    if (unit.stop.timeout > Duration{0}) return;
    for (const std::string_view key : {"stop.pre", "stop.post"})
        if (notes.positions.contains(key))
            report.add(position_of(notes, key), key,
                       {"has no time to run: stop.timeout is 0s", "give `timeout` a second or so"});
}

} // namespace

void give_names(std::vector<std::string>& names, const std::vector<std::string_view>& targets)
{
    std::set<std::string> used(names.begin(), names.end());
    for (std::size_t i = 0; i < names.size(); ++i)
        for (int n = 1; names[i].empty(); ++n) {
            std::string candidate(targets[i]);
            if (n > 1) candidate += fmt::format("-{}", n);
            if (used.insert(candidate).second) names[i] = std::move(candidate);
        }
}

void settle_names(std::vector<std::string>& names, const std::vector<std::string_view>& usual,
                  const NamedList& list, const Notes& notes, Report& report)
{
    std::set<std::string> used;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i].empty() || used.insert(names[i]).second) continue;
        const std::string key = fmt::format("{}[{}].name", list.key, i + 1);
        report.add(position_of(notes, key), key,
                   {fmt::format("`{}` is the name of another {} already", names[i], list.each),
                    "names are unique within a unit"});
    }
    give_names(names, usual);
}

ProbeSpec finish_probe(const ProbeDraft& draft, const Place& place, const Notes& notes,
                       Report& report)
{
    std::vector<std::string_view> given;
    for (const std::string_view name : probe_targets)
        if (notes.positions.contains(fmt::format("{}.{}", place.key, name))) given.push_back(name);

    if (given.empty())
        report.add(place.at, place.key,
                   {"checks nothing: it has none of `http`, `tcp` and `exec`",
                    "for example tcp = \"127.0.0.1:6379\""});
    if (given.size() > 1)
        report.add(place.at, place.key,
                   {fmt::format("has both `{}` and `{}`", given[0], given[1]),
                    "exactly one of http, tcp and exec; write a second [[probe]]"});
    if (given.size() == 1) report_strays(place, given.front(), notes, report);

    ProbeSpec probe = draft.common;
    probe.target = chosen_target(draft, given.empty() ? "http" : given.front());
    return probe;
}

void finish_unit(UnitSpec& unit, const Notes& notes, Report& report)
{
    check_min_ready(unit, notes, report);
    check_ports(unit, notes, report);
    check_delays(unit, notes, report);
    check_dependencies(unit, notes, report);
    name_probes(unit, notes, report);
    settle_ready(unit, notes, report);
    check_notify_variables(unit, notes, report);
    check_ready_line(unit, notes, report);
    settle_oneshot(unit, notes, report);
    check_hook_time(unit, notes, report);
    check_reload(unit, notes, report);
    settle_releases(unit, notes, report);
}

void take_hooks(UnitSpec& unit, const NamedHooks& hooks, const Notes& notes, Report& report)
{
    std::vector<std::string_view> names;
    for (const auto& [name, hook] : hooks)
        names.push_back(name);
    for (const Rung& rung : unit.escalation.ladder) {
        if (rung.kind != Rung::run) continue;
        const auto found = hooks.find(rung.hook);
        if (found != hooks.end()) {
            unit.hooks.insert(*found);
            continue;
        }
        const std::string key = "escalation.ladder";
        report.add(position_of(notes, key + "." + to_text(rung)), key,
                   {fmt::format("there is no hook `{}`", rung.hook),
                    did_you_mean(rung.hook, names)
                        .value_or(fmt::format("[hook.{}] in keel.toml would say what it runs",
                                              rung.hook))});
    }
}

void check_channels(const UnitSpec& unit, const std::vector<std::string>& channels,
                    const Notes& notes, Report& report)
{
    const std::vector<std::string_view> names(channels.begin(), channels.end());
    for (const std::string& wanted : unit.notify) {
        if (std::find(names.begin(), names.end(), wanted) != names.end()) continue;
        report.add(position_of(notes, "notify." + wanted), "notify",
                   {fmt::format("there is no channel `{}`", wanted),
                    did_you_mean(wanted, names)
                        .value_or(fmt::format("[channel.{}] in keel.toml would say where it sends "
                                              "to",
                                              wanted))});
    }
}

} // namespace keel::units
