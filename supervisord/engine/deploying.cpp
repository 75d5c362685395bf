// Releases and deployments as the engine carries them out: helpers and commands are spawned, what a
// helper says of itself is read, and what must outlive the boot is kept on the disk.
#include "base/text.hpp"
#include "engine/engine.hpp"
#include "engine/log.hpp"
#include "units/placeholders.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::engine {
namespace {

/// How often those who look on are told how far a helper is.
constexpr Duration progress_every = std::chrono::seconds(1);

} // namespace

// ---- processes ----------------------------------------------------------------------------------

std::string Engine::release_of(InstanceId id) const
{
    const core::Unit& unit = host_.unit(id.unit);
    const core::Instance& instance = unit.instances[id.slot - 1U];
    return core::has_process(instance) ? instance.release.id : core::release_for(unit, id.slot).id;
}

void Engine::run_deploy_step(UnitId id, const core::RunDeployStep& action)
{
    const auto& deployment = host_.unit(id).deployment;
    if (!deployment || action.step >= deployment->course.steps.size()) return;
    const core::DeployStep& step = deployment->course.steps[action.step];
    const bool undoes = action.way == core::RunDeployStep::Way::undoing;
    if (step.kind == core::DeployStepKind::run)
        return run_own_step(id, action.spawn, {step.name, deployment->release, undoes});
    run_helper(id, action.spawn, helper_arguments(id, step.kind, undoes));
}

void Engine::remove_release(UnitId id, const core::RemoveRelease& action)
{
    std::vector<std::string> arguments = {"remove", "--root", host_.spec(id).deploy.root, "--id",
                                          action.release};
    using enum core::RemoveRelease::Extent;
    if (action.extent == formers) arguments.emplace_back("--formers");
    run_helper(id, action.spawn, std::move(arguments));
}

void Engine::link_release(UnitId id, const core::LinkRelease& action)
{
    run_helper(id, action.spawn,
               {"point", "--root", host_.spec(id).deploy.root, "--id", action.release});
}

/// Undoing either a fetch or an unpacking is to remove all that there is of it.
std::vector<std::string> Engine::helper_arguments(UnitId id, core::DeployStepKind kind,
                                                  bool undoes) const
{
    const units::DeploySpec& spec = host_.spec(id).deploy;
    const core::UnitDeployment& deployment = *host_.unit(id).deployment;
    using enum core::DeployStepKind;
    const std::string_view verb = undoes           ? "remove"
                                  : kind == fetch  ? "fetch"
                                  : kind == unpack ? "unpack"
                                                   : "point";
    std::vector<std::string> arguments = {std::string(verb), "--root", spec.root, "--id",
                                          deployment.release};
    // What serves while the release is unpacked afresh runs from the tree that is there.
    const bool is_redeployed = deployment.kind == core::UnitDeployment::Kind::redeploy;
    if (verb == "unpack" && is_redeployed) arguments.emplace_back("--keep-replaced");
    if (verb != "fetch") return arguments;
    const auto filled = [&](const std::string& text) {
        return units::fill_source(host_.spec(id), text, deployment.release);
    };
    const auto add = [&](std::string option, std::string value) {
        arguments.push_back(std::move(option));
        arguments.push_back(std::move(value));
    };
    const bool named = !deployment.source.empty();
    add("--source", named ? deployment.source : filled(spec.source));
    // Whoever names a file vouches for it.
    if (!named && !spec.sha256.empty()) add("--sha256", spec.sha256);
    if (!named && !spec.checksums.empty()) add("--checksums", filled(spec.checksums));
    return arguments;
}

void Engine::run_helper(UnitId id, SpawnId spawn, std::vector<std::string> arguments)
{
    const std::string& unit = host_.spec(id).name;
    ports::SpawnPlan plan;
    plan.environment = login_environment(options_.own);
    plan.argv = {options_.release_helper};
    plan.argv.insert(plan.argv.end(), arguments.begin(), arguments.end());
    plan.argv.insert(plan.argv.end(), {"--report", ports_.releases.report_of(unit)});
    // One that dies before its first word is not to be taken at the word of the one before it.
    ports_.releases.forget_report(unit);
    spawn_for_deployment(id, spawn, std::move(plan));
    follow_helper(id);
}

void Engine::run_own_step(UnitId id, SpawnId spawn, const OwnStep& which)
{
    const units::UnitSpec& spec = host_.spec(id);
    const auto step =
        std::ranges::find(spec.deploy.steps, which.name, &units::DeployStepSpec::name);
    const InstanceId whole{id, whole_unit};
    if (step == spec.deploy.steps.end())
        return post(whole,
                    core::SpawnFailed{spawn, core::SetupStage::exec, 0,
                                      fmt::format("there is no step `{}` any more", which.name)});
    const Identity& identity = identities_[number(id)];
    if (const auto& problem = identity.problem)
        return post(whole, core::SpawnFailed{spawn, problem->stage, 0, problem->what});
    const units::PlaceholderValues values =
        values_for(spec, 1, options_.runtime_root, which.release);
    ports::SpawnPlan plan = make_plan(spec, 1, identity, options_.runtime_root, which.release);
    plan.argv = units::fill(which.undoes ? step->undo : step->run, values);
    plan.environment["KEEL_STEP"] = which.name;
    plan.environment["KEEL_RELEASE"] = which.release;
    spawn_for_deployment(id, spawn, std::move(plan));
}

void Engine::spawn_for_deployment(UnitId id, SpawnId spawn, ports::SpawnPlan plan)
{
    const InstanceId whole{id, whole_unit};
    plan.unit = name_of_deployer(host_.spec(id).name);
    plan.slot = whole_unit;
    const auto output = ports_.logs.output_of(host_.spec(id).name, whole_unit, deploy_log(),
                                              identities_[number(id)].credentials);
    plan.output_fd = output ? *output : -1;
    owners_[number(spawn)] = whole;
    const auto result = ports_.spawner.spawn(spawn, plan);
    if (const auto* failure = std::get_if<ports::SpawnFailure>(&result)) {
        owners_.erase(number(spawn));
        return post(whole,
                    core::SpawnFailed{spawn, failure->stage, failure->errno_value, failure->what});
    }
    const auto process = std::get<ports::ProcessIdentity>(result);
    ports_.journal.put(fmt::format("process/{}/{}", plan.unit, plan.slot),
                       encode(ports::Spawner::Survivor{spawn, process, plan.unit, plan.slot}));
}

// ---- what a helper says of itself ---------------------------------------------------------------

namespace {

bool is_of_helper(const core::Unit& unit)
{
    const auto& effect = unit.deploy_effect;
    if (!effect || effect->stage == core::DeployEffect::Stage::left) return false;
    if (effect->about != core::DeployEffect::About::step) return true;
    return unit.deployment && effect->step < unit.deployment->course.steps.size() &&
           unit.deployment->course.steps[effect->step].kind != core::DeployStepKind::run;
}

std::string text_of(const ports::DeployProgress& progress)
{
    std::string text = progress.step;
    if (progress.bytes > 0) text += " " + human_size(progress.bytes);
    if (progress.total && *progress.total > 0)
        text += fmt::format(" of {} ({}%)", human_size(*progress.total),
                            std::min<std::uint64_t>(100, progress.bytes * 100 / *progress.total));
    if (progress.entries > 0) text += fmt::format(", {} entries", progress.entries);
    return text;
}

} // namespace

/// Its last word, before its end is told.
void Engine::hear_helper(UnitId id, SpawnId spawn)
{
    const core::Unit& unit = host_.unit(id);
    if (!is_of_helper(unit) || unit.deploy_effect->spawn != spawn) return;
    const auto progress = ports_.releases.progress_of(host_.spec(id).name);
    if (!progress) return;
    const bool unpacked = progress->fault == core::DeployFault::none && progress->entries > 0;
    post(core::ForUnit{id, core::DeployReported{spawn, progress->fault, progress->what,
                                                unpacked ? progress->bytes : 0}});
}

/// Tells those who look on how far it is, for as long as it is at work.
void Engine::follow_helper(UnitId id)
{
    if (following_.contains(id)) return;
    following_[id] = ports_.loop.after(progress_every, [this, id] {
        following_.erase(id);
        if (!is_of_helper(host_.unit(id))) return;
        if (const auto progress = ports_.releases.progress_of(host_.spec(id).name))
            say_in_passing(id, "progress", text_of(*progress));
        follow_helper(id);
    });
}

// ---- what is kept -------------------------------------------------------------------------------

void Engine::keep_deployment(UnitId id, const core::KeepDeployment& action)
{
    ports_.releases.when_kept([this, id, record = action.record, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) post(core::ForUnit{id, core::DeploymentKept{record}});
    });
}

/// Only what has changed: most steps change nothing of it.
void Engine::put_releases(UnitId id)
{
    const units::UnitSpec& spec = host_.spec(id);
    if (!units::has_releases(spec)) return;
    const core::Unit& unit = host_.unit(id);
    KeptReleases& kept = kept_releases_[id];
    const bool rests = !unit.deployment && !unit.deploy_effect && unit.surplus.empty();
    if (rests && kept.at_rest == unit.releases) return; // As most of the time, and cheaply seen.
    std::string record = encode_releases(unit, spec.deploy.root);
    kept.at_rest = rests ? std::optional(unit.releases) : std::nullopt;
    if (record == kept.record) return;
    // Kept, it would keep the next engine from looking at a root that does not answer this one.
    if (rests && kept.record.empty() && unit.releases == core::Releases{}) return;
    ports_.releases.put(spec.name, record);
    kept.record = std::move(record);
}

/// What this boot's journal does not tell of a unit's releases: the disk's record, or if there is
/// none what the root itself shows.
void Engine::recover_releases(UnitId id)
{
    const units::UnitSpec& spec = host_.spec(id);
    if (!units::has_releases(spec)) return;
    const auto& kept = ports_.releases.recovered();
    const auto saved = kept.find(spec.name);
    core::Unit on_disk = host_.unit(id);
    const bool is_usable =
        saved != kept.end() && decode_releases(saved->second, spec.deploy.root, on_disk);
    const bool is_known = host_.unit(id).releases != core::Releases{};
    if (is_known && (is_usable || saved == kept.end())) return;
    if (is_usable) return host_.restore(id, std::move(on_disk));
    if (saved != kept.end())
        say(id, spec.name, "deploy", "what is kept of its releases is of another root, or damaged");
    find_releases(id);
}

void Engine::find_releases(UnitId id)
{
    core::Unit unit = host_.unit(id);
    const std::string& root = host_.spec(id).deploy.root;
    const auto answer = ports_.releases.look(root);
    if (!answer) say(id, host_.spec(id).name, "deploy", "its root does not answer: " + root);
    const auto found = answer.value_or(ports::ReleaseStore::Found{});
    unit.releases = {};
    unit.deployment.reset();
    unit.surplus.clear();
    for (const std::string& each : found.all)
        core::add_known(unit.releases, each, ports_.loop.now().wall, 0);
    if (!found.current.empty()) {
        core::make_current(unit.releases, found.current, ports_.loop.now());
        say(id, host_.spec(id).name, "deploy",
            fmt::format("its current release is {}, as its root says", found.current));
    }
    host_.restore(id, std::move(unit));
}

// ---- questions ----------------------------------------------------------------------------------

std::optional<core::ReleasesView> Engine::releases(std::string_view name) const
{
    const auto id = host_.find(name);
    if (!id) return std::nullopt;
    return core::make_releases_view(host_.spec(*id), host_.unit(*id));
}

std::variant<core::DeployOutline, ports::Refusal>
Engine::plan_deployment(const ports::RequestSpec& what) const
{
    const auto id = host_.find(what.unit);
    if (!id)
        return ports::Refusal{ports::Refusal::Kind::no_such_unit,
                              fmt::format("there is no unit `{}`", what.unit),
                              {}};
    return core::outline_of(host_.spec(*id), host_.unit(*id), what.verb, what.deploy);
}

void Engine::add_progress(UnitId id, core::UnitView& view) const
{
    if (!view.deployment || !is_of_helper(host_.unit(id))) return;
    const auto progress = ports_.releases.progress_of(host_.spec(id).name);
    if (!progress) return;
    view.deployment->bytes = progress->bytes;
    view.deployment->total = progress->total;
    if (view.operation) view.operation->step += ": " + text_of(*progress);
}

} // namespace keel::engine
