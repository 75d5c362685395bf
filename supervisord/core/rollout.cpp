#include "core/rollout.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace keel::core {
namespace {

using namespace std::chrono_literals;

/// More than any kernel needs to end a killed process.
constexpr Duration stop_slack = 30s;

/// Of the units that need this one, directly or not, those that `picks`.
template <class Picks>
std::vector<UnitId> all_dependants(const Host& host, UnitId id, const Picks& picks)
{
    std::set<UnitId> seen{id};
    std::vector<UnitId> open{id};
    std::vector<UnitId> found;
    while (!open.empty()) {
        const UnitId next = open.back();
        open.pop_back();
        for (const UnitId dependant : host.dependants_of(next))
            if (seen.insert(dependant).second) {
                open.push_back(dependant);
                if (picks(dependant)) found.push_back(dependant);
            }
    }
    return found;
}

/// Whether nothing is asked of the unit: it is not wanted up, or has done its work.
bool is_exempt(const Host& host, UnitId id)
{
    const Unit& unit = host.unit(id);
    return !is_wanted_up(unit) || status_of(host.spec(id), unit) == UnitStatus::done;
}

bool is_in_service(const Host& host, UnitId id)
{
    return is_exempt(host, id) || is_ready(host.spec(id), host.unit(id));
}

/// Whether nothing more happens to it until a person acts: what does not serve was given up.
bool is_given_up(const Unit& unit)
{
    const auto rests = [](const Instance& instance) {
        return serves(instance.state) || std::holds_alternative<Failed>(instance.state);
    };
    return std::ranges::all_of(unit.instances, rests) &&
           !std::ranges::all_of(unit.instances,
                                [](const Instance& instance) { return serves(instance.state); });
}

/// Whether it is a oneshot that runs: that takes the time it takes, but not to wait for its start.
bool works(const Host& host, UnitId id)
{
    return host.spec(id).type == units::UnitType::oneshot && has_process(host.unit(id));
}

Duration one_start(const units::UnitSpec& spec) { return spec.start.timeout + spec.stop.timeout; }

/// What keeps the unit from being ready, in its own words.
std::string trouble_of(const Host& host, UnitId id)
{
    for (const Instance& instance : host.unit(id).instances)
        if (!serves(instance.state))
            return fmt::format("{}: {}", state_name(instance.state), instance.reason);
    return "it has not stayed ready";
}

} // namespace

Rollout::Rollout(const Host& host, RolloutSpec spec) : spec_(std::move(spec))
{
    for (const UnitId id : spec_.changed)
        items_[id];
    for (const UnitId id : spec_.added)
        items_[id].kind = Item::Kind::added;
    for (const auto& [id, item] : items_)
        for (const UnitId later :
             all_dependants(host, id, [&](UnitId other) { return items_.contains(other); }))
            items_[later].needs.push_back(id);
    to_leave_ = spec_.leaving;
}

void Rollout::wake_at(MonoTime at) { deadline_ = std::min(deadline_.value_or(at), at); }

void Rollout::note(const Host& host, const HostStep& step)
{
    for (const HostNote& note : step.notes) {
        const auto known = items_.find(note.unit);
        if (known == items_.end()) continue;
        Item& item = known->second;
        if (const auto* failed = std::get_if<AttemptFailed>(&note.note)) {
            const bool is_its_own = failed->recipe == host.spec(note.unit).recipe;
            const bool counts = failed->failure.charge == Failure::Charge::charged &&
                                failed->on_trial == AttemptFailed::OnTrial::no;
            if (is_its_own && counts && item.failure.empty()) item.failure = failed->failure.what;
        }
        const auto* ended = std::get_if<OperationEnded>(&note.note);
        if (ended == nullptr || item.stage != Item::Stage::rolling) continue;
        if (ended->result.id != item.operation) continue;
        const bool failed = ended->result.outcome != OperationResult::Outcome::done;
        if (failed && item.failure.empty() && !is_exempt(host, note.unit))
            item.failure = ended->result.text;
        item.limit = MonoTime{}; // Over: the next advance() takes it on.
    }
}

// ---- leaving ------------------------------------------------------------------------------------

/// Whether all that leaves has left.
bool Rollout::leave(const Host& host, MonoTime now, RolloutStep& out)
{
    bool all_gone = true;
    for (const UnitId id : spec_.leaving) {
        const bool is_asked = std::ranges::find(to_leave_, id) == to_leave_.end();
        const bool is_gone = is_asked && !has_spawn(host.unit(id));
        all_gone = all_gone && is_gone;
        if (is_asked) continue;
        const auto still_runs = [&](UnitId other) {
            return std::ranges::find(spec_.leaving, other) != spec_.leaving.end() &&
                   has_process(host.unit(other));
        };
        if (!all_dependants(host, id, still_runs).empty()) continue;
        out.events.emplace_back(ForUnit{id, LeaveWanted{}});
        std::erase(to_leave_, id);
        const MonoTime limit = now + host.spec(id).stop.timeout + stop_slack;
        leave_limit_ = std::max(leave_limit_.value_or(limit), limit);
        return leave(host, now, out); // The list has changed.
    }
    if (all_gone) return true;
    if (leave_limit_) wake_at(*leave_limit_);
    return false;
}

// ---- rolling ------------------------------------------------------------------------------------

void Rollout::begin(const Host& host, UnitId id, Item& item, MonoTime now, OperationId& operation,
                    RolloutStep& out)
{
    const units::UnitSpec& spec = host.spec(id);
    const Unit& unit = host.unit(id);
    if (item.kind == Item::Kind::added) out.events.emplace_back(ForUnit{id, Booted{}});
    const bool restarts =
        item.kind == Item::Kind::changed && is_wanted_up(unit) && has_outdated(spec, unit);
    if (!restarts) {
        // What was broken before, and is not made anew, says nothing of this change.
        item.was_given_up = item.kind == Item::Kind::changed && is_given_up(unit);
        item.stage = Item::Stage::proving;
        item.since = now;
        item.limit = now + one_start(spec) + spec_.proof;
        return;
    }
    item.operation = operation;
    operation = OperationId{number(operation) + 1};
    Asked asked{item.operation, Verb::restart, spec_.by, spec_.why, {}};
    asked.which = Operation::Which::outdated;
    out.events.emplace_back(Request{id, std::move(asked)});
    item.stage = Item::Stage::rolling;
    item.limit = now + 2 * spec.instances * one_start(spec) + stop_slack;
}

void Rollout::end_rolling(const Host& host, UnitId id, Item& item, MonoTime now)
{
    const bool is_late = item.limit && *item.limit != MonoTime{};
    if (is_late && item.failure.empty())
        item.failure = "not through in time, " + trouble_of(host, id);
    item.stage = Item::Stage::proving;
    item.since = now;
    item.limit = now + one_start(host.spec(id)) + spec_.proof;
}

void Rollout::begin_turns(const Host& host, MonoTime now, OperationId& operation, RolloutStep& out)
{
    for (const UnitId id : host.start_order()) {
        const auto known = items_.find(id);
        if (known == items_.end()) continue;
        Item& item = known->second;
        const bool is_late = item.stage == Item::Stage::rolling && item.limit && *item.limit <= now;
        const bool is_over = is_late && *item.limit == MonoTime{};
        if (is_late && !is_over && works(host, id))
            item.limit = now + one_start(host.spec(id)) + stop_slack;
        else if (is_late)
            end_rolling(host, id, item, now);
        if (item.stage != Item::Stage::waiting) continue;
        const bool its_turn = std::ranges::all_of(item.needs, [&](UnitId needed) {
            const Item& other = items_.at(needed);
            const bool asks_nothing = spec_.trial == RolloutSpec::Trial::no ||
                                      (other.was_given_up && is_given_up(host.unit(needed)));
            return other.stage == Item::Stage::proving &&
                   (asks_nothing || is_in_service(host, needed));
        });
        if (!its_turn) continue;
        // An operation that is under way was asked for by a person: it comes first, for a while.
        const bool is_free = !host.unit(id).operation;
        if (!is_free && !item.limit) item.limit = now + 2 * one_start(host.spec(id)) + stop_slack;
        const bool gives_way =
            spec_.trial == RolloutSpec::Trial::no && item.limit && *item.limit <= now;
        if (is_free)
            begin(host, id, item, now, operation, out);
        else if (gives_way)
            end_rolling(host, id, item, now);
    }
}

// ---- proving ------------------------------------------------------------------------------------

bool Rollout::is_proved(const Host& host, UnitId id, const Item& item, MonoTime now)
{
    const units::UnitSpec& spec = host.spec(id);
    const Unit& unit = host.unit(id);
    const bool at_work = is_at_work(spec, unit);
    if (item.stage == Item::Stage::waiting) return false;
    if (item.stage == Item::Stage::rolling && !at_work) return false;
    if (is_exempt(host, id) || spec_.trial == RolloutSpec::Trial::no) return true;
    if (item.was_given_up && is_given_up(unit)) return true;
    if (!at_work && !unit.ready_since) return false;
    MonoTime since = item.since;
    if (at_work)
        for (const Instance& instance : unit.instances)
            since = std::max(since, instance.since.mono);
    else
        since = std::max(since, *unit.ready_since);
    if (now >= since + spec_.proof) return true;
    wake_at(since + spec_.proof);
    return false;
}

void Rollout::judge(const Host& host, MonoTime now, RolloutStep& out)
{
    using enum RolloutStep::Verdict;
    const auto fail = [&](UnitId id, std::string why) {
        out.verdict = failed;
        out.unit = host.spec(id).name;
        out.why = std::move(why);
    };
    bool all_proved = true;
    for (const UnitId id : host.start_order()) {
        const auto known = items_.find(id);
        if (known == items_.end()) continue;
        const Item& item = known->second;
        const bool is_tried = spec_.trial == RolloutSpec::Trial::yes;
        if (is_tried && !item.failure.empty() && !is_exempt(host, id))
            return fail(id, item.failure);
        if (is_proved(host, id, item, now)) continue;
        all_proved = false;
        if (item.limit && *item.limit > now) wake_at(*item.limit);
        if (is_tried && item.limit && *item.limit <= now)
            return fail(id, item.stage == Item::Stage::waiting
                                ? "another operation on it does not end"
                                : "not ready in time, " + trouble_of(host, id));
    }
    if (all_proved) out.verdict = passed;
}

/// What came in between, or was not to be had now, the units see to themselves later.
void Rollout::leave_rest(const Host& host, RolloutStep& out) const
{
    for (const auto& [id, item] : items_) {
        const Unit& unit = host.unit(id);
        if (unit.catches_up == Unit::CatchesUp::no && has_outdated(host.spec(id), unit))
            out.events.emplace_back(ForUnit{id, CatchUpWanted{}});
    }
    if (!out.events.empty()) out.verdict = RolloutStep::Verdict::under_way; // until they know
}

RolloutStep Rollout::advance(const Host& host, Now now, OperationId& operation)
{
    RolloutStep out;
    deadline_.reset();
    if (!leave(host, now.mono, out)) {
        const bool is_late = leave_limit_ && now.mono >= *leave_limit_;
        if (!is_late) return out;
        if (spec_.trial == RolloutSpec::Trial::yes) {
            out.verdict = RolloutStep::Verdict::failed;
            for (const UnitId id : spec_.leaving)
                if (has_spawn(host.unit(id))) out.unit = host.spec(id).name;
            out.why = "it cannot be stopped";
            return out;
        }
    }
    begin_turns(host, now.mono, operation, out);
    // What is to happen first may change all of this.
    if (!out.events.empty()) return out;
    judge(host, now.mono, out);
    const bool is_over = out.verdict == RolloutStep::Verdict::passed;
    if (is_over && spec_.trial == RolloutSpec::Trial::no) leave_rest(host, out);
    return out;
}

void Rollout::end_trial()
{
    spec_.trial = RolloutSpec::Trial::no;
    for (auto& [id, item] : items_)
        item.failure.clear();
}

} // namespace keel::core
