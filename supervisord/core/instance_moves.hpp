// The moves of which every step of the instance machine is made: launch, ask to stop, fail, probe.
//
// Private to core/instance*.cpp. Each takes the Here of the step, changes its instance and adds
// the actions that go with it.
#pragma once
#include "core/instance.hpp"

namespace keel::core {

/// One step in the making.
struct Here {
    const units::UnitSpec& spec;
    const Inputs& inputs;
    Instance instance;
    std::vector<InstanceAction> actions{};
    std::optional<Failure> failure{};
    std::optional<StartCause> started{};
    std::string hook_failed{};
    std::optional<Restrained> restrained{};
    std::uint32_t tokens = 0;

    [[nodiscard]] MonoTime now() const { return inputs.now.mono; }
    /// That a start which begins in this step is made from.
    [[nodiscard]] const ReleasePin& release() const
    {
        const bool failed = failure && failure->charge == Failure::Charge::charged;
        return failed ? inputs.release_after_failure : inputs.release;
    }
};

/// What is known of a failure before policy judges it.
struct Trouble {
    Ending ending;
    Duration detection{0}; ///< from the first sign to now
    Failure::Charge charge = Failure::Charge::charged;
};

/// What policy makes of a trouble: what follows once nothing of the spawn lives.
struct Aftermath {
    AfterStop then = AfterStop::recover;
    StartCause cause{}; ///< of what follows, or of its being given up
    Duration delay{0};
    std::string reason;
    int signal_number = 0; ///< by which a process that runs is asked to end; 0: `stop.signal`
};

/// Ends the step in the state that it is in.
InstanceStep stay(Here&, std::string reason);
/// Ends the step in a new state.
InstanceStep enter(Here&, InstanceState, std::string reason);

/// What keeps a start from happening now: the gate, or the storm brake; none: nothing.
std::optional<BlockedOn> held_back_by(const Here&);
/// Whether a person holds the process as it is.
bool is_left_alone(const Here&);
/// By when a start that begins now must have led to readiness; none: a oneshot.
std::optional<MonoTime> start_deadline(const Here&, Duration prepared = Duration{0});
/// A start now, or `blocked` if the gate or the brake holds it back.
InstanceStep launch(Here&, StartCause, std::string reason);
/// The process of a start for which all is prepared.
InstanceStep begin_process(Here&, Starting, Spawn::Brake, std::string reason);
/// Counts the process of a start, once, when it is known to have run.
void note_started(Here&);
/// The same with budget and delay cleared: a person's word.
InstanceStep launch_afresh(Here&, StartCause, std::string reason);

InstanceStep ask_to_stop(Here&, SpawnId, Aftermath);
InstanceStep sweep(Here&, SpawnId, const Aftermath&);
/// Nothing of the spawn lives: hooks that are still to be seen to, then whatever was to come next.
InstanceStep conclude(Here&, SpawnId, Aftermath);
/// Nothing of the instance lives, and no hook is owed: whatever was to come next.
InstanceStep follow(Here&, Aftermath);

// The hooks' own course: core/instance_hooks.cpp.
/// Starts it, beside whatever else there is. No other hook runs.
void begin_hook(Here&, units::Hook, Spawn::Brake = Spawn::Brake::free);
/// Asks it to end: what comes of it does not matter any more.
void break_off_hook(Here&);
/// What an event of its spawn means for the hook that runs, or is being ended.
HookNews heed_hook(Here&, const SpawnFailed&);
HookNews heed_hook(Here&, const ProcessExited&);
HookNews heed_hook(Here&, const TreeEmptied&);
HookNews heed_hook(Here&, const Adopted&);
/// Whether its time is over, and what is done about that; empty: it is not.
std::string end_overdue_hook(Here&);
/// After a hold: it has its whole time again.
void give_hook_time(Here&);

// A reload of a process in service: core/instance_reload.cpp.
InstanceStep on(Here&, const Ready&, const ReloadWanted&);
InstanceStep on(Here&, const Unready&, const ReloadWanted&);
/// What the process says of its reload, if it has been told to.
void heed_reload(Here&, const Notice&);
/// The time for that begins anew.
void await_reload_anew(Here&);
/// What is due because it has not said that it is over; empty: nothing.
std::string end_overdue_reload(Here&);

/// Keeld has no descriptors or processes left: the start is tried again by and by.
InstanceStep lack(Here&, StartCause, std::string_view what);

// What each event means to a start that waits: core/instance_waiting.cpp.
InstanceStep on(Here&, const Blocked&, const LaunchWanted&);
InstanceStep on(Here&, const Blocked&, const RestartWanted&);
InstanceStep on(Here&, const Blocked&, const StopWanted&);
InstanceStep on(Here&, const Blocked&, const GateChanged&);
InstanceStep on(Here&, const Blocked&, const GiveUpWanted&);
InstanceStep on(Here&, const Blocked&, const Tick&);
InstanceStep on(Here&, const Backoff&, const LaunchWanted&);
InstanceStep on(Here&, const Backoff&, const RestartWanted&);
InstanceStep on(Here&, const Backoff&, const StopWanted&);
InstanceStep on(Here&, const Backoff&, const GiveUpWanted&);
InstanceStep on(Here&, const Backoff&, const Tick&);
InstanceStep on(Here&, const Preparing&, const LaunchWanted&);
InstanceStep on(Here&, const Preparing&, const RestartWanted&);
InstanceStep on(Here&, const Preparing&, const StopWanted&);
InstanceStep on(Here&, const Preparing&, const Recalled&);
InstanceStep on(Here&, const Preparing&, const HookOver&);

// What each event means to an instance that stops: core/instance_stopping.cpp.
InstanceStep on(Here&, const Stopping&, const LaunchWanted&);
InstanceStep on(Here&, const Stopping&, const RestartWanted&);
InstanceStep on(Here&, const Stopping&, const StopWanted&);
InstanceStep on(Here&, const Stopping&, const GiveUpWanted&);
InstanceStep on(Here&, const Stopping&, const SpawnFailed&);
InstanceStep on(Here&, const Stopping&, const ProcessExited&);
InstanceStep on(Here&, const Stopping&, const TreeEmptied&);
InstanceStep on(Here&, const Stopping&, const Adopted&);
InstanceStep on(Here&, const Stopping&, const HandedBack&);
InstanceStep on(Here&, const Stopping&, const HookOver&);
InstanceStep on(Here&, const Stopping&, const Tick&);

/// Judges a trouble by policy, charges it, and says what is to follow.
Aftermath judge_trouble(Here&, Trouble);

StartCause cause_of(const ExitStatus&);
/// A process that runs but does not do its work: it is asked to stop, and policy says what follows.
InstanceStep replace(Here&, SpawnId, StartCause, std::string what, Duration detection);
/// The same for one that was not ready in time.
InstanceStep fail_the_start(Here&, SpawnId);

// Kills for liveness, and what holds them back: core/instance_liveness.cpp.
/// Whether failures of liveness do not count for the time being.
bool is_liveness_suspended(const Here&);
/// The probe has failed often enough, the last time by an attempt that was `asked` then: the kill,
/// or none where it is held back.
std::optional<InstanceStep> kill_or_hold_back(Here&, SpawnId, std::uint32_t probe, MonoTime asked);
/// One that was held back for as long as that may be; none: there is none.
std::optional<InstanceStep> kill_overdue(Here&, SpawnId);

// What a process says of itself, and its silence: core/instance_notices.cpp.
InstanceStep on(Here&, const Starting&, const Notified&);
InstanceStep on(Here&, const Starting&, const ShownReady&);
InstanceStep on(Here&, const Ready&, const Notified&);
InstanceStep on(Here&, const Unready&, const Notified&);
InstanceStep on(Here&, const Stopping&, const Notified&);
/// From now on WATCHDOG=1 is awaited, if the unit has a watchdog.
void await_life(Here&);
/// The same, where it was awaited before.
void await_life_anew(Here&);
/// What is due because nothing was heard: the failure that a missed watchdog is, if it is one.
std::optional<InstanceStep> missed_watchdog(Here&, SpawnId);
/// Before a silence has consequences: HearOut, or the wait for what comes of it. None: no silence
/// is due, or all has been heard.
std::optional<InstanceStep> hear_first(Here&, SpawnId);

/// `once it says READY=1`.
std::string awaited_for_readiness(const units::UnitSpec&);

InstanceStep become_ready(Here&, SpawnId, std::string reason);
InstanceStep become_unready(Here&, SpawnId, std::string reason);

/// Ready time of the present spawn up to now.
ReadyTime ready_time(const Here&);

/// `probe http: status 503`.
std::string probe_says(const units::ProbeSpec&, const ProbeAnswer&);
/// Whether all probes that `counts` picks are passing.
bool all_pass(const Here&, bool (*counts)(const units::ProbeSpec&));
/// Whether readiness waits for a probe of which it is not known what it would say.
bool any_unknown(const Here&);
/// Attempts that are due become RunProbe; attempts whose answer never came count as unknown.
void run_due_probes(Here&);
/// Every probe of the instance as at the beginning of a spawn, first tried after its delay.
void begin_probes(Here&);
/// Full health for a process in service, the next attempts spread over the interval. An attempt in
/// flight is still awaited: one at a time.
void resume_probes(Here&);
/// Whether a probe has something to say in the instance's present state.
bool is_probed(const units::ProbeSpec&, const InstanceState&);

} // namespace keel::core
