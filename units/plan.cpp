#include "units/plan.hpp"

namespace keel::units {
namespace {

std::vector<EffectiveKey> keys_of(const LoadedUnit& unit)
{
    const UnitSpec* const spec = readable_spec(unit);
    if (spec == nullptr) return {};
    return effective_keys(EffectiveUnit{*spec});
}

} // namespace

Plan plan_of(const Configuration& before, const Configuration& after)
{
    Plan plan;
    plan.daemon =
        differences(effective_keys(before.daemon.spec), effective_keys(after.daemon.spec));
    auto old_unit = before.units.units.begin();
    const auto old_end = before.units.units.end();
    const auto remove_up_to = [&](const std::string* name) {
        for (; old_unit != old_end && (name == nullptr || old_unit->name < *name); ++old_unit)
            plan.units.push_back({UnitChange::Kind::removed, old_unit->name, {}});
    };
    for (const LoadedUnit& unit : after.units.units) {
        remove_up_to(&unit.name);
        if (old_unit == old_end || old_unit->name != unit.name) {
            plan.units.push_back({UnitChange::Kind::added, unit.name, {}});
            continue;
        }
        if (auto keys = differences(keys_of(*old_unit), keys_of(unit)); !keys.empty())
            plan.units.push_back({UnitChange::Kind::changed, unit.name, std::move(keys)});
        ++old_unit;
    }
    remove_up_to(nullptr);
    return plan;
}

} // namespace keel::units
