#include "tests/sim/oracle.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <utility>

namespace keel::sim {

using namespace std::chrono_literals;
using core::Host;
using units::UnitSpec;

namespace {

bool serves(const SeenInstance& instance)
{
    return instance.state == "ready" || instance.state == "done";
}

/// min(cap, delay·factor^(k−2)) by repeated multiplication; 0 for the first.
double pause_before_jitter(const UnitSpec& spec, unsigned k, Duration cap)
{
    if (k < 2) return 0;
    double pause = static_cast<double>(spec.restart.delay.count());
    for (unsigned i = 2; i < k && pause < 1e18; ++i)
        pause *= spec.restart.factor;
    return std::min(pause, static_cast<double>(cap.count()));
}

} // namespace

Duration Oracle::window_of(const UnitSpec& spec)
{
    const long stops = 1 + (spec.stop.pre.empty() ? 0 : 1) + (spec.stop.post.empty() ? 0 : 1);
    const auto slow = spec.start.timeout + stops * spec.stop.timeout + spec.restart.delay_max;
    return std::max(spec.escalation.window, slow * static_cast<long>(spec.escalation.failures));
}

Oracle::Oracle(std::vector<UnitSpec> specs, World world)
    : specs_(std::move(specs)), world_(world), tokens_(world.storm.burst)
{
    units_.resize(specs_.size());
    for (std::size_t i = 0; i < specs_.size(); ++i)
        units_[i].instances.resize(specs_[i].instances);
}

std::string Oracle::who(InstanceId id) const
{
    return fmt::format("{}.{}", spec(id.unit).name, id.slot);
}

UnitId Oracle::find(const std::string& name) const
{
    for (std::uint32_t i = 0; i < specs_.size(); ++i)
        if (specs_[i].name == name) return UnitId{i};
    violated("no unit " + name);
}

unsigned Oracle::ready_count(UnitId id) const
{
    return static_cast<unsigned>(std::ranges::count_if(unit(id).instances, serves));
}

bool Oracle::is_at_work(UnitId id) const
{
    return spec(id).type == units::UnitType::oneshot && !unit(id).settled &&
           std::ranges::any_of(unit(id).instances,
                               [](const auto& i) { return i.state == "starting"; });
}

bool Oracle::is_given_up(UnitId id) const
{
    const auto is_failed = [](const auto& i) { return i.state == "failed"; };
    const auto& instances = unit(id).instances;
    return std::ranges::any_of(instances, is_failed) &&
           std::ranges::all_of(instances, [&](const auto& i) { return is_failed(i) || serves(i); });
}

bool Oracle::requirements_ready(UnitId id) const
{
    return std::ranges::all_of(needs_of(spec(id)),
                               [&](const std::string& name) { return is_ready(find(name)); });
}

core::ReadyTime Oracle::ready_time(const SeenInstance& i) const
{
    if (i.state != "ready") return i.ready_before;
    return i.ready_before.value_or(Duration{0}) + (now() - i.ready_since);
}

// ---- a person's word ----------------------------------------------------------------------------

void Oracle::clear(SeenInstance& instance)
{
    instance.in_a_row = 0;
    instance.charged.clear();
    instance.not_before = {};
    instance.pause_low = instance.pause_high = Duration{0};
}

/// What follows in this turn is Keel's doing.
void Oracle::hand_back(SeenUnit& unit) const
{
    if (unit.left_alone) unit.handed_back_at = now();
    unit.left_alone = false;
}

void Oracle::be_up(const Host& host, UnitId id, Completed completed)
{
    SeenUnit& unit = units_[number(id)];
    for (SeenInstance& instance : unit.instances)
        if (completed == Completed::run_again || instance.state != "done") clear(instance);
    be_wanted_up(host, id);
}

void Oracle::be_wanted_up(const Host& host, UnitId id)
{
    SeenUnit& unit = units_[number(id)];
    hand_back(unit);
    if (!core::is_wanted_up(host.unit(id)) && !is_ready(id)) unit.first_wanted = now();
    unit.rung = 0;
    unit.settled = false;
}

void Oracle::booted()
{
    for (std::uint32_t i = 0; i < specs_.size(); ++i)
        if (specs_[i].enabled && specs_[i].min_ready > 0) units_[i].first_wanted = now();
}

/// What the unit needs, directly or not, and what was given up or is not wanted up.
void Oracle::start_what_is_needed(const Host& host, UnitId id)
{
    std::vector<UnitId> open{id};
    for (std::size_t i = 0; i < open.size(); ++i)
        for (const std::string& name : needs_of(spec(open[i])))
            if (std::ranges::find(open, find(name)) == open.end()) open.push_back(find(name));
    for (const UnitId needed : open) {
        const bool failed = std::ranges::any_of(units_[number(needed)].instances,
                                                [](const auto& i) { return i.state == "failed"; });
        if (needed != id && (failed || !core::is_wanted_up(host.unit(needed))))
            be_up(host, needed, Completed::stay_done);
    }
}

void Oracle::asked(const Host& host, UnitId id, core::Verb verb, std::optional<Slot> slot,
                   core::HoldTerms terms)
{
    if (verb == core::Verb::reload) return; // Of that no state and no record tells.
    SeenUnit& unit = units_[number(id)];
    unit.asked_at = now();
    unit.let_go_at.reset();
    if (verb == core::Verb::hold && terms.span) unit.let_go_at = now() + *terms.span;
    if (verb == core::Verb::stop || verb == core::Verb::hold) return;
    hand_back(unit);
    const bool is_start = verb == core::Verb::start || (!core::is_wanted_up(host.unit(id)) &&
                                                        !core::is_left_alone(host.unit(id)));
    if (verb == core::Verb::start) start_what_is_needed(host, id);
    if (is_start) return be_up(host, id, Completed::run_again);
    const bool after_hold = !core::is_wanted_up(host.unit(id));
    if (after_hold) be_wanted_up(host, id);
    // A restart clears the instances that it restarts; those in service wait for their turn.
    // After a hold none may be in service any more: what the unit is bound to may have gone.
    const bool recalled =
        after_hold && std::ranges::any_of(spec(id).binds_to, [&](const std::string& name) {
            return !core::is_present(host.unit(find(name)));
        });
    const bool rolls = !slot && unit.instances.size() > 1 && !recalled;
    for (Slot s = 1; s <= unit.instances.size(); ++s)
        if (!slot || *slot == s ? !(rolls && serves(unit.instances[s - 1U]))
                                : after_hold && unit.instances[s - 1U].state != "done")
            clear(unit.instances[s - 1U]);
}

// ---- moves --------------------------------------------------------------------------------------

void Oracle::check_hold(const Host& host, InstanceId id, std::string_view to) const
{
    const bool left_alone = unit(id.unit).left_alone && core::is_left_alone(host.unit(id.unit));
    const bool acts = to == "starting" || to == "backoff" || to == "stopping";
    if (left_alone && !ending_ && acts)
        violated(fmt::format("{} is {} although it is held as it is", who(id), to));
}

void Oracle::moved(const Host& host, InstanceId id, std::string_view from, std::string_view to,
                   std::string_view reason)
{
    SeenUnit& unit = units_[number(id.unit)];
    SeenInstance& instance = seen(id);
    if (instance.state != from)
        violated(fmt::format("{} moves from {} but was {}", who(id), from, instance.state));
    const bool restarted = reason.starts_with("restart wanted");
    const bool rested = from == "done" || from == "failed" || from == "stopped";
    if (restarted || rested) clear(instance); // Only a person's word, or boot, ends a rest.
    const bool swept = to == "stopping" && !main_runs(id);
    if (!swept) check_hold(host, id, to);
    if (to == "stopping") check_stop(host, id, reason);
    take_clean_exit(id, from, to, reason);
    if (from == "ready" && to != "ready") instance.ready_before = ready_time(instance);
    const bool is_prepared = from == "starting" && reason.starts_with("start.pre: exit 0 ");
    if (to == "starting" && !is_prepared) check_start(host, id);
    instance.state = to;
    instance.retry_at.reset();
    if (to == "ready") instance.ready_since = now();
    if (to == "starting") instance.ready_before.reset();
    if (to == "backoff") check_pause(host, id);
    instance.failure_told = false;
    if (serves(instance)) unit.settled = true;
    if (world_.by_turns && !is_ready(id.unit)) unit.ready_since.reset();
    // Also if only for a moment; but not in the midst of a step, which nobody sees.
    if (world_.by_turns && is_ready(id.unit) && !host.unit(id.unit).first_wanted_at)
        unit.first_wanted.reset();
    const bool first = from == "stopped" || to == "stopped";
    using Planned = SeenOutage::Planned;
    // What a oneshot leaves behind may be swept while it is still a person's operation.
    const bool of_work =
        swept && spec(id.unit).type == units::UnitType::oneshot && host.unit(id.unit).operation;
    const Planned planned = restarted || from == "done"                        ? Planned::yes
                            : first || of_work || !requirements_ready(id.unit) ? Planned::not_known
                                                                               : Planned::no;
    judge_outage(host, id.unit, Moment::move, planned);
}

/// Whether what it is bound to is gone, or what it restarts with was restarted.
bool Oracle::is_recall(UnitId id, std::string_view reason) const
{
    const auto begins_with = [&](const std::string& name, std::string_view what) {
        return reason.starts_with(fmt::format("{} {}", name, what));
    };
    return std::ranges::any_of(spec(id).binds_to,
                               [&](const auto& name) { return begins_with(name, "is gone"); }) ||
           std::ranges::any_of(spec(id).restart_with, [&](const auto& name) {
               return begins_with(name, "was restarted");
           });
}

/// A first start of a unit is no restart of it.
void Oracle::check_recall(const Host& host, InstanceId id, std::string_view reason) const
{
    if (reason.find(" was restarted") == std::string_view::npos) return;
    const UnitId other = find(std::string(reason.substr(0, reason.find(' '))));
    const bool restarted = std::ranges::any_of(host.unit(other).instances,
                                               [](const auto& i) { return i.restarts > 0; });
    if (!restarted) violated(fmt::format("{}: {}, but it was not", who(id), reason));
}

bool Oracle::main_runs(InstanceId id) const
{
    const auto spawn = world_.kernel.living(id);
    return spawn && world_.kernel.main_lives(*spawn);
}

/// A process in service is stopped only because a person, the end of keeld, or a failure wants it.
void Oracle::check_stop(const Host& host, InstanceId id, std::string_view reason)
{
    const SeenInstance& instance = seen(id);
    const bool wanted = reason.starts_with("stop wanted") || reason.starts_with("restart wanted");
    const bool asked = units_[number(id.unit)].asked_at.has_value() || ending_;
    const bool runs = main_runs(id);
    if (wanted && !asked) violated(fmt::format("{} is stopped and nobody asked for it", who(id)));
    if (wanted && ending_) check_stop_order(id.unit);
    if (wanted && serves(instance)) check_roll(host, id);
    if (is_recall(id.unit, reason)) return check_recall(host, id, reason);
    if (runs && !wanted && !instance.failure_told && world_.is_exact)
        violated(fmt::format("{} is stopped in good health: {}", who(id), reason));
}

/// A restart of several instances takes one from service while all others of them that it has
/// reached, or need not reach, serve.
void Oracle::check_roll(const Host& host, InstanceId id) const
{
    const auto& operation = host.unit(id.unit).operation;
    if (!operation || operation->verb != core::Verb::restart) return;
    const auto has = [](const std::vector<Slot>& slots, Slot slot) {
        return std::ranges::find(slots, slot) != slots.end();
    };
    if (!has(operation->targets, id.slot) || operation->targets.size() < 2) return;
    for (const Slot slot : operation->targets)
        if (slot != id.slot && !has(operation->waiting, slot) &&
            !serves(unit(id.unit).instances[slot - 1U]))
            violated(fmt::format("{} is taken from service while {}.{} is not back", who(id),
                                 spec(id.unit).name, slot));
}

/// At the end of keeld a unit is stopped once nothing that needs it, or comes after it, lives.
void Oracle::check_stop_order(UnitId id) const
{
    for (std::uint32_t i = 0; i < specs_.size(); ++i) {
        const auto names = [&](const std::vector<std::string>& list) {
            return std::ranges::find(list, spec(id).name) != list.end();
        };
        if (!names(needs_of(specs_[i])) && !names(specs_[i].after)) continue;
        for (Slot slot = 1; slot <= specs_[i].instances; ++slot)
            if (world_.kernel.living({UnitId{i}, slot}))
                violated(fmt::format("{} is stopped while {}.{} lives", spec(id).name,
                                     specs_[i].name, slot));
    }
}

/// A clean end of a stable run is the first restart in a row and waits nothing.
void Oracle::take_clean_exit(InstanceId id, std::string_view from, std::string_view to,
                             std::string_view reason)
{
    SeenInstance& instance = seen(id);
    const bool wanted = reason.starts_with("stop wanted") || reason.starts_with("restart wanted") ||
                        is_recall(id.unit, reason);
    const bool served = from == "ready" || from == "unready";
    if (!served || instance.failure_told || wanted) return;
    if (to == "ready" || to == "unready" || to == "done") return;
    if (reason.find("prevent_exit") != std::string_view::npos) return;
    const auto& restart = spec(id.unit).restart;
    if (restart.policy != units::RestartWhen::always && to == "stopping")
        return; // to be swept, then done
    const core::ReadyTime ready = ready_time(instance);
    if (!ready || *ready < restart.stable_after)
        violated(fmt::format("{} ended after {} of ready time and no failure was told", who(id),
                             ready ? to_text(*ready) : "none"));
    instance.in_a_row = 1;
    instance.not_before = now();
    instance.pause_low = instance.pause_high = Duration{0};
}

/// A restart whose turn has come reaches also what waits or is being stopped: it is forgiven then,
/// and no move tells of that.
void Oracle::forgive_for_restart(const Host& host, InstanceId id)
{
    const core::Unit& unit = host.unit(id.unit);
    if (!unit.operation || unit.operation->verb != core::Verb::restart) return;
    const auto is_among = [&](const std::vector<Slot>& slots) {
        return std::ranges::find(slots, id.slot) != slots.end();
    };
    const bool turn_has_come =
        is_among(unit.operation->targets) && !is_among(unit.operation->waiting);
    if (turn_has_come && unit.instances[id.slot - 1U].history.in_a_row == 0) clear(seen(id));
}

void Oracle::check_start(const Host& host, InstanceId id)
{
    forgive_for_restart(host, id);
    const SeenInstance& instance = seen(id);
    const UnitSpec& its = spec(id.unit);
    if (ending_) violated(who(id) + " is started while everything is being stopped");
    if (now() < instance.not_before)
        violated(fmt::format("{} is started {} too early (restart {} in a row)", who(id),
                             to_text(instance.not_before - now()), instance.in_a_row));
    for (const std::string& name : needs_of(its))
        if (!is_ready(find(name)))
            violated(fmt::format("{} is started while {} is not ready", who(id), name));
    for (const std::string& name : its.after) {
        const UnitId other = find(name);
        const bool waits = core::is_wanted_up(host.unit(other)) && !is_ready(other) &&
                           !units_[number(other)].settled;
        if (waits) violated(fmt::format("{} is started before {} was ready", who(id), name));
    }
    if (instance.in_a_row >= 2) take_token(id);
}

void Oracle::refill()
{
    const auto& storm = world_.storm;
    const double since = seconds(now() - tokens_at_);
    tokens_ = std::min<double>(storm.burst, tokens_ + since * storm.starts_per_second);
    tokens_at_ = now();
}

bool Oracle::take_kill_token()
{
    if (world_.storm.starts_per_second == 0) return true;
    refill();
    const bool has_one = tokens_ >= 1.0 - 1e-3;
    tokens_ = std::max(0.0, tokens_ - 1.0);
    return has_one;
}

void Oracle::take_token(InstanceId id)
{
    if (world_.storm.starts_per_second == 0) return;
    refill();
    tokens_ -= 1.0;
    if (tokens_ < -1e-3)
        violated(fmt::format("{} is started although the storm brake has no token", who(id)));
}

/// The named next start is neither sooner nor later than policy allows.
void Oracle::check_pause(const Host& host, InstanceId id)
{
    SeenInstance& instance = seen(id);
    instance.not_before = now() + instance.pause_low;
    const auto* backoff =
        std::get_if<core::Backoff>(&host.unit(id.unit).instances[id.slot - 1U].state);
    if (backoff == nullptr) return; // It has gone on in the same turn.
    instance.retry_at = backoff->retry_at;
    const Duration pause = backoff->retry_at - now();
    if (pause < instance.pause_low || pause > instance.pause_high)
        violated(fmt::format("{} waits {} ns before restart {} in a row, not {} to {}", who(id),
                             pause.count(), instance.in_a_row, instance.pause_low.count(),
                             instance.pause_high.count()));
}

// ---- failures and the ladder --------------------------------------------------------------------

void Oracle::failed(InstanceId id, Observer::Charge charge_told,
                    std::optional<core::StartCause> cause)
{
    SeenUnit& unit = units_[number(id.unit)];
    SeenInstance& instance = seen(id);
    const UnitSpec& its = spec(id.unit);
    instance.failure_told = true;
    unit.settled = true;
    unit.failed_at = now();

    const core::ReadyTime ready = ready_time(instance);
    if (ready && *ready >= its.restart.stable_after) instance.in_a_row = 0;
    ++instance.in_a_row;
    const auto rung = its.escalation.ladder[unit.rung].kind;
    const bool is_last = unit.rung + 1 == its.escalation.ladder.size();
    const bool retries = rung == units::Rung::retry || (rung == units::Rung::run && is_last);
    const Duration cap = retries ? its.escalation.retry_every : its.restart.delay_max;
    const double pause = pause_before_jitter(its, instance.in_a_row, cap);
    instance.pause_low =
        Duration{static_cast<Duration::rep>(pause * (1 - its.restart.jitter) * (1 - 1e-9))};
    const double high =
        std::min(static_cast<double>(cap.count()), pause * (1 + its.restart.jitter));
    instance.pause_high = Duration{static_cast<Duration::rep>(high * (1 + 1e-9)) + 1};
    instance.not_before = now() + instance.pause_low;

    const bool free = !requirements_ready(id.unit) || unit.left_alone;
    if (free != (charge_told == Observer::Charge::free))
        violated(fmt::format("a failure of {} is {} although what it requires is {}", who(id),
                             free ? "charged" : "free", free ? "down" : "ready"));
    const bool impatient =
        cause == core::StartCause::liveness || cause == core::StartCause::unready;
    if (impatient && free)
        violated(fmt::format("{} is restarted for {} while what it requires is down", who(id),
                             keel::name(*cause)));
    check_patience(id, cause);
    if (!free) charge(id);
}

/// What was held as it was has its whole time again from then on.
void Oracle::check_patience(InstanceId id, std::optional<core::StartCause> cause) const
{
    const UnitSpec& its = spec(id.unit);
    const Duration passed = now() - unit(id.unit).handed_back_at;
    const bool late_start = cause == core::StartCause::start_timeout;
    const bool unready = cause == core::StartCause::unready;
    if (late_start && its.type == units::UnitType::oneshot)
        violated(who(id) + " is ended at its work, which may take the time it takes");
    if ((late_start && passed < its.start.timeout) || (unready && passed < its.unready_limit))
        violated(fmt::format("{} is replaced for {} only {} after it was held as it was", who(id),
                             keel::name(*cause), to_text(passed)));
}

/// Section 4: whether this failure makes the unit climb.
void Oracle::charge(InstanceId id)
{
    SeenUnit& unit = units_[number(id.unit)];
    const UnitSpec& its = spec(id.unit);
    if (its.escalation.failures == 0) return;
    seen(id).charged.push_back(now());
    if (unit.hook_of) return; // What the rung does is under way.
    const auto is_spent = [&](SeenInstance& instance) {
        std::erase_if(instance.charged, [&](MonoTime at) { return at + window_of(its) <= now(); });
        return instance.charged.size() >= its.escalation.failures;
    };
    const auto spent = static_cast<std::size_t>(std::ranges::count_if(unit.instances, is_spent));
    const unsigned others = ready_count(id.unit) - (serves(seen(id)) ? 1 : 0);
    if (spent == 0 || (others >= its.min_ready && spent * 2 < unit.instances.size())) return;
    for (SeenInstance& instance : unit.instances)
        instance.charged.clear();
    if (unit.climb_due) violated(who(id) + " ought to have climbed already");
    if (unit.rung + 1 < its.escalation.ladder.size()) unit.climb_due = true;
}

void Oracle::hold_ended(const Host& host, UnitId id)
{
    units_[number(id)].left_alone = false; // What follows in this turn is Keel's doing.
    units_[number(id)].handed_back_at = now();
    SeenUnit& unit = units_[number(id)];
    if (!unit.let_go_at || now() < *unit.let_go_at)
        violated(spec(id).name + " is held no longer, too early");
    unit.let_go_at.reset();
    if (!core::is_wanted_up(host.unit(id))) return;
    be_up(host, id, Completed::stay_done);
    if (!is_ready(id)) unit.first_wanted = now();
}

void Oracle::climbed(UnitId id)
{
    SeenUnit& unit = units_[number(id)];
    if (!unit.climb_due) violated(spec(id).name + " climbs a rung too early");
    unit.climb_due = false;
    ++unit.rung;
    if (runs_hook(id)) unit.hook_of = unit.rung;
}

bool Oracle::runs_hook(UnitId id) const
{
    const auto& ladder = spec(id).escalation.ladder;
    const unsigned rung = unit(id).rung;
    return rung < ladder.size() && ladder[rung].kind == units::Rung::run;
}

/// After a rung's action all budgets start anew; one whose own action fails is left at once.
void Oracle::rung_hook_ended(const Host& host, UnitId id, core::HookResult result)
{
    SeenUnit& unit = units_[number(id)];
    if (!unit.hook_of) violated(spec(id).name + ": a hook of its ladder is over that did not run");
    if (result == core::HookResult::unseen) return; // It runs again.
    const bool left = *std::exchange(unit.hook_of, std::nullopt) != unit.rung;
    if (left || result == core::HookResult::broken_off || !core::is_wanted_up(host.unit(id)))
        return;
    for (SeenInstance& instance : unit.instances)
        instance.charged.clear();
    const bool failed = result != core::HookResult::done;
    if (failed && unit.rung + 1 < spec(id).escalation.ladder.size()) unit.climb_due = true;
}

void Oracle::descended(UnitId id)
{
    SeenUnit& unit = units_[number(id)];
    const bool calm = unit.ready_since && unit.rung > 0 &&
                      now() >= std::max(*unit.ready_since, unit.failed_at.value_or(MonoTime{})) +
                                   window_of(spec(id));
    if (!calm) violated(spec(id).name + " goes back to the bottom of the ladder too early");
    unit.rung = 0;
}

/// An operation's end may split an outage; what else happens in the same turn comes after that.
/// Whether every move that its instances have made so far was told.
bool Oracle::has_heard_all(const Host& host, UnitId id) const
{
    const auto& instances = host.unit(id).instances;
    for (std::size_t i = 0; i < instances.size(); ++i)
        if (core::state_name(instances[i].state) != unit(id).instances[i].state) return false;
    return true;
}

void Oracle::operation_ended(const Host& host, UnitId id)
{
    units_[number(id)].operation_over = true;
    if (!world_.by_turns || ending_) return;
    const auto& let_go_at = units_[number(id)].let_go_at;
    if (let_go_at && now() >= *let_go_at) return; // Told first; that its hold is over comes next.
    if (!has_heard_all(host, id)) return;         // What follows in the same step is told next.
    judge_outage(host, id, Moment::step_end, SeenOutage::Planned::not_known);
    compare_outage(host, id);
    units_[number(id)].operation_over = false;
}

void Oracle::check_rung(const Host& host, UnitId id)
{
    const SeenUnit& unit = units_[number(id)];
    if (unit.climb_due) violated(spec(id).name + " ought to have climbed a rung");
    if (host.unit(id).rung != unit.rung)
        violated(fmt::format("{} is on rung {} instead of {}", spec(id).name, host.unit(id).rung,
                             unit.rung));
    if (unit.rung == 0 || !unit.ready_since) return;
    const MonoTime calm = std::max(*unit.ready_since, unit.failed_at.value_or(MonoTime{}));
    if (now() > at_the_latest(calm + window_of(spec(id))))
        violated(spec(id).name + " ought to be back at the bottom of the ladder");
}

// ---- after every step ---------------------------------------------------------------------------

void Oracle::step_over(const Host& host)
{
    for (std::uint32_t i = 0; i < specs_.size(); ++i) {
        const UnitId id{i};
        SeenUnit& unit = units_[i];
        unit.wanted = core::wanted_name(host.unit(id).wanted);
        const bool was_left_alone =
            std::exchange(unit.left_alone, core::is_left_alone(host.unit(id)));
        if (was_left_alone && !unit.left_alone) unit.handed_back_at = now();
        if (unit.let_go_at && !ending_ && now() > at_the_latest(*unit.let_go_at) &&
            unit.wanted == "held")
            violated(spec(id).name + " is held for longer than was asked for");
        if (unit.wanted != "held") unit.let_go_at.reset();
        if (!is_ready(id))
            unit.ready_since.reset();
        else if (!unit.ready_since)
            unit.ready_since = now();
        if (is_ready(id)) {
            unit.first_wanted.reset();
            unit.settled = true;
        }
        check_rung(host, id);
        if (ending_) continue; // Section 6 says nothing of a unit that is being stopped for good.
        judge_outage(host, id, Moment::step_end, SeenOutage::Planned::not_known);
        compare_outage(host, id);
        match_records(id);
        unit.operation_over = unit.relapsed = unit.ready_meanwhile = unit.began_late = false;
    }
}

} // namespace keel::sim
