// What is left to do when an apply is over, or was cut short: units that left are forgotten, and
// what was made from the other configuration is made anew.
#include "engine/apply.hpp"
#include "engine/engine.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace keel::engine {

using core::RolloutSpec;

/// Units that were stopped for good are forgotten, but for their logs' files.
void Engine::remove_left()
{
    std::vector<UnitId> unusable;
    for (const UnitId id : std::vector<UnitId>(host_.start_order())) {
        const core::Unit& unit = host_.unit(id);
        if (!unit.before_leaving || core::has_spawn(unit)) continue;
        forget_probes(id);
        if (const auto broken = broken_.find(id); broken != broken_.end()) {
            host_.mark_unusable(id, broken->second);
            unusable.push_back(id);
            continue;
        }
        const std::string unit_name = host_.spec(id).name;
        std::erase_if(owners_, [&](const auto& owner) { return owner.second.unit == id; });
        for (Slot slot = 1; slot <= bodies_[number(id)].size(); ++slot) {
            ports_.logs.forget(unit_name, slot);
            ports_.journal.erase(fmt::format("process/{}/{}", unit_name, slot));
        }
        ports_.journal.erase("unit/" + unit_name);
        ports_.holds.erase("hold/" + unit_name);
        ports_.totals.erase("unit/" + unit_name);
        ports_.releases.erase(unit_name);
        kept_releases_.erase(id);
        if (wanted_since_.erase(id) > 0)
            ports_.ledger.keep(
                ports::WantedChange{unit_name, ports_.loop.now(), ports::WantedChange::Wanted::no});
        hearings_.erase(id);
        host_.remove(id);
        say_host(unit_name + " is no longer configured");
    }
    host_.relink();
    for (const UnitId id : unusable)
        post(core::ForUnit{id, core::Booted{}});
}

// ---- after an engine that died in the middle ----------------------------------------------------

void Engine::put_right()
{
    RolloutSpec spec;
    spec.trial = RolloutSpec::Trial::no;
    spec.by = "an apply that was cut short";
    std::vector<std::string> names;
    for (const UnitId id : host_.start_order()) {
        const core::Unit& unit = host_.unit(id);
        if (!core::is_wanted_up(unit) || !core::has_outdated(host_.spec(id), unit)) continue;
        spec.changed.push_back(id);
        names.push_back(host_.spec(id).name);
    }
    say_host(names.empty() ? "an apply was cut short by the end of the engine"
                           : fmt::format("an apply was cut short by the end of the engine: {} {} "
                                         "made from another configuration than is in force",
                                         fmt::join(names, ", "), names.size() == 1 ? "is" : "are"));
    rollout_.emplace(host_, std::move(spec));
}

} // namespace keel::engine
