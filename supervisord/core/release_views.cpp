// What may be seen of releases and deployments.
#include "core/unit_moves.hpp"
#include "core/views.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::core {
namespace {

std::string step_of(const UnitDeployment& deployment)
{
    const Deployment& course = deployment.course;
    const auto at = present_step(course);
    if (!at) return "ending";
    const std::string& step = course.steps[*at].name;
    const bool is_forward = course.course == Deployment::Course::forward;
    if (awaits_source(deployment)) return "waiting for the source";
    if (std::holds_alternative<DeployWaiting>(course.stage))
        return fmt::format("{} is tried again", step);
    return is_forward ? step : "undoing " + step;
}

} // namespace

DeploymentView make_view(const UnitDeployment& deployment)
{
    DeploymentView view;
    view.number = deployment.number;
    view.kind = deployment.kind;
    view.release = deployment.release;
    view.from = deployment.from;
    view.by = deployment.by;
    view.since = deployment.since;
    for (const DeployStep& step : deployment.course.steps)
        view.steps.push_back({step.name, step.status});
    view.step = step_of(deployment);
    view.failure = deployment.course.failure;
    return view;
}

ReleasesView make_releases_view(const units::UnitSpec& spec, const Unit& unit)
{
    ReleasesView view;
    view.denied = unit.releases.denied;
    if (!units::has_releases(spec)) return view;
    const auto target = last_good(unit.releases);
    for (const Release& each : unit.releases.known) {
        const auto runs_on_it = [&](const Instance& instance) {
            return spawn_of(instance.state) && instance.release.id == each.id;
        };
        view.known.push_back(
            {each.id, each.since, each.bytes, each.id == unit.releases.current,
             each.good == Release::Good::yes, each.id == target,
             static_cast<unsigned>(std::ranges::count_if(unit.instances, runs_on_it))});
    }
    std::ranges::reverse(view.known);
    return view;
}

} // namespace keel::core
