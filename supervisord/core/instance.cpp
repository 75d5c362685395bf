#include "core/instance.hpp"

#include "base/result.hpp"
#include "core/instance_ignored.hpp"
#include "core/instance_moves.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::core {
namespace {

template <class E>
concept AboutASpawn = requires(const E& e)
{
    e.spawn;
};

// ---- at rest: stopped, done, failed -------------------------------------------------------------

template <class S>
concept AtRest = std::same_as<S, Stopped> || std::same_as<S, Done> || std::same_as<S, Failed>;

InstanceStep on(Here& h, const AtRest auto&, const LaunchWanted&)
{
    return launch_afresh(h, StartCause::wanted, "start wanted");
}
InstanceStep on(Here& h, const AtRest auto&, const RestartWanted& e)
{
    return launch_afresh(h, StartCause::wanted, e.why + " while it was down");
}
InstanceStep on(Here& h, const Done&, const StopWanted&)
{
    return enter(h, Stopped{}, "stop wanted");
}
InstanceStep on(Here& h, const Failed&, const StopWanted&)
{
    return enter(h, Stopped{}, "stop wanted");
}

// ---- with a process in service: starting, ready, unready ----------------------------------------

template <class S>
concept InService = std::same_as<S, Starting> || std::same_as<S, Ready> || std::same_as<S, Unready>;

InstanceStep on(Here& h, const InService auto& s, const StopWanted&)
{
    return ask_to_stop(h, s.spawn, {AfterStop::stay_down, {}, {}, "stop wanted"});
}
InstanceStep on(Here& h, const InService auto& s, const RestartWanted& e)
{
    h.instance.history = {};
    return ask_to_stop(h, s.spawn, {AfterStop::start_again, e.cause, {}, e.why});
}

InstanceStep on(Here& h, const InService auto& s, const Recalled& e)
{
    return ask_to_stop(h, s.spawn, {AfterStop::start_again, e.cause, {}, e.why});
}

InstanceStep on(Here& h, const InService auto&, const LaunchWanted&)
{
    h.instance.history = {};
    return stay(h, "start wanted: it runs already; budget and delay are cleared");
}

InstanceStep on(Here& h, const InService auto& s, const ProcessExited& e)
{
    note_started(h);
    h.actions.emplace_back(Acknowledge{s.spawn});
    auto after = judge_trouble(h, {{cause_of(e.status), e.status, to_text(e.status), {}}});
    if (e.tree == TreeState::alive) return sweep(h, s.spawn, after);
    return conclude(h, s.spawn, std::move(after));
}

// ---- starting -----------------------------------------------------------------------------------

InstanceStep on(Here& h, const Starting& s, const Spawned&)
{
    note_started(h);
    if (h.spec.type == units::UnitType::oneshot)
        return stay(h, "runs; done once it has ended well");
    if (h.spec.ready == units::ReadyBy::exec) return become_ready(h, s.spawn, "runs");
    if (s.running == Starting::Running::yes) return stay(h, "runs already");
    if (h.spec.ready != units::ReadyBy::probe)
        return stay(h, "runs; ready " + awaited_for_readiness(h.spec));
    begin_probes(h);
    if (all_pass(h, gates_readiness)) return become_ready(h, s.spawn, "runs");
    run_due_probes(h);
    return stay(h, "runs, not yet ready");
}

InstanceStep on(Here& h, const Starting& s, const SpawnFailed& e)
{
    if (e.stage == SetupStage::lost)
        return begin_process(h, s, Spawn::Brake::free, "the spawn was lost with the engine");
    if (e.stage == SetupStage::descriptors || e.stage == SetupStage::processes)
        return lack(h, s.cause, name(e.stage));
    const Error error{fmt::format("{}{}{}", name(e.stage), e.what.empty() ? "" : ": ", e.what),
                      {},
                      e.errno_value};
    return conclude(h, s.spawn, judge_trouble(h, {{StartCause::spawn, {}, error.text(), {}}}));
}

InstanceStep on(Here& h, const Starting& s, const ProbeAnswered& e)
{
    const auto& probe = h.spec.probes[e.probe];
    auto& health = h.instance.probes[e.probe];
    (void)observe(probe, health, e.answer, h.now());
    health.next_at = h.now() + startup_pause(probe, h.now() - s.since);
    if (all_pass(h, gates_readiness)) return become_ready(h, s.spawn, probe_says(probe, e.answer));
    const bool overdue = h.now() >= s.since + h.spec.start.timeout - s.prepared;
    if (overdue && !any_unknown(h) && !is_left_alone(h)) return fail_the_start(h, s.spawn);
    run_due_probes(h);
    return stay(h, "not yet ready: " + probe_says(probe, e.answer));
}

InstanceStep on(Here& h, const Starting&, const Adopted& e)
{
    auto& starting = std::get<Starting>(h.instance.state);
    starting.since = h.now();
    starting.ready_by = start_deadline(h);
    starting.extended = Starting::Extended::no;
    starting.prepared = Duration{0};
    starting.running = Starting::Running::no;
    await_life_anew(h);
    return on(h, Starting{starting}, Spawned{e.spawn});
}

InstanceStep begin_start_anew(Here& h, std::string reason)
{
    auto& starting = std::get<Starting>(h.instance.state);
    starting.since = h.now();
    starting.ready_by = start_deadline(h);
    starting.extended = Starting::Extended::no;
    starting.prepared = Duration{0};
    await_life_anew(h);
    run_due_probes(h);
    return stay(h, std::move(reason));
}

InstanceStep when_due(Here& h, const Starting& s)
{
    if (auto failed = missed_watchdog(h, s.spawn)) return std::move(*failed);
    if (!s.ready_by || h.now() < *s.ready_by) {
        run_due_probes(h);
        return stay(h, "not due");
    }
    if (s.extended == Starting::Extended::no && any_unknown(h)) {
        auto& starting = std::get<Starting>(h.instance.state);
        starting.extended = Starting::Extended::yes;
        starting.ready_by = *s.ready_by + h.spec.start.timeout;
        run_due_probes(h);
        return stay(h, "start deadline extended: a probe could not be carried out");
    }
    if (is_left_alone(h)) return begin_start_anew(h, "not ready in time, and left alone");
    return fail_the_start(h, s.spawn);
}

InstanceStep on(Here& h, const Starting&, const HandedBack&)
{
    return begin_start_anew(h, "handed back: the time to start begins anew");
}

// ---- ready and unready --------------------------------------------------------------------------

template <class S>
concept Serving = std::same_as<S, Ready> || std::same_as<S, Unready>;

InstanceStep on(Here& h, const Serving auto& s, const ProbeAnswered& e)
{
    constexpr bool was_ready = std::same_as<std::remove_cvref_t<decltype(s)>, Ready>;
    const auto& probe = h.spec.probes[e.probe];
    auto& health = h.instance.probes[e.probe];
    const MonoTime began = *health.answer_by - probe.timeout - answer_slack;
    (void)observe(probe, health, e.answer, h.now());
    health.next_at = std::max(h.now(), began + probe.interval);

    const bool failed = e.answer.verdict == Verdict::fail;
    const bool suspended = is_liveness_suspended(h);
    if (failed) health.liveness_fails += suspended ? 0 : 1;
    if (suspended) health.liveness_fails = 0;
    if (suspended) health.held_back.reset();
    if (failed && probe.role.liveness && health.liveness_fails >= probe.failures)
        if (auto killed = kill_or_hold_back(h, s.spawn, e.probe, began)) return std::move(*killed);

    run_due_probes(h);
    const bool passing = all_pass(h, [](const units::ProbeSpec& p) { return p.role.readiness; });
    if (was_ready && !passing) return become_unready(h, s.spawn, probe_says(probe, e.answer));
    const bool leaves = h.instance.said.phase == Phase::stopping;
    if (!was_ready && passing && !leaves)
        return become_ready(h, s.spawn, probe_says(probe, e.answer));
    return stay(h, probe_says(probe, e.answer));
}

InstanceStep on(Here& h, const Serving auto& s, const Adopted&)
{
    const SpawnId spawn = s.spawn;
    await_life_anew(h);
    await_reload_anew(h);
    resume_probes(h);
    for (auto& health : h.instance.probes)
        health.answer_by.reset(); // nobody will answer any more
    if (auto* unready = std::get_if<Unready>(&h.instance.state)) {
        unready->limit_at = h.now() + h.spec.unready_limit;
        unready->dependencies = h.inputs.dependencies;
        for (auto& health : h.instance.probes)
            health.counter = 0;
    }
    return stay(h, fmt::format("spawn {} adopted by a new engine", number(spawn)));
}

InstanceStep when_due(Here& h, const Ready& s)
{
    if (auto failed = missed_watchdog(h, s.spawn)) return std::move(*failed);
    if (auto killed = kill_overdue(h, s.spawn)) return std::move(*killed);
    run_due_probes(h);
    return stay(h, "not due");
}

InstanceStep when_due(Here& h, const Unready& s)
{
    if (auto failed = missed_watchdog(h, s.spawn)) return std::move(*failed);
    if (auto killed = kill_overdue(h, s.spawn)) return std::move(*killed);
    if (h.now() >= s.limit_at) {
        if (h.inputs.dependencies == Inputs::Dependencies::ready && !is_left_alone(h)) {
            const Duration limit = h.spec.unready_limit;
            return replace(h, s.spawn, StartCause::unready,
                           "unready for " + to_text(limit) + ": " + h.instance.reason, limit);
        }
        std::get<Unready>(h.instance.state).limit_at = h.now() + h.spec.unready_limit;
    }
    run_due_probes(h);
    return stay(h, "not due");
}

InstanceStep on(Here& h, const Ready&, const HandedBack&)
{
    await_life_anew(h);
    return stay(h, "handed back");
}
InstanceStep on(Here& h, const Unready&, const HandedBack&)
{
    await_life_anew(h);
    std::get<Unready>(h.instance.state).limit_at = h.now() + h.spec.unready_limit;
    return stay(h, "handed back: unready_limit begins anew");
}

/// Time in which its requirements were not ready does not count: the limit begins anew.
InstanceStep on(Here& h, const Unready& s, const GateChanged&)
{
    if (s.dependencies == h.inputs.dependencies) return stay(h, "nothing that it requires changed");
    auto& unready = std::get<Unready>(h.instance.state);
    unready.dependencies = h.inputs.dependencies;
    unready.limit_at = h.now() + h.spec.unready_limit;
    return stay(h, "unready_limit begins anew: what it requires has changed");
}

// ---- time passes in service ---------------------------------------------------------------------

InstanceStep on(Here& h, const InService auto& s, const Tick&)
{
    if (auto waits = hear_first(h, s.spawn)) return std::move(*waits);
    return when_due(h, s);
}

InstanceStep on(Here& h, const InService auto& s, const HeardOut&)
{
    if (!h.instance.said.hear_by) return stay(h, "nothing was to be heard");
    h.instance.said.hear_by.reset();
    return when_due(h, s);
}

// ---- dispatch -----------------------------------------------------------------------------------

/// An event of an earlier spawn changes nothing; its exit status, if it is one, may be forgotten.
template <class E> InstanceStep drop(Here& h, const E& event)
{
    if constexpr (std::same_as<E, ProcessExited>) h.actions.emplace_back(Acknowledge{event.spawn});
    return stay(h, "about an earlier spawn");
}

bool is_awaited(const Here& h, const ProbeAnswered& e)
{
    if (e.probe >= h.instance.probes.size()) return false;
    const auto& health = h.instance.probes[e.probe];
    return health.answer_by.has_value() && health.attempt == e.attempt;
}

template <class S, class E> InstanceStep dispatch(Here& h, const S& state, const E& event)
{
    if constexpr (AboutASpawn<E> && !HoldsASpawn<S>) {
        return drop(h, event);
    } else if constexpr (ignored<S, E>) {
        return stay(h, "ignored");
    } else {
        if constexpr (AboutASpawn<E>)
            if (event.spawn != state.spawn) return drop(h, event);
        if constexpr (std::same_as<E, ProbeAnswered>)
            if (!is_awaited(h, event)) return stay(h, "a late answer");
        return on(h, state, event);
    }
}

/// What an event means for the hook that it is about; none: it is not about one.
template <class E> std::optional<InstanceStep> take_for_hook(Here& h, const E& event)
{
    if constexpr (AboutASpawn<E>) {
        if (!h.instance.hook || h.instance.hook->spawn != event.spawn) return std::nullopt;
        if constexpr (ignored_of_hook<E>) {
            return stay(h, "ignored");
        } else {
            const HookNews news = heed_hook(h, event);
            if (!news.over) return stay(h, news.text);
            const InstanceState beside = h.instance.state;
            auto made =
                std::visit([&](const auto& s) { return dispatch(h, s, *news.over); }, beside);
            if (made.reason == "ignored") made.reason = news.text;
            return made;
        }
    }
    return std::nullopt;
}

template <class E> InstanceStep take(Here& h, const E& event)
{
    if (auto made = take_for_hook(h, event)) return std::move(*made);
    std::string of_hook;
    if constexpr (std::same_as<E, Tick>) {
        of_hook = end_overdue_hook(h);
        if (of_hook.empty()) of_hook = end_overdue_reload(h);
    }
    if constexpr (std::same_as<E, HandedBack>) give_hook_time(h);
    const InstanceState before = h.instance.state;
    auto made = std::visit([&](const auto& s) { return dispatch(h, s, event); }, before);
    if (of_hook.empty()) return made;
    const bool is_all = made.reason == "ignored" || made.reason == "not due";
    made.reason = is_all ? of_hook : of_hook + "; " + made.reason;
    return made;
}

} // namespace

InstanceStep step(const units::UnitSpec& spec, Instance instance, const InstanceEvent& event,
                  const Inputs& inputs)
{
    Here here{spec, inputs, std::move(instance)};
    return std::visit([&](const auto& e) { return take(here, e); }, event);
}

} // namespace keel::core
