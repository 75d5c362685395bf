// Releases and deployments of a unit: what a person or the ladder asks for, the machine's events
// and actions, and what follows from its end.
//
// What is to happen is found anew after each step from where the machine stands, so that nothing is
// lost with an engine: a step whose effect should be under way and is not is begun.
#include "base/ensure.hpp"
#include "base/text.hpp"
#include "core/unit_moves.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace keel::core {
namespace {

using Kind = UnitDeployment::Kind;
using Asker = UnitDeployment::Asker;
using Way = DeployWorked::Way;
using Outcome = CloseDeployment::Outcome;
using enum DeployStepKind;

// Fetching has a limit of its own in all its tries together, an hour; this is for a helper that
// hangs.
constexpr Duration fetch_limit = std::chrono::minutes(61);
constexpr Duration unpack_limit = std::chrono::minutes(30);
constexpr Duration commit_limit = std::chrono::minutes(1);

// ---- what a deployment is made of ---------------------------------------------------------------

void add_steps_of_archive(std::vector<DeployStep>& steps)
{
    using enum DeployStep::Undo;
    steps.push_back({fetch, "fetch", needed, fetch_limit});
    steps.push_back({unpack, "unpack", needed, unpack_limit});
}

void add_steps_of_unit(const units::UnitSpec& spec, std::vector<DeployStep>& steps)
{
    using Undo = DeployStep::Undo;
    for (const units::DeployStepSpec& step : spec.deploy.steps)
        steps.push_back(
            {run, step.name, step.undo.empty() ? Undo::needless : Undo::needed, step.timeout});
}

void add_roll(const units::UnitSpec& spec, std::vector<DeployStep>& steps)
{
    steps.push_back({roll, "roll", DeployStep::Undo::needed, spec.deploy.timeout});
}

void add_commit(std::vector<DeployStep>& steps)
{
    steps.push_back({commit, "commit", DeployStep::Undo::needless, commit_limit});
}

std::vector<DeployStep> steps_of(const units::UnitSpec& spec, const Unit& unit,
                                 const UnitDeployment& deployment)
{
    std::vector<DeployStep> steps;
    if (deployment.kind == Kind::redeploy) {
        steps.push_back({unpack, "unpack", DeployStep::Undo::needless, unpack_limit});
        return steps;
    }
    if (deployment.kind == Kind::deploy) {
        if (find_release(unit.releases, deployment.release) == nullptr) add_steps_of_archive(steps);
        add_steps_of_unit(spec, steps);
    }
    if (deployment.asker == Asker::person) add_roll(spec, steps);
    add_commit(steps);
    return steps;
}

void begin_deployment(UnitMaking& m, UnitDeployment deployment)
{
    Unit& unit = m.unit();
    ENSURE(!unit.deployment, "one deployment at a time");
    deployment.number = ++unit.releases.deployments;
    deployment.from = unit.releases.current;
    deployment.since = m.inputs.now.wall;
    deployment.course.steps = steps_of(m.spec, unit, deployment);
    m.out.notes.emplace_back(DeploymentBegun{deployment.kind, deployment.asker, deployment.release,
                                             deployment.by, deployment.why});
    unit.deployment = std::move(deployment);
    feed_deployment(m, DeployBegun{});
}

// ---- asked for ----------------------------------------------------------------------------------

/// Why it cannot be; empty: it can.
std::string objection(const units::UnitSpec& spec, const Unit& unit, Verb verb,
                      const DeployTerms& terms)
{
    const std::string& name = spec.name;
    if (!units::has_releases(spec)) return "it has no [deploy], which would say where from";
    if (unit.deployment)
        return title_of(unit.deployment->kind, unit.deployment->release) + " is under way";
    if (!is_wanted_up(unit))
        return fmt::format("a release proves itself by running, and {} is not wanted up: keel "
                           "start {}",
                           name, name);
    if (verb == Verb::rollback)
        return last_good(unit.releases) ? "" : "there is no other good release to roll back to";
    const std::string& release = terms.release;
    if (release == unit.releases.current)
        return fmt::format("{} is the current release already; keel restart {} starts it anew",
                           release, name);
    if (const DeniedRelease* denied = find_denied(unit.releases, release))
        return fmt::format("{} is denied: {}; keel undeny {} {} allows it again", release,
                           denied->why, name, release);
    const bool is_there = find_release(unit.releases, release) != nullptr;
    if (is_there && !terms.source.empty())
        return fmt::format("{} is on the disk already, and would not be taken from {}; deploy that "
                           "under another name",
                           release, terms.source);
    if (!is_there && terms.source.empty() && spec.deploy.source.empty())
        return "neither deploy.source nor --file says where to get it from";
    return {};
}

void undeny(UnitMaking& m, const Asked& asked)
{
    using enum OperationResult::Outcome;
    std::vector<DeniedRelease>& denied = m.unit().releases.denied;
    const std::string& release = asked.deploy.release;
    const auto removed = std::erase_if(
        denied, [&](const DeniedRelease& each) { return release.empty() || each.id == release; });
    const std::string text =
        removed == 0      ? (release.empty() ? "no release" : release) + std::string(" is denied")
        : release.empty() ? fmt::format("{} may be deployed again", removed)
                          : release + " may be deployed again";
    m.out.notes.emplace_back(
        OperationEnded{{asked.id, asked.verb, removed == 0 ? failed : done, text}});
}

UnitDeployment deployment_of(const Unit& unit, Verb verb, const DeployTerms& terms)
{
    UnitDeployment deployment;
    deployment.kind = verb == Verb::deploy ? Kind::deploy : Kind::rollback;
    deployment.release =
        verb == Verb::deploy ? terms.release : last_good(unit.releases).value_or("");
    deployment.source = terms.source;
    return deployment;
}

} // namespace

DeployOutline outline_of(const units::UnitSpec& spec, const Unit& unit, Verb verb,
                         const DeployTerms& terms)
{
    DeployOutline outline{objection(spec, unit, verb, terms), {}, unit.releases.current, {}};
    const UnitDeployment deployment = deployment_of(unit, verb, terms);
    outline.release = deployment.release;
    if (!outline.objection.empty()) return outline;
    for (const DeployStep& step : steps_of(spec, unit, deployment))
        outline.steps.push_back(step.name);
    return outline;
}

void heed_release_request(UnitMaking& m, const Asked& asked)
{
    using enum OperationResult::Outcome;
    if (asked.verb == Verb::undeny) return undeny(m, asked);
    const std::string why = objection(m.spec, m.unit(), asked.verb, asked.deploy);
    if (!why.empty()) {
        m.out.notes.emplace_back(OperationEnded{{asked.id, asked.verb, failed, why}});
        return;
    }
    break_off_operation(m, "superseded by a later request");
    m.unit().operation = Operation{asked.id, asked.verb, asked.by, m.inputs.now.wall, m.now(),
                                   {},       {},         {},       asked.which};
    UnitDeployment deployment = deployment_of(m.unit(), asked.verb, asked.deploy);
    deployment.by = asked.by;
    deployment.why = asked.why;
    deployment.operation = asked.id;
    const std::string action = fmt::format("{} {}", name(asked.verb), deployment.release);
    m.tried.push_back({m.inputs.now.wall, action, "asked for by " + asked.by, {}});
    begin_deployment(m, std::move(deployment));
}

std::string begin_release_rung(UnitMaking& m, units::Rung::Kind kind, const std::string& why)
{
    const Releases& releases = m.unit().releases;
    if (!units::has_releases(m.spec)) return "it has no [deploy]";
    if (releases.current.empty()) return "it has no release yet";
    const bool again = kind == units::Rung::redeploy;
    if (again && !is_current_good(releases)) return releases.current + " is not good yet";
    if (!again && !last_good(releases)) return "there is no other good release";
    auto& formers = m.unit().releases.formers;
    if (again && std::ranges::find(formers, releases.current) == formers.end())
        formers.push_back(releases.current);
    UnitDeployment deployment;
    deployment.kind = again ? Kind::redeploy : Kind::rollback;
    deployment.asker = Asker::ladder;
    deployment.release = again ? releases.current : last_good(releases).value_or("");
    deployment.by = "the ladder";
    deployment.why = why;
    deployment.rung = m.unit().rung;
    begin_deployment(m, std::move(deployment));
    return {};
}

void abort_deployment(UnitMaking& m, const std::string& why)
{
    if (m.unit().deployment) feed_deployment(m, DeployAborted{why});
}

// ---- its end ------------------------------------------------------------------------------------

namespace {

/// What is there now is another thing than what failed: what waits, or was given up, starts on it
/// at once, and what serves follows when that costs nothing.
void start_afresh(UnitMaking& m, const std::string& why)
{
    Unit& unit = m.unit();
    unit.catches_up = Unit::CatchesUp::yes;
    if (!is_wanted_up(unit) || hands_of(m) == Inputs::Hands::off) return;
    for (Slot slot = 1; slot <= m.spec.instances; ++slot)
        if (!serves(m.instance(slot).state))
            run_instance(m, slot, RestartWanted{StartCause::deploy, why});
}

void take_in_release(UnitMaking& m, const UnitDeployment& over)
{
    Unit& unit = m.unit();
    if (over.kind == Kind::redeploy) {
        ++unit.releases.making;
        return start_afresh(m, fmt::format("{} was unpacked afresh", over.release));
    }
    const bool is_newer = find_release(unit.releases, over.release) == nullptr;
    add_known(unit.releases, over.release, m.inputs.now.wall, over.bytes);
    make_current(unit.releases, over.release, m.inputs.now);
    if (over.kind == Kind::rollback && !over.from.empty())
        deny(unit.releases, over.from, m.inputs.now.wall,
             over.asker == Asker::person ? "rolled back from by " + over.by
                                         : "rolled back from: " + over.why);
    if (over.asker == Asker::ladder)
        return start_afresh(m, fmt::format("rolled back to {}", over.release));
    if (is_newer) unit.releases.denied.clear(); // It may mend what they were denied for.
    if (std::exchange(unit.rung, std::uint8_t{0}) != 0) m.out.notes.emplace_back(BackToBottom{});
}

std::string text_of(const UnitDeployment& over, Outcome outcome, Duration took)
{
    const std::string length = to_human(std::max(Duration{0}, took));
    if (outcome == Outcome::committed)
        return fmt::format("{} is the current release, after {}", over.release, length);
    const std::string now = over.from.empty() ? "there is no release, as before"
                                              : over.from + " is the current release";
    std::string text = fmt::format("{}; {}", over.course.failure, now);
    for (const DeployStep& step : over.course.steps)
        if (step.status == DeployStep::Status::stuck)
            text += fmt::format("; {} could not be undone: see to it by hand", step.name);
    return text;
}

void end_its_operation(UnitMaking& m, const UnitDeployment& over, Outcome outcome)
{
    using enum OperationResult::Outcome;
    const auto& op = m.unit().operation;
    if (!op || op->id != over.operation) return;
    const bool by_person = over.course.fault == DeployFault::person;
    const auto ended = outcome == Outcome::committed ? done : by_person ? cancelled : failed;
    end_operation(m, ended, text_of(over, outcome, m.now() - op->began));
}

void close(UnitMaking& m, Outcome outcome)
{
    Unit& unit = m.unit();
    const UnitDeployment over = *std::exchange(unit.deployment, std::nullopt);
    const std::string& failure = over.course.failure;
    m.out.notes.emplace_back(DeploymentEnded{
        {over.number, over.kind, over.asker, over.release, over.from, over.by, over.why, over.since,
         m.inputs.now.wall, outcome, outcome == Outcome::committed ? "" : failure}});
    const std::string action = over.asker == Asker::ladder
                                   ? std::string(name(over.kind))
                                   : fmt::format("{} {}", name(over.kind), over.release);
    note_action_result(unit, action,
                       outcome == Outcome::committed ? over.release + " is current"
                                                     : "undone: " + failure);
    end_its_operation(m, over, outcome);
    if (outcome == Outcome::committed) {
        take_in_release(m, over);
    } else {
        const bool to_blame = over.course.fault == DeployFault::release && has_rolled(over);
        if (to_blame) deny(unit.releases, over.release, m.inputs.now.wall, failure);
        // Nobody knows which tree is in place now: what runs may run from a former one.
        if (over.kind == Kind::redeploy) ++unit.releases.making;
        const bool matters = over.asker == Asker::ladder && unit.rung == over.rung;
        if (matters && is_wanted_up(unit))
            climb(m, fmt::format("{}: {}", name(over.kind), failure));
    }
    const auto surplus = surplus_releases(unit.releases, m.spec.deploy.keep, {});
    unit.surplus.insert(unit.surplus.end(), surplus.begin(), surplus.end());
}

void act(UnitMaking& m, const DeployAction& action)
{
    if (const auto* record = std::get_if<WriteDeployment>(&action)) {
        m.out.actions.push_back({whole_unit, KeepDeployment{record->record}});
    } else if (const auto* back = std::get_if<UndoDeployStep>(&action)) {
        UnitDeployment& deployment = *m.unit().deployment;
        if (deployment.course.steps[back->step].kind == roll) deployment.rolled.clear();
    } else if (const auto* end = std::get_if<EndDeployStep>(&action)) {
        if (m.unit().deployment->course.steps[end->step].kind == roll)
            hurry_roll_back(m);
        else
            end_deploy_effect(m);
    } else if (const auto* over = std::get_if<CloseDeployment>(&action)) {
        close(m, over->outcome);
    }
    // What is done is begun by progress_deployment().
}

} // namespace

void feed_deployment(UnitMaking& m, const DeployEvent& event)
{
    UnitDeployment& deployment = *m.unit().deployment;
    DeploymentStep made = step(std::move(deployment.course), event, m.now());
    deployment.course = std::move(made.next);
    if (!made.reason.empty()) m.out.notes.emplace_back(DeploymentMoved{std::move(made.reason)});
    for (const DeployAction& action : made.actions)
        act(m, action);
}

void on(UnitMaking& m, const DeploymentKept& e)
{
    if (e.record == 0) return go_on_with_removal(m);
    if (m.unit().deployment) feed_deployment(m, DeployWritten{e.record});
}

} // namespace keel::core
