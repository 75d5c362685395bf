// What is due of a unit's deployment after each step of the unit, and of its releases: they prove
// themselves, and those that nobody needs are removed.
#include "core/unit_moves.hpp"

#include <algorithm>

namespace keel::core {
namespace {

using Way = DeployWorked::Way;
using enum DeployStepKind;

bool is_ending(const UnitMaking& m)
{
    return m.inputs.gate && m.inputs.gate->kind == BlockedOn::Kind::shutdown;
}

/// Whether something runs from what the release was before it was unpacked afresh.
bool is_former_in_use(const Unit& unit, std::string_view release)
{
    return std::ranges::any_of(unit.instances, [&](const Instance& instance) {
        return instance.release.id == release && instance.release.making != unit.releases.making &&
               !spawns_of(instance).empty();
    });
}

/// One whose removal was put off, or cut short, may have been deployed again.
bool is_needed(const UnitMaking& m, const std::string& release)
{
    const Releases& releases = m.unit().releases;
    const auto surplus = surplus_releases(releases, m.spec.deploy.keep, {});
    return find_release(releases, release) != nullptr &&
           std::ranges::find(surplus, release) == surplus.end();
}

void begin_next_removal(UnitMaking& m)
{
    Unit& unit = m.unit();
    if (unit.deploy_effect) return;
    std::erase_if(unit.surplus, [&](const std::string& each) { return is_needed(m, each); });
    const auto next = std::ranges::find_if(
        unit.surplus, [&](const std::string& each) { return !is_in_use(unit, each); });
    if (next != unit.surplus.end()) {
        const std::string release = *next;
        std::erase(unit.surplus, release);
        return begin_removal(m, release);
    }
    const auto former = std::ranges::find_if(unit.releases.formers, [&](const std::string& each) {
        return !is_former_in_use(unit, each);
    });
    if (former != unit.releases.formers.end()) begin_removal_of_formers(m, std::string(*former));
}

/// Whether one of those that are rolled waits for something that is none of the release's doing.
std::optional<std::string> is_held_up(const UnitMaking& m)
{
    for (const Slot slot : m.unit().deployment->rolled)
        if (slot <= m.unit().instances.size())
            if (const auto* blocked = std::get_if<Blocked>(&m.unit().instances[slot - 1U].state))
                return to_text(blocked->on);
    return std::nullopt;
}

void tick(UnitMaking& m)
{
    const Deployment& course = m.unit().deployment->course;
    const auto due = deadline_of(course);
    if (!due || m.now() < *due) return;
    const auto held_up = is_rolling(*m.unit().deployment) ? is_held_up(m) : std::nullopt;
    if (!held_up) return feed_deployment(m, DeployTick{});
    feed_deployment(m,
                    DeployWorked{*present_step(course), Way::doing, DeployFault::host, *held_up});
}

void begin_what_is_due(UnitMaking& m)
{
    const UnitDeployment& deployment = *m.unit().deployment;
    const Deployment& course = deployment.course;
    const auto at = present_step(course);
    if (!at || m.unit().deploy_effect) return;
    const bool is_forward = course.course == Deployment::Course::forward;
    const Way way = is_forward ? Way::doing : Way::undoing;
    if (std::holds_alternative<DeployEnding>(course.stage))
        return feed_deployment(m, DeployWorked{*at, way, DeployFault::host, "not begun"});
    if (!std::holds_alternative<DeployWorking>(course.stage)) return;
    const auto kind = course.steps[*at].kind;
    const bool removes = !is_forward && (kind == fetch || kind == unpack);
    if (removes && is_in_use(m.unit(), deployment.release)) { // Later, once nothing is.
        m.unit().surplus.push_back(deployment.release);
        return feed_deployment(m, DeployWorked{*at, way, DeployFault::none, {}});
    }
    begin_deploy_effect(m, *at, way);
}

std::string why_unwanted(const Unit& unit)
{
    if (const auto* held = std::get_if<Held>(&unit.wanted)) return "held by " + held->by;
    return "it is not wanted up any more";
}

} // namespace

void progress_deployment(UnitMaking& m)
{
    Unit& unit = m.unit();
    if (is_ending(m)) { // The next keeld finds it as it is.
        if (unit.deployment) unit.deployment->course.stage = DeployWriting{};
        unit.link_due.reset();
        return;
    }
    if (!unit.link_due) unit.link_due = m.now();
    if (const auto due = link_due(unit); due && *due <= m.now()) begin_link(m);
    if (!unit.deployment) return begin_next_removal(m);
    if (is_found(*unit.deployment)) {
        // Whether the unit is wanted up decides what becomes of it.
        if (unit.begun == Unit::Begun::no || unit.deploy_effect) return;
        feed_deployment(m, DeployResumed{});
    }
    if (unit.deployment && !is_wanted_up(unit)) abort_deployment(m, why_unwanted(unit));
    if (unit.deployment) tick(m);
    if (!unit.deployment) return;
    const auto at = present_step(unit.deployment->course);
    if (at && unit.deployment->course.steps[*at].kind == roll)
        progress_roll(m);
    else
        begin_what_is_due(m);
}

// ---- good ---------------------------------------------------------------------------------------

std::optional<MonoTime> good_at(const units::UnitSpec& spec, const Unit& unit)
{
    if (!units::has_releases(spec) || unit.releases.current.empty() || unit.deployment)
        return std::nullopt;
    if (!unit.ready_since || is_current_good(unit.releases)) return std::nullopt;
    MonoTime since = std::max(*unit.ready_since, unit.releases.current_since.value_or(MonoTime{}));
    // Where no instance has to be ready, none would have to be for its release to be good.
    for (const Instance& instance : unit.instances) {
        if (spec.min_ready > 0) break;
        if (!serves(instance.state)) return std::nullopt;
        since = std::max(since, instance.since.mono);
    }
    return since + spec.deploy.good_after;
}

void mark_good_if_proved(UnitMaking& m)
{
    const auto at = good_at(m.spec, m.unit());
    if (!at || m.now() < *at) return;
    Releases& releases = m.unit().releases;
    add_known(releases, releases.current, m.inputs.now.wall, 0);
    for (Release& each : releases.known)
        if (each.id == releases.current) each.good = Release::Good::yes;
    m.out.notes.emplace_back(ReleaseProved{releases.current});
}

} // namespace keel::core
