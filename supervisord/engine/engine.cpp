#include "engine/engine.hpp"

#include <fmt/format.h>

namespace keel::engine {
namespace {

std::vector<units::UnitSpec> specs_of(const std::vector<ConfiguredUnit>& units)
{
    std::vector<units::UnitSpec> specs;
    for (const ConfiguredUnit& unit : units)
        specs.push_back(unit.spec);
    return specs;
}

} // namespace

Engine::Engine(EnginePorts ports, std::vector<ConfiguredUnit> units, EngineOptions options)
    : ports_(ports), options_(std::move(options)), host_(specs_of(units), options_.host),
      unit_counters_(units.size()), feed_(options_.first_event), draws_(options_.seed),
      operations_(ports.journal)
{
    for (std::uint32_t i = 0; i < units.size(); ++i) {
        bodies_.emplace_back(units[i].spec.instances);
        unit_counters_[i].probes.resize(units[i].spec.probes.size());
        if (!units[i].problem.empty()) host_.mark_unusable(UnitId{i}, units[i].problem);
        identities_.push_back(std::move(units[i].identity));
    }
    hear();
    hear_ledger();
}

Engine::~Engine()
{
    ports_.ledger.set_handlers({});
    ports_.notices.set_handlers({});
    ports_.ready_pipes.set_handlers({});
}

void Engine::start()
{
    const auto& recovered = ports_.journal.recovered();
    const auto host = recovered.find("host");
    const auto record = host == recovered.end() ? std::nullopt : decode_host(host->second);
    recover(record.value_or(HostRecord{}));
}

void Engine::shut_down(const std::string& why)
{
    say_host("stopping everything: " + why);
    break_off_tries();
    post(core::ShutdownWanted{why, 0});
}

void Engine::process_exited(SpawnId spawn, core::ExitStatus status, core::TreeState tree)
{
    processes_.erase(number(spawn));
    missing_.erase(number(spawn));
    const auto owner = owners_.find(number(spawn));
    if (owner == owners_.end()) {
        // Nobody's any more: of an instance that is gone, or told a second time.
        skip_spawn_ids(spawn);
        if (tree == core::TreeState::alive) ports_.spawner.kill_tree(spawn);
        ports_.spawner.acknowledge(spawn);
        return;
    }
    const InstanceId id = owner->second;
    if (id.slot == whole_unit) hear_helper(id.unit, spawn);
    if (id.slot == whole_unit || body(id).hook == spawn)
        return post(id, core::ProcessExited{spawn, status, tree});
    body(id).ended_at = ports_.loop.precise();
    cancel_probes(id);
    forget_notices(id, spawn); // What it said before its end comes before its end.
    post(id, core::ProcessExited{spawn, status, tree});
}

void Engine::tree_emptied(SpawnId spawn)
{
    const auto owner = owners_.find(number(spawn));
    if (owner != owners_.end()) post(owner->second, core::TreeEmptied{spawn});
}

void Engine::resources_refused(SpawnId spawn, const std::string& why)
{
    const auto owner = owners_.find(number(spawn));
    if (owner == owners_.end()) return;
    const InstanceId id = owner->second;
    say(id.unit, subject(id.unit, id.slot), "resources", "its limits are not in force: " + why);
}

/// Ids up to this one are used, whatever the journal knew of them.
void Engine::skip_spawn_ids(SpawnId used)
{
    auto counters = host_.counters();
    counters.next_spawn = std::max(counters.next_spawn, SpawnId{number(used) + 1});
    host_.restore(counters);
}

SpawnId Engine::take_spawn_id()
{
    auto counters = host_.counters();
    const SpawnId taken = counters.next_spawn;
    counters.next_spawn = SpawnId{number(taken) + 1};
    host_.restore(counters);
    journal_host();
    return taken;
}

// ---- the queue ----------------------------------------------------------------------------------

void Engine::post(InstanceId id, core::InstanceEvent event)
{
    post(core::ForUnit{id.unit, core::ForInstance{id.slot, std::move(event)}});
}

void Engine::post(core::HostEvent event)
{
    events_.push_back(std::move(event));
    if (draining_ == Draining::no) drain();
}

void Engine::drain()
{
    draining_ = Draining::yes;
    do {
        while (!events_.empty()) {
            const core::HostEvent next = std::move(events_.front());
            events_.pop_front();
            take(next);
        }
        advance_rollout();
        carry_out();
    } while (!events_.empty());
    draining_ = Draining::no;
    rearm();
}

void Engine::take(const core::HostEvent& event)
{
    const double draw = std::uniform_real_distribution<double>(-1.0, 1.0)(draws_);
    core::HostStep step = host_.step(event, {ports_.loop.now(), draw, &late_turns_, last_seen_});
    if (rollout_) rollout_->note(host_, step);
    count(step);
    if (ports_.notifier != nullptr) ports_.notifier->heed(host_, step.notes);
    journal(event, step);
    hear_last_words(step);
    for (const core::HostNote& note : step.notes)
        tell(note);
    for (core::HostAction& action : step.actions)
        actions_.push_back(std::move(action));
    if (step.exit_code && on_stopped_) {
        const auto handler = std::exchange(on_stopped_, nullptr);
        handler(*step.exit_code);
    }
}

void Engine::rearm()
{
    auto due = host_.deadline();
    if (const auto other = rollout_ ? rollout_->deadline() : std::nullopt; other)
        due = std::min(due.value_or(*other), *other);
    if (due == timer_at_) return;
    timer_at_ = due;
    timer_.reset();
    if (!due) return;
    const Duration wait = std::max(Duration{0}, *due - ports_.loop.now().mono);
    timer_ = ports_.loop.after(wait, [this, expected = ports_.loop.now().mono + wait] {
        late_turns_.note(ports_.loop.now().mono, ports_.loop.now().mono - expected);
        timer_at_.reset();
        timer_.reset();
        post(core::HostTick{});
    });
}

} // namespace keel::engine
