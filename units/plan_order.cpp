// In which order an apply goes about its units; the engine's rollout does as it is said here.
#include "units/plan.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>

namespace keel::units {
namespace {

using Action = PlanStep::Action;
using Names = std::vector<std::string>;

const UnitSpec* spec_in(const Configuration& configuration, const std::string& unit)
{
    const LoadedUnit* const loaded = configuration.units.find(unit);
    return loaded != nullptr ? readable_spec(*loaded) : nullptr;
}

Names needs_of(const UnitSpec& spec)
{
    Names all = spec.requires_units;
    for (const Names* more : {&spec.binds_to, &spec.after})
        all.insert(all.end(), more->begin(), more->end());
    return all;
}

bool is_enabled(const UnitSpec* spec) { return spec != nullptr && spec->enabled; }

bool is_restart(const UnitChange& change)
{
    return std::ranges::any_of(
        change.keys, [](const KeyChange& key) { return key.takes_effect == TakesEffect::restart; });
}

std::optional<Action> action_for(const UnitChange& change, const Configuration& before,
                                 const Configuration& after)
{
    const bool was = is_enabled(spec_in(before, change.unit));
    const bool will = is_enabled(spec_in(after, change.unit));
    if (was && !will) return Action::stop;
    if (!was && will) return Action::start;
    if (will && is_restart(change)) return Action::restart;
    return std::nullopt;
}

/// How many of the items have to come before a unit, one after the other; over units that are none,
/// too.
class Depths {
public:
    Depths(const Configuration& configuration, std::set<std::string> items)
        : configuration_(configuration), items_(std::move(items))
    {}

    [[nodiscard]] std::size_t before(const std::string& unit)
    {
        // Entered first, so that a cycle, which check refuses, ends here too.
        const auto [known, is_new] = known_.try_emplace(unit, 0);
        const UnitSpec* const spec = spec_in(configuration_, unit);
        if (!is_new || spec == nullptr) return known->second;
        std::size_t depth = 0;
        for (const std::string& need : needs_of(*spec))
            depth = std::max(depth, before(need) + (items_.contains(need) ? 1 : 0));
        return known_[unit] = depth;
    }

private:
    const Configuration& configuration_;
    const std::set<std::string> items_;
    std::map<std::string, std::size_t> known_;
};

/// Units that are restarted because of another's restart, and theirs in turn.
void add_companions(const Configuration& after, std::vector<PlanStep>& steps)
{
    const auto is_step = [&](const std::string& unit) {
        return std::ranges::find(steps, unit, &PlanStep::unit) != steps.end();
    };
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (steps[i].action != Action::restart) continue;
        for (const LoadedUnit& unit : after.units.units) {
            if (!unit.spec || !unit.spec->enabled || is_step(unit.name)) continue;
            for (const Names* bonds : {&unit.spec->binds_to, &unit.spec->restart_with})
                if (std::ranges::find(*bonds, steps[i].unit) != bonds->end() && !is_step(unit.name))
                    steps.push_back({steps[i].number, Action::restart, unit.name, steps[i].unit});
        }
    }
}

} // namespace

std::vector<PlanStep> order_of(const Plan& plan, const Configuration& before,
                               const Configuration& after)
{
    std::map<Action, std::set<std::string>> items;
    for (const UnitChange& change : plan.units)
        if (const auto action = action_for(change, before, after))
            items[*action].insert(change.unit);

    std::vector<PlanStep> steps;
    std::size_t last = 0;
    Depths leaving(before, items[Action::stop]);
    for (const std::string& unit : items[Action::stop])
        last = std::max(last, leaving.before(unit) + 1);
    for (const std::string& unit : items[Action::stop])
        steps.push_back({last - leaving.before(unit), Action::stop, unit});

    std::set<std::string> rolling = items[Action::restart];
    rolling.insert(items[Action::start].begin(), items[Action::start].end());
    Depths rollout(after, rolling);
    for (const Action action : {Action::restart, Action::start})
        for (const std::string& unit : items[action])
            steps.push_back({last + 1 + rollout.before(unit), action, unit});
    add_companions(after, steps);
    std::ranges::stable_sort(steps, std::less<>{}, &PlanStep::number);
    return steps;
}

} // namespace keel::units
