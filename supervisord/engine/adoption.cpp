// Surviving the engine's own death: what is journaled, and how a new engine takes over.
#include "engine/engine.hpp"
#include "engine/log.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace keel::engine {
namespace {

std::string unit_key(const units::UnitSpec& spec) { return "unit/" + spec.name; }
std::string hold_key(const units::UnitSpec& spec) { return "hold/" + spec.name; }

/// The unit of which a process says something that is to be known after this engine's end.
std::optional<UnitId> speaker_of_news(const core::HostEvent& event)
{
    const auto* of_unit = std::get_if<core::ForUnit>(&event);
    if (of_unit == nullptr) return std::nullopt;
    const auto* of_instance = std::get_if<core::ForInstance>(&of_unit->event);
    if (of_instance == nullptr) return std::nullopt;
    const auto* notified = std::get_if<core::Notified>(&of_instance->event);
    if (notified == nullptr || !core::is_news(notified->notice)) return std::nullopt;
    return of_unit->unit;
}

/// The units that a step changed, as its notes and actions tell; probe attempts change nothing
/// that a new engine needs. A person's word, or another configuration, may change what is wanted
/// and no more, which no note tells.
std::set<UnitId> changed_units(const core::HostEvent& event, const core::HostStep& step)
{
    std::set<UnitId> changed;
    if (std::holds_alternative<core::Request>(event))
        changed.insert(step.touched.begin(), step.touched.end());
    const auto* one = std::get_if<core::ForUnit>(&event);
    if (one != nullptr && (std::holds_alternative<core::Respecified>(one->event) ||
                           std::holds_alternative<core::LeaveWanted>(one->event) ||
                           std::holds_alternative<core::StayWanted>(one->event) ||
                           std::holds_alternative<core::CatchUpWanted>(one->event)))
        changed.insert(one->unit);
    for (const core::HostNote& note : step.notes)
        changed.insert(note.unit);
    for (const core::HostAction& action : step.actions)
        if (!std::holds_alternative<core::RunProbe>(action.action) &&
            !std::holds_alternative<core::HearOut>(action.action))
            changed.insert(action.instance.unit);
    if (const auto speaker = speaker_of_news(event)) changed.insert(*speaker);
    return changed;
}

} // namespace

// ---- before an action ---------------------------------------------------------------------------

void Engine::journal(const core::HostEvent& event, const core::HostStep& step)
{
    // First the ids: should this be the last write, they are skipped and never used twice.
    journal_host();
    end_operations(step);
    keep_ended_outages(step);
    keep_spawn(event, step);
    keep_deployments(step);
    for (const UnitId id : changed_units(event, step)) {
        keep_open_outages(id);
        journal_unit(id);
        put_releases(id);
        keep_wanted(id);
        keep_counts(id);
        keep_hold(id);
    }
}

void Engine::journal_unit(UnitId id)
{
    ports_.journal.put(unit_key(host_.spec(id)),
                       encode(host_.unit(id), unit_counters_[number(id)]));
}

void Engine::keep_hold(UnitId id)
{
    const auto* held = std::get_if<core::Held>(&core::word_on(host_.unit(id)));
    const std::string key = hold_key(host_.spec(id));
    if (held != nullptr && held->lasts == core::Held::Lasts::over_boots)
        ports_.holds.put(key, encode(*held));
    else
        ports_.holds.erase(key);
}

void Engine::journal_host()
{
    std::string record = encode(HostRecord{
        host_.counters(), next_operation_, counters_.engine_starts, counters_.adopted_processes,
        counters_.invariant_failures, counters_.last_apply, counters_.operations});
    if (record == journaled_host_) return;
    ports_.journal.put("host", record);
    ports_.totals.put("host", record);
    journaled_host_ = std::move(record);
}

// ---- taking over --------------------------------------------------------------------------------

void Engine::recover(const HostRecord& record)
{
    const auto& recovered = ports_.journal.recovered();
    host_.restore(record.counters);
    next_operation_ = record.next_operation;
    counters_.engine_starts = record.engine_starts + 1;
    counters_.adopted_processes = record.adopted_processes;
    counters_.invariant_failures = record.invariant_failures;
    counters_.last_apply = record.last_apply;
    counters_.operations = record.operations;
    recover_numbers(recovered.contains("host") ? JournalOfBoot::there : JournalOfBoot::gone);

    const auto last_end =
        recovered.contains(key_of_clean_end) ? LastEnd::in_order : LastEnd::cut_short;
    ports_.journal.erase(key_of_clean_end);
    operations_.recover();
    std::vector<UnitId> fresh; // units that begin as the files say
    for (const UnitId id : host_.start_order()) {
        if (!recover_unit(id, last_end)) fresh.push_back(id);
        recover_releases(id);
        put_releases(id); // Should the last engine have died just before it could.
        keep_hold(id);    // Should the last engine have died just before it could.
    }
    const bool takes_over = fresh.size() < host_.size();
    say_host(fmt::format("{} {} units", takes_over ? "a new engine takes over" : "starting with",
                         host_.size()));
    adopt(ports_.spawner.survivors(recover_records()));
    if (!recovered.contains("host")) recall_what_was_up(fresh);
    recover_counts();
    operations_.forget_unless([this](const core::OperationRecord& asked) {
        const auto id = host_.find(asked.unit);
        return id && host_.unit(*id).operation && host_.unit(*id).operation->id == asked.id;
    });
    keep_hearing();
    go_on_with_records();
    journal_host();
    // Nothing is decided until it is known what happened meanwhile. The ends that were kept are
    // told before this; a spawn in between might be given the number of one yet to be told.
    if (options_.before) last_seen_ = options_.before->seen;
    ports_.loop.defer([this, fresh, takes_over, alive = std::weak_ptr<int>(alive_)] {
        if (alive.expired()) return;
        resolve_missing();
        drain();
        last_seen_.reset();
        if (takes_over)
            go_on(fresh);
        else
            post(core::HostBooted{});
        forget_strangers();
    });
}

/// Processes that were running and outages that had ended when the journal was written.
std::vector<ports::Spawner::Survivor> Engine::recover_records()
{
    std::vector<ports::Spawner::Survivor> processes;
    for (const auto& [key, text] : ports_.journal.recovered()) {
        if (key.starts_with("process/"))
            if (auto process = decode_process(text)) processes.push_back(std::move(*process));
        if (key.starts_with("outage/"))
            if (auto outage = decode_outage(text)) ended_.push_back(std::move(*outage));
    }
    return processes;
}

/// False if there is nothing to go on from: the unit begins as its file says. After an orderly end
/// only a person's hold outlives it.
bool Engine::recover_unit(UnitId id, LastEnd last_end)
{
    const auto& recovered = ports_.journal.recovered();
    core::Unit unit = host_.unit(id);
    const auto saved = recovered.find(unit_key(host_.spec(id)));
    const bool has_state = unit.config_problem.empty() && saved != recovered.end() &&
                           decode(saved->second, unit, unit_counters_[number(id)]);
    if (!has_state) {
        recover_hold(id);
        return false;
    }
    for (core::Instance& instance : unit.instances)
        if (instance.recipe == 0) instance.recipe = host_.spec(id).recipe; // An older journal's.
    for (Slot slot = 1; slot <= unit.instances.size(); ++slot) {
        const core::Instance& instance = unit.instances[slot - 1U];
        body({id, slot}).spawn = core::spawn_of(instance.state);
        if (instance.hook) body({id, slot}).hook = instance.hook->spawn;
        for (const SpawnId spawn : core::spawns_of(instance)) {
            owners_[number(spawn)] = {id, slot};
            missing_[number(spawn)] = {id, slot};
        }
    }
    const auto expect = [&](SpawnId spawn) {
        owners_[number(spawn)] = {id, whole_unit};
        missing_[number(spawn)] = {id, whole_unit};
    };
    if (unit.rung_hook) expect(unit.rung_hook->spawn);
    if (unit.deploy_effect) expect(unit.deploy_effect->spawn);
    const bool begins_anew =
        last_end == LastEnd::in_order && !std::holds_alternative<core::Held>(unit.wanted);
    if (begins_anew) unit.wanted = core::Down{};
    // A person's goes on, unless its end is on record. One of an apply ended with that: see
    // put_right().
    const auto* record = unit.operation ? operations_.find(unit.operation->id) : nullptr;
    if (begins_anew || record == nullptr || record->outcome) unit.operation.reset();
    unit.begun = begins_anew ? core::Unit::Begun::no : core::Unit::Begun::yes;
    host_.restore(id, std::move(unit));
    return !begins_anew;
}

/// After a boot, or where the state of this one is lost: what was held is held.
void Engine::recover_hold(UnitId id)
{
    const units::UnitSpec& spec = host_.spec(id);
    const auto& kept = ports_.holds.recovered();
    const auto saved = kept.find(hold_key(spec));
    if (saved == kept.end()) return;
    const Now now = ports_.loop.now();
    auto held = decode_hold(saved->second, now);
    if (!held) return log::write(log::Level::warn, "no sense in the hold of " + spec.name);
    if (held->until && held->until->mono <= now.mono) {
        tell(id, core::HoldEnded{*held, "its time was over before keeld began"});
        return;
    }
    held->then = spec.enabled ? core::Held::Then::up : core::Held::Then::down;
    say(id, spec.name, "hold", "still held by " + held->by + ", as when keeld last ran");
    core::Unit unit = host_.unit(id);
    unit.wanted = std::move(*held);
    host_.restore(id, std::move(unit));
}

namespace {

bool stays_down(const core::InstanceState& state)
{
    const auto* stopping = std::get_if<core::Stopping>(&state);
    return std::holds_alternative<core::Stopped>(state) ||
           (stopping != nullptr && stopping->then == core::AfterStop::stay_down);
}

} // namespace

/// What the journal knows of units that are configured no longer.
void Engine::forget_strangers()
{
    for (const auto& [key, text] : ports_.journal.recovered()) {
        const auto from = key.find('/');
        const auto to = key.find('/', from + 1);
        const bool is_of_unit = key.starts_with("unit/") || key.starts_with("process/");
        const std::string name = key.substr(from + 1, std::min(to, key.find('.')) - from - 1);
        if (is_of_unit && !host_.find(name)) ports_.journal.erase(key);
    }
    if (!rollout_) ports_.journal.erase(key_of_apply);
}

void Engine::go_on(const std::vector<UnitId>& fresh)
{
    // Before anything starts, so that it is made as the configuration has it.
    if (ports_.journal.recovered().contains(key_of_apply)) put_right();
    for (const UnitId id : fresh)
        post(core::ForUnit{id, core::Booted{}});
    // An end of keeld that was cut short may have stopped what is wanted up, or be about to.
    for (const UnitId id : host_.start_order())
        for (Slot slot = 1; slot <= host_.spec(id).instances; ++slot)
            if (core::is_wanted_up(host_.unit(id)) &&
                stays_down(host_.unit(id).instances[slot - 1U].state))
                post({id, slot}, core::LaunchWanted{});
    // Whatever waited for a change that came in between looks again.
    for (const UnitId id : host_.start_order())
        post(core::ForUnit{id, core::UnitGateChanged{}});
    post(core::HostTick{});
}

void Engine::adopt(const std::vector<ports::Spawner::Survivor>& survivors)
{
    for (const auto& survivor : survivors)
        skip_spawn_ids(survivor.id);
    draining_ = Draining::yes; // Collects; what follows is taken once all is known.
    for (const auto& survivor : survivors) {
        const auto owner = owners_.find(number(survivor.id));
        if (owner == owners_.end()) {
            const bool is_taken =
                adopt_stray_of_ladder(survivor) || adopt_stray_of_deployment(survivor);
            if (!is_taken) adopt_stray(survivor);
            continue;
        }
        missing_.erase(number(survivor.id));
        ++counters_.adopted_processes;
        const bool is_of_ladder = owner->second.slot == whole_unit;
        // Whoever left last has taken back what control groups were limited to.
        if (!is_of_ladder)
            ports_.spawner.set_resources(survivor.id, host_.spec(owner->second.unit).resources);
        if (is_of_ladder || body(owner->second).hook == survivor.id) {
            post(owner->second, core::Adopted{survivor.id});
            continue;
        }
        processes_[number(survivor.id)] = survivor.process;
        // The log's reader died with the last engine; output goes on from where it stands.
        const InstanceId its = owner->second;
        const auto& state = host_.unit(its.unit).instances[its.slot - 1U].state;
        if (std::holds_alternative<core::Starting>(state))
            await_line(its, survivor.id, ports::LogSink::Awaits::adopted);
        go_on_reading(owner->second);
        post(owner->second, core::Adopted{survivor.id});
    }
}

/// After every end that was kept has been told: a spawn that is neither alive nor told of either
/// never happened or ended where nobody saw it.
void Engine::resolve_missing()
{
    const core::ExitStatus unseen{core::ExitStatus::Kind::unknown, 0, false};
    for (const auto& [spawn, id] : std::exchange(missing_, {})) {
        if (id.slot == whole_unit) {
            post(id, core::ProcessExited{SpawnId{spawn}, unseen, core::TreeState::alive});
            continue;
        }
        const core::Instance& instance = host_.unit(id.unit).instances[id.slot - 1U];
        if (std::ranges::count(core::spawns_of(instance), SpawnId{spawn}) == 0) continue;
        const auto* starting = std::get_if<core::Starting>(&instance.state);
        if (starting != nullptr && starting->running == core::Starting::Running::no)
            post(id, core::SpawnFailed{SpawnId{spawn}, core::SetupStage::lost, 0});
        else
            post(id, core::ProcessExited{SpawnId{spawn}, unseen, core::TreeState::alive});
    }
}

} // namespace keel::engine
