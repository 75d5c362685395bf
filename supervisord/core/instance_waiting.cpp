// An instance whose start waits: for a named thing, for its time, or for `start.pre`, which runs
// while nothing of the unit itself does yet.
#include "base/text.hpp"
#include "core/instance_moves.hpp"

#include <fmt/format.h>

namespace keel::core {
namespace {

/// A person's word clears budget and delay, and with them the storm brake and a pause between
/// tries; what a gate holds back it still holds back.
InstanceStep push(Here& h, const Blocked& s, StartCause cause, std::string reason)
{
    h.instance.history = {};
    if (held_back_by(h) == s.on) return stay(h, reason + ", still " + to_text(s.on));
    return launch(h, cause, std::move(reason));
}

/// The start is not to be: its hook is asked to end, and the rest follows.
InstanceStep call_off(Here& h, Aftermath after)
{
    const SpawnId spawn = h.instance.hook->spawn;
    break_off_hook(h);
    return conclude(h, spawn, std::move(after));
}

} // namespace

// ---- blocked, backoff ---------------------------------------------------------------------------

InstanceStep on(Here& h, const Blocked&, const StopWanted&)
{
    return enter(h, Stopped{}, "stop wanted");
}
InstanceStep on(Here& h, const Blocked& s, const LaunchWanted&)
{
    return push(h, s, s.cause, "start wanted");
}
InstanceStep on(Here& h, const Blocked& s, const RestartWanted& e)
{
    // With its first release it starts for what it was to start for all along.
    const bool is_first = s.on.kind == BlockedOn::Kind::release;
    return push(h, s, is_first ? s.cause : e.cause, e.why);
}
InstanceStep on(Here& h, const Blocked& s, const GateChanged&)
{
    const auto by = held_back_by(h);
    const bool awaits_its_time = !by && s.retry_at; // nobody tells of what it waits for
    if (by == s.on || awaits_its_time) return stay(h, "still " + to_text(s.on));
    return launch(h, s.cause, "no longer " + to_text(s.on));
}
InstanceStep on(Here& h, const Blocked& s, const GiveUpWanted&)
{
    return enter(h, Failed{"given up while " + to_text(s.on)}, "given up by the ladder");
}
InstanceStep on(Here& h, const Blocked& s, const Tick&)
{
    if (!s.retry_at || h.now() < *s.retry_at) return stay(h, "not due");
    return launch(h, s.cause, "trying again");
}

InstanceStep on(Here& h, const Backoff& s, const LaunchWanted&)
{
    return launch_afresh(h, s.cause, "start wanted");
}
InstanceStep on(Here& h, const Backoff&, const RestartWanted& e)
{
    return launch_afresh(h, e.cause, e.why);
}
InstanceStep on(Here& h, const Backoff&, const StopWanted&)
{
    return enter(h, Stopped{}, "stop wanted");
}
InstanceStep on(Here& h, const Backoff&, const GiveUpWanted&)
{
    return enter(h, Failed{h.instance.reason}, "given up by the ladder");
}
InstanceStep on(Here& h, const Backoff& s, const Tick&)
{
    if (h.now() < s.retry_at) return stay(h, "not due");
    return launch(h, s.cause, "backoff over");
}

// ---- preparing ----------------------------------------------------------------------------------

InstanceStep lack(Here& h, StartCause cause, std::string_view what)
{
    const BlockedOn on_what{BlockedOn::Kind::descriptors, std::string(what)};
    return enter(h, Blocked{on_what, cause, h.now() + std::chrono::seconds(1)}, to_text(on_what));
}

InstanceStep on(Here& h, const Preparing&, const StopWanted&)
{
    return call_off(h, {AfterStop::stay_down, {}, {}, "stop wanted"});
}
InstanceStep on(Here& h, const Preparing&, const Recalled& e)
{
    return call_off(h, {AfterStop::start_again, e.cause, {}, e.why});
}
InstanceStep on(Here& h, const Preparing&, const LaunchWanted&)
{
    h.instance.history = {};
    return stay(h, "start wanted: it starts already; budget and delay are cleared");
}
InstanceStep on(Here& h, const Preparing&, const RestartWanted& e)
{
    h.instance.history = {};
    return stay(h, e.why + ": it starts already; budget and delay are cleared");
}
InstanceStep on(Here& h, const Preparing& s, const HookOver& e)
{
    const std::string text = fmt::format("{}: {}", name(e.hook), e.what);
    if (e.result == HookResult::put_off) return lack(h, s.cause, e.what);
    if (e.result != HookResult::done)
        return conclude(h, e.was, judge_trouble(h, {{StartCause::spawn, {}, text, {}}}));
    if (const auto& gate = h.inputs.gate) // It has closed meanwhile.
        return conclude(h, e.was,
                        {AfterStop::start_again, s.cause, {}, text + "; " + to_text(*gate)});
    if (h.instance.release != h.release()) // It was prepared for a process that is not to be.
        return conclude(h, e.was,
                        {AfterStop::start_again, s.cause, {}, text + "; its release has changed"});
    Starting starting;
    starting.cause = s.cause;
    starting.prepared = e.took;
    return begin_process(h, starting, Spawn::Brake::free,
                         fmt::format("{} in {}", text, to_human(e.took)));
}

} // namespace keel::core
