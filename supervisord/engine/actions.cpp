// Carrying out what core decided. Nothing here calls back into a step: results are posted.
#include "engine/engine.hpp"
#include "engine/log.hpp"
#include "units/placeholders.hpp"

#include <fmt/format.h>

namespace keel::engine {
namespace {

/// Spawns carried out in one turn of the loop; the rest follows in the next turns, so that a mass
/// restart delays neither probes nor the heartbeat by more than a few milliseconds.
constexpr unsigned spawns_per_turn = 16;

bool begins_a_process(const core::InstanceAction& action)
{
    return std::holds_alternative<core::Spawn>(action) ||
           std::holds_alternative<core::RunHook>(action) ||
           std::holds_alternative<core::RunRungHook>(action) ||
           std::holds_alternative<core::RunDeployStep>(action) ||
           std::holds_alternative<core::RemoveRelease>(action) ||
           std::holds_alternative<core::LinkRelease>(action);
}

} // namespace

void Engine::carry_out()
{
    while (!actions_.empty()) {
        const core::HostAction next = std::move(actions_.front());
        const bool is_spawn = begins_a_process(next.action);
        if (is_spawn && spawns_this_turn_ >= spawns_per_turn) {
            actions_.front() = next;
            break;
        }
        actions_.pop_front();
        if (is_spawn) ++spawns_this_turn_;
        act(next.instance, next.action);
    }
    if (spawns_this_turn_ == 0 || resuming_ == Resuming::yes) return;
    resuming_ = Resuming::yes;
    ports_.loop.defer([this, alive = std::weak_ptr<int>(alive_)] {
        if (alive.expired()) return;
        resuming_ = Resuming::no;
        spawns_this_turn_ = 0;
        if (!actions_.empty() && draining_ == Draining::no) drain();
    });
}

void Engine::act(InstanceId id, const core::InstanceAction& action)
{
    if (const auto* wanted = std::get_if<core::Spawn>(&action)) return spawn(id, *wanted);
    if (const auto* hook = std::get_if<core::RunHook>(&action)) return run_hook(id, *hook);
    if (const auto* hook = std::get_if<core::RunRungHook>(&action))
        return run_rung_hook(id.unit, *hook);
    if (const auto* step = std::get_if<core::RunDeployStep>(&action))
        return run_deploy_step(id.unit, *step);
    if (const auto* removal = std::get_if<core::RemoveRelease>(&action))
        return remove_release(id.unit, *removal);
    if (const auto* link = std::get_if<core::LinkRelease>(&action))
        return link_release(id.unit, *link);
    if (const auto* record = std::get_if<core::KeepDeployment>(&action))
        return keep_deployment(id.unit, *record);
    if (const auto* probe = std::get_if<core::RunProbe>(&action)) return run_probe(id, *probe);
    if (const auto* signal = std::get_if<core::Signal>(&action))
        return ports_.spawner.signal(signal->spawn, signal->signal_number);
    if (const auto* kill = std::get_if<core::KillTree>(&action))
        return ports_.spawner.kill_tree(kill->spawn);
    if (const auto* silent = std::get_if<core::HearOut>(&action))
        return hear_out(id, silent->spawn);
    const auto& done = std::get<core::Acknowledge>(action);
    ports_.spawner.acknowledge(done.spawn);
}

void Engine::spawn(InstanceId id, const core::Spawn& action)
{
    const units::UnitSpec& spec = host_.spec(id.unit);
    const Identity& identity = identities_[number(id.unit)];
    if (const auto& problem = identity.problem) {
        ++unit_counters_[number(id.unit)].spawn_failures[static_cast<std::size_t>(problem->stage)];
        post(id, core::SpawnFailed{action.spawn, problem->stage, 0, problem->what});
        return;
    }
    cancel_probes(id); // Of the spawn before: its end may be told later than its empty tree.
    ports::SpawnPlan plan =
        make_plan(spec, id.slot, identity, options_.runtime_root, release_of(id));
    if (const auto failed = give_voice(id, action.spawn, plan)) {
        ports_.ready_pipes.close(action.spawn);
        const auto stage = core::SetupStage::environment;
        ++unit_counters_[number(id.unit)].spawn_failures[static_cast<std::size_t>(stage)];
        post(id, core::SpawnFailed{action.spawn, stage, 0, failed->text()});
        return;
    }
    await_line(id, action.spawn, ports::LogSink::Awaits::new_spawn);
    plan.output_fd = output_of(id);
    if (const auto last = body(id).spawn) owners_.erase(number(*last));
    body(id).spawn = action.spawn;
    owners_[number(action.spawn)] = id;
    auto result = ports_.spawner.spawn(action.spawn, plan);
    if (const auto* failure = std::get_if<ports::SpawnFailure>(&result)) {
        owners_.erase(number(action.spawn));
        ports_.notices.close(action.spawn);
        ports_.ready_pipes.close(action.spawn);
        ++unit_counters_[number(id.unit)].spawn_failures[static_cast<std::size_t>(failure->stage)];
        post(id,
             core::SpawnFailed{action.spawn, failure->stage, failure->errno_value, failure->what});
        return;
    }
    ports_.ready_pipes.begun(action.spawn);
    const auto process = std::get<ports::ProcessIdentity>(result);
    processes_[number(action.spawn)] = process;
    ports_.journal.put(fmt::format("process/{}/{}", spec.name, id.slot),
                       encode(ports::Spawner::Survivor{action.spawn, process, spec.name, id.slot}));
    auto& ended_at = body(id).ended_at;
    if (ended_at && action.cause != core::StartCause::wanted)
        counters_.restart_latency.observe(seconds(ports_.loop.precise() - *ended_at));
    ended_at.reset();
    post(id, core::Spawned{action.spawn});
}

/// As the unit's own processes, in a cgroup of its own: killing it must not kill the unit.
void Engine::run_hook(InstanceId id, const core::RunHook& action)
{
    const units::UnitSpec& spec = host_.spec(id.unit);
    const Identity& identity = identities_[number(id.unit)];
    if (const auto& problem = identity.problem)
        return post(id, core::SpawnFailed{action.spawn, problem->stage, 0, problem->what});
    ports::SpawnPlan plan =
        make_hook_plan(spec, id.slot, action.hook, identity, options_.runtime_root,
                       host_.unit(id.unit).instances[id.slot - 1U].release.id);
    const auto& state = host_.unit(id.unit).instances[id.slot - 1U].state;
    if (const auto main = core::spawn_of(state))
        if (const auto process = processes_.find(number(*main)); process != processes_.end())
            plan.environment["MAINPID"] = fmt::format("{}", process->second.pid);
    plan.output_fd = output_of(id);
    auto& latest = body(id).hook;
    if (latest) owners_.erase(number(*latest));
    latest = action.spawn;
    owners_[number(action.spawn)] = id;
    const auto result = ports_.spawner.spawn(action.spawn, plan);
    if (const auto* failure = std::get_if<ports::SpawnFailure>(&result))
        return post(id, core::SpawnFailed{action.spawn, failure->stage, failure->errno_value,
                                          failure->what});
    const auto process = std::get<ports::ProcessIdentity>(result);
    ports_.journal.put(fmt::format("process/{}/{}", plan.unit, id.slot),
                       encode(ports::Spawner::Survivor{action.spawn, process, plan.unit, id.slot}));
}

/// As keeld itself: it may have to do what the unit may not. Its output goes where people look
/// first, into the log of the first instance.
void Engine::run_rung_hook(UnitId id, const core::RunRungHook& action)
{
    const InstanceId whole{id, whole_unit};
    const units::UnitSpec& spec = host_.spec(id);
    const auto hook = spec.hooks.find(action.hook);
    if (hook == spec.hooks.end())
        return post(whole, core::SpawnFailed{
                               action.spawn, core::SetupStage::exec, 0,
                               fmt::format("keel.toml has no hook `{}` of use", action.hook)});
    ports::SpawnPlan plan = make_rung_hook_plan(spec, {action.hook, hook->second, action.why},
                                                options_.own, options_.runtime_root);
    plan.output_fd = output_of({id, 1});
    owners_[number(action.spawn)] = whole;
    const auto result = ports_.spawner.spawn(action.spawn, plan);
    if (const auto* failure = std::get_if<ports::SpawnFailure>(&result)) {
        owners_.erase(number(action.spawn));
        return post(whole, core::SpawnFailed{action.spawn, failure->stage, failure->errno_value});
    }
    const auto process = std::get<ports::ProcessIdentity>(result);
    ports_.journal.put(
        fmt::format("process/{}/{}", plan.unit, plan.slot),
        encode(ports::Spawner::Survivor{action.spawn, process, plan.unit, plan.slot}));
}

int Engine::output_of(InstanceId id)
{
    const units::UnitSpec& spec = host_.spec(id.unit);
    auto output = ports_.logs.output_of(spec.name, id.slot, spec.log,
                                        identities_[number(id.unit)].credentials);
    Body& its = body(id);
    if (output) {
        its.output_problem.clear();
        return *output;
    }
    if (its.output_problem != output.error().text()) {
        its.output_problem = output.error().text();
        say(id.unit, subject(id.unit, id.slot), "log", "its output is lost: " + its.output_problem);
    }
    return -1;
}

/// Of a process that has its output already.
void Engine::go_on_reading(InstanceId id)
{
    if (host_.spec(id.unit).log.target == units::LogTarget::file) (void)output_of(id);
}

void Engine::run_probe(InstanceId id, const core::RunProbe& action)
{
    const ports::ProbeRequest request = request_for(id, host_.spec(id.unit).probes[action.probe]);
    body(id).probing[action.probe] = request.attempt;
    ports_.prober.probe(
        request, [this, id, action, attempt = request.attempt,
                  alive = std::weak_ptr<int>(alive_)](const core::ProbeAnswer& answer) {
            if (alive.expired()) return;
            auto& probing = body(id).probing;
            if (const auto mine = probing.find(action.probe);
                mine != probing.end() && mine->second == attempt)
                probing.erase(mine);
            auto& counted = unit_counters_[number(id.unit)].probes[action.probe];
            ++counted.verdicts[static_cast<std::size_t>(answer.verdict)];
            // What has taken this turn so far is not known as a turn yet.
            const MonoTime present = ports_.loop.precise();
            late_turns_.note(present, present - ports_.loop.now().mono);
            if (answer.verdict != core::Verdict::unknown)
                counters_.probe_latency.observe(seconds(answer.latency));
            post(id, core::ProbeAnswered{action.spawn, action.probe, action.attempt, answer});
        });
}

void Engine::cancel_probes(InstanceId id)
{
    for (const auto& [probe, attempt] : std::exchange(body(id).probing, {}))
        ports_.prober.cancel(attempt);
}

} // namespace keel::engine
