// The roll of a deployment: one instance first, which has to prove itself, then the others one
// after the other, then all of them together; or back again, what does not serve first.
//
// An instance that is not ready is preferred, as trying the release on it costs nothing. One that
// serves is taken back only while all others serve, or when the time for that is over.
#include "core/unit_moves.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace keel::core {
namespace {

using Way = DeployWorked::Way;

bool is_at_rest(const InstanceState& state)
{
    return std::holds_alternative<Stopped>(state) || std::holds_alternative<Blocked>(state) ||
           std::holds_alternative<Preparing>(state) || std::holds_alternative<Stopping>(state);
}

/// When it has been ready on the release for long enough; none: it is not ready on it.
std::optional<MonoTime> proved_at(const units::UnitSpec& spec, const Unit& unit, Slot slot)
{
    const Instance& instance = unit.instances[slot - 1U];
    const bool counts = serves(instance.state) && instance.release == release_for(unit, slot);
    if (!counts) return std::nullopt;
    return instance.since.mono + spec.deploy.verify_for;
}

/// The next one, of those that are not rolled: preferably one that does not serve.
std::optional<Slot> next_to_roll(const UnitMaking& m)
{
    std::optional<Slot> serving;
    for (Slot slot = 1; slot <= m.spec.instances; ++slot) {
        if (is_rolled(*m.unit().deployment, slot)) continue;
        if (!serves(m.unit().instances[slot - 1U].state)) return slot;
        serving = serving.value_or(slot);
    }
    return serving;
}

void roll_one(UnitMaking& m, Slot slot)
{
    UnitDeployment& deployment = *m.unit().deployment;
    deployment.rolled.push_back(slot);
    run_instance(m, slot, RestartWanted{StartCause::deploy, "onto " + deployment.release});
}

/// How many of those that are rolled serve, and how many of these have proved themselves.
struct RollCount {
    std::size_t serving = 0;
    std::size_t proved = 0;
};

RollCount count_rolled(const UnitMaking& m)
{
    RollCount count;
    for (const Slot slot : m.unit().deployment->rolled) {
        if (slot > m.unit().instances.size()) continue;
        const auto at = proved_at(m.spec, m.unit(), slot);
        if (!at) continue;
        ++count.serving;
        if (*at <= m.now()) ++count.proved;
    }
    return count;
}

void go_on_rolling(UnitMaking& m)
{
    UnitDeployment& deployment = *m.unit().deployment;
    // A keeld that begins with other files may have fewer instances.
    std::erase_if(deployment.rolled, [&](Slot slot) { return slot > m.spec.instances; });
    // What took a failure to go on with the former one is no trial of this one.
    const std::vector<Slot> rolled_slots = deployment.rolled;
    for (const Slot slot : rolled_slots)
        if (is_on_other_release(m.spec, m.unit(), slot))
            run_instance(m, slot, RestartWanted{StartCause::deploy, "onto " + deployment.release});
    const RollCount count = count_rolled(m);
    if (count.serving > deployment.serving) {
        deployment.serving = count.serving;
        feed_deployment(m, DeployGotOn{});
    }
    const std::size_t rolled = deployment.rolled.size();
    if (count.serving < rolled) return;
    const auto next = next_to_roll(m);
    if (rolled == 1 && next && count.proved == 0) return;
    if (next) return roll_one(m, *next);
    if (count.proved == rolled)
        feed_deployment(
            m, DeployWorked{*present_step(deployment.course), Way::doing, DeployFault::none, {}});
}

void go_on_rolling_back(UnitMaking& m)
{
    Unit& unit = m.unit();
    const std::string why = unit.deployment->from.empty() ? "away from " + unit.deployment->release
                                                          : "back onto " + unit.deployment->from;
    for (Slot slot = 1; slot <= m.spec.instances; ++slot)
        if (is_on_other_release(m.spec, unit, slot) && !serves(m.instance(slot).state))
            run_instance(m, slot, RestartWanted{StartCause::deploy, why});
    const bool all_serve = ready_count(unit) == unit.instances.size();
    for (Slot slot = 1; slot <= m.spec.instances && all_serve; ++slot)
        if (is_on_other_release(m.spec, unit, slot)) {
            run_instance(m, slot, RestartWanted{StartCause::deploy, why});
            break;
        }
}

} // namespace

bool is_on_other_release(const units::UnitSpec& spec, const Unit& unit, Slot slot)
{
    if (!units::has_releases(spec)) return false;
    const Instance& instance = unit.instances[slot - 1U];
    return !is_at_rest(instance.state) && instance.release != release_for(unit, slot);
}

bool is_in_use(const Unit& unit, std::string_view release)
{
    return std::ranges::any_of(unit.instances, [&](const Instance& instance) {
        return instance.release.id == release && !spawns_of(instance).empty();
    });
}

bool is_on_trial(const Unit& unit, Slot slot, const ReleasePin& made_from)
{
    const auto& deployment = unit.deployment;
    return deployment && is_rolling(*deployment) && is_rolled(*deployment, slot) &&
           made_from.id == deployment->release;
}

void note_failure_on_trial(UnitMaking& m, const Failure& failure)
{
    UnitDeployment& deployment = *m.unit().deployment;
    const bool counts = failure.charge == Failure::Charge::charged;
    if (counts && deployment.failure.empty()) deployment.failure = failure.what;
}

void progress_roll(UnitMaking& m)
{
    UnitDeployment& deployment = *m.unit().deployment;
    const std::size_t at = *present_step(deployment.course);
    const bool is_working = std::holds_alternative<DeployWorking>(deployment.course.stage);
    if (deployment.course.course == Deployment::Course::forward) {
        if (!is_working) return;
        if (deployment.failure.empty()) return go_on_rolling(m);
        return feed_deployment(
            m, DeployWorked{at, Way::doing, DeployFault::release, deployment.failure});
    }
    if (!is_working && !std::holds_alternative<DeployEnding>(deployment.course.stage)) return;
    if (hands_of(m) == Inputs::Hands::on && is_wanted_up(m.unit())) go_on_rolling_back(m);
    const bool is_over = !is_in_use(m.unit(), deployment.release);
    if (is_over) feed_deployment(m, DeployWorked{at, Way::undoing, DeployFault::none, {}});
}

void hurry_roll_back(UnitMaking& m)
{
    if (hands_of(m) == Inputs::Hands::off) {
        // It is a person's who has asked for just that.
        const std::size_t at = *present_step(m.unit().deployment->course);
        return feed_deployment(m, DeployWorked{at, Way::undoing, DeployFault::host,
                                               "a person holds its process as it is"});
    }
    for (Slot slot = 1; slot <= m.spec.instances; ++slot)
        if (is_on_other_release(m.spec, m.unit(), slot))
            run_instance(m, slot, RestartWanted{StartCause::deploy, "its time is over"});
}

std::optional<MonoTime> roll_due(const units::UnitSpec& spec, const Unit& unit)
{
    if (!unit.deployment || !is_rolling(*unit.deployment)) return std::nullopt;
    const UnitDeployment& deployment = *unit.deployment;
    const bool is_working = std::holds_alternative<DeployWorking>(deployment.course.stage);
    // In between, each instance is waited for, and no time.
    const std::size_t rolled = deployment.rolled.size();
    if (!is_working || (rolled != 1 && rolled != spec.instances)) return std::nullopt;
    std::optional<MonoTime> last;
    for (const Slot slot : deployment.rolled) {
        const auto at = slot <= unit.instances.size() ? proved_at(spec, unit, slot) : std::nullopt;
        if (!at) return std::nullopt;
        last = std::max(last.value_or(*at), *at);
    }
    return last;
}

ReleasePin release_for(const Unit& unit, Slot slot)
{
    const auto& deployment = unit.deployment;
    const bool is_new = deployment && is_rolled(*deployment, slot) && deployment->failure.empty() &&
                        deployment->course.course == Deployment::Course::forward;
    return {is_new ? deployment->release : unit.releases.current, unit.releases.making};
}

ReleasePin release_after_failure(const Unit& unit, Slot slot)
{
    if (unit.deployment && is_rolling(*unit.deployment))
        return {unit.releases.current, unit.releases.making};
    return release_for(unit, slot);
}

bool has_other_release(const units::UnitSpec& spec, const Unit& unit)
{
    // What runs without a release runs on until there is one to take its place.
    if (unit.releases.current.empty()) return false;
    for (Slot slot = 1; slot <= unit.instances.size(); ++slot)
        if (is_on_other_release(spec, unit, slot)) return true;
    return false;
}

} // namespace keel::core
