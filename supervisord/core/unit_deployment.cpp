#include "core/unit_deployment.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::core {

bool is_rolling(const UnitDeployment& deployment)
{
    const Deployment& course = deployment.course;
    const auto at = present_step(course);
    return course.course == Deployment::Course::forward && at &&
           course.steps[*at].kind == DeployStepKind::roll &&
           course.steps[*at].status == DeployStep::Status::doing;
}

bool has_rolled(const UnitDeployment& deployment)
{
    const auto& steps = deployment.course.steps;
    return std::any_of(steps.begin(), steps.end(), [](const DeployStep& step) {
        return step.kind == DeployStepKind::roll && step.status != DeployStep::Status::todo;
    });
}

bool is_rolled(const UnitDeployment& deployment, Slot slot)
{
    const auto& rolled = deployment.rolled;
    return std::find(rolled.begin(), rolled.end(), slot) != rolled.end();
}

bool awaits_source(const UnitDeployment& deployment)
{
    const Deployment& course = deployment.course;
    const auto at = present_step(course);
    return course.course == Deployment::Course::forward && at &&
           course.steps[*at].kind == DeployStepKind::fetch &&
           std::holds_alternative<DeployWaiting>(course.stage);
}

bool is_found(const UnitDeployment& deployment)
{
    const auto* writing = std::get_if<DeployWriting>(&deployment.course.stage);
    return writing != nullptr && writing->record == 0;
}

std::string title_of(UnitDeployment::Kind kind, const std::string& release)
{
    switch (kind) {
    case UnitDeployment::Kind::deploy: return "deployment of " + release;
    case UnitDeployment::Kind::redeploy: return "redeployment of " + release;
    case UnitDeployment::Kind::rollback: break;
    }
    return "rollback to " + release;
}

} // namespace keel::core
