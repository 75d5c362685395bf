// Processes that a new engine finds alive and of which its journal does not know.
#include "engine/engine.hpp"
#include "engine/log.hpp"

#include <fmt/format.h>

namespace keel::engine {

/// A process that the journal does not know: state that was lost or set aside. It is taken back
/// into its slot if that is empty or knows only of an earlier spawn, which is over then: a later
/// one began only when nothing of it lived. Otherwise it is ended: no process runs twice.
void Engine::adopt_stray(const ports::Spawner::Survivor& survivor)
{
    const auto unit = host_.find(survivor.unit);
    const bool has_slot =
        unit && survivor.slot >= 1 && survivor.slot <= host_.spec(*unit).instances;
    const auto recorded =
        has_slot ? core::spawn_of(host_.unit(*unit).instances[survivor.slot - 1U].state)
                 : std::nullopt;
    if (!has_slot || (recorded && *recorded > survivor.id)) {
        log::write(log::Level::warn, fmt::format("pid {} belongs to no unit any more: ending it",
                                                 survivor.process.pid));
        ports_.spawner.kill_tree(survivor.id);
        return;
    }
    const InstanceId id{*unit, survivor.slot};
    core::Unit taken = host_.unit(*unit);
    const Now now = ports_.loop.now();
    core::Instance& instance = taken.instances[id.slot - 1U];
    for (const SpawnId earlier : core::spawns_of(instance)) {
        owners_.erase(number(earlier));
        missing_.erase(number(earlier));
    }
    instance.hook.reset(); // It ran before this process did.
    instance.state =
        core::Starting{survivor.id, now.mono, now.mono + host_.spec(*unit).start.timeout};
    instance.since = now;
    instance.reason = "found running";
    instance.recipe = host_.spec(*unit).recipe;
    instance.release = core::release_for(taken, id.slot); // As far as anybody knows.
    // It was started after all that is on record: by then it was wanted up. What is known of a hold
    // that outlives a boot is kept elsewhere, and is never older than a spawn.
    const auto* held = std::get_if<core::Held>(&taken.wanted);
    const bool is_held = held != nullptr && held->lasts == core::Held::Lasts::over_boots;
    const bool is_to_stop = is_held && held->process == core::Held::Process::stopped;
    if (!core::is_wanted_up(taken) && !is_held) {
        taken.wanted = core::Up{};
        taken.operation.reset(); // Another one has come after it.
    }
    host_.restore(*unit, std::move(taken));
    owners_[number(survivor.id)] = id;
    body(id).spawn = survivor.id;
    processes_[number(survivor.id)] = survivor.process;
    ++counters_.adopted_processes;
    ports_.spawner.set_resources(survivor.id, host_.spec(*unit).resources);
    await_line(id, survivor.id, ports::LogSink::Awaits::adopted);
    go_on_reading(id);
    post(id, core::Adopted{survivor.id});
    if (is_to_stop) post(id, core::StopWanted{});
}

/// The same of a ladder's hook. One that nothing is known of is ended, and is known from now on, so
/// that no other one begins before nothing of it lives.
bool Engine::adopt_stray_of_ladder(const ports::Spawner::Survivor& survivor)
{
    const auto name = unit_of_ladder_hook(survivor.unit);
    const auto id = name ? host_.find(*name) : std::nullopt;
    if (!id || survivor.slot != whole_unit) return false;
    core::Unit taken = host_.unit(*id);
    auto& hook = taken.rung_hook;
    if (hook && hook->spawn > survivor.id) return false;
    if (hook) { // It ended before this one began.
        owners_.erase(number(hook->spawn));
        missing_.erase(number(hook->spawn));
    }
    const MonoTime now = ports_.loop.now().mono;
    hook = core::RungHook{survivor.id,
                          "unknown",
                          {},
                          taken.rung,
                          now,
                          now,
                          core::RungHook::Stage::ending,
                          core::HookResult::broken_off,
                          "nothing is known of it"};
    host_.restore(*id, std::move(taken));
    owners_[number(survivor.id)] = {*id, whole_unit};
    post({*id, whole_unit}, core::Adopted{survivor.id});
    return true;
}

/// The same of what works for a deployment: its step is done again once nothing of it lives.
bool Engine::adopt_stray_of_deployment(const ports::Spawner::Survivor& survivor)
{
    const auto name = unit_of_deployer(survivor.unit);
    const auto id = name ? host_.find(*name) : std::nullopt;
    if (!id || survivor.slot != whole_unit) return false;
    core::Unit taken = host_.unit(*id);
    auto& effect = taken.deploy_effect;
    if (effect && effect->spawn > survivor.id) return false;
    if (effect) { // It ended before this one began.
        owners_.erase(number(effect->spawn));
        missing_.erase(number(effect->spawn));
    }
    effect.emplace();
    effect->spawn = survivor.id;
    effect->stage = core::DeployEffect::Stage::left;
    effect->due = ports_.loop.now().mono;
    host_.restore(*id, std::move(taken));
    owners_[number(survivor.id)] = {*id, whole_unit};
    post({*id, whole_unit}, core::Adopted{survivor.id});
    return true;
}

} // namespace keel::engine
