// The instance machine: one slot of a unit, from `stopped` to `ready` and back, as a pure function.
//
//   state     holds                     its deadline            leaves by
//   -------   -----------------------   ---------------------   -----------------------------------
//   stopped   nothing                   none                    LaunchWanted, RestartWanted
//   blocked   what it waits for         the thing's own, mostly GateChanged, a person, StopWanted
//   preparing what it starts for        that of `start.pre`     the hook's end, StopWanted
//   starting  spawn                     ready by                Spawned, probes, exit, StopWanted
//   ready     spawn                     none                    exit, probes, StopWanted
//   unready   spawn                     unready_limit           exit, probes, StopWanted
//   stopping  spawn, what comes after   escalation              exit, empty tree, hooks' ends
//   backoff   when to try again         that                    Tick, LaunchWanted, StopWanted
//   done      nothing                   none                    LaunchWanted, RestartWanted
//   failed    why                       none: a person's turn   LaunchWanted, RestartWanted
//
// `preparing` is shown as `starting`. Beside a state a hook may run (core/hook.hpp), one at a time.
//
// It promises: one process at a time; a next spawn only when nothing of the last one lives; never
// a wait without a deadline or a named thing that it waits for; a reason for every step. It knows
// no clock, no pid, no other instance. What concerns several instances is core/unit.hpp's.
#pragma once
#include "base/ids.hpp"
#include "base/time.hpp"
#include "core/health.hpp"
#include "core/hook.hpp"
#include "core/late_turns.hpp"
#include "core/notice.hpp"
#include "core/process.hpp"
#include "core/releases.hpp"
#include "core/restart_policy.hpp"
#include "units/spec.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace keel::core {

/// Whether all units that this one requires are ready.
enum class Dependencies : std::uint8_t { ready, down };

// ---- states: each holds only what is true in it -------------------------------------------------

/// The named thing that holds a start back.
struct BlockedOn {
    enum class Kind : std::uint8_t {
        dependency,  ///< `what` is the unit that is not ready
        storm,       ///< the storm brake; `what` is empty
        descriptors, ///< keeld has no descriptors left
        shutdown,    ///< keeld is stopping
        hold,        ///< `what` is who holds the unit
        release      ///< it has none yet
    } kind = Kind::dependency;
    std::string what;
    friend bool operator==(const BlockedOn&, const BlockedOn&) = default;
};
std::string to_text(const BlockedOn&);

struct Stopped {};
struct Blocked {
    BlockedOn on;
    StartCause cause;                 ///< of the start that waits
    std::optional<MonoTime> retry_at; ///< where nobody tells of a change: when to look again
};
/// A start whose `start.pre` runs: nothing of the unit itself runs yet.
struct Preparing {
    StartCause cause; ///< of the start
};
struct Starting {
    SpawnId spawn;
    MonoTime since;                   ///< of the spawn
    std::optional<MonoTime> ready_by; ///< none: a oneshot, which takes the time it takes
    enum class Extended : std::uint8_t { no, yes } extended = Extended::no;
    enum class Running : std::uint8_t { no, yes } running = Running::no; ///< Spawned has come
    StartCause cause = StartCause::wanted;
    Duration prepared{0}; ///< so much of its time `start.pre` has taken
};
struct Ready {
    SpawnId spawn;
    MonoTime since;
};
struct Unready {
    SpawnId spawn;
    MonoTime limit_at; ///< unready for too long from then on, with its dependencies ready
    Dependencies dependencies = Dependencies::ready; ///< as of the beginning of that span
};
enum class KillStage : std::uint8_t {
    asked,
    killed,
    sweeping,
    preparing, ///< not asked yet: a hook runs first
    emptied    ///< no process of it lives; a hook still runs
};
enum class AfterStop : std::uint8_t {
    stay_down,   ///< stopped
    start_again, ///< a new start, free of charge
    recover,     ///< backoff, then a new start
    finish,      ///< done
    give_up      ///< failed
};
struct Stopping {
    SpawnId spawn;
    KillStage stage;
    MonoTime escalate_at;
    AfterStop then;
    StartCause cause{};    ///< of the start that follows, if one does
    Duration delay{0};     ///< of the backoff that follows, if one does
    int signal_number = 0; ///< by which it was asked; 0: as `stop.signal` says
};
struct Backoff {
    MonoTime retry_at;
    StartCause cause;
};
struct Done {};
struct Failed {
    std::string why;
};
using InstanceState = std::variant<Stopped, Blocked, Starting, Ready, Unready, Stopping, Backoff,
                                   Done, Failed, Preparing>;

template <class S>
concept HoldsASpawn = requires(const S& s)
{
    s.spawn;
};

/// Printed names in the order of the variant's alternatives; two are the same to people.
inline constexpr std::array state_names =
    std::to_array<std::string_view>({"stopped", "blocked", "starting", "ready", "unready",
                                     "stopping", "backoff", "done", "failed", "starting"});
inline std::string_view state_name(const InstanceState& s) { return state_names[s.index()]; }

/// When the latest spawn began, and when it first led to `ready` or `done`. None: not (yet).
struct LastStart {
    std::optional<WallTime> began;
    std::optional<WallTime> ready;
};

/// What the process of the present spawn has said of itself, and what is still to be heard.
struct Said {
    Phase phase = Phase::silent;
    std::string status;               ///< its STATUS=, empty: none
    std::optional<Duration> watchdog; ///< the interval, if it has asked for another
    std::optional<MonoTime> life_by;  ///< WATCHDOG=1 must come before; none: not awaited
    std::optional<MonoTime> hear_by;  ///< HearOut is under way: what was due waits for HeardOut, or
                                      ///< for this moment at the latest
};

/// One slot of a unit.
struct Instance {
    InstanceState state = Stopped{};
    Now since{};        ///< when the state was entered
    std::string reason; ///< why it was entered
    RestartHistory history;
    ReadyTime ready_for;               ///< of this spawn before its present state
    std::vector<ProbeHealth> probes;   ///< one per ProbeSpec while a spawn lives; else empty
    Said said;                         ///< by the present spawn
    std::optional<HookRun> hook;       ///< runs, or is being ended
    std::optional<MonoTime> reload_by; ///< a reload by signal is under way: when it is judged
    std::uint64_t restarts = 0;        ///< processes that ran, other than first starts, ever
    LastStart last_start;
    std::uint64_t recipe = 0; ///< UnitSpec::recipe of the latest spawn
    ReleasePin release;       ///< that it was made from
};

// ---- events ---------------------------------------------------------------------------------

struct LaunchWanted {}; ///< be up; a person's word or boot: clears budget and delay
/// Be up with a new process; free of charge.
struct RestartWanted {
    StartCause cause = StartCause::operator_restart;
    std::string why = "restart wanted"; ///< for people
};
struct StopWanted {};
/// Be stopped and come back by itself, free of charge: what it is bound to is gone, or a companion
/// was restarted. Concerns only what runs.
struct Recalled {
    StartCause cause;
    std::string why;
};
struct GateChanged {};  ///< Inputs::gate, ::brake or ::dependencies have changed
struct ReloadWanted {}; ///< read your configuration again; a person's word
struct GiveUpWanted {}; ///< no further attempts; a running process is left alone
struct Spawned {
    SpawnId spawn;
};
struct SpawnFailed {
    SpawnId spawn;
    SetupStage stage;
    int errno_value;
    std::string what{}; ///< for people; empty: the errno says it all
};
struct ProcessExited {
    SpawnId spawn;
    ExitStatus status;
    TreeState tree;
};
struct TreeEmptied {
    SpawnId spawn;
};
struct ProbeAnswered {
    SpawnId spawn;
    std::uint32_t probe;
    std::uint32_t attempt;
    ProbeAnswer answer;
};
/// The process has said something of itself.
struct Notified {
    SpawnId spawn;
    Notice notice;
};
/// What the readiness of a start waits for, other than a word of the process or a probe, is there.
struct ShownReady {
    SpawnId spawn;
    std::string how;                         ///< for people: `wrote "listening"`
    units::ReadyBy by = units::ReadyBy::log; ///< what it is that waits for this
};
/// All that the process had said when HearOut was carried out has been told.
struct HeardOut {
    SpawnId spawn;
};
/// A new engine found the process alive: deadlines begin anew, nothing else changes.
struct Adopted {
    SpawnId spawn;
};
/// Keel may act on the process again, after a person held it as it was: deadlines begin anew.
struct HandedBack {};
struct Tick {}; ///< time has passed; idempotent, may come early, late or twice
using InstanceEvent =
    std::variant<LaunchWanted, RestartWanted, StopWanted, Recalled, GateChanged, GiveUpWanted,
                 Spawned, SpawnFailed, ProcessExited, TreeEmptied, ProbeAnswered, Notified,
                 ShownReady, HeardOut, Adopted, HandedBack, ReloadWanted, Tick>;

/// What the machine needs to know of the world around it, as of this step.
struct Inputs {
    Now now;
    double jitter = 0;             ///< uniform in [−1, 1)
    SpawnId next_spawn{};          ///< the id of the spawn, should this step make one
    std::optional<BlockedOn> gate; ///< what holds every start back; none: open
    enum class Brake : std::uint8_t { open, on } brake = Brake::open; ///< for charged restarts
    using Dependencies = core::Dependencies;
    Dependencies dependencies = Dependencies::ready;
    enum class Hands : std::uint8_t {
        on,
        off ///< no signal, no kill; with it goes a gate. Deadlines that would act are put off
    } hands = Hands::on;
    Duration delay_cap{};               ///< of backoff, as the unit's rung has it
    ReleasePin release{};               ///< that a start is made from; without one, none is made
    ReleasePin release_after_failure{}; ///< the same, after a failure that is charged
    enum class Budget : std::uint8_t {
        counts,
        spared ///< no failure is charged: the unit's release cannot be had
    } budget = Budget::counts;
    unsigned away_for_liveness = 0;        ///< other instances that are being replaced for theirs
    const LateTurns* late_turns = nullptr; ///< none: the loop never was late
    enum class AfterFailure : std::uint8_t {
        recover,
        give_up
    } after_failure = AfterFailure::recover;
};

// ---- actions: what the engine must do, as data --------------------------------------------------

struct Spawn {
    SpawnId spawn;
    StartCause cause;
    enum class Brake : std::uint8_t { free, charged } brake = Brake::free;
};
/// A spawn of the hook's command, beside whatever else of the instance runs.
struct RunHook {
    SpawnId spawn;
    units::Hook hook;
    Spawn::Brake brake = Spawn::Brake::free; ///< charged: `start.pre` begins a restart
};
/// A spawn of the hook that a rung of the ladder names: the unit's, told by `whole_unit` in the
/// slot's place. No instance ever asks for one.
struct RunRungHook {
    SpawnId spawn;
    std::string hook; ///< its name in keel.toml
    std::string why;  ///< the unit climbed
};
/// A spawn of what a step of the unit's deployment does, or undoes; told by `whole_unit`, too.
struct RunDeployStep {
    SpawnId spawn;
    std::size_t step = 0;
    enum class Way : std::uint8_t { doing, undoing } way = Way::doing;
};
/// A spawn that removes a release from the disk; told by `whole_unit`, too.
struct RemoveRelease {
    SpawnId spawn;
    std::string release;
    enum class Extent : std::uint8_t {
        whole,
        formers ///< what it was before it was unpacked afresh
    } extent = Extent::whole;
};
/// A spawn that lets the link for people name a release; told by `whole_unit`, too.
struct LinkRelease {
    SpawnId spawn;
    std::string release;
};
/// The unit's releases and its deployment are to be on the disk; DeploymentKept tells when.
struct KeepDeployment {
    std::uint64_t record = 0; ///< of the deployment under way; 0: for the sake of a removal
};
struct Signal {
    SpawnId spawn;
    int signal_number;
};
struct KillTree {
    SpawnId spawn;
};
struct RunProbe {
    SpawnId spawn;
    std::uint32_t probe;
    std::uint32_t attempt;
};
/// Silence is about to have consequences: whatever the process has said and nobody has read yet is
/// to be told first, then HeardOut. A loop that was late must not cost a process its life.
struct HearOut {
    SpawnId spawn;
};
/// The end of this spawn needs no further attention: its status may be forgotten.
struct Acknowledge {
    SpawnId spawn;
};
using InstanceAction =
    std::variant<Spawn, RunHook, RunRungHook, RunDeployStep, RemoveRelease, LinkRelease,
                 KeepDeployment, Signal, KillTree, RunProbe, HearOut, Acknowledge>;

/// One failure, told upwards to the unit.
struct Failure {
    StartCause cause;
    std::string what; ///< `exit 1`, `probe http: status 503`, `exec: No such file …`
    enum class Charge : std::uint8_t { free, charged } charge = Charge::charged;
    Duration detection{0}; ///< from the first sign to this step
};

/// A kill for liveness is due and held back, as of this step or for another reason than so far.
struct Restrained {
    Restraint by;
    std::string text; ///< for people
};

struct InstanceStep {
    Instance next;
    std::vector<InstanceAction> actions;
    std::string reason; ///< why this step went as it did; never empty
    std::optional<Failure> failure;
    std::optional<StartCause> started; ///< a process runs as of this step: what it was started for
    std::string hook_failed; ///< `stop.pre: exit 1`; empty: no hook failed, or the start did by it
    std::optional<Restrained> restrained;
    std::uint32_t tokens = 0; ///< of the storm brake, used up by a kill
};

InstanceStep step(const units::UnitSpec&, Instance, const InstanceEvent&, const Inputs&);

/// When this instance needs a Tick: its state's deadline or its next probe, whichever is earlier.
std::optional<MonoTime> deadline_of(const units::UnitSpec&, const Instance&);

/// The same without the turns of probes: until when it may stay as it is.
std::optional<MonoTime> patience_end_of(const units::UnitSpec&, const Instance&);

/// Whether what it runs, ran last or tries to run is made from another recipe than its unit has
/// now. One that waits for its start is not: it will be made from that one.
bool is_outdated(const units::UnitSpec&, const Instance&);

/// How long the probes that make it unready have been failing.
Duration failing_for(const units::UnitSpec&, const Instance&, MonoTime now);

/// Whether it is on its way back because it was killed for its liveness.
bool is_away_for_liveness(const InstanceState&);

/// Whether it does what it is there for: it is ready, or has done its work.
bool serves(const InstanceState&);

/// The spawn whose processes this instance may have; none where there are none.
std::optional<SpawnId> spawn_of(const InstanceState&);
/// The spawns of which anything may live: of the instance itself, and of its hook.
std::vector<SpawnId> spawns_of(const Instance&);
/// Whether anything of it may run: a process of its own, or a hook's.
bool has_process(const Instance&);

/// Whether a reload of it is under way.
bool is_reloading(const Instance&);

/// How long a process is given to say RELOADING=1 once it was told to reload.
inline constexpr Duration reload_patience = std::chrono::seconds(1);
/// How long KILL is given before it is repeated.
inline constexpr Duration kill_patience = std::chrono::seconds(2);
/// How long HeardOut is waited for.
inline constexpr Duration hearing_patience = std::chrono::seconds(5);
/// EXTEND_TIMEOUT_USEC may make a start or a stop last so many times its timeout, and no longer.
inline constexpr int extension_max = 10;

} // namespace keel::core
