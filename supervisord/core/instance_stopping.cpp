// An instance that stops: asked, killed, or with what it left behind being swept away.
#include "base/text.hpp"
#include "core/instance_moves.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::core {

namespace {

Aftermath after_of(const Stopping& s, std::string reason)
{
    return {s.then, s.cause, s.delay, std::move(reason)};
}

int asked_by(const Here& h, const Stopping& s)
{
    return s.signal_number != 0 ? s.signal_number : h.spec.stop.signal;
}

/// The process is asked to end now; what had to come first is over.
InstanceStep ask_now(Here& h, const Stopping& s, std::string reason)
{
    auto& stopping = std::get<Stopping>(h.instance.state);
    h.actions.emplace_back(Signal{s.spawn, asked_by(h, s)});
    stopping.stage = KillStage::asked;
    stopping.escalate_at = h.now() + h.spec.stop.timeout;
    return stay(h, std::move(reason));
}

/// While a hook that had to come first is seen to.
InstanceStep wait_for_hook(Here& h, std::string reason)
{
    std::get<Stopping>(h.instance.state).escalate_at = h.now() + h.spec.stop.timeout;
    return stay(h, std::move(reason));
}

/// What was asked of the process before somebody else took over is asked once more.
InstanceStep ask_again(Here& h, const Stopping& s, std::string reason)
{
    auto& stopping = std::get<Stopping>(h.instance.state);
    if (s.stage == KillStage::emptied) return stay(h, "only a hook of it runs");
    if (s.stage == KillStage::preparing && h.instance.hook) return wait_for_hook(h, "a hook first");
    if (s.stage == KillStage::preparing) return ask_now(h, s, std::move(reason));
    if (s.stage == KillStage::asked) {
        h.actions.emplace_back(Signal{s.spawn, asked_by(h, s)});
        stopping.escalate_at = h.now() + h.spec.stop.timeout;
    } else {
        h.actions.emplace_back(KillTree{s.spawn});
        stopping.escalate_at = h.now() + kill_patience;
    }
    return stay(h, std::move(reason));
}

InstanceStep leave_alone(Here& h)
{
    std::get<Stopping>(h.instance.state).escalate_at =
        h.now() + std::max<Duration>(h.spec.stop.timeout, kill_patience);
    return stay(h, "left alone");
}

} // namespace

InstanceStep on(Here& h, const Stopping&, const LaunchWanted&)
{
    auto& stopping = std::get<Stopping>(h.instance.state);
    h.instance.history = {};
    if (stopping.then != AfterStop::recover) stopping.cause = StartCause::wanted;
    stopping.then = AfterStop::start_again;
    return stay(h, "start wanted: it starts again once it is down");
}
InstanceStep on(Here& h, const Stopping&, const RestartWanted& e)
{
    auto& stopping = std::get<Stopping>(h.instance.state);
    h.instance.history = {};
    stopping.then = AfterStop::start_again;
    stopping.cause = e.cause;
    return stay(h, e.why + ": it starts again once it is down");
}
InstanceStep on(Here& h, const Stopping&, const StopWanted&)
{
    std::get<Stopping>(h.instance.state).then = AfterStop::stay_down;
    return stay(h, "stop wanted: it stays down");
}
InstanceStep on(Here& h, const Stopping& s, const GiveUpWanted&)
{
    if (s.then != AfterStop::recover) return stay(h, "a person's word stands");
    std::get<Stopping>(h.instance.state).then = AfterStop::give_up;
    return stay(h, "given up by the ladder");
}
InstanceStep on(Here& h, const Stopping& s, const SpawnFailed&)
{
    if (s.stage == KillStage::emptied) return stay(h, "its spawn had failed");
    return conclude(h, s.spawn, after_of(s, h.instance.reason + "; its spawn had failed"));
}
InstanceStep on(Here& h, const Stopping& s, const ProcessExited& e)
{
    h.actions.emplace_back(Acknowledge{s.spawn});
    if (s.stage == KillStage::emptied) return stay(h, "known: nothing of it lives");
    auto after = after_of(s, fmt::format("{}; {}", h.instance.reason, to_text(e.status)));
    if (e.tree == TreeState::alive) return sweep(h, s.spawn, after);
    return conclude(h, s.spawn, std::move(after));
}
InstanceStep on(Here& h, const Stopping& s, const TreeEmptied&)
{
    if (s.stage == KillStage::emptied) return stay(h, "known: nothing of it lives");
    return conclude(h, s.spawn, after_of(s, h.instance.reason + "; nothing of it lives"));
}
InstanceStep on(Here& h, const Stopping& s, const Adopted&)
{
    return is_left_alone(h) ? leave_alone(h) : ask_again(h, s, "asked again by a new engine");
}
InstanceStep on(Here& h, const Stopping& s, const HandedBack&)
{
    return ask_again(h, s, "handed back: asked again");
}
InstanceStep on(Here& h, const Stopping& s, const HookOver& e)
{
    const std::string text = fmt::format("{}: {}", name(e.hook), e.what);
    if (s.stage == KillStage::emptied) {
        auto after = after_of(s, fmt::format("{}: {}", h.instance.reason, e.what));
        if (e.hook == units::Hook::stop_post) return follow(h, std::move(after));
        return conclude(h, s.spawn, std::move(after));
    }
    if (s.stage != KillStage::preparing) return stay(h, text);
    if (is_left_alone(h)) return leave_alone(h);
    const bool owed =
        e.hook != units::Hook::stop_pre && units::has_hook(h.spec, units::Hook::stop_pre);
    if (!owed) return ask_now(h, s, text);
    begin_hook(h, units::Hook::stop_pre);
    return wait_for_hook(h, text + "; stop.pre next");
}
InstanceStep on(Here& h, const Stopping& s, const Tick&)
{
    if (s.stage == KillStage::emptied || h.now() < s.escalate_at) return stay(h, "not due");
    if (is_left_alone(h)) return leave_alone(h);
    if (s.stage == KillStage::preparing) return ask_now(h, s, "it is asked to end all the same");
    auto& stopping = std::get<Stopping>(h.instance.state);
    h.actions.emplace_back(KillTree{s.spawn});
    stopping.escalate_at = h.now() + kill_patience;
    if (s.stage != KillStage::asked) return stay(h, "still not gone after SIGKILL: sent again");
    stopping.stage = KillStage::killed;
    return stay(h, fmt::format("did not end within {} of {}: SIGKILL to all of it",
                               to_text(h.spec.stop.timeout), signal_name(asked_by(h, s))));
}

} // namespace keel::core
