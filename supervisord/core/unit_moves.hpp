// One step of the unit machine in the making, and the moves of which it is made.
//
// Private to core/unit*.cpp.
#pragma once
#include "core/unit.hpp"

namespace keel::core {

struct UnitMaking {
    const units::UnitSpec& spec;
    const UnitInputs& inputs;
    UnitStep out;
    std::vector<ActionTaken> tried{}; ///< in this step, for the outage record
    enum class Sign : std::uint8_t {
        old,
        fresh
    } sign = Sign::old; ///< of Unit::sign: from this step

    [[nodiscard]] Unit& unit() { return out.next; }
    [[nodiscard]] const Unit& unit() const { return out.next; }
    [[nodiscard]] MonoTime now() const { return inputs.now.mono; }
    Instance& instance(Slot slot) { return out.next.instances[static_cast<std::size_t>(slot - 1)]; }
};

/// As of this moment of the step.
Inputs inputs_for(const UnitMaking&, Slot);
/// Hands one event to one instance and takes in what comes of it: actions, notes, ladder.
void run_instance(UnitMaking&, Slot, const InstanceEvent&);
/// The same for every instance.
void run_all(UnitMaking&, const InstanceEvent&);

/// Whether Keel may act on the unit's processes: not while a person holds them as they are. When
/// keeld ends, it may.
Inputs::Hands hands_of(const UnitMaking&);
/// From now on this is wanted. If a hold ends with it, `why` says what ended it.
void want(UnitMaking&, Wanted, const std::string& why);
/// The hold that a stop or a hold asks for.
Held hold_of(const UnitMaking&, const Asked&);
/// If the unit is held and the time for that is over, it is what it is to be then.
void end_hold_if_over(UnitMaking&);

/// What a start does to instances that are done.
enum class Completed : std::uint8_t { run_again, stay_done };
/// Wanted up from now on, with every instance that can; `why` is what made it so.
void be_up(UnitMaking&, Completed, const std::string& why);
/// If a unit that this one is bound to has no process, this one leaves, too.
void recall_if_gone(UnitMaking&);

// What follows from another configuration: core/unit_changes.cpp.
void on(UnitMaking&, const Respecified&);
void on(UnitMaking&, const LeaveWanted&);
void on(UnitMaking&, const StayWanted&);
void on(UnitMaking&, const CatchUpWanted&);
/// Restarts processes that are made from another recipe: at once those that do not serve, the
/// others one by one while all serve; and only while nothing would hold the new process back.
void catch_up(UnitMaking&);
/// Instances beyond the unit's number are stopped, and gone once they are.
void retire_instances(UnitMaking&);

/// Takes a person's request up as the unit's operation and sets it going.
void begin_operation(UnitMaking&, const Asked&);
/// What came of an action, in the records that were open when it began.
void note_action_result(Unit&, const std::string& action, const std::string& result);
/// Ends the operation, if there is one, as failed: something else has come in between.
void break_off_operation(UnitMaking&, const std::string& why);
/// Ends the operation as a person asks: what has begun goes on, what has not does not begin.
void cancel_operation(UnitMaking&, const CancelAsked&);
/// Ends the operation if its outcome is known; sends the next slot of a rolling restart on its way.
void progress_operation(UnitMaking&);

/// One rung up, if this failure has spent what the unit may fail: core/unit_ladder.cpp.
void climb_if_spent(UnitMaking&, const Failure&);
/// Back to the bottom after a calm window.
void descend_if_stable(UnitMaking&);
/// One rung up, if there is one; all budgets start anew.
void climb(UnitMaking&, const std::string& why);

// The hook of a rung: core/unit_hook.cpp.
/// Begins it, unless one runs.
void begin_rung_hook(UnitMaking&, const std::string& name, const std::string& why);
/// Takes in what happened to a spawn of it.
void heed_rung_hook(UnitMaking&, const InstanceEvent&);
/// Asks it to end, if it runs: nothing is to follow from it any more.
void break_off_rung_hook(UnitMaking&);
/// Does what is due of it.
void end_overdue_rung_hook(UnitMaking&);

/// What happens to a spawn that is the unit's own: its ladder's hook, or its deployment's process.
void heed_whole_unit(UnitMaking&, const InstanceEvent&);

// Releases and deployments: core/unit_deploy.cpp.
constexpr bool is_about_releases(Verb verb) { return is_deployment(verb) || verb == Verb::undeny; }
/// A person's deploy, rollback or undeny.
void heed_release_request(UnitMaking&, const Asked&);
/// Begins the action of the rung, or says why it makes no sense.
std::string begin_release_rung(UnitMaking&, units::Rung::Kind, const std::string& why);
/// Hands the machine one event and carries out what it wants.
void feed_deployment(UnitMaking&, const DeployEvent&);
/// Whatever is due of the deployment, after each step.
void progress_deployment(UnitMaking&);
/// A person's word that it is not to be.
void abort_deployment(UnitMaking&, const std::string& why);
void on(UnitMaking&, const DeploymentKept&);
void on(UnitMaking&, const DeployReported&);
/// When the current release will have proved itself; none: it has, or it does not at the moment.
std::optional<MonoTime> good_at(const units::UnitSpec&, const Unit&);
/// The current release is good once it has kept the unit ready for long enough.
void mark_good_if_proved(UnitMaking&);

// The process that is at work for one: core/unit_deploy_effect.cpp.
/// Whether it has a limit of its own, and not that of its step.
bool is_timed(const DeployEffect&);
void begin_deploy_effect(UnitMaking&, std::size_t step, DeployWorked::Way);
/// Once it is on record that nobody counts on it any more.
void begin_removal(UnitMaking&, const std::string& release);
void go_on_with_removal(UnitMaking&);
/// Of the trees that the release was before it was unpacked afresh.
void begin_removal_of_formers(UnitMaking&, const std::string& release);
/// Lets the link for people name the current release.
void begin_link(UnitMaking&);
/// When that is due; none: the link is right, or something else is at work.
std::optional<MonoTime> link_due(const Unit&);
/// Asks it to end.
void end_deploy_effect(UnitMaking&);
/// Keeld ends: it is ended, and the next one does its step again.
void leave_deploy_effect(UnitMaking&);
void end_overdue_deploy_effect(UnitMaking&);
/// Takes in what happened to a spawn of it; false: it is not about one.
bool heed_deploy_effect(UnitMaking&, const InstanceEvent&);

// The roll: core/unit_roll.cpp.
/// Sends the next instance onto the release, or back, and says when all of it is over.
void progress_roll(UnitMaking&);
/// Takes those back at once that have stayed until the others serve.
void hurry_roll_back(UnitMaking&);
/// Whether a process or a hook of an instance runs from it.
bool is_in_use(const Unit&, std::string_view release);
/// Whether what is made from that is there to try the release of a deployment.
bool is_on_trial(const Unit&, Slot, const ReleasePin& made_from);
/// Its first charged failure fails the trial.
void note_failure_on_trial(UnitMaking&, const Failure&);
/// When something of the roll is over by itself; none: it waits for an instance.
std::optional<MonoTime> roll_due(const units::UnitSpec&, const Unit&);
/// Whether it runs on another release, or unpacking, than a start of it would.
bool is_on_other_release(const units::UnitSpec&, const Unit&, Slot);

/// The operation has come to its end.
void end_operation(UnitMaking&, OperationResult::Outcome, std::string text);

// A person's reload, which changes nothing about what is wanted: core/unit_reload.cpp.
void begin_reload(UnitMaking&, const Asked&);
void progress_reload(UnitMaking&);

/// Feeds both outage folds with where the unit stands now.
void fold_outages(UnitMaking&);

OutageLimits outage_limits(const units::UnitSpec&);
OutageLimits degradation_limits(const units::UnitSpec&);

} // namespace keel::core
