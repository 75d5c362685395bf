#include "core/unit.hpp"

#include "base/ensure.hpp"
#include "core/instance_moves.hpp"
#include "core/unit_moves.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::core {
namespace {

// ---- listening to an instance -------------------------------------------------------------------

std::string_view detector_of(StartCause cause)
{
    switch (cause) {
    case StartCause::liveness: return "probe";
    case StartCause::start_timeout:
    case StartCause::unready: return "deadline";
    case StartCause::spawn: return "spawn";
    case StartCause::watchdog: return "watchdog";
    case StartCause::bound:
    case StartCause::companion: return "dependency";
    case StartCause::wanted:
    case StartCause::operator_restart:
    case StartCause::deploy: return "operation";
    case StartCause::exit:
    case StartCause::signal:
    case StartCause::oom:
    case StartCause::lost: break;
    }
    return "exit";
}

void take_sign(UnitMaking& m, OutageCause cause, std::string text, std::string_view detected_by,
               Duration detection, std::optional<Slot> slot)
{
    m.unit().sign = OutageSign{cause,
                               std::move(text),
                               std::string(detected_by),
                               m.inputs.gate_outage,
                               m.inputs.gate_planned,
                               detection,
                               m.inputs.last_seen,
                               slot};
    m.sign = UnitMaking::Sign::fresh;
}

/// What failed, as it was made.
struct Made {
    std::uint64_t recipe = 0;
    ReleasePin release;
};

void take_failure(UnitMaking& m, Slot slot, const Failure& failure, const Made& from)
{
    Unit& unit = m.unit();
    unit.failed_at = m.now();
    unit.settled = Unit::Settled::yes;
    take_sign(m, outage_cause_of(failure.cause), failure.what, detector_of(failure.cause),
              failure.detection, slot);
    const auto concerns = [&](const Operation& op) {
        return op.failure.empty() && std::ranges::find(op.targets, slot) != op.targets.end();
    };
    if (unit.operation && concerns(*unit.operation)) unit.operation->failure = failure.what;
    const bool is_tried = is_on_trial(m.unit(), slot, from.release);
    m.out.notes.emplace_back(
        AttemptFailed{slot, failure, from.recipe,
                      is_tried ? AttemptFailed::OnTrial::yes : AttemptFailed::OnTrial::no});
    if (is_tried) note_failure_on_trial(m, failure);
}

void take_hook_failure(UnitMaking& m, Slot slot, const std::string& what)
{
    m.out.notes.emplace_back(HookFailed{slot, what});
    auto& op = m.unit().operation;
    if (op && op->verb == Verb::reload && what.starts_with("reload: ")) op->failure = what;
}

void take_move(UnitMaking& m, Slot slot, std::string_view from, const std::string& reason)
{
    const Instance& instance = m.instance(slot);
    m.out.notes.emplace_back(Moved{slot, from, state_name(instance.state), reason});
    if (std::holds_alternative<Unready>(instance.state))
        take_sign(m, OutageCause::readiness, reason, "probe",
                  failing_for(m.spec, instance, m.now()), slot);
    if (std::holds_alternative<Ready>(instance.state) ||
        std::holds_alternative<Done>(instance.state))
        m.unit().settled = Unit::Settled::yes;
}

/// A clean exit that policy restarts is no failure, yet the unit lacks an instance because of it.
void take_clean_exit(UnitMaking& m, Slot slot, std::string_view from, const ExitStatus& status)
{
    if (from != "ready" && from != "unready") return;
    const StartCause cause = cause_of(status);
    take_sign(m, outage_cause_of(cause), to_text(status), detector_of(cause), {}, slot);
}

bool is_worth_a_line(const InstanceAction& action)
{
    return !std::holds_alternative<RunProbe>(action) && !std::holds_alternative<HearOut>(action) &&
           !std::holds_alternative<Acknowledge>(action);
}

void take_actions(UnitMaking& m, Slot slot, std::vector<InstanceAction> actions,
                  const std::string& reason)
{
    for (InstanceAction& action : actions) {
        const auto* spawn = std::get_if<Spawn>(&action);
        const auto* hook = std::get_if<RunHook>(&action);
        if (spawn != nullptr || hook != nullptr) {
            ++m.out.spawns;
            const auto brake = spawn != nullptr ? spawn->brake : hook->brake;
            if (brake == Spawn::Brake::charged) ++m.out.brake_tokens;
        }
        if (spawn != nullptr) m.tried.push_back({m.inputs.now.wall, "start", reason, {}});
        m.out.actions.push_back({slot, std::move(action)});
    }
}

} // namespace

void run_instance(UnitMaking& m, Slot slot, const InstanceEvent& event)
{
    ENSURE(slot >= 1 && slot <= m.unit().instances.size(), "an event for a slot that exists");
    const auto before = state_name(m.instance(slot).state);
    const auto spawn_before = spawn_of(m.instance(slot).state);
    const Made made_from{m.instance(slot).recipe, m.instance(slot).release};
    InstanceStep made = step(m.spec, std::move(m.instance(slot)), event, inputs_for(m, slot));
    m.instance(slot) = std::move(made.next);

    const InstanceState& after = m.instance(slot).state;
    // One that fails to prepare may begin anew at once.
    const bool anew = made.failure && std::holds_alternative<Preparing>(after);
    const bool moved = before != state_name(after) || spawn_before != spawn_of(after) || anew;
    const bool said = std::ranges::any_of(made.actions, is_worth_a_line);
    if (made.started) m.out.notes.emplace_back(Started{slot, *made.started});
    if (!made.hook_failed.empty()) take_hook_failure(m, slot, made.hook_failed);
    if (made.restrained) m.out.notes.emplace_back(KillHeldBack{slot, *made.restrained});
    m.out.brake_tokens += made.tokens;
    if (made.failure) {
        take_failure(m, slot, *made.failure, made_from);
    } else if (const auto* exited = std::get_if<ProcessExited>(&event);
               moved && exited != nullptr) {
        take_clean_exit(m, slot, before, exited->status);
    }
    if (moved)
        take_move(m, slot, before, made.reason);
    else if (said)
        m.out.notes.emplace_back(Stayed{slot, before, made.reason});
    take_actions(m, slot, std::move(made.actions), made.reason);
    if (made.failure) climb_if_spent(m, *made.failure);
}

void run_all(UnitMaking& m, const InstanceEvent& event)
{
    for (Slot slot = 1; slot <= m.unit().instances.size(); ++slot)
        run_instance(m, slot, event);
}

namespace {

// ---- events -------------------------------------------------------------------------------------

/// A recall is no failure, but the unit lacks its instances because of it.
void recall(UnitMaking& m, const Recalled& recalled, const std::string& cause)
{
    if (hands_of(m) == Inputs::Hands::off) return;
    bool any = false;
    for (Slot slot = 1; slot <= m.unit().instances.size(); ++slot) {
        const InstanceState& state = m.instance(slot).state;
        if (!has_process(m.instance(slot)) || std::holds_alternative<Stopping>(state)) continue;
        run_instance(m, slot, recalled);
        any = true;
    }
    if (any)
        take_sign(m, outage_cause_of(recalled.cause), cause, detector_of(recalled.cause), {}, {});
}

} // namespace

void recall_if_gone(UnitMaking& m)
{
    if (!m.inputs.gone) return;
    recall(m, {StartCause::bound, fmt::format("{} is gone", *m.inputs.gone)},
           "dependency " + *m.inputs.gone);
}

namespace {

/// Wanted up from now on; `why` is what made it so.
void want_up(UnitMaking& m, const std::string& why)
{
    Unit& unit = m.unit();
    // A start that is under way already gets no more time by being asked for again.
    const bool is_first_word = !is_wanted_up(unit);
    want(m, Up{}, why);
    unit.rung = 0;
    unit.settled = Unit::Settled::no;
    // A first start has time, and so has one after a boot that was planned. What was up when Keel
    // was last there is missed already.
    const auto* down = std::get_if<OpenOutage>(&unit.outage.state);
    const bool is_missed = unit.sign && unit.sign->since;
    const auto planned = down != nullptr ? down->record.planned
                         : is_missed     ? unit.sign->planned
                                         : Outage::Planned::yes;
    const bool has_time = planned == Outage::Planned::yes;
    if (is_first_word && has_time && !is_ready(m.spec, unit)) unit.first_wanted_at = m.now();
    recall_if_gone(m); // Of what happened to that unit meanwhile nothing was done.
}

} // namespace

void be_up(UnitMaking& m, Completed completed, const std::string& why)
{
    Unit& unit = m.unit();
    const bool was_left_alone = is_left_alone(unit);
    want_up(m, why);
    for (Slot slot = 1; slot <= unit.instances.size(); ++slot) {
        const bool is_done = std::holds_alternative<Done>(m.instance(slot).state);
        if (completed == Completed::run_again || !is_done) run_instance(m, slot, LaunchWanted{});
    }
    if (was_left_alone) unit.catches_up = Unit::CatchesUp::yes;
}

namespace {

/// What should be up and cannot even be read is down, and its outage says why.
void be_unusable(UnitMaking& m)
{
    m.unit().wanted = Up{};
    for (Instance& instance : m.unit().instances)
        instance.since = m.inputs.now;
    take_sign(m, OutageCause::start, m.unit().config_problem, "check", {}, {});
}

void on(UnitMaking& m, const Booted&)
{
    m.unit().begun = Unit::Begun::yes;
    if (std::holds_alternative<Held>(m.unit().wanted)) return;
    if (!m.unit().config_problem.empty()) return be_unusable(m);
    if (m.spec.enabled) be_up(m, Completed::run_again, "keeld began");
}
void refuse(UnitMaking& m, const Asked& asked, std::string why)
{
    using enum OperationResult::Outcome;
    m.out.notes.emplace_back(OperationEnded{{asked.id, asked.verb, failed, std::move(why)}});
}
std::string said_of(const Asked& asked)
{
    return fmt::format("{} asked for by {}", name(asked.verb), asked.by);
}

/// A process that was held as it was is restarted; what else is down comes up with it.
void restart_after_hold(UnitMaking& m, const Asked& asked)
{
    want_up(m, said_of(asked));
    m.unit().catches_up = Unit::CatchesUp::yes;
    begin_operation(m, asked);
    for (Slot slot = 1; slot <= m.unit().instances.size(); ++slot) {
        const bool is_done = std::holds_alternative<Done>(m.instance(slot).state);
        if (asked.slot && *asked.slot != slot && !is_done) run_instance(m, slot, LaunchWanted{});
    }
}

void on(UnitMaking& m, const Asked& asked)
{
    if (!m.unit().config_problem.empty()) return refuse(m, asked, m.unit().config_problem);
    if (asked.verb == Verb::reload) return begin_reload(m, asked);
    if (is_about_releases(asked.verb)) return heed_release_request(m, asked);
    if (asked.verb == Verb::stop || asked.verb == Verb::hold) {
        want(m, hold_of(m, asked), said_of(asked));
        return begin_operation(m, asked);
    }
    const bool has_none = units::has_releases(m.spec) && m.unit().releases.current.empty();
    if (asked.verb == Verb::restart && has_none && has_process(m.unit()))
        return refuse(m, asked,
                      fmt::format("what runs was started before it had [deploy], and could not be "
                                  "started again without a release: keel deploy {} RELEASE",
                                  m.spec.name));
    if (asked.verb == Verb::restart && is_wanted_up(m.unit())) return begin_operation(m, asked);
    if (asked.verb == Verb::restart && is_left_alone(m.unit())) return restart_after_hold(m, asked);
    begin_operation(m, {asked.id, Verb::start, asked.by, asked.why, asked.slot});
    be_up(m, Completed::run_again, said_of(asked));
}
void on(UnitMaking& m, const CancelAsked& asked) { cancel_operation(m, asked); }
void on(UnitMaking& m, const WantedByDependant& e)
{
    const bool failed = std::ranges::any_of(m.unit().instances, [](const Instance& i) {
        return std::holds_alternative<Failed>(i.state);
    });
    if (!m.unit().config_problem.empty() || (!failed && is_wanted_up(m.unit()))) return;
    // A stop that is under way will never be done now.
    const std::string why = fmt::format("{} wants it up for {}", e.by, e.dependant);
    const auto& op = m.unit().operation;
    if (op && !is_deployment(op->verb)) break_off_operation(m, why);
    be_up(m, Completed::stay_done, why);
}
void on(UnitMaking& m, const ShutDown&)
{
    // A stop goes on to its end; nothing else comes to one.
    if (is_wanted_up(m.unit())) break_off_operation(m, "keeld is stopping");
    run_all(m, StopWanted{});
    break_off_rung_hook(m);
    leave_deploy_effect(m);
}
void on(UnitMaking& m, const ForInstance& e)
{
    if (e.slot == whole_unit) return heed_whole_unit(m, e.event);
    // What ends late, of an instance that the unit no longer has: nothing is left to be decided.
    const auto* exited = std::get_if<ProcessExited>(&e.event);
    const bool is_an_end = exited != nullptr || std::holds_alternative<TreeEmptied>(e.event);
    if (!is_an_end || e.slot <= m.unit().instances.size()) return run_instance(m, e.slot, e.event);
    if (exited != nullptr) m.out.actions.push_back({e.slot, Acknowledge{exited->spawn}});
}
void on(UnitMaking& m, const CompanionRestarted& e)
{
    recall(m, {StartCause::companion, e.name + " was restarted"}, "restart with " + e.name);
}

void on(UnitMaking& m, const UnitGateChanged&)
{
    recall_if_gone(m);
    for (Slot slot = 1; slot <= m.unit().instances.size(); ++slot) {
        const InstanceState& state = m.instance(slot).state;
        if (std::holds_alternative<Blocked>(state) || std::holds_alternative<Unready>(state))
            run_instance(m, slot, GateChanged{});
    }
}
void on(UnitMaking& m, const UnitTick&)
{
    end_hold_if_over(m);
    end_overdue_rung_hook(m);
    end_overdue_deploy_effect(m);
    for (Slot slot = 1; slot <= m.unit().instances.size(); ++slot)
        if (const auto due = deadline_of(m.spec, m.instance(slot)); due && *due <= m.now())
            run_instance(m, slot, Tick{});
}

void note_readiness(UnitMaking& m)
{
    Unit& unit = m.unit();
    // Nothing starts any more: no start is waited for.
    if (m.inputs.gate && m.inputs.gate->kind == BlockedOn::Kind::shutdown)
        unit.first_wanted_at.reset();
    if (!is_ready(m.spec, unit)) {
        unit.ready_since.reset();
        return;
    }
    if (!unit.ready_since) unit.ready_since = m.now();
    unit.first_wanted_at.reset();
    unit.settled = Unit::Settled::yes;
}

} // namespace

UnitStep step(const units::UnitSpec& spec, Unit unit, const UnitEvent& event,
              const UnitInputs& inputs)
{
    UnitMaking m{spec, inputs, {}};
    m.out.next = std::move(unit);
    std::visit([&](const auto& e) { on(m, e); }, event);
    retire_instances(m);
    progress_operation(m);
    progress_deployment(m);
    catch_up(m);
    note_readiness(m);
    descend_if_stable(m);
    mark_good_if_proved(m);
    fold_outages(m);
    return std::move(m.out);
}

Unit make_unit(const units::UnitSpec& spec)
{
    Unit unit;
    unit.instances.resize(spec.instances);
    return unit;
}

} // namespace keel::core
