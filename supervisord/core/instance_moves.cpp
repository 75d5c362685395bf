#include "core/instance_moves.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::core {

InstanceStep stay(Here& h, std::string reason)
{
    return {std::move(h.instance),
            std::move(h.actions),
            std::move(reason),
            std::move(h.failure),
            h.started,
            std::move(h.hook_failed),
            std::move(h.restrained),
            h.tokens};
}

namespace {

/// Of a start only its beginning and its first success count, not what becomes of it later.
void note_start(Here& h, const InstanceState& state)
{
    LastStart& start = h.instance.last_start;
    const bool goes_on = std::holds_alternative<Preparing>(h.instance.state);
    if (std::holds_alternative<Preparing>(state) ||
        (std::holds_alternative<Starting>(state) && !goes_on))
        start = {h.inputs.now.wall, {}};
    else if (serves(state) && start.began && !start.ready)
        start.ready = h.inputs.now.wall;
}

} // namespace

InstanceStep enter(Here& h, InstanceState state, std::string reason)
{
    const auto spawn = spawn_of(state);
    const bool same_spawn = spawn && spawn == spawn_of(h.instance.state);
    h.instance.ready_for = same_spawn ? ready_time(h) : ReadyTime{};
    if (!same_spawn) h.instance.probes.clear();
    note_start(h, state);
    if (!same_spawn) h.instance.said = {};
    if (!same_spawn || std::holds_alternative<Stopping>(state)) h.instance.reload_by.reset();
    if (std::holds_alternative<Stopping>(state))
        h.instance.said.life_by = h.instance.said.hear_by = std::nullopt;
    h.instance.state = std::move(state);
    h.instance.since = h.inputs.now;
    h.instance.reason = reason;
    return stay(h, std::move(reason));
}

ReadyTime ready_time(const Here& h)
{
    const auto* ready = std::get_if<Ready>(&h.instance.state);
    if (ready == nullptr) return h.instance.ready_for;
    return h.instance.ready_for.value_or(Duration{0}) + (h.now() - ready->since);
}

// ---- starting ---------------------------------------------------------------------------------

namespace {

/// The storm brake charges second and later restarts in a row.
bool is_charged(const RestartHistory& history) { return history.in_a_row >= 2; }

} // namespace

std::optional<BlockedOn> held_back_by(const Here& h)
{
    if (h.inputs.gate) return h.inputs.gate;
    if (units::has_releases(h.spec) && h.release().id.empty())
        return BlockedOn{BlockedOn::Kind::release, {}};
    if (is_charged(h.instance.history) && h.inputs.brake == Inputs::Brake::on)
        return BlockedOn{BlockedOn::Kind::storm, {}};
    return std::nullopt;
}

bool is_left_alone(const Here& h) { return h.inputs.hands == Inputs::Hands::off; }

std::optional<MonoTime> start_deadline(const Here& h, Duration prepared)
{
    if (h.spec.type == units::UnitType::oneshot) return std::nullopt;
    return h.now() + std::max(Duration{0}, h.spec.start.timeout - prepared);
}

InstanceStep launch(Here& h, StartCause cause, std::string reason)
{
    if (auto on_what = held_back_by(h)) {
        auto text = to_text(*on_what);
        // What happened to a process that a person looks at must not go under.
        if (on_what->kind == BlockedOn::Kind::hold) text = reason + "; " + text;
        return enter(h, Blocked{std::move(*on_what), cause, {}}, std::move(text));
    }
    const auto brake = is_charged(h.instance.history) ? Spawn::Brake::charged : Spawn::Brake::free;
    if (units::has_hook(h.spec, units::Hook::start_pre)) {
        begin_hook(h, units::Hook::start_pre, brake);
        h.instance.recipe = h.spec.recipe;
        h.instance.release = h.release();
        return enter(h, Preparing{cause}, reason + "; start.pre runs");
    }
    Starting starting;
    starting.cause = cause;
    return begin_process(h, starting, brake, std::move(reason));
}

InstanceStep begin_process(Here& h, Starting starting, Spawn::Brake brake, std::string reason)
{
    starting.spawn = h.inputs.next_spawn;
    starting.since = h.now();
    starting.ready_by = start_deadline(h, starting.prepared);
    h.actions.emplace_back(Spawn{starting.spawn, starting.cause, brake});
    h.instance.recipe = h.spec.recipe;
    h.instance.release = h.release();
    return enter(h, starting, std::move(reason));
}

void note_started(Here& h)
{
    auto* starting = std::get_if<Starting>(&h.instance.state);
    if (starting == nullptr || starting->running == Starting::Running::yes) return;
    starting->running = Starting::Running::yes;
    h.started = starting->cause;
    if (starting->cause != StartCause::wanted) ++h.instance.restarts;
}

InstanceStep launch_afresh(Here& h, StartCause cause, std::string reason)
{
    h.instance.history = {};
    return launch(h, cause, std::move(reason));
}

// ---- stopping ---------------------------------------------------------------------------------

InstanceStep ask_to_stop(Here& h, SpawnId spawn, Aftermath after)
{
    if (h.instance.hook) // It is about a process that is to go.
        break_off_hook(h);
    else if (units::has_hook(h.spec, units::Hook::stop_pre))
        begin_hook(h, units::Hook::stop_pre);
    if (h.instance.hook) {
        // One that has to be killed has a moment to be gone; what was to run after it does not run.
        const bool breaks_off = h.instance.hook->stage != HookRun::Stage::runs;
        const MonoTime latest = h.instance.hook->due + (breaks_off ? kill_patience : Duration{0});
        const Stopping stopping{spawn,       KillStage::preparing, latest, after.then, after.cause,
                                after.delay, after.signal_number};
        const auto which = name(h.instance.hook->hook);
        return enter(h, stopping, fmt::format("{}; {} first", after.reason, which));
    }
    const int signal_number = after.signal_number != 0 ? after.signal_number : h.spec.stop.signal;
    h.actions.emplace_back(Signal{spawn, signal_number});
    const Stopping stopping{
        spawn,       KillStage::asked,   h.now() + h.spec.stop.timeout, after.then, after.cause,
        after.delay, after.signal_number};
    return enter(h, stopping, std::move(after.reason));
}

InstanceStep sweep(Here& h, SpawnId spawn, const Aftermath& after)
{
    if (!is_left_alone(h)) h.actions.emplace_back(KillTree{spawn});
    const Stopping stopping{spawn,      KillStage::sweeping, h.now() + kill_patience,
                            after.then, after.cause,         after.delay};
    return enter(h, stopping,
                 after.reason + (is_left_alone(h) ? "; what it left behind is left alone"
                                                  : ", sweeping what it left behind"));
}

InstanceStep conclude(Here& h, SpawnId spawn, Aftermath after)
{
    using units::Hook;
    if (h.instance.hook && h.instance.hook->hook != Hook::stop_pre) break_off_hook(h);
    if (!h.instance.hook && units::has_hook(h.spec, Hook::stop_post) && !is_left_alone(h))
        begin_hook(h, Hook::stop_post);
    if (!h.instance.hook) return follow(h, std::move(after));
    const Stopping stopping{spawn,      KillStage::emptied, h.now(),
                            after.then, after.cause,        after.delay};
    return enter(h, stopping, fmt::format("{}; {}", after.reason, name(h.instance.hook->hook)));
}

InstanceStep follow(Here& h, Aftermath after)
{
    switch (after.then) {
    case AfterStop::stay_down: return enter(h, Stopped{}, std::move(after.reason));
    case AfterStop::start_again: return launch(h, after.cause, std::move(after.reason));
    case AfterStop::finish: return enter(h, Done{}, std::move(after.reason));
    case AfterStop::give_up: {
        auto why = after.reason;
        return enter(h, Failed{std::move(why)}, std::move(after.reason));
    }
    case AfterStop::recover: break;
    }
    if (after.delay == Duration{0} || is_left_alone(h))
        return launch(h, after.cause, std::move(after.reason));
    auto made = enter(h, Backoff{h.now() + after.delay, after.cause}, std::move(after.reason));
    made.reason += "; next start in " + to_human(after.delay);
    return made;
}

// ---- failing ----------------------------------------------------------------------------------

Aftermath judge_trouble(Here& h, Trouble trouble)
{
    using enum Outcome;
    const ReadyTime ready_for = trouble.ending.ready_for = ready_time(h);
    const StartCause cause = trouble.ending.cause;
    RestartHistory& history = h.instance.history;
    auto [outcome, reason] = judge(h.spec.restart, trouble.ending);

    if (outcome == done) return {AfterStop::finish, {}, {}, std::move(reason)};
    if (outcome == restart_clean) {
        history.in_a_row = 1;
        return {AfterStop::recover, cause, Duration{0}, std::move(reason)};
    }
    if (is_stable(h.spec.restart, ready_for)) history.in_a_row = 0;
    ++history.in_a_row;
    const bool is_spared = h.inputs.dependencies == Inputs::Dependencies::down ||
                           h.inputs.budget == Inputs::Budget::spared;
    if (is_spared || is_left_alone(h)) trouble.charge = Failure::Charge::free;
    if (trouble.charge == Failure::Charge::charged) charge(h.spec, history, h.now());
    h.failure = Failure{cause, reason, trouble.charge, trouble.detection};

    if (outcome == failed) return {AfterStop::give_up, cause, {}, std::move(reason)};
    const bool charged = trouble.charge == Failure::Charge::charged;
    if (charged && h.inputs.after_failure == Inputs::AfterFailure::give_up)
        return {AfterStop::give_up, cause, {}, reason + "; given up by the ladder"};
    const Duration delay =
        backoff_delay(h.spec.restart, h.inputs.delay_cap, history.in_a_row, h.inputs.jitter);
    return {AfterStop::recover, cause, delay, std::move(reason)};
}

StartCause cause_of(const ExitStatus& status)
{
    switch (status.kind) {
    case ExitStatus::Kind::code: return StartCause::exit;
    case ExitStatus::Kind::signal: return status.oom_killed ? StartCause::oom : StartCause::signal;
    case ExitStatus::Kind::unknown: break;
    }
    return StartCause::lost;
}

InstanceStep replace(Here& h, SpawnId spawn, StartCause cause, std::string what, Duration detection)
{
    return ask_to_stop(h, spawn, judge_trouble(h, {{cause, {}, std::move(what), {}}, detection}));
}

InstanceStep fail_the_start(Here& h, SpawnId spawn)
{
    std::string what = fmt::format("not ready within {}", to_text(h.spec.start.timeout));
    for (std::size_t i = 0; i < h.instance.probes.size(); ++i)
        if (const auto& health = h.instance.probes[i];
            health.last && !is_passing(h.spec.probes[i], health))
            what += "; " + probe_says(h.spec.probes[i], *health.last);
    if (h.spec.ready == units::ReadyBy::notify) what += "; it did not say READY=1";
    if (h.spec.ready == units::ReadyBy::log)
        what += fmt::format("; no line of its output matched `{}`", h.spec.ready_line);
    if (h.spec.ready == units::ReadyBy::descriptor)
        what += fmt::format("; it wrote no newline to descriptor {}", h.spec.ready_fd);
    if (!h.instance.said.status.empty())
        what += fmt::format("; its status: {}", h.instance.said.status);
    return replace(h, spawn, StartCause::start_timeout, std::move(what), h.spec.start.timeout);
}

// ---- readiness --------------------------------------------------------------------------------

InstanceStep become_ready(Here& h, SpawnId spawn, std::string reason)
{
    const bool from_start = std::holds_alternative<Starting>(h.instance.state);
    if (from_start) await_life(h);
    const bool is_owed = from_start && units::has_hook(h.spec, units::Hook::start_post);
    if (is_owed && !is_left_alone(h)) begin_hook(h, units::Hook::start_post);
    auto step_out = enter(h, Ready{spawn, h.now()}, std::move(reason));
    if (!from_start) return step_out;
    Here after{h.spec, h.inputs, std::move(step_out.next), std::move(step_out.actions)};
    after.started = step_out.started;
    resume_probes(after);
    return stay(after, std::move(step_out.reason));
}

InstanceStep become_unready(Here& h, SpawnId spawn, std::string reason)
{
    const Unready unready{spawn, h.now() + h.spec.unready_limit, h.inputs.dependencies};
    return enter(h, unready, std::move(reason));
}

// ---- probes -----------------------------------------------------------------------------------

bool is_probed(const units::ProbeSpec& probe, const InstanceState& state)
{
    if (const auto* starting = std::get_if<Starting>(&state))
        return starting->running == Starting::Running::yes && gates_readiness(probe);
    if (std::holds_alternative<Ready>(state) || std::holds_alternative<Unready>(state))
        return probe.role.readiness || probe.role.liveness;
    return false;
}

std::string probe_says(const units::ProbeSpec& probe, const ProbeAnswer& answer)
{
    return fmt::format("probe {}: {}", probe.name, answer.detail);
}

bool all_pass(const Here& h, bool (*counts)(const units::ProbeSpec&))
{
    for (std::size_t i = 0; i < h.spec.probes.size(); ++i)
        if (counts(h.spec.probes[i]) && !is_passing(h.spec.probes[i], h.instance.probes[i]))
            return false;
    return true;
}

bool any_unknown(const Here& h)
{
    for (std::size_t i = 0; i < h.instance.probes.size(); ++i) {
        const auto& health = h.instance.probes[i];
        const bool missing =
            gates_readiness(h.spec.probes[i]) && !is_passing(h.spec.probes[i], health);
        if (missing && health.unknown_run > 0) return true;
    }
    return false;
}

namespace {

/// A fraction in [0, 1) that differs between probes and units but not between runs (FNV-1a).
double spread_of(const units::UnitSpec& unit, const units::ProbeSpec& probe)
{
    std::uint64_t hash = 14695981039346656037ULL;
    for (const std::string_view text : {std::string_view(unit.name), std::string_view(probe.name)})
        for (const char c : text)
            hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    return static_cast<double>(hash >> 11) / static_cast<double>(1ULL << 53);
}

} // namespace

void begin_probes(Here& h)
{
    h.instance.probes.assign(h.spec.probes.size(), ProbeHealth{});
    for (std::size_t i = 0; i < h.spec.probes.size(); ++i)
        h.instance.probes[i].next_at = h.now() + h.spec.probes[i].delay;
}

void resume_probes(Here& h)
{
    h.instance.probes.resize(h.spec.probes.size());
    for (std::size_t i = 0; i < h.spec.probes.size(); ++i) {
        const auto& probe = h.spec.probes[i];
        auto& health = h.instance.probes[i];
        forgive(probe, health);
        const double fraction = 0.5 + 0.5 * spread_of(h.spec, probe);
        health.next_at = h.now() + std::chrono::duration_cast<Duration>(probe.interval * fraction);
    }
}

void run_due_probes(Here& h)
{
    const auto spawn = spawn_of(h.instance.state);
    if (!spawn || h.instance.probes.size() != h.spec.probes.size()) return;
    for (std::uint32_t i = 0; i < h.spec.probes.size(); ++i) {
        const auto& probe = h.spec.probes[i];
        auto& health = h.instance.probes[i];
        if (!is_probed(probe, h.instance.state)) continue;
        if (health.answer_by && *health.answer_by <= h.now()) {
            const ProbeAnswer none{Verdict::unknown, VerdictKind::internal, probe.timeout,
                                   "the prober never answered"};
            (void)observe(probe, health, none, h.now());
            health.next_at = h.now() + probe.interval;
        }
        if (health.answer_by || health.next_at > h.now()) continue;
        ++health.attempt;
        health.answer_by = h.now() + probe.timeout + answer_slack;
        h.actions.emplace_back(RunProbe{*spawn, i, health.attempt});
    }
}

} // namespace keel::core
