// The course of a hook beside its instance: begun, ended by itself, by its limit or by a change of
// mind, and over once nothing of it lives.
#include "base/result.hpp"
#include "base/text.hpp"
#include "core/instance_moves.hpp"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>

namespace keel::core {
namespace {

using Stage = HookRun::Stage;

/// Its result stands; what may live of it is killed.
void end_hook(Here& h, HookResult result, std::string what)
{
    HookRun& run = *h.instance.hook;
    run.stage = Stage::ending;
    run.result = result;
    run.what = std::move(what);
    run.due = h.now() + kill_patience;
    if (!is_left_alone(h)) h.actions.emplace_back(KillTree{run.spawn});
}

/// Tells what became of it, unless it is run once more, as nobody knows.
HookNews finish_hook(Here& h, HookResult result, const std::string& what)
{
    const HookRun run = *h.instance.hook;
    const auto which = name(run.hook);
    const std::string text = fmt::format("{}: {}", which, what);
    h.instance.hook.reset();
    const bool again = result == HookResult::unseen && units::has_hook(h.spec, run.hook);
    if (again && !is_left_alone(h)) {
        begin_hook(h, run.hook);
        return {text + ", so it runs again"};
    }
    // That of `start.pre` is the start's.
    const bool failed = result != HookResult::done && result != HookResult::broken_off;
    if (failed && run.hook != units::Hook::start_pre) h.hook_failed = text;
    return {text, HookOver{run.hook, result, what, h.now() - run.began, run.spawn}};
}

HookResult result_of(const HookRun& run, const ExitStatus& status)
{
    if (run.stage == Stage::asked) return HookResult::broken_off;
    if (status.kind == ExitStatus::Kind::unknown) return HookResult::unseen;
    const bool well = status.kind == ExitStatus::Kind::code && status.number == 0;
    return well ? HookResult::done : HookResult::failed;
}

} // namespace

void begin_hook(Here& h, units::Hook hook, Spawn::Brake brake)
{
    const SpawnId spawn = h.inputs.next_spawn;
    h.actions.emplace_back(RunHook{spawn, hook, brake});
    h.instance.hook = HookRun{spawn, hook, h.now(), h.now() + units::limit_of(h.spec, hook)};
}

void break_off_hook(Here& h)
{
    HookRun& run = *h.instance.hook;
    if (run.stage != Stage::runs) return;
    h.actions.emplace_back(Signal{run.spawn, SIGTERM});
    run.stage = Stage::asked;
    run.due = std::min(run.due, h.now() + h.spec.stop.timeout);
}

HookNews heed_hook(Here& h, const SpawnFailed& e)
{
    const bool for_want = e.stage == SetupStage::descriptors || e.stage == SetupStage::processes;
    const Error error{fmt::format("{}{}{}", name(e.stage), e.what.empty() ? "" : ": ", e.what),
                      {},
                      e.errno_value};
    const bool unwanted = h.instance.hook->stage == Stage::asked;
    return finish_hook(h,
                       unwanted   ? HookResult::broken_off
                       : for_want ? HookResult::put_off
                                  : HookResult::failed,
                       error.text());
}

HookNews heed_hook(Here& h, const ProcessExited& e)
{
    h.actions.emplace_back(Acknowledge{e.spawn});
    const HookRun run = *h.instance.hook;
    const bool ending = run.stage == Stage::ending;
    const HookResult result = ending ? run.result : result_of(run, e.status);
    const std::string what = ending ? run.what : to_text(e.status);
    if (e.tree == TreeState::empty) return finish_hook(h, result, what);
    end_hook(h, result, what);
    return {fmt::format("{}: {}, sweeping what it left behind", name(run.hook), what)};
}

HookNews heed_hook(Here& h, const TreeEmptied&)
{
    const HookRun run = *h.instance.hook;
    if (run.stage != Stage::ending) return {"a late word of its hook"};
    return finish_hook(h, run.result, run.what);
}

HookNews heed_hook(Here& h, const Adopted&)
{
    HookRun& run = *h.instance.hook;
    const auto text = fmt::format("{} adopted by a new engine", name(run.hook));
    if (is_left_alone(h) || run.stage == Stage::runs) {
        give_hook_time(h);
        return {text};
    }
    if (run.stage == Stage::ending) {
        end_hook(h, run.result, run.what);
        return {text};
    }
    h.actions.emplace_back(Signal{run.spawn, SIGTERM});
    run.due = h.now() + h.spec.stop.timeout;
    return {text};
}

std::string end_overdue_hook(Here& h)
{
    if (!h.instance.hook || h.now() < h.instance.hook->due) return {};
    const HookRun run = *h.instance.hook;
    const auto which = name(run.hook);
    if (is_left_alone(h)) {
        give_hook_time(h);
        return fmt::format("{} is left alone", which);
    }
    if (run.stage == Stage::ending) {
        end_hook(h, run.result, run.what);
        return fmt::format("{} is still not gone after SIGKILL: sent again", which);
    }
    const bool unwanted = run.stage == Stage::asked;
    const Duration limit = unwanted ? h.spec.stop.timeout : units::limit_of(h.spec, run.hook);
    const std::string what = "not over within " + to_text(limit);
    end_hook(h, unwanted ? HookResult::broken_off : HookResult::failed, what);
    return fmt::format("{}: {}: SIGKILL to all of it", which, what);
}

void give_hook_time(Here& h)
{
    if (!h.instance.hook) return;
    HookRun& run = *h.instance.hook;
    run.began = h.now();
    run.due = h.now() + (run.stage == Stage::runs
                             ? units::limit_of(h.spec, run.hook)
                             : std::max<Duration>(h.spec.stop.timeout, kill_patience));
}

} // namespace keel::core
