// What PRODUCT promises of every moment, checked after every step.
#include "tests/sim/world.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::sim {

using namespace std::chrono_literals;

void World::check_promises(Cause cause)
{
    const core::Host& host = brain_->host();
    for (std::uint32_t i = 0; i < scenario_.specs.size(); ++i) {
        const core::Unit& unit = host.unit(UnitId{i});
        for (Slot slot = 1; slot <= unit.instances.size(); ++slot)
            check_instance({UnitId{i}, slot}, unit.instances[slot - 1U]);
        check_operation(UnitId{i}, unit);
        check_rung_hook(UnitId{i}, unit);
    }
    check_deadline(cause);
}

void World::check_instance(InstanceId id, const core::Instance& instance)
{
    check_process(id, instance);
    check_hook(id, instance);
    if (instance.reason.empty() && !std::holds_alternative<core::Stopped>(instance.state))
        violated(who(id) + " is in its state for no reason");
    // What changed while no brain was there, a new one finds out in its first moment.
    if (ending_ || now() == brain_born_) return;
    if (core::is_wanted_up(brain_->host().unit(id.unit))) check_wait(id, instance);
    check_watchdog(id, instance);
    check_liveness(id, instance);
}

bool World::is_liveness_suspended(UnitId id) const
{
    return !oracle_.requirements_ready(id) || core::is_left_alone(brain_->host().unit(id));
}

/// A process that fails its liveness is not left running for longer than it may be held back.
void World::check_liveness(InstanceId id, const core::Instance& instance)
{
    const bool exact = size_ == Size::core && scenario_.weights.meddles == 0;
    const bool serves = std::holds_alternative<core::Ready>(instance.state) ||
                        std::holds_alternative<core::Unready>(instance.state);
    if (!exact || !serves) return;
    const Duration slack = 2 * scenario_.weights.lateness + core::hearing_patience + 1s;
    liveness_.serves(id, spec(id.unit), is_liveness_suspended(id.unit), slack, now());
}

/// An operation is over when nothing more can come of it: else whoever asked waits for ever, and
/// nobody else may ask for anything.
void World::check_operation(UnitId id, const core::Unit& unit)
{
    if (!unit.operation) return;
    const bool stops = unit.operation->verb == core::Verb::stop ||
                       (unit.operation->verb == core::Verb::hold && !core::is_left_alone(unit));
    if (stops && core::is_wanted_up(unit))
        violated(spec(id).name + " is wanted up and is still being stopped");
    const auto rests = [&](Slot slot) {
        const auto state = core::state_name(unit.instances[slot - 1U].state);
        return state == "ready" || state == "done" || state == "failed" || state == "stopped";
    };
    const bool all_rest = std::ranges::all_of(unit.operation->targets, rests);
    const bool reloads = unit.operation->verb == core::Verb::reload;
    const Duration longest = spec(id).start.timeout + spec(id).stop.timeout + core::reload_patience;
    const MonoTime since = std::max(unit.operation->began, brain_born_);
    if (reloads && now() > since + longest + 4 * scenario_.weights.lateness + 15s)
        violated(spec(id).name + ": its reload has no end");
    if (all_rest && !stops && !reloads)
        violated(spec(id).name + ": nothing more will come of its operation and it is not over");
}

/// The brain's word about processes against the kernel's.
void World::check_process(InstanceId id, const core::Instance& instance)
{
    const auto spawn = core::spawn_of(instance.state);
    const auto living = kernel_.living(id);
    if (!spawn && living)
        violated(fmt::format("{} is {} and spawn {} of it lives", who(id),
                             core::state_name(instance.state), number(*living)));
    if (spawn && living && *spawn != *living)
        violated(fmt::format("{} is about spawn {} but {} lives", who(id), number(*spawn),
                             number(*living)));
    const bool stops = std::holds_alternative<core::Stopping>(instance.state);
    const bool wakes = now() == brain_born_; // What its journal has lost it finds out now.
    if (spawn && !stops && !wakes && kernel_.is_forgotten(*spawn))
        violated(fmt::format("{} is {} by spawn {}, whose end is acknowledged", who(id),
                             core::state_name(instance.state), number(*spawn)));
}

/// A hook's time is bounded, and none is forgotten or left out.
void World::check_hook(InstanceId id, const core::Instance& instance)
{
    const core::Unit& unit = brain_->host().unit(id.unit);
    const units::UnitSpec& its = spec(id.unit);
    if (core::is_left_alone(unit)) return kernel_.hooks.excuse(id);
    const auto living = kernel_.living_hook(id);
    const bool known = living && instance.hook && instance.hook->spawn == *living;
    if (living && !known)
        violated(fmt::format("{} has a hook, spawn {}, of which nobody knows", who(id),
                             number(*living)));
    if (living) {
        const MonoTime since = std::max(
            {kernel_.began_at(*living), brain_born_, oracle_.unit(id.unit).handed_back_at});
        const Duration longest = units::limit_of(its, instance.hook->hook) + its.stop.timeout;
        const Duration slack = 4 * scenario_.weights.lateness + 15s; // it may be deep in the kernel
        if (now() > since + longest + slack)
            violated(fmt::format("{}: its {} runs for ever", who(id), name(instance.hook->hook)));
    }
    const auto* ready = std::get_if<core::Ready>(&instance.state);
    const bool was_run = ready != nullptr && now() > ready->since && !instance.hook;
    if (was_run && kernel_.memory == FakeKernel::Memory::whole)
        kernel_.hooks.main_is_ready(id, its, ready->spawn);
}

/// The hook of a rung is run, bounded in time, and never forgotten.
void World::check_rung_hook(UnitId id, const core::Unit& unit)
{
    if (kernel_.memory != FakeKernel::Memory::whole) return;
    const Duration slack = 4 * scenario_.weights.lateness + 15s; // it may be deep in the kernel
    const auto living = kernel_.living({id, whole_unit});
    if (living && !(unit.rung_hook && unit.rung_hook->spawn == *living))
        violated(fmt::format("{}: nobody knows of the hook of its ladder, spawn {}", spec(id).name,
                             number(*living)));
    if (living) {
        const MonoTime since = std::max(kernel_.began_at(*living), brain_born_);
        const Duration limit = spec(id).hooks.at(unit.rung_hook->name).timeout;
        if (now() > since + limit + spec(id).stop.timeout + slack)
            violated(spec(id).name + ": the hook of its ladder runs for ever");
    }
    if (const auto since = rungs_.owed_since(id); since && !ending_)
        if (now() > std::max(*since, brain_born_) + slack)
            violated(spec(id).name + " has climbed and the hook of its rung was never run");
}

/// What became of a hook is on record, as of everything that was tried.
void World::check_rung_hook_told(const core::Outage& record) const
{
    const bool runs = !brain_ || brain_->host().unit(find(record.unit, 1).unit).rung_hook;
    const bool forgets = kernel_.memory == FakeKernel::Memory::lossy;
    // The engine's worlds look when its turn is over: a hook that ended in the same one may still
    // have run at the moment at which the record was closed.
    const auto told = rung_told_at_.find(find(record.unit, 1).unit);
    const bool in_this_turn =
        size_ == Size::engine && told != rung_told_at_.end() && told->second == now();
    if (runs || forgets || in_this_turn) return;
    for (const core::ActionTaken& taken : record.actions)
        if (taken.action.starts_with("run:") && taken.result.empty())
            violated(fmt::format("{}: nothing tells what came of {}", record.unit, taken.action));
}

void World::check_gate(InstanceId id, const core::BlockedOn& on)
{
    if (!brain_->host().find(on.what))
        violated(who(id) + " is blocked on a unit that does not exist");
    if (brain_->host().gate_of(id.unit) != on)
        violated(fmt::format("{} is blocked on {}, which does not hold it back", who(id), on.what));
}

/// Promise 1: what is wanted up is up, has a deadline, waits for a named unit, or was given up
/// with its outage open.
void World::check_wait(InstanceId id, const core::Instance& instance)
{
    const core::Host& host = brain_->host();
    const auto state = core::state_name(instance.state);
    const MonoTime latest_start = now() + 2 * spec(id.unit).start.timeout;
    if (state == "stopped") violated(who(id) + " is wanted up and is stopped");
    if (const auto* s = std::get_if<core::Starting>(&instance.state);
        s && s->ready_by && *s->ready_by > latest_start)
        violated(who(id) + " may start for ever");
    if (const auto* s = std::get_if<core::Unready>(&instance.state);
        s && s->limit_at > now() + spec(id.unit).unready_limit)
        violated(who(id) + " may be unready for ever");
    if (const auto* s = std::get_if<core::Stopping>(&instance.state)) {
        const Duration hook = s->stage == core::KillStage::preparing ? core::kill_patience : 0s;
        if (s->escalate_at >
            now() + std::max<Duration>(spec(id.unit).stop.timeout, core::kill_patience) + hook)
            violated(who(id) + " may take for ever to stop");
        if (s->then == core::AfterStop::stay_down)
            violated(who(id) + " is wanted up and is to stay down");
    }
    const bool runs = state == "starting" || state == "ready" || state == "unready";
    for (const std::string& name : spec(id.unit).binds_to)
        if (runs && !core::is_present(host.unit(host.find(name).value())))
            violated(
                fmt::format("{} runs although {}, which it is bound to, is gone", who(id), name));
    if (state == "failed") return check_failed(id);
    const bool rests = state == "ready" || state == "done";
    const auto* blocked = std::get_if<core::Blocked>(&instance.state);
    if (blocked != nullptr && blocked->on.kind == core::BlockedOn::Kind::dependency)
        return check_gate(id, blocked->on);
    const bool works = state == "starting" && spec(id.unit).type == units::UnitType::oneshot;
    if (rests || works) return; // What works takes the time it takes.
    const auto due = core::deadline_of(spec(id.unit), instance);
    const auto next = host.deadline();
    if (!next || (due && *next > *due))
        violated(fmt::format("{} is {} and nobody will look at it again", who(id), state));
}

/// A process in service that has been silent for longer than its watchdog allows is not left so.
void World::check_watchdog(InstanceId id, const core::Instance& instance)
{
    const Duration interval = spec(id.unit).watchdog;
    const auto* ready = std::get_if<core::Ready>(&instance.state);
    if (interval == Duration{0} || ready == nullptr) return;
    if (core::is_left_alone(brain_->host().unit(id.unit))) return;
    if (scenario_.weights.meddle_every > Duration{0}) return; // signs of life come again
    const MonoTime since = std::max({ready->since, voices_.life_told_at(id), brain_born_,
                                     oracle_.unit(id.unit).handed_back_at});
    const Duration slack = 2 * scenario_.weights.lateness + core::hearing_patience + 1s;
    if (now() > since + interval + slack)
        violated(fmt::format("{} has not shown life for {} and is left running", who(id),
                             to_text(now() - since)));
}

/// What rests on the process's own words, or on their absence, against what it has said.
void World::check_move_by_voice(InstanceId id, std::string_view to, std::string_view reason)
{
    const units::UnitSpec& its = spec(id.unit);
    if (its.ready == units::ReadyBy::notify && to == "ready" && !voices_.ready_was_told(id))
        violated(who(id) + " is called ready before it said so");
    if (scenario_.weights.meddles > 0 || to != "stopping") return;
    const bool is_for_silence = reason.starts_with("watchdog: no WATCHDOG=1");
    if (is_for_silence && now() < voices_.life_said_at(id) + its.watchdog)
        violated(who(id) + " is ended for its silence, and has spoken in time");
    const bool begins_anew = kernel_.memory == FakeKernel::Memory::lossy;
    if (its.ready == units::ReadyBy::notify && reason.starts_with("not ready within") &&
        voices_.has_said_ready(id) && !begins_anew)
        violated(who(id) + " is ended as not ready, and has said that it is");
}

/// Nothing is killed before it has had its time to end by itself. What belongs to no unit any more,
/// as far as a new engine knows, is.
void World::check_kill(InstanceId id, std::optional<Duration> asked) const
{
    if (kernel_.memory == FakeKernel::Memory::lossy) return;
    if (!asked) violated(who(id) + " is killed and was never asked to end");
    if (*asked < spec(id.unit).stop.timeout)
        violated(
            fmt::format("{} is killed {} after it was asked to end", who(id), to_text(*asked)));
}

void World::check_failed(InstanceId id)
{
    const core::Unit& unit = brain_->host().unit(id.unit);
    const bool told =
        core::open_outage(unit.outage) != nullptr || core::open_outage(unit.degradation) != nullptr;
    const auto& first = unit.first_wanted_at;
    const MonoTime excused_until =
        first ? std::max(*first + spec(id.unit).start.timeout, brain_born_) : MonoTime{};
    const bool will_be = now() <= excused_until + scenario_.weights.lateness + 2ms;
    if (!told && !will_be) violated(who(id) + " is failed and no outage is open");
}

/// No deadline is forgotten, and none makes the loop go round in vain.
void World::check_deadline(Cause cause)
{
    const auto due = brain_->host().deadline();
    if (!due) return;
    if (cause == Cause::tick && *due <= now())
        violated("after a tick the next deadline is already over: a busy loop");
    if (std::max(*due, brain_born_) + scenario_.weights.lateness + 2ms < now())
        violated("a deadline has been missed");
}

} // namespace keel::sim
