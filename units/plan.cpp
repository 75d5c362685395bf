#include "units/plan.hpp"

#include <algorithm>
#include <functional>

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

EnvironmentDigests read_environments(const Configuration& configuration)
{
    EnvironmentDigests digests;
    for (const LoadedUnit& unit : configuration.units.units)
        if (unit.spec && !unit.spec->environment_files.empty())
            digests[unit.name] = digest_of(read_environment_files(unit.spec->environment_files));
    return digests;
}

void compare_environments(Plan& plan, const Configuration& after,
                          const EnvironmentDigests& digests_before,
                          const EnvironmentDigests& digests_after)
{
    constexpr std::string_view key = "environment_files";
    for (const auto& [unit, digest] : digests_after) {
        const auto old = digests_before.find(unit);
        if (old == digests_before.end() || old->second == digest) continue;
        if (after.units.find(unit) == nullptr) continue;
        const KeyChange change{std::string(key), "(hidden: what they say)",
                               digest == 0 ? "(cannot be read)" : "(hidden: something else)",
                               TakesEffect::restart};
        const auto place =
            std::ranges::lower_bound(plan.units, unit, std::less<>{}, &UnitChange::unit);
        if (place == plan.units.end() || place->unit != unit)
            plan.units.insert(place, {UnitChange::Kind::changed, unit, {change}});
        else if (place->kind == UnitChange::Kind::changed &&
                 std::ranges::find(place->keys, key, &KeyChange::key) == place->keys.end())
            place->keys.push_back(change);
    }
}

} // namespace keel::units
