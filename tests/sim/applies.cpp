// Applies in a world: another version of some units, now and then a bad one, a disk that may be
// full, an engine that may die at any moment of it; and what must hold meanwhile.
//
// A version is no more than a command and a description: the first takes a restart, the second is
// live. Everything else stays as it was, so that all other promises are judged as ever.
#include "tests/sim/world.hpp"
#include "units/effective.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::sim {

using namespace std::chrono_literals;
using core::ApplyView;

namespace {

bool is_bad(const units::UnitSpec& spec)
{
    return !spec.command.empty() && spec.command.front().starts_with("bad");
}

} // namespace

/// The units as a configuration has them.
std::vector<units::UnitSpec> World::specs_of(const Versions& versions) const
{
    auto specs = scenario_.specs;
    for (std::size_t i = 0; i < specs.size(); ++i) {
        specs[i].command = {versions[i].command};
        specs[i].description = versions[i].description;
        specs[i].recipe = units::recipe_of(specs[i]);
    }
    return specs;
}

World::Versions World::first_versions() const { return Versions(scenario_.specs.size()); }

bool World::runs_badly(InstanceId id) const
{
    return brain_ && is_bad(brain_->host().spec(id.unit));
}

void World::somebody_applies()
{
    if (!brain_ || ending_ || candidate_) return;
    Versions versions = on_disk_;
    std::vector<UnitId> changed;
    for (std::uint32_t i = 0; i < versions.size(); ++i) {
        if (rng_.chance(0.4)) continue;
        const auto number = ++latest_version_;
        versions[i].description = fmt::format("{}", number);
        if (rng_.chance(0.7))
            versions[i].command = fmt::format("{}-{}", rng_.chance(0.2) ? "bad" : "good", number);
        changed.push_back(UnitId{i});
    }
    const bool stays = rng_.chance(0.2);
    if (is_tracing())
        for (const UnitId id : changed)
            trace(fmt::format("person  applies {} of {}{}", versions[number(id)].command,
                              spec(id).name, stays ? ", to stay" : ""));
    candidate_ = versions;
    for (const UnitId id : changed)
        oracle_.applied(id);
    BrainApply order;
    order.specs = specs_of(versions);
    order.if_it_fails =
        stays ? engine::ApplyOrder::IfItFails::stay : engine::ApplyOrder::IfItFails::revert;
    order.store = [this, stays, changed](const engine::ApplyOrder::Stored& stored) {
        if (!stays) check_trial(changed);
        store(stored);
    };
    const bool taken = brain_->apply(order, [this](const ApplyView& view) { apply_ended(view); });
    if (!taken) candidate_.reset();
    if (taken && scenario_.weights.death_every > Duration{0} && rng_.chance(0.3))
        loop_.in(rng_.upto(20s), [this] {
            if (!is_calm()) engine_dies();
        });
}

/// It takes a while, may fail, and may be done though nobody lives to hear of it.
void World::store(const engine::ApplyOrder::Stored& stored)
{
    storing_ = true;
    const auto life = tally_.deaths;
    loop_.in(rng_.upto(50ms), [this, stored, life] {
        if (life != tally_.deaths || !brain_ || !storing_) return;
        storing_ = false;
        const bool fails = !is_calm() && rng_.chance(0.1);
        if (!fails && candidate_) on_disk_ = *candidate_;
        if (fails)
            stored(Error{"write", "disk", ENOSPC});
        else
            stored(std::uint64_t{1});
    });
}

/// What is found good has been ready, or at work, for ten seconds, whatever was asked of it before.
void World::check_trial(const std::vector<UnitId>& changed)
{
    for (const UnitId id : changed) {
        const core::Unit& unit = brain_->host().unit(id);
        const bool done = core::status_of(spec(id), unit) == core::UnitStatus::done;
        if (!core::is_wanted_up(unit) || done || ending_) continue;
        if (oracle_.is_at_work(id)) continue; // ten seconds of work prove a oneshot good
        const bool is_remade = candidate_->at(number(id)).command != on_disk_[number(id)].command;
        if (!is_remade && oracle_.is_given_up(id)) continue; // no fault of what is applied
        if (!oracle_.is_ready(id)) violated(spec(id).name + " is found good and is not ready");
        if (now() - unit.ready_since.value_or(now()) < 10s)
            violated(spec(id).name + " is found good and was not ready for ten seconds");
    }
}

void World::apply_ended(const ApplyView& view)
{
    if (is_tracing())
        trace(
            fmt::format("person  hears: {} {} {}", keel::name(view.outcome), view.unit, view.why));
    ++tally_.applies;
    if (!candidate_) violated("an apply is answered twice");
    const bool is_new = view.outcome != ApplyView::Outcome::reverted;
    if (is_new && on_disk_ != *candidate_) violated("an apply went through and is not stored");
    if (!is_new && on_disk_ == *candidate_ && on_disk_ != in_force())
        violated("an apply was reverted and is stored");
    // At the end of keeld it is enough that the next one begins with what is stored.
    if (!ending_ && in_force() != on_disk_) violated("what is in force is not what is stored");
    candidate_.reset();
}

void World::apply_dies()
{
    if (storing_ && candidate_ && rng_.chance(0.5)) on_disk_ = *candidate_;
    storing_ = false;
    if (candidate_)
        for (std::uint32_t i = 0; i < candidate_->size(); ++i)
            oracle_.apply_cut(UnitId{i});
    candidate_.reset();
}

World::Versions World::in_force() const
{
    Versions versions;
    for (const units::UnitSpec& spec : scenario_.specs) {
        const auto id = brain_->host().find(spec.name);
        if (!id) violated(spec.name + " is lost");
        const units::UnitSpec& its = brain_->host().spec(*id);
        versions.push_back({its.command.front(), its.description});
    }
    return versions;
}

/// One whole configuration, never parts of two.
void World::check_configuration() const
{
    if (size_ != Size::engine || ending_) return;
    const Versions now_in_force = in_force();
    if (now_in_force == on_disk_ || (candidate_ && now_in_force == *candidate_)) return;
    std::string text;
    for (const Version& version : now_in_force)
        text += " " + version.command;
    violated("what is in force is no whole configuration:" + text);
}

/// An apply restarts what is made from something else, and nothing else.
void World::check_restart_by_apply(InstanceId id)
{
    if (size_ != Size::engine) return;
    const auto& operation = brain_->host().unit(id.unit).operation;
    if (!operation || !operation->by.starts_with("a")) return;
    const bool by_apply =
        operation->by.starts_with("apply of") || operation->by.starts_with("an apply that");
    const auto living = kernel_.living(id);
    if (!by_apply || !living || !kernel_.main_lives(*living)) return;
    if (kernel_.command_of(*living) == brain_->host().spec(id.unit).command.front())
        violated(who(id) + " is restarted by an apply although nothing of it has changed");
}

/// In the end nothing runs that was made from another configuration.
void World::check_applied()
{
    if (size_ != Size::engine) return;
    if (candidate_) violated("an apply was never answered");
    check_configuration();
    // That an apply was under way may have been lost with the end of the journal.
    if (kernel_.memory == FakeKernel::Memory::lossy) return;
    for (const UnitId id : brain_->host().start_order()) {
        const core::Unit& unit = brain_->host().unit(id);
        if (!core::is_wanted_up(unit)) continue;
        // Where one does not serve, being made of what is in force, those that do stay.
        const bool all_serve = std::ranges::all_of(
            unit.instances, [](const auto& instance) { return core::serves(instance.state); });
        if (!all_serve) continue;
        for (Slot slot = 1; slot <= unit.instances.size(); ++slot) {
            const auto living = kernel_.living({id, slot});
            if (!living || !kernel_.main_lives(*living)) continue;
            if (kernel_.command_of(*living) != on_disk_[number(id)].command)
                violated(fmt::format("{} runs {} and {} is in force", who({id, slot}),
                                     kernel_.command_of(*living), on_disk_[number(id)].command));
        }
    }
}

} // namespace keel::sim
