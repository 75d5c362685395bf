// What another configuration makes of a unit that is there already.
#include "core/unit_moves.hpp"

#include <algorithm>
#include <utility>

namespace keel::core {
namespace {

/// A process in service is given the benefit of the doubt by a probe that is new to it.
ProbeHealth fresh_health(const units::ProbeSpec& probe, const InstanceState& state, MonoTime now)
{
    ProbeHealth health;
    health.next_at = now + probe.delay;
    if (std::holds_alternative<Ready>(state)) forgive(probe, health);
    return health;
}

void carry_over_probes(Instance& instance, const units::UnitSpec& before,
                       const units::UnitSpec& after, MonoTime now)
{
    if (instance.probes.size() != before.probes.size() || !spawn_of(instance.state)) {
        instance.probes.clear();
        // One that was ready without any probe has health from now on.
        const bool was_ready = std::holds_alternative<Ready>(instance.state) ||
                               std::holds_alternative<Unready>(instance.state);
        if (!was_ready) return;
    }
    std::vector<ProbeHealth> kept;
    for (const units::ProbeSpec& probe : after.probes) {
        ProbeHealth health = fresh_health(probe, instance.state, now);
        for (std::size_t i = 0; i < instance.probes.size(); ++i)
            if (before.probes[i] == probe) health = instance.probes[i];
        if (health.answer_by) health.next_at = now; // That attempt is cancelled.
        health.answer_by.reset();
        kept.push_back(std::move(health));
    }
    instance.probes = std::move(kept);
}

/// Where no probe is left that speaks against it, none will ever say that it is ready again.
void note_silence(Instance& instance, const units::UnitSpec& spec, Now now)
{
    const auto* unready = std::get_if<Unready>(&instance.state);
    if (unready == nullptr) return;
    for (std::size_t i = 0; i < spec.probes.size(); ++i)
        if (spec.probes[i].role.readiness && !is_passing(spec.probes[i], instance.probes[i]))
            return;
    instance.state = Ready{unready->spawn, now.mono};
    instance.since = now;
    instance.reason = "no probe speaks against it any more";
}

/// A start that is under way is judged by rules that are no longer in force: once more from the
/// beginning.
void begin_starts_anew(UnitMaking& m)
{
    for (Slot slot = 1; slot <= m.spec.instances; ++slot)
        if (std::holds_alternative<Starting>(m.instance(slot).state))
            run_instance(m, slot, RestartWanted{});
}

void enable(UnitMaking& m)
{
    if (auto* held = std::get_if<Held>(&m.unit().wanted)) held->then = Held::Then::up;
    if (std::holds_alternative<Down>(m.unit().wanted))
        be_up(m, Completed::run_again, "it is enabled now");
}

void disable(UnitMaking& m)
{
    if (auto* held = std::get_if<Held>(&m.unit().wanted)) held->then = Held::Then::down;
    if (!is_wanted_up(m.unit())) return;
    want(m, Down{}, "it is not enabled any more");
    run_all(m, StopWanted{});
}

} // namespace

void carry_over(Unit& unit, const units::UnitSpec& before, const units::UnitSpec& after, Now now)
{
    for (Instance& instance : unit.instances) {
        if (before.probes == after.probes) break;
        carry_over_probes(instance, before, after, now.mono);
        note_silence(instance, after, now);
    }
    if (unit.instances.size() < after.instances) unit.instances.resize(after.instances);
    const auto top = static_cast<std::uint8_t>(after.escalation.ladder.size() - 1);
    unit.rung = std::min(unit.rung, top);
}

void on(UnitMaking& m, const Respecified& e)
{
    // An operation of the former configuration: what it was about may be gone.
    break_off_operation(m, "the configuration has changed meanwhile");
    if (e.before->deploy.root != m.spec.deploy.root)
        abort_deployment(m, "its releases live elsewhere as of now");
    if (m.unit().before_leaving) return;
    const bool acts = is_wanted_up(m.unit()) && hands_of(m) == Inputs::Hands::on;
    if (acts && e.before->ready != m.spec.ready) begin_starts_anew(m);
    if (!e.before->enabled && m.spec.enabled) enable(m);
    if (e.before->enabled && !m.spec.enabled) disable(m);
    if (!is_wanted_up(m.unit())) return;
    for (Slot slot = 1; slot <= m.spec.instances; ++slot)
        if (std::holds_alternative<Stopped>(m.instance(slot).state))
            run_instance(m, slot, LaunchWanted{});
    recall_if_gone(m);
}

void on(UnitMaking& m, const LeaveWanted&)
{
    Unit& unit = m.unit();
    if (unit.before_leaving) return;
    break_off_operation(m, "the configuration has changed meanwhile");
    unit.before_leaving = std::exchange(unit.wanted, Down{});
    run_all(m, StopWanted{});
    break_off_rung_hook(m);
}

void on(UnitMaking& m, const StayWanted&)
{
    Unit& unit = m.unit();
    if (!unit.before_leaving) return;
    unit.wanted = *std::exchange(unit.before_leaving, std::nullopt);
    if (!is_wanted_up(unit)) return;
    unit.wanted = Down{}; // As for any unit that is wanted up anew, its start gets its time.
    be_up(m, Completed::stay_done, "its configuration is in force again");
}

void on(UnitMaking& m, const CatchUpWanted&) { m.unit().catches_up = Unit::CatchesUp::yes; }

namespace {

void restart_as_outdated(UnitMaking& m, Slot slot)
{
    const bool is_of_release = is_on_other_release(m.spec, m.unit(), slot);
    run_instance(m, slot,
                 is_of_release ? RestartWanted{StartCause::deploy, "onto the current release"}
                               : RestartWanted{});
    m.unit().sign = OutageSign{OutageCause::operation,
                               is_of_release ? "restarted later: its release had changed"
                                             : "restarted later: its configuration had changed",
                               "operation",
                               {},
                               Outage::Planned::yes,
                               {}};
    m.sign = UnitMaking::Sign::fresh;
}

} // namespace

void catch_up(UnitMaking& m)
{
    Unit& unit = m.unit();
    if (unit.catches_up == Unit::CatchesUp::no) return;
    if (!has_outdated(m.spec, unit) && !has_other_release(m.spec, unit)) {
        unit.catches_up = Unit::CatchesUp::no;
        return;
    }
    const bool may_act = is_wanted_up(unit) && hands_of(m) == Inputs::Hands::on;
    if (!may_act || unit.operation || unit.deployment || m.inputs.gate) return;
    std::optional<Slot> in_service;
    for (Slot slot = 1; slot <= m.spec.instances; ++slot) {
        const InstanceState& state = m.instance(slot).state;
        const bool is_behind =
            is_outdated(m.spec, m.instance(slot)) || is_on_other_release(m.spec, unit, slot);
        if (!is_behind) continue;
        if (serves(state))
            in_service = in_service.value_or(slot);
        else if (spawn_of(state)) // What waits is made anew by its start; what was given up stays.
            restart_as_outdated(m, slot);
    }
    if (in_service && ready_count(unit) == unit.instances.size())
        restart_as_outdated(m, *in_service);
}

void retire_instances(UnitMaking& m)
{
    Unit& unit = m.unit();
    if (unit.instances.size() <= m.spec.instances || hands_of(m) == Inputs::Hands::off) return;
    for (auto slot = static_cast<Slot>(m.spec.instances + 1); slot <= unit.instances.size();
         ++slot) {
        const InstanceState& state = m.instance(slot).state;
        const auto* stopping = std::get_if<Stopping>(&state);
        const bool is_leaving = stopping != nullptr && stopping->then == AfterStop::stay_down;
        if (!is_leaving && !std::holds_alternative<Stopped>(state))
            run_instance(m, slot, StopWanted{});
    }
    while (unit.instances.size() > m.spec.instances &&
           std::holds_alternative<Stopped>(unit.instances.back().state))
        unit.instances.pop_back();
}

} // namespace keel::core
