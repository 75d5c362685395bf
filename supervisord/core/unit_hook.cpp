// The hook of a rung: begun by a climb, ended by itself, by its limit or by a change of mind, and
// over once nothing of it lives. Then all budgets start anew, and if it has failed the unit climbs
// on at once; unless the unit has left that rung meanwhile, or nobody wants it up any more.
#include "base/ensure.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "core/unit_moves.hpp"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>

namespace keel::core {
namespace {

using Stage = RungHook::Stage;

/// How long after keeld had nothing left for it it is tried again.
constexpr Duration put_off_for = std::chrono::seconds(1);

/// Of a hook that keel.toml has no longer: as by default.
Duration limit_of(const UnitMaking& m, const RungHook& hook)
{
    const auto found = m.spec.hooks.find(hook.name);
    return found == m.spec.hooks.end() ? units::NamedHook{}.timeout : found->second.timeout;
}

/// A spawn of it, the first one or one more.
void spawn_hook(UnitMaking& m, RungHook hook)
{
    hook.spawn = SpawnId{number(m.inputs.next_spawn) + m.out.spawns};
    ++m.out.spawns;
    hook.due = m.now() + limit_of(m, hook);
    hook.stage = Stage::runs;
    m.out.actions.push_back({whole_unit, RunRungHook{hook.spawn, hook.name, hook.why}});
    m.unit().rung_hook = std::move(hook);
}

void kill_hook(UnitMaking& m)
{
    RungHook& hook = *m.unit().rung_hook;
    hook.stage = Stage::ending;
    hook.due = m.now() + kill_patience;
    m.out.actions.push_back({whole_unit, KillTree{hook.spawn}});
}

/// Its result stands; what may live of it is killed.
void end_hook(UnitMaking& m, HookResult result, std::string what)
{
    m.unit().rung_hook->result = result;
    m.unit().rung_hook->what = std::move(what);
    kill_hook(m);
}

bool is_going(const UnitMaking& m)
{
    const bool ending = m.inputs.gate && m.inputs.gate->kind == BlockedOn::Kind::shutdown;
    return ending || m.unit().before_leaving;
}

/// Nothing of it lives: it runs once more if nobody knows how it ended, or what follows does.
void finish_hook(UnitMaking& m, HookResult result, const std::string& what)
{
    Unit& unit = m.unit();
    const RungHook hook = *std::exchange(unit.rung_hook, std::nullopt);
    if (result == HookResult::unseen && is_going(m)) result = HookResult::broken_off;
    m.out.notes.emplace_back(RungHookEnded{hook.name, result, what, m.now() - hook.began});
    if (result == HookResult::unseen) {
        RungHook again{{}, hook.name, hook.why, hook.rung, m.now(), {}};
        return spawn_hook(m, std::move(again));
    }
    note_action_result(unit, to_text(units::Rung(units::Rung::run, hook.name)), what);
    const bool matters = unit.rung == hook.rung && is_wanted_up(unit) &&
                         result != HookResult::broken_off && !is_going(m);
    if (!matters || unit.deployment) return; // A person deploys something meanwhile.
    for (Instance& each : unit.instances)
        each.history.charged.clear();
    const bool is_last = unit.rung + 1U >= m.spec.escalation.ladder.size();
    if (result != HookResult::done && !is_last)
        climb(m, fmt::format("hook {}: {}", hook.name, what));
}

HookResult result_of(const RungHook& hook, const ExitStatus& status)
{
    if (hook.stage == Stage::asked) return HookResult::broken_off;
    if (status.kind == ExitStatus::Kind::unknown) return HookResult::unseen;
    const bool well = status.kind == ExitStatus::Kind::code && status.number == 0;
    return well ? HookResult::done : HookResult::failed;
}

// ---- what happens to its spawn ------------------------------------------------------------------

void heed(UnitMaking& m, const SpawnFailed& e)
{
    RungHook& hook = *m.unit().rung_hook;
    if (hook.stage == Stage::asked) return finish_hook(m, HookResult::broken_off, "not needed");
    if (e.stage == SetupStage::lost) return spawn_hook(m, hook);
    const bool for_want = e.stage == SetupStage::descriptors || e.stage == SetupStage::processes;
    if (for_want && m.now() < hook.began + limit_of(m, hook)) {
        hook.stage = Stage::put_off;
        hook.due = m.now() + put_off_for;
        return;
    }
    const Error error{fmt::format("{}{}{}", name(e.stage), e.what.empty() ? "" : ": ", e.what),
                      {},
                      e.errno_value};
    finish_hook(m, HookResult::failed, error.text());
}

void heed(UnitMaking& m, const ProcessExited& e)
{
    m.out.actions.push_back({whole_unit, Acknowledge{e.spawn}});
    const RungHook hook = *m.unit().rung_hook;
    const bool ending = hook.stage == Stage::ending;
    const HookResult result = ending ? hook.result : result_of(hook, e.status);
    const std::string what = ending ? hook.what : to_text(e.status);
    if (e.tree == TreeState::empty) return finish_hook(m, result, what);
    end_hook(m, result, what);
}

void heed(UnitMaking& m, const TreeEmptied&)
{
    const RungHook hook = *m.unit().rung_hook;
    if (hook.stage == Stage::ending) finish_hook(m, hook.result, hook.what);
}

/// By a new engine: what was to be done to it is done once more.
void heed(UnitMaking& m, const Adopted&)
{
    RungHook& hook = *m.unit().rung_hook;
    if (hook.stage == Stage::ending) return kill_hook(m);
    hook.due = m.now() + (hook.stage == Stage::runs ? limit_of(m, hook) : m.spec.stop.timeout);
    if (hook.stage == Stage::asked)
        m.out.actions.push_back({whole_unit, Signal{hook.spawn, SIGTERM}});
}

} // namespace

void begin_rung_hook(UnitMaking& m, const std::string& name, const std::string& why)
{
    ENSURE(!m.unit().rung_hook, "one hook of a ladder at a time");
    spawn_hook(m, {{}, name, why, m.unit().rung, m.now(), {}});
}

void heed_rung_hook(UnitMaking& m, const InstanceEvent& event)
{
    const auto concerns = [&](SpawnId spawn) {
        const auto& hook = m.unit().rung_hook;
        return hook && hook->spawn == spawn && hook->stage != Stage::put_off;
    };
    if (const auto* failed = std::get_if<SpawnFailed>(&event); failed && concerns(failed->spawn))
        heed(m, *failed);
    if (const auto* empty = std::get_if<TreeEmptied>(&event); empty && concerns(empty->spawn))
        heed(m, *empty);
    if (const auto* adopted = std::get_if<Adopted>(&event); adopted && concerns(adopted->spawn))
        heed(m, *adopted);
    const auto* exited = std::get_if<ProcessExited>(&event);
    if (exited != nullptr && concerns(exited->spawn))
        heed(m, *exited);
    else if (exited != nullptr) // Of an earlier one.
        m.out.actions.push_back({whole_unit, Acknowledge{exited->spawn}});
}

void break_off_rung_hook(UnitMaking& m)
{
    auto& hook = m.unit().rung_hook;
    if (!hook) return;
    if (hook->stage == Stage::put_off) return finish_hook(m, HookResult::broken_off, "not needed");
    if (hook->stage != Stage::runs) return;
    m.out.actions.push_back({whole_unit, Signal{hook->spawn, SIGTERM}});
    hook->stage = Stage::asked;
    hook->due = std::min(hook->due, m.now() + m.spec.stop.timeout);
}

void end_overdue_rung_hook(UnitMaking& m)
{
    auto& hook = m.unit().rung_hook;
    if (!hook || m.now() < hook->due) return;
    switch (hook->stage) {
    case Stage::put_off: return spawn_hook(m, *hook);
    case Stage::ending: return kill_hook(m);
    case Stage::asked: return end_hook(m, HookResult::broken_off, "asked to end and did not");
    case Stage::runs: break;
    }
    end_hook(m, HookResult::failed, "not over within " + to_text(limit_of(m, *hook)));
}

} // namespace keel::core
