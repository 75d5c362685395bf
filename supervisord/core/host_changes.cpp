// Units that come, go, and change their spec while the host runs.
#include "base/ensure.hpp"
#include "core/host.hpp"

#include <algorithm>
#include <utility>

namespace keel::core {

bool Host::is_vacant(UnitId id) const { return std::ranges::find(vacant_, id) != vacant_.end(); }

UnitId Host::add(units::UnitSpec spec)
{
    UnitId id{static_cast<std::uint32_t>(specs_.size())};
    if (vacant_.empty()) {
        specs_.emplace_back();
        units_.emplace_back();
        edges_.emplace_back();
        rank_.emplace_back();
        told_.emplace_back();
        armed_.emplace_back();
    } else {
        id = vacant_.back();
        vacant_.pop_back();
    }
    ENSURE(!spec.escalation.ladder.empty(), "a ladder has a first rung");
    units_[number(id)] = make_unit(spec);
    by_name_.emplace(spec.name, id);
    specs_[number(id)] = std::move(spec);
    told_[number(id)] = shown(id);
    return id;
}

units::UnitSpec Host::respecify(UnitId id, units::UnitSpec spec, Now now,
                                const std::vector<Slot>& unmade)
{
    carry_over(units_[number(id)], specs_[number(id)], spec, now);
    for (const Slot slot : unmade)
        units_[number(id)].instances[slot - 1U].recipe = spec.recipe;
    return std::exchange(specs_[number(id)], std::move(spec));
}

void Host::mend(UnitId id, units::UnitSpec spec)
{
    Unit mended = make_unit(spec);
    mended.outage = units_[number(id)].outage;
    mended.degradation = units_[number(id)].degradation;
    if (std::holds_alternative<Held>(units_[number(id)].wanted))
        mended.wanted = units_[number(id)].wanted;
    if (specs_[number(id)].deploy.root == spec.deploy.root) {
        mended.releases = units_[number(id)].releases;
        mended.deployment = units_[number(id)].deployment;
    }
    units_[number(id)] = std::move(mended);
    specs_[number(id)] = std::move(spec);
}

void Host::remove(UnitId id)
{
    ENSURE(!has_spawn(unit(id)), "a unit that is removed has no process");
    by_name_.erase(spec(id).name);
    specs_[number(id)] = {};
    units_[number(id)] = {};
    storm_blocked_.erase(id);
    restarted_.erase(id);
    frozen_.erase(id);
    std::erase(to_tell_, id);
    rearm(id); // Nothing of it is due any more.
    vacant_.push_back(id);
}

void Host::relink()
{
    edges_.assign(specs_.size(), {});
    order_.clear();
    link();
    order();
}

} // namespace keel::core
