#include "core/host.hpp"

#include "base/ensure.hpp"

#include <algorithm>
#include <tuple>

namespace keel::core {

Host::Host(std::vector<units::UnitSpec> specs, HostOptions options)
    : specs_(std::move(specs)), edges_(specs_.size()), rank_(specs_.size()), told_(specs_.size()),
      armed_(specs_.size()), brake_(options.storm)
{
    units_.reserve(specs_.size());
    for (std::uint32_t i = 0; i < specs_.size(); ++i) {
        ENSURE(!specs_[i].escalation.ladder.empty(), "a ladder has a first rung");
        units_.push_back(make_unit(specs_[i]));
        by_name_.emplace(specs_[i].name, UnitId{i});
    }
    link();
    order();
}

void Host::link()
{
    for (std::uint32_t i = 0; i < specs_.size(); ++i) {
        const auto others = [&](const std::vector<std::string>& names) {
            std::vector<UnitId> ids;
            for (const std::string& name : names)
                if (const auto other = find(name); other && *other != UnitId{i})
                    ids.push_back(*other);
            return ids;
        };
        Edges& its = edges_[i];
        its.needs = others(specs_[i].requires_units);
        its.binds = others(specs_[i].binds_to);
        its.needs.insert(its.needs.end(), its.binds.begin(), its.binds.end());
        its.follows = others(specs_[i].after);
        for (const auto* list : {&its.needs, &its.follows})
            for (const UnitId other : *list)
                edges_[number(other)].dependants.push_back(UnitId{i});
        for (const UnitId other : others(specs_[i].restart_with))
            edges_[number(other)].companions.push_back(UnitId{i});
    }
}

/// Kahn's topological sort. Among those whose turn it could be, first what others need, then by
/// priority, then by name. Units on a cycle, which check refuses, come last.
void Host::order()
{
    const auto key = [&](UnitId id) {
        return std::tuple(edges_[number(id)].dependants.empty(), -spec(id).priority,
                          std::string_view(spec(id).name), number(id));
    };
    const auto before = [&](UnitId a, UnitId b) { return key(a) < key(b); };
    std::set<UnitId, decltype(before)> open(before);
    std::vector<std::size_t> missing(specs_.size());
    for (const auto& [name, id] : by_name_) {
        const auto i = number(id);
        missing[i] = edges_[i].needs.size() + edges_[i].follows.size();
        if (missing[i] == 0) open.insert(id);
    }
    while (!open.empty()) {
        const UnitId next = *open.begin();
        open.erase(open.begin());
        order_.push_back(next);
        for (const UnitId dependant : edges_[number(next)].dependants)
            if (--missing[number(dependant)] == 0) open.insert(dependant);
    }
    for (const auto& [name, id] : by_name_)
        if (missing[number(id)] != 0) order_.push_back(id);
    for (std::uint32_t place = 0; place < order_.size(); ++place)
        rank_[number(order_[place])] = place;
}

std::optional<UnitId> Host::find(std::string_view name) const
{
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) return std::nullopt;
    return found->second;
}

const std::vector<UnitId>& Host::dependants_of(UnitId id) const
{
    return edges_[number(id)].dependants;
}

void Host::restore(UnitId id, Unit unit)
{
    unit.instances.resize(spec(id).instances);
    units_[number(id)] = std::move(unit);
    told_[number(id)] = shown(id);
    if (note_storm(id)) storm_due_ = MonoTime{}; // A new brake is full: at once.
    rearm(id);
}

void Host::mark_unusable(UnitId id, std::string problem)
{
    Unit& unit = units_[number(id)];
    for (Instance& instance : unit.instances) {
        instance.state = Failed{problem};
        instance.reason = problem;
    }
    unit.config_problem = std::move(problem);
    unit.before_leaving.reset();
}

// ---- gates --------------------------------------------------------------------------------------

namespace {

/// Where it is down at all.
bool is_down_as_planned(const Unit& unit)
{
    const Outage* outage = open_outage(unit.outage);
    return std::holds_alternative<Held>(unit.wanted) ||
           (outage != nullptr && outage->planned == Outage::Planned::yes);
}

/// Whether it has the time of a first start still.
bool starts(const Unit& unit) { return unit.first_wanted_at && !open_outage(unit.outage); }

} // namespace

Host::Shown Host::shown(UnitId id) const
{
    const Unit& it = unit(id);
    Shown shown;
    shown.ready = is_ready(spec(id), it);
    shown.settled = it.settled == Unit::Settled::yes;
    shown.wanted_up = is_wanted_up(it);
    shown.running = has_process(it);
    shown.present = is_present(it);
    shown.planned = is_down_as_planned(it);
    shown.starts = starts(it);
    return shown;
}

std::optional<UnitId> Host::lacking(UnitId id) const
{
    for (const UnitId needed : edges_[number(id)].needs)
        if (!is_ready(spec(needed), unit(needed))) return needed;
    return std::nullopt;
}

std::optional<BlockedOn> Host::gate_of(UnitId id) const
{
    using enum BlockedOn::Kind;
    if (shutdown_) return BlockedOn{BlockedOn::Kind::shutdown, {}};
    if (const auto needed = lacking(id)) return BlockedOn{dependency, spec(*needed).name};
    for (const UnitId bound : edges_[number(id)].binds)
        if (!is_present(unit(bound))) return BlockedOn{dependency, spec(bound).name};
    for (const UnitId first : edges_[number(id)].follows) {
        const Shown it = shown(first);
        if (it.wanted_up && !it.ready && !it.settled)
            return BlockedOn{dependency, spec(first).name};
    }
    return std::nullopt;
}

UnitInputs Host::inputs_for(UnitId id, const HostInputs& inputs) const
{
    UnitInputs in;
    in.now = inputs.now;
    // Another unit that fails in the same step must not come back at the same moment.
    in.jitter = inputs.jitter + 0.6180339887498949 * number(id);
    in.jitter -= 2.0 * static_cast<double>(static_cast<long long>((in.jitter + 1.0) / 2.0));
    in.next_spawn = counters_.next_spawn;
    in.next_outage = counters_.next_outage;
    in.gate = gate_of(id);
    in.brake_tokens = brake_.tokens(inputs.now.mono);
    in.late_turns = inputs.late_turns;
    in.last_seen = inputs.last_seen;
    for (const UnitId bound : edges_[number(id)].binds)
        if (!is_present(unit(bound))) in.gone = spec(bound).name;
    for (const UnitId needed : edges_[number(id)].needs) {
        if (is_ready(spec(needed), unit(needed))) continue;
        in.dependencies = Inputs::Dependencies::down;
        const Outage* outage = open_outage(unit(needed).outage);
        if (outage != nullptr && !in.gate_outage) in.gate_outage = outage->id;
        if (is_down_as_planned(unit(needed))) in.gate_planned = Outage::Planned::yes;
        if (starts(unit(needed))) in.gate_starts = UnitInputs::GateStarts::yes;
    }
    return in;
}

// ---- one unit, then whoever depends on it -------------------------------------------------------

void Host::run_unit(UnitId id, const UnitEvent& event, const HostInputs& inputs, HostStep& out)
{
    if (frozen_.contains(id) || is_vacant(id)) return;
    try {
        // By copy: should the step fail, the unit is still what it was.
        take_in(id, core::step(spec(id), unit(id), event, inputs_for(id, inputs)), inputs, out);
    } catch (const InvariantFailure& failure) {
        freeze(id, failure.what(), out);
    }
}

/// Its process runs on; nothing more is decided about it. Everything else goes on.
void Host::freeze(UnitId id, std::string what, HostStep& out)
{
    frozen_.insert(id);
    storm_blocked_.erase(id);
    rearm(id);
    out.notes.push_back({id, Frozen{std::move(what)}});
}

void Host::take_in(UnitId id, UnitStep made, const HostInputs& inputs, HostStep& out)
{
    const auto index = number(id);
    units_[index] = std::move(made.next);
    counters_.next_spawn = SpawnId{number(counters_.next_spawn) + made.spawns};
    counters_.next_outage = OutageId{number(counters_.next_outage) + made.outages};
    brake_.take(made.brake_tokens, inputs.now.mono);

    for (UnitAction& action : made.actions)
        out.actions.push_back({{id, action.slot}, std::move(action.action)});
    bool exit_wanted = false;
    for (Note& note : made.notes) {
        exit_wanted = exit_wanted || std::holds_alternative<ExitWanted>(note);
        const auto* started = std::get_if<Started>(&note);
        if (started != nullptr && started->cause != StartCause::wanted) restarted_.insert(id);
        out.notes.push_back({id, std::move(note)});
    }
    if (exit_wanted && !shutdown_) shutdown_ = ShutdownWanted{spec(id).name + " was given up", 1};
    if (std::ranges::find(out.touched, id) == out.touched.end()) out.touched.push_back(id);

    (void)note_storm(id);
    if (const Shown now = shown(id); now != told_[index]) {
        told_[index] = now;
        to_tell_.push_back(id);
    }
    rearm(id);
}

/// Keeps account of who waits for the brake; whether this unit does.
bool Host::note_storm(UnitId id)
{
    const bool waits = std::ranges::any_of(unit(id).instances, [](const Instance& i) {
        const auto* blocked = std::get_if<Blocked>(&i.state);
        return blocked != nullptr && blocked->on.kind == BlockedOn::Kind::storm;
    });
    if (waits)
        storm_blocked_.insert(id);
    else
        storm_blocked_.erase(id);
    return waits;
}

void Host::recall_companions(const HostInputs& inputs, HostStep& out)
{
    while (!restarted_.empty()) {
        const UnitId restarted = *restarted_.begin();
        restarted_.erase(restarted_.begin());
        for (const UnitId companion : edges_[number(restarted)].companions)
            run_unit(companion, CompanionRestarted{spec(restarted).name}, inputs, out);
    }
}

void Host::tell_dependants(const HostInputs& inputs, HostStep& out)
{
    while (!to_tell_.empty()) {
        const UnitId changed = to_tell_.back();
        to_tell_.pop_back();
        for (const UnitId dependant : edges_[number(changed)].dependants)
            run_unit(dependant, UnitGateChanged{}, inputs, out);
    }
}

void Host::rearm(UnitId id)
{
    auto& armed = armed_[number(id)];
    const auto due = frozen_.contains(id) ? std::nullopt : deadline_of(spec(id), unit(id));
    if (armed == due) return;
    if (armed) {
        const auto entry = due_.find(*armed);
        std::erase(entry->second, id);
        if (entry->second.empty()) due_.erase(entry);
    }
    if (due) due_[*due].push_back(id);
    armed = due;
}

std::optional<MonoTime> Host::deadline() const
{
    std::optional<MonoTime> earliest = storm_due_;
    if (!due_.empty() && (!earliest || due_.begin()->first < *earliest))
        earliest = due_.begin()->first;
    return earliest;
}

void Host::sort_by_rank(std::vector<UnitId>& ids) const
{
    std::ranges::sort(ids, {}, [&](UnitId id) { return rank_[number(id)]; });
}

void Host::run_due(const HostInputs& inputs, HostStep& out)
{
    std::vector<UnitId> due;
    for (const auto& [at, ids] : due_) {
        if (at > inputs.now.mono) break;
        due.insert(due.end(), ids.begin(), ids.end());
    }
    sort_by_rank(due);
    for (const UnitId id : due)
        run_unit(id, UnitTick{}, inputs, out);
}

// ---- the storm brake ----------------------------------------------------------------------------

/// Lets those that wait for the brake go on, as far as tokens reach, in the order of starting.
void Host::release_storm(const HostInputs& inputs, HostStep& out)
{
    std::vector<UnitId> waiting(storm_blocked_.begin(), storm_blocked_.end());
    sort_by_rank(waiting);
    for (const UnitId id : waiting) {
        if (brake_.tokens(inputs.now.mono) == 0) break;
        run_unit(id, UnitGateChanged{}, inputs, out);
    }
}

// ---- stopping everything ------------------------------------------------------------------------

/// A unit is asked to stop once nothing that depends on it has a process any more.
void Host::stop_in_order(const HostInputs& inputs, HostStep& out)
{
    bool any_left = false;
    for (auto it = order_.rbegin(); it != order_.rend(); ++it) {
        if (frozen_.contains(*it)) continue; // its process is left running: nobody waits for it
        const bool still_needed =
            std::ranges::any_of(edges_[number(*it)].dependants, [&](UnitId d) {
                return !frozen_.contains(d) && has_process(unit(d));
            });
        const bool at_rest = std::ranges::all_of(unit(*it).instances, [](const Instance& i) {
            return std::holds_alternative<Stopped>(i.state) ||
                   std::holds_alternative<Failed>(i.state) || std::holds_alternative<Done>(i.state);
        });
        const bool asked = std::ranges::all_of(unit(*it).instances, [](const Instance& i) {
            const auto* stopping = std::get_if<Stopping>(&i.state);
            return !has_process(i) || (stopping && stopping->then == AfterStop::stay_down);
        });
        const bool is_owed =
            is_at_work_beside(unit(*it)) || (!at_rest && !(asked && has_process(unit(*it))));
        if (is_owed && !still_needed) run_unit(*it, ShutDown{}, inputs, out);
        any_left = any_left || has_spawn(unit(*it));
    }
    if (!any_left) out.exit_code = shutdown_->exit_code;
}

// ---- events -------------------------------------------------------------------------------------

void Host::start_closure(UnitId id, const Asked& asked, const HostInputs& inputs, HostStep& out)
{
    std::set<UnitId> closure;
    std::vector<UnitId> open{id};
    while (!open.empty()) {
        const UnitId next = open.back();
        open.pop_back();
        for (const UnitId needed : edges_[number(next)].needs)
            if (closure.insert(needed).second) open.push_back(needed);
    }
    closure.erase(id);
    for (const UnitId needed : order_)
        if (closure.contains(needed))
            run_unit(needed, WantedByDependant{asked.by, spec(id).name}, inputs, out);
}

HostStep Host::step(const HostEvent& event, const HostInputs& inputs)
{
    HostStep out;
    if (std::holds_alternative<HostBooted>(event)) {
        for (const UnitId id : order_)
            run_unit(id, Booted{}, inputs, out);
    } else if (const auto* down = std::get_if<ShutdownWanted>(&event)) {
        if (!shutdown_) shutdown_ = *down;
    } else if (const auto* one = std::get_if<ForUnit>(&event)) {
        run_unit(one->unit, one->event, inputs, out);
    } else if (const auto* request = std::get_if<Request>(&event)) {
        if (request->asked.verb == Verb::start)
            start_closure(request->unit, request->asked, inputs, out);
        run_unit(request->unit, request->asked, inputs, out);
    } else {
        run_due(inputs, out);
    }
    recall_companions(inputs, out);
    tell_dependants(inputs, out);
    if (!storm_blocked_.empty()) release_storm(inputs, out);
    if (shutdown_) stop_in_order(inputs, out);
    tell_dependants(inputs, out);
    storm_due_.reset();
    if (!storm_blocked_.empty()) storm_due_ = brake_.next_token_at(inputs.now.mono);
    return out;
}

} // namespace keel::core
