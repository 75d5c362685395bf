#include "tests/sim/scenario.hpp"

#include "tests/sim/liveness_watch.hpp"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>

namespace keel::sim {

using namespace std::chrono_literals;
using units::ExitMatch;
using units::Rung;
using units::UnitSpec;

namespace {

units::ProbeSpec make_probe(Rng& rng, unsigned index)
{
    units::ProbeSpec probe;
    probe.name = fmt::format("p{}", index);
    probe.target = units::TcpTarget{"{unit}:{instance}:" + probe.name, {}, {}};
    probe.role = rng.one_of<units::ProbeRoles>({{true, true, true},
                                                {true, true, true},
                                                {true, false, false},
                                                {false, true, false},
                                                {false, false, true},
                                                {true, true, false}});
    probe.interval = rng.chance(0.05) ? 5s : rng.one_of<Duration>({60s, 300s, 900s});
    probe.timeout = rng.one_of<Duration>({200ms, 2s, 5s});
    probe.failures = 1 + static_cast<unsigned>(rng.below(3));
    probe.successes = 1 + static_cast<unsigned>(rng.below(2));
    probe.delay = rng.one_of<Duration>({0s, 0s, 1s});
    return probe;
}

void make_policy(Rng& rng, UnitSpec& spec)
{
    using units::RestartWhen;
    auto& restart = spec.restart;
    restart.policy = rng.one_of({RestartWhen::always, RestartWhen::always, RestartWhen::always,
                                 RestartWhen::always, RestartWhen::on_failure, RestartWhen::never});
    restart.delay = rng.one_of<Duration>({0s, 100ms, 200ms, 1s});
    restart.factor = rng.one_of({1.0, 1.5, 2.0, 2.0});
    restart.delay_max = rng.one_of<Duration>({1s, 10s, 30s});
    restart.jitter = rng.one_of({0.0, 0.1, 0.1, 0.5});
    restart.stable_after = rng.one_of<Duration>({0s, 5s, 30s, 120s});
    if (rng.chance(0.2))
        restart.success_exit = {{ExitMatch::Kind::code, 0},
                                {ExitMatch::Kind::code, 3},
                                {ExitMatch::Kind::signal, SIGTERM}};
    if (rng.chance(0.1)) restart.prevent_exit = {{ExitMatch::Kind::code, 4}};
    auto& escalation = spec.escalation;
    escalation.failures = rng.one_of({0U, 1U, 3U, 5U, 5U});
    escalation.window = rng.one_of<Duration>({10s, 2min, 10min});
    escalation.retry_every = rng.one_of<Duration>({5s, 60s});
    using Ladder = std::vector<Rung>;
    const Rung page(Rung::run, "page");
    const Rung mend(Rung::run, "mend");
    spec.hooks = {{"page", {{"page"}, 5s}}, {"mend", {{"mend"}, 2min}}};
    escalation.ladder = rng.one_of<Ladder>({{Rung::restart, Rung::retry},
                                            {Rung::restart, Rung::retry},
                                            {Rung::restart},
                                            {Rung::restart, Rung::give_up},
                                            {Rung::restart, Rung::retry, Rung::give_up},
                                            {Rung::restart, page},
                                            {Rung::restart, page, Rung::retry},
                                            {Rung::restart, page, mend, Rung::give_up}});
    if (rng.chance(0.02)) escalation.ladder = {Rung::restart, Rung::exit};
}

void make_hooks(Rng& rng, UnitSpec& spec)
{
    using Words = std::vector<std::string>;
    const auto perhaps = [&](const char* word) { return rng.chance(0.5) ? Words{word} : Words{}; };
    spec.start.pre = perhaps("prepare");
    spec.start.post = perhaps("announce");
    spec.stop.pre = perhaps("drain");
    spec.stop.post = perhaps("clean-up");
    // Of two seconds late timers leave too little to a start that has to be prepared as well.
    if (!spec.start.pre.empty()) spec.start.timeout = std::max<Duration>(spec.start.timeout, 10s);
}

/// It does its work and ends; what starts and serves means nothing for it.
void make_oneshot(Rng& rng, UnitSpec& spec)
{
    spec.type = units::UnitType::oneshot;
    spec.ready = units::ReadyBy::exec;
    spec.probes.clear();
    spec.start.post.clear();
    spec.reload = {};
    spec.watchdog = Duration{0};
    if (spec.restart.policy == units::RestartWhen::always)
        spec.restart.policy =
            rng.chance(0.8) ? units::RestartWhen::on_failure : units::RestartWhen::never;
}

UnitSpec make_unit(Rng& rng, unsigned index)
{
    UnitSpec spec;
    spec.name = std::string(1, static_cast<char>('a' + index));
    spec.instances = rng.one_of<std::uint16_t>({1, 1, 1, 2, 3});
    spec.min_ready = static_cast<std::uint16_t>(1 + rng.below(spec.instances));
    if (rng.chance(0.05)) spec.min_ready = 0;
    spec.enabled = rng.chance(0.93);
    spec.priority = static_cast<int>(rng.below(3));
    spec.start.timeout = rng.one_of<Duration>({2s, 10s, 30s});
    spec.stop.timeout = rng.one_of<Duration>({1s, 10s});
    spec.unready_limit = rng.one_of<Duration>({20s, 60s, 300s});
    spec.outage.grace = rng.one_of<Duration>({0s, 0s, 2s, 30s});
    spec.outage.settle = rng.one_of<Duration>({0s, 1s, 10s, 10s, 60s});
    make_policy(rng, spec);
    const auto probes = static_cast<unsigned>(rng.below(3));
    for (unsigned i = 0; i < probes; ++i)
        spec.probes.push_back(make_probe(rng, i));
    if (probes > 0 && rng.chance(0.8)) spec.ready = units::ReadyBy::probe;
    if (rng.chance(0.25)) spec.ready = units::ReadyBy::notify;
    if (rng.chance(0.3)) make_hooks(rng, spec);
    if (rng.chance(0.2))
        spec.reload.signal = SIGHUP;
    else if (rng.chance(0.2))
        spec.reload.command = {"reload"};
    if (rng.chance(0.2)) spec.watchdog = rng.one_of<Duration>({10s, 60s, 300s, 900s});
    if (rng.chance(0.15)) make_oneshot(rng, spec);
    return spec;
}

Temper make_temper(Rng& rng)
{
    Temper temper;
    const auto some = [&](double most) { return rng.chance(0.5) ? 0.0 : most * rng.fraction(); };
    temper.spawn_fails = some(0.3);
    temper.lacks_descriptors = some(0.1);
    temper.hangs = some(0.3);
    temper.crashes_soon = some(0.5);
    temper.crashes = some(1.0);
    temper.crash_scale = rng.one_of<Duration>({10s, 5min, 1h, 5h});
    temper.ends_cleanly = some(0.6);
    temper.ignores_term = some(0.5);
    temper.leaves_children = some(0.4);
    temper.hooks_fail = some(0.5);
    temper.hooks_hang = some(0.3);
    temper.ready_after = rng.one_of<Duration>({0s, 50ms, 1s, 20s});
    return temper;
}

Weights make_weights(Rng& rng, Size size)
{
    Weights w;
    const auto every = [&](std::initializer_list<Duration> choices) {
        return rng.chance(0.5) ? Duration{0} : rng.one_of(choices);
    };
    const auto some = [&](double most) { return rng.chance(0.5) ? 0.0 : most * rng.fraction(); };
    w.operator_every = every({1min, 10min, 1h});
    w.death_every = every({2min, 20min, 2h});
    w.sickness_every = every({2min, 20min, 2h});
    w.mass_crash_every = every({10min, 1h});
    w.wall_step_every = every({10min, 2h});
    w.lies = some(0.1);
    w.unknowns = some(0.3);
    w.shuffles = some(0.5);
    w.mutes = some(0.3);
    w.stalls = some(0.3);
    w.lateness = rng.one_of<Duration>({0ms, 0ms, 5ms, 500ms});
    w.report_latency = rng.one_of<Duration>({0ms, 1ms, 50ms});
    w.sickness_lasts = rng.one_of<Duration>({5s, 2min, 20min});
    if (size == Size::core) {
        w.meddle_every = every({10s, 2min, 10min});
        if (w.meddle_every > Duration{0}) w.meddles = some(0.3);
    } else {
        w.apply_every = every({2min, 10min, 1h});
        w.dies_midway = some(1.0);
        w.cuts_journal = some(0.3);
        w.logs_fail = some(0.3);
    }
    return w;
}

} // namespace

Scenario make_scenario(Rng& rng, Size size)
{
    Scenario scenario;
    const auto count = 1 + static_cast<unsigned>(rng.below(5));
    for (unsigned i = 0; i < count; ++i) {
        scenario.specs.push_back(make_unit(rng, i));
        for (unsigned other = 0; other < i; ++other) {
            UnitSpec& spec = scenario.specs[i];
            const std::string& name = scenario.specs[other].name;
            if (rng.chance(0.25))
                spec.requires_units.push_back(name);
            else if (rng.chance(0.15))
                spec.binds_to.push_back(name);
            else if (rng.chance(0.2))
                spec.after.push_back(name);
            if (rng.chance(0.1)) spec.restart_with.push_back(name);
        }
    }
    // The order of configuration is not the order of starting.
    for (std::size_t i = count; i > 1; --i)
        std::swap(scenario.specs[i - 1], scenario.specs[rng.below(i)]);
    for (unsigned i = 0; i < count; ++i)
        scenario.tempers.push_back(make_temper(rng));
    scenario.weights = make_weights(rng, size);
    scenario.host.storm = rng.one_of<core::StormBrakeSpec>({{50, 200}, {0, 0}, {1, 2}, {5, 5}});
    scenario.lasts = rng.between(1h, 24h);
    scenario.storm = rng.one_of<Duration>({10min, 1h, 3h});
    scenario.quiet = rng.one_of<Duration>({20min, 3h, 12h});
    if (rng.chance(0.3)) scenario.ends = Scenario::Ends::shut_down;
    if (rng.chance(0.5)) scenario.sick_recover = Scenario::SickRecover::yes;
    return scenario;
}

std::vector<std::string> needs_of(const UnitSpec& spec)
{
    std::vector<std::string> names = spec.requires_units;
    names.insert(names.end(), spec.binds_to.begin(), spec.binds_to.end());
    return names;
}

Duration recovery_bound(const Scenario& scenario)
{
    Duration bound = 2min;
    for (const UnitSpec& spec : scenario.specs) {
        Duration one = 2 * spec.start.timeout + 3 * spec.stop.timeout + spec.unready_limit +
                       2 * std::max(spec.restart.delay_max, spec.escalation.retry_every) + 30s +
                       2 * spec.watchdog + 2 * LivenessWatch::longest;
        for (const units::ProbeSpec& probe : spec.probes)
            one += (probe.failures + probe.successes + 1) * (probe.interval + probe.timeout + 6s);
        bound += 2 * one + spec.outage.settle + spec.instances * 2s;
    }
    return bound;
}

Duration stop_bound(const Scenario& scenario)
{
    Duration bound = 1min;
    for (const UnitSpec& spec : scenario.specs)
        bound += 4 * spec.stop.timeout + spec.start.timeout + 30s;
    return bound;
}

} // namespace keel::sim
