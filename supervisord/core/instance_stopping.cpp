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

/// What was asked of the process before somebody else took over is asked once more.
InstanceStep ask_again(Here& h, const Stopping& s, std::string reason)
{
    auto& stopping = std::get<Stopping>(h.instance.state);
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
InstanceStep on(Here& h, const Stopping&, const RestartWanted&)
{
    auto& stopping = std::get<Stopping>(h.instance.state);
    h.instance.history = {};
    stopping.then = AfterStop::start_again;
    stopping.cause = StartCause::operator_restart;
    return stay(h, "restart wanted: it starts again once it is down");
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
    return conclude(h, after_of(s, h.instance.reason + "; its spawn had failed"));
}
InstanceStep on(Here& h, const Stopping& s, const ProcessExited& e)
{
    h.actions.emplace_back(Acknowledge{s.spawn});
    auto after = after_of(s, fmt::format("{}; {}", h.instance.reason, to_text(e.status)));
    if (e.tree == TreeState::alive) return sweep(h, s.spawn, after);
    return conclude(h, std::move(after));
}
InstanceStep on(Here& h, const Stopping& s, const TreeEmptied&)
{
    return conclude(h, after_of(s, h.instance.reason + "; nothing of it lives"));
}
InstanceStep on(Here& h, const Stopping& s, const Adopted&)
{
    return is_left_alone(h) ? leave_alone(h) : ask_again(h, s, "asked again by a new engine");
}
InstanceStep on(Here& h, const Stopping& s, const HandedBack&)
{
    return ask_again(h, s, "handed back: asked again");
}
InstanceStep on(Here& h, const Stopping& s, const Tick&)
{
    if (h.now() < s.escalate_at) return stay(h, "not due");
    if (is_left_alone(h)) return leave_alone(h);
    auto& stopping = std::get<Stopping>(h.instance.state);
    h.actions.emplace_back(KillTree{s.spawn});
    stopping.escalate_at = h.now() + kill_patience;
    if (s.stage != KillStage::asked) return stay(h, "still not gone after SIGKILL: sent again");
    stopping.stage = KillStage::killed;
    return stay(h, fmt::format("did not end within {} of {}: SIGKILL to all of it",
                               to_text(h.spec.stop.timeout), signal_name(asked_by(h, s))));
}

} // namespace keel::core
