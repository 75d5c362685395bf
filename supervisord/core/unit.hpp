// The unit machine: what is wanted of a unit, its instances, its ladder, its outage, its operation.
//
// Instances decide for themselves (core/instance.hpp); the unit hands events down to them, listens
// to their failures and decides what concerns them together: the rung, readiness, the outage
// record, one operation at a time. It knows no other unit: what holds its starts back comes in as
// UnitInputs. Pure: the unit goes in and comes out by value.
#pragma once
#include "core/instance.hpp"
#include "core/operation.hpp"
#include "core/outage.hpp"
#include "core/unit_deployment.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace keel::core {

enum class UnitStatus : std::uint8_t {
    up,
    degraded,
    down,
    starting,
    blocked,
    done,
    held,
    stopped,
    failed
};

// ---- a rung's hook ------------------------------------------------------------------------------

/// The hook of the rung `run:NAME`, beside whatever the instances do: one at a time. It is over
/// when nothing of it lives; as any hook it may run twice and is never taken for done.
struct RungHook {
    SpawnId spawn;
    std::string name;
    std::string why;     ///< the unit climbed
    std::uint8_t rung{}; ///< on which: if the unit has left it meanwhile, nothing follows
    MonoTime began;
    MonoTime due; ///< then, by its stage: it is killed, tried again, or killed again
    enum class Stage : std::uint8_t {
        runs,
        put_off, ///< keeld had no descriptors or processes left for it
        asked,   ///< to end
        ending   ///< it has its result; what lives of it is being killed
    } stage = Stage::runs;
    HookResult result = HookResult::unseen; ///< once it is ending
    std::string what{};                     ///< for people: `exit 1`
};

// ---- the unit -----------------------------------------------------------------------------------

struct Unit {
    Wanted wanted = Down{};
    std::vector<Instance> instances;
    std::uint8_t rung = 0;                   ///< index into escalation.ladder
    std::optional<RungHook> rung_hook;       ///< runs, or is being ended
    std::optional<MonoTime> failed_at;       ///< of the latest failure
    std::optional<MonoTime> ready_since;     ///< set while at least min_ready instances are ready
    std::optional<MonoTime> first_wanted_at; ///< of the start that has not yet led to readiness
    /// Whether it was said what is wanted of it since keeld began, or goes on from an engine.
    enum class Begun : std::uint8_t { no, yes } begun = Begun::no;
    enum class Settled : std::uint8_t { no, yes } settled = Settled::no; ///< has been ready or has
                                         ///< failed since it was wanted: `after` waits no longer
    std::string config_problem; ///< not empty: the unit file is unusable; never started
    OutageFold outage;
    OutageFold degradation;
    std::optional<OutageSign> sign; ///< latest reason for being short of instances
    std::optional<Operation> operation;
    /// Set: its configuration is no longer in force, so it is wanted down for the time being; this
    /// is what was wanted before, and is again should that configuration return.
    std::optional<Wanted> before_leaving;
    Releases releases;                         ///< only of a unit with [deploy]
    std::optional<UnitDeployment> deployment;  ///< under way
    std::optional<DeployEffect> deploy_effect; ///< of that, or removing what is left over
    std::vector<std::string> surplus;          ///< releases that are to be removed
    std::optional<MonoTime> link_due;          ///< when a link that is behind may be tried
    /// Whether what is made from another recipe is restarted as soon as that costs nothing.
    enum class CatchesUp : std::uint8_t { no, yes } catches_up = CatchesUp::no;
};

// ---- events ---------------------------------------------------------------------------------

struct Booted {}; ///< keeld begins, or a unit appears: be up, if it is enabled
struct Asked {    ///< a person's request; ends in an OperationResult
    OperationId id{};
    Verb verb{};
    std::string by;
    std::string why;
    std::optional<Slot> slot{};                     ///< restart only; none: all
    HoldTerms hold{};                               ///< hold only
    Operation::Which which = Operation::Which::all; ///< restart only
    DeployTerms deploy{};                           ///< deploy and undeny only
};
struct CancelAsked { ///< a person's word that a start or a restart is not to be waited for
    OperationId id{};
    std::string by;
}; ///< too late for one that is over
struct WantedByDependant {
    std::string by;
    std::string dependant;
}; ///< `keel start` of a unit that requires this one
struct CompanionRestarted {
    std::string name;
};                  ///< a unit that this one restarts with has a new process
struct ShutDown {}; ///< keeld ends: stop, without a change of what is wanted
struct ForInstance {
    Slot slot; ///< or whole_unit: about the hook of its ladder
    InstanceEvent event;
};
struct UnitGateChanged {};
/// The unit has another spec as of now, and carry_over() was called. Restarts nothing by itself.
struct Respecified {
    std::shared_ptr<const units::UnitSpec> before;
};
struct LeaveWanted {}; ///< its configuration is no longer in force: be stopped
struct StayWanted {};  ///< it is again: be what it was wanted to be before
/// Nobody else sees to what is still made from another recipe than the unit's.
struct CatchUpWanted {};
/// What the engine was to write for KeepDeployment is on the disk.
struct DeploymentKept {
    std::uint64_t record = 0;
};
/// How the process ended that is at work for a deployment, in its own words; its end comes next.
struct DeployReported {
    SpawnId spawn;
    DeployFault fault = DeployFault::none;
    std::string what{};
    std::uint64_t bytes = 0; ///< unpacked
};
struct UnitTick {};
using UnitEvent = std::variant<Booted, Asked, CancelAsked, WantedByDependant, CompanionRestarted,
                               ShutDown, ForInstance, UnitGateChanged, Respecified, LeaveWanted,
                               StayWanted, CatchUpWanted, DeploymentKept, DeployReported, UnitTick>;

struct UnitInputs {
    Now now;
    double jitter = 0; ///< uniform in [−1, 1); each instance derives its own from it
    SpawnId next_spawn{};
    OutageId next_outage{};
    std::optional<BlockedOn> gate;
    std::optional<std::string> gone; ///< a unit that this one is bound to and that has no process
    std::optional<OutageId> gate_outage; ///< the open outage of the unit that the gate names
    Outage::Planned gate_planned =
        Outage::Planned::no; ///< that unit is held, or its outage planned
    enum class GateStarts : std::uint8_t {
        no,
        yes ///< nobody holds that unit any more, and its start has time still
    } gate_starts = GateStarts::no;
    Inputs::Dependencies dependencies = Inputs::Dependencies::ready;
    std::uint32_t brake_tokens = ~0U; ///< charged restarts allowed now
    const LateTurns* late_turns = nullptr;
    std::optional<Now> last_seen; ///< Keel was away: what is found now came to pass after that
};

// ---- notes: what the engine logs, counts and tells ----------------------------------------------

struct Moved {
    Slot slot;
    std::string_view from;
    std::string_view to;
    std::string reason;
};
struct Stayed {
    Slot slot;
    std::string_view in;
    std::string reason;
}; ///< with actions worth a line
struct Started {
    Slot slot;
    StartCause cause;
}; ///< a process of it runs
struct AttemptFailed {
    Slot slot;
    Failure failure;
    std::uint64_t recipe = 0; ///< of what failed
    /// Whether it ran on a release that a deployment tries: then it says nothing of the recipe.
    enum class OnTrial : std::uint8_t { no, yes } on_trial = OnTrial::no;
};
struct HookFailed {
    Slot slot;
    std::string what; ///< `stop.pre: exit 1`
};                    ///< and nothing follows from it
struct KillHeldBack {
    Slot slot;
    Restrained restrained;
}; ///< for its liveness
struct Climbed {
    units::Rung from;
    units::Rung to;
    std::string reason;
};
struct RungHookEnded {
    std::string name;
    HookResult result = HookResult::done;
    std::string what; ///< `exit 1`, `not over within 30s`
    Duration took{0};
};
struct BackToBottom {};
struct RungSkipped {
    units::Rung rung;
    std::string why;
};
struct DeploymentBegun {
    UnitDeployment::Kind kind{};
    UnitDeployment::Asker asker{};
    std::string release;
    std::string by;
    std::string why;
};
struct DeploymentMoved {
    std::string what; ///< `unpack done; migrate begins`
};
struct DeploymentEnded {
    DeploymentRecord record;
};
struct ReleaseProved {
    std::string release; ///< it is good
};
struct ReleaseRemoved {
    std::string release;
    std::string problem; ///< why it is there still; empty: it is not
};
struct OutageOpened {
    Outage record;
};
struct OutageCounted {
    Outage record;
};
struct OutageClosed {
    Outage record;
};
struct OperationEnded {
    OperationResult result;
};
struct HoldEnded {
    Held hold;
    std::string why; ///< `its time is over`, `start asked for by bob`
};
struct Frozen {
    std::string what;
}; ///< a mistake of Keel's own: the unit is left as it is
struct ExitWanted {
    std::string why;
}; ///< the ladder's last word: keeld stops everything and exits
using Note =
    std::variant<Moved, Stayed, Started, AttemptFailed, HookFailed, KillHeldBack, Climbed,
                 BackToBottom, RungHookEnded, RungSkipped, DeploymentBegun, DeploymentMoved,
                 DeploymentEnded, ReleaseProved, ReleaseRemoved, OutageOpened, OutageCounted,
                 OutageClosed, OperationEnded, HoldEnded, Frozen, ExitWanted>;

struct UnitAction {
    Slot slot; ///< or whole_unit
    InstanceAction action;
};

struct UnitStep {
    Unit next;
    std::vector<UnitAction> actions;
    std::vector<Note> notes;
    std::uint32_t spawns = 0;       ///< ids used up from next_spawn on
    std::uint32_t outages = 0;      ///< ids used up from next_outage on
    std::uint32_t brake_tokens = 0; ///< used up
};

/// A unit at rest: all instances stopped, wanted down until Booted or Asked.
Unit make_unit(const units::UnitSpec&);

/// Makes the unit fit its new spec in shape: instances, probes, rung. Probes that stay as they are
/// keep their health, others begin afresh without speaking against a process in service; an attempt
/// under way is to be cancelled. Instances beyond the new number stay until they are stopped.
void carry_over(Unit&, const units::UnitSpec& before, const units::UnitSpec& after, Now now);

UnitStep step(const units::UnitSpec&, Unit, const UnitEvent&, const UnitInputs&);

// ---- questions ------------------------------------------------------------------------------

std::optional<MonoTime> deadline_of(const units::UnitSpec&, const Unit&);

/// Instances that are ready or done.
std::uint16_t ready_count(const Unit&);
/// Whether dependants may start.
bool is_ready(const units::UnitSpec&, const Unit&);
bool is_wanted_up(const Unit&);
/// Whether a person holds it with its processes as they are: Keel does nothing to them.
bool is_left_alone(const Unit&);
/// Whether it is a oneshot whose first try is under way: it takes the time it takes.
bool is_at_work(const units::UnitSpec&, const Unit&);
/// Whether a process of it is in service or has done its work: what is bound to it may stay.
bool is_present(const Unit&);
/// What persons and the configuration want of it, also while it leaves.
const Wanted& word_on(const Unit&);
/// Whether any instance is made from another recipe than the unit has now.
bool has_outdated(const units::UnitSpec&, const Unit&);
/// Whether any instance may have a process.
bool has_process(const Unit&);
/// What a deploy or a rollback would do, asked for as the unit is now.
struct DeployOutline {
    std::string objection; ///< why it would be refused; empty: it would not
    std::string release;
    std::string from; ///< empty: none
    std::vector<std::string> steps;
};
DeployOutline outline_of(const units::UnitSpec&, const Unit&, Verb, const DeployTerms&);
/// What a start of that slot is made from; without one it has to wait.
ReleasePin release_for(const Unit&, Slot);
/// The same, if that start follows a failure: a release on trial has failed with it.
ReleasePin release_after_failure(const Unit&, Slot);
/// Whether anything of it is made from another release, or unpacking, than it would be now.
bool has_other_release(const units::UnitSpec&, const Unit&);
/// The same, or that the hook of its ladder has one, or something is at work for its deployment.
bool has_spawn(const Unit&);
/// Whether such a hook, or such work, has not been asked to end yet.
bool is_at_work_beside(const Unit&);
UnitStatus status_of(const units::UnitSpec&, const Unit&);
/// The cap of backoff on the present rung; the last one is gone on from as from `retry`.
Duration delay_cap(const units::UnitSpec&, const Unit&);
units::Rung rung_of(const units::UnitSpec&, const Unit&);

} // namespace keel::core

namespace keel {
template <>
inline constexpr std::array names_of<core::UnitStatus> = std::to_array<std::string_view>(
    {"up", "degraded", "down", "starting", "blocked", "done", "held", "stopped", "failed"});
} // namespace keel
