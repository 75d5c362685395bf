// Another configuration in the place of the one in force, as a whole or not at all.
//
// On the disk the former one stays in force until the new one has passed its trial (or at once,
// where it is to stay whatever becomes of it); the journal says for as long that an apply is under
// way. So an engine that dies in the middle is followed by one that begins with one whole
// generation. What was cut short is undone and not carried on: the former generation is known to
// work, and should the new one be what ended the engine, it would end the next one, too. All that
// is left to do then is to restart what was made from the other one.
#include "engine/apply.hpp"
#include "engine/engine.hpp"
#include "engine/log.hpp"
#include "units/effective.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>
#include <utility>

namespace keel::engine {

using core::ApplyView;
using core::RolloutSpec;

namespace {

/// Counts of probes go by name: those that stay keep theirs.
void carry_over_counts(core::UnitCounters& counters, const units::UnitSpec& before,
                       const units::UnitSpec& after)
{
    std::vector<core::ProbeCounters> kept(after.probes.size());
    for (std::size_t i = 0; i < kept.size(); ++i)
        for (std::size_t j = 0; j < before.probes.size() && j < counters.probes.size(); ++j)
            if (before.probes[j].name == after.probes[i].name) kept[i] = counters.probes[j];
    counters.probes = std::move(kept);
}

std::string summary(const ApplyView& view)
{
    if (view.changes.empty()) return "no unit changes";
    std::vector<std::string> texts;
    for (const ApplyView::Change& change : view.changes)
        texts.push_back(fmt::format("{} ({})", change.unit, change.effect));
    return fmt::format("{}", fmt::join(texts, ", "));
}

} // namespace

// ---- what is different --------------------------------------------------------------------------

std::vector<ConfiguredUnit> Engine::in_force() const
{
    std::vector<ConfiguredUnit> units;
    for (const UnitId id : host_.start_order())
        if (!host_.unit(id).before_leaving)
            units.push_back(
                {host_.spec(id), identities_[number(id)], host_.unit(id).config_problem});
    return units;
}

ConfigurationChange Engine::change_to(const std::vector<ConfiguredUnit>& units) const
{
    ConfigurationChange change;
    std::set<UnitId> named;
    for (const ConfiguredUnit& wanted : units) {
        const auto id = host_.find(wanted.spec.name);
        if (!id) {
            change.added.push_back(&wanted);
            continue;
        }
        named.insert(*id);
        const core::Unit& unit = host_.unit(*id);
        const bool was_usable = unit.config_problem.empty();
        const bool is_usable = wanted.problem.empty();
        if (unit.before_leaving && was_usable && is_usable) change.returning.push_back(*id);
        if (!was_usable && is_usable)
            change.mended.emplace(*id, &wanted);
        else if (!is_usable && (unit.config_problem != wanted.problem || unit.before_leaving))
            change.broken.emplace(*id, &wanted);
        else if (is_usable && effect_of(host_.spec(*id), wanted.spec))
            change.changed.emplace(*id, &wanted);
    }
    for (const UnitId id : host_.start_order())
        if (!named.contains(id)) change.leaving.push_back(id);
    return change;
}

/// A person's operation on a unit that changes comes first; a process that a person looks at is not
/// taken away.
std::optional<ports::Refusal> Engine::what_is_in_the_way(const ConfigurationChange& change) const
{
    using enum ports::Refusal::Kind;
    std::vector<UnitId> concerned = change.leaving;
    for (const auto& [id, wanted] : change.changed)
        concerned.push_back(id);
    for (const UnitId id : concerned) {
        const core::Unit& unit = host_.unit(id);
        if (unit.operation)
            return ports::Refusal{conflict,
                                  fmt::format("{} by {} is under way on `{}`, which changes",
                                              name(unit.operation->verb), unit.operation->by,
                                              host_.spec(id).name),
                                  core::make_view(*unit.operation)};
        if (unit.deployment)
            return ports::Refusal{
                conflict,
                fmt::format("{} is under way on `{}`, which changes",
                            core::title_of(unit.deployment->kind, unit.deployment->release),
                            host_.spec(id).name),
                {}};
    }
    for (const UnitId id : change.leaving)
        if (core::is_left_alone(host_.unit(id)) && core::has_process(host_.unit(id)))
            return ports::Refusal{
                conflict,
                fmt::format("`{}` would go, and {} holds it with its process left running",
                            host_.spec(id).name, std::get<core::Held>(host_.unit(id).wanted).by),
                {}};
    return std::nullopt;
}

namespace {

void describe(const core::Host& host, const ConfigurationChange& change, ApplyView& view)
{
    for (const auto& [id, wanted] : change.changed)
        view.changes.push_back(
            {host.spec(id).name, std::string(name(*effect_of(host.spec(id), wanted->spec)))});
    for (const auto& [id, wanted] : change.mended)
        view.changes.push_back({host.spec(id).name, "usable now"});
    for (const ConfiguredUnit* wanted : change.added)
        view.changes.push_back({wanted->spec.name, "added"});
    for (const UnitId id : change.leaving)
        view.changes.push_back({host.spec(id).name, "removed"});
    std::ranges::sort(view.changes, {}, &ApplyView::Change::unit);
}

} // namespace

// ---- the course of an apply ---------------------------------------------------------------------

std::optional<ports::Refusal> Engine::apply(ApplyOrder order, ApplyDone done)
{
    using enum ports::Refusal::Kind;
    if (host_.is_shutting_down()) return ports::Refusal{stopping, "keeld is stopping", {}};
    if (apply_ || rollout_)
        return ports::Refusal{
            conflict,
            apply_ ? fmt::format("an apply by {} is under way", apply_->order.by)
                   : "what an apply left behind that was cut short is being put right",
            {}};
    const ConfigurationChange change = change_to(order.units);
    if (auto refusal = what_is_in_the_way(change)) return refusal;

    apply_ = std::make_unique<ApplyUnderWay>();
    apply_->order = std::move(order);
    apply_->done = std::move(done);
    apply_->former = in_force();
    describe(host_, change, apply_->view);
    const std::string& why = apply_->order.why;
    say_host(fmt::format("apply by {}{}: {}", apply_->order.by, why.empty() ? "" : " for: " + why,
                         summary(apply_->view)));
    ports_.journal.put(key_of_apply, apply_->order.by);
    if (change.empty()) {
        apply_->view.outcome = ApplyView::Outcome::unchanged;
        store();
    } else if (apply_->order.if_it_fails == ApplyOrder::IfItFails::stay) {
        apply_->view.outcome = ApplyView::Outcome::kept;
        store();
    } else {
        put_in_force(apply_->order.units, RolloutSpec::Trial::yes);
    }
    return std::nullopt;
}

/// Asks for the new configuration to be made the one that the next engine begins with.
void Engine::store()
{
    apply_->phase = ApplyUnderWay::Phase::storing;
    apply_->order.store(
        [this, alive = std::weak_ptr<int>(alive_)](const Result<std::uint64_t>& generation) {
            if (!alive.expired() && apply_) stored(generation);
        });
}

void Engine::stored(const Result<std::uint64_t>& generation)
{
    using enum ApplyView::Outcome;
    if (generation) apply_->view.generation = *generation;
    const std::string why = generation ? "" : "it cannot be stored: " + generation.error().text();
    switch (apply_->view.outcome) {
    case applied:
        if (generation) return finish_apply();
        return revert({}, why);
    case kept:
        if (generation) return put_in_force(apply_->order.units, RolloutSpec::Trial::yes);
        apply_->view.outcome = reverted;
        [[fallthrough]];
    case unchanged:
    case reverted: break;
    }
    apply_->view.why = why;
    if (!generation) apply_->view.outcome = reverted;
    finish_apply();
}

void Engine::revert(const std::string& unit, const std::string& why)
{
    apply_->view.outcome = ApplyView::Outcome::reverted;
    apply_->view.unit = unit;
    apply_->view.why = why;
    apply_->view.generation.reset();
    apply_->phase = ApplyUnderWay::Phase::reverting;
    say_host(fmt::format("apply by {}: {}{}{}; going back to the former configuration",
                         apply_->order.by, unit, unit.empty() ? "" : ": ", why));
    put_in_force(apply_->former, RolloutSpec::Trial::no);
}

/// After every round of events: what the rollout wants next, and what is to follow of its outcome.
void Engine::advance_rollout()
{
    if (!rollout_) return;
    if (host_.is_shutting_down()) {
        rollout_.reset();
        if (!apply_) return;
        apply_->view.outcome = ApplyView::Outcome::reverted;
        apply_->view.why = "keeld is stopping";
        return finish_apply();
    }
    core::RolloutStep next = rollout_->advance(host_, ports_.loop.now(), next_operation_);
    for (core::HostEvent& event : next.events)
        events_.push_back(std::move(event));
    if (next.verdict == core::RolloutStep::Verdict::under_way) return;
    const bool passed = next.verdict == core::RolloutStep::Verdict::passed;
    if (!passed && apply_->view.outcome == ApplyView::Outcome::kept) {
        // What is to stay is to be in force everywhere all the same.
        apply_->view.unit = next.unit;
        apply_->view.why = next.why;
        rollout_->end_trial();
        return advance_rollout();
    }
    rollout_.reset();
    if (!apply_) {
        ports_.journal.erase(key_of_apply);
        return say_host("all that runs is as the configuration in force has it again");
    }
    if (apply_->phase == ApplyUnderWay::Phase::reverting) return finish_apply();
    if (apply_->view.outcome == ApplyView::Outcome::kept) {
        if (apply_->view.why.empty()) apply_->view.outcome = ApplyView::Outcome::applied;
        return finish_apply();
    }
    if (!passed) return revert(next.unit, next.why);
    store();
}

void Engine::finish_apply()
{
    remove_left();
    ports_.journal.erase(key_of_apply);
    const auto ended = std::exchange(apply_, nullptr);
    const ApplyView& view = ended->view;
    using Last = core::LastApply::Outcome;
    const bool failed = view.outcome == ApplyView::Outcome::reverted;
    counters_.last_apply = {failed ? Last::failed : Last::in_force, ports_.loop.now().wall};
    journal_host();
    say_host(fmt::format("apply by {}: {}{}", ended->order.by, name(view.outcome),
                         view.why.empty() ? "" : " (" + view.why + ")"));
    ports_.loop.defer([done = std::move(ended->done), view] { done(view); });
}

// ---- putting in force ---------------------------------------------------------------------------

void Engine::put_in_force(const std::vector<ConfiguredUnit>& units, RolloutSpec::Trial trial)
{
    const ConfigurationChange change = change_to(units);
    RolloutSpec spec;
    spec.trial = trial;
    spec.proof = options_.trial;
    spec.by = "apply of " + apply_->order.by;
    spec.leaving = change.leaving;
    std::vector<core::HostEvent> events;
    for (const auto& [id, wanted] : change.changed) {
        events.emplace_back(core::ForUnit{id, respecify(id, *wanted)});
        spec.changed.push_back(id);
    }
    for (const auto& [id, wanted] : change.mended) {
        host_.mend(id, wanted->spec);
        const bool knows_none = host_.unit(id).releases == core::Releases{};
        if (units::has_releases(wanted->spec) && knows_none) find_releases(id);
        make_room(id, *wanted);
        spec.added.push_back(id);
    }
    for (const ConfiguredUnit* wanted : change.added)
        spec.added.push_back(add(*wanted));
    for (const auto& [id, wanted] : change.broken)
        spec.leaving.push_back(id);
    broken_.clear();
    for (const auto& [id, wanted] : change.broken)
        broken_.emplace(id, wanted->problem);
    host_.relink();
    for (const UnitId id : change.returning)
        events.emplace_back(core::ForUnit{id, core::StayWanted{}});
    for (const UnitId id : host_.start_order())
        events.emplace_back(core::ForUnit{id, core::UnitGateChanged{}});
    rollout_.emplace(host_, std::move(spec));
    for (core::HostEvent& event : events)
        events_.push_back(std::move(event));
    if (draining_ == Draining::no) drain();
}

core::Respecified Engine::respecify(UnitId id, const ConfiguredUnit& wanted)
{
    std::vector<Slot> unmade;
    for (const core::HostAction& action : actions_)
        if (action.instance.unit == id && std::holds_alternative<core::Spawn>(action.action))
            unmade.push_back(action.instance.slot);
    auto before = std::make_shared<const units::UnitSpec>(
        host_.respecify(id, wanted.spec, ports_.loop.now(), unmade));
    // What is made in this turn is made from the new one: the record is to say so by then.
    if (!unmade.empty()) journal_unit(id);
    if (before->probes != wanted.spec.probes) {
        forget_probes(id);
        carry_over_counts(unit_counters_[number(id)], *before, wanted.spec);
    }
    if (before->deploy.root != wanted.spec.deploy.root && units::has_releases(wanted.spec))
        find_releases(id);
    identities_[number(id)] = wanted.identity;
    auto& bodies = bodies_[number(id)];
    bodies.resize(std::max<std::size_t>(bodies.size(), wanted.spec.instances));
    if (before->resources != wanted.spec.resources)
        for (Slot slot = 1; slot <= host_.unit(id).instances.size(); ++slot)
            for (const SpawnId spawn : core::spawns_of(host_.unit(id).instances[slot - 1U]))
                ports_.spawner.set_resources(spawn, wanted.spec.resources);
    if (before->log != wanted.spec.log && before->log.target == wanted.spec.log.target)
        for (Slot slot = 1; slot <= host_.unit(id).instances.size(); ++slot)
            if (core::spawn_of(host_.unit(id).instances[slot - 1U].state))
                go_on_reading({id, slot}); // By the new rules.
    return {std::move(before)};
}

UnitId Engine::add(const ConfiguredUnit& wanted)
{
    const UnitId id = host_.add(wanted.spec);
    if (number(id) == bodies_.size()) {
        bodies_.emplace_back();
        identities_.emplace_back();
        unit_counters_.emplace_back();
    }
    unit_counters_[number(id)] = {};
    make_room(id, wanted);
    if (!wanted.problem.empty()) host_.mark_unusable(id, wanted.problem);
    recover_hold(id); // As persons left it, should it have been there before.
    if (units::has_releases(wanted.spec)) find_releases(id);
    return id;
}

void Engine::make_room(UnitId id, const ConfiguredUnit& wanted)
{
    identities_[number(id)] = wanted.identity;
    bodies_[number(id)].assign(wanted.spec.instances, {});
    unit_counters_[number(id)].probes.resize(wanted.spec.probes.size());
}

/// Attempts under way, and those that were decided and not yet begun.
void Engine::forget_probes(UnitId id)
{
    for (Slot slot = 1; slot <= bodies_[number(id)].size(); ++slot)
        cancel_probes({id, slot});
    std::erase_if(actions_, [&](const core::HostAction& action) {
        return action.instance.unit == id && std::holds_alternative<core::RunProbe>(action.action);
    });
}

} // namespace keel::engine
