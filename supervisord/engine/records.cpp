// Outages as the ledger gets them: when they open, when something was tried, when they close. What
// the engine has in memory, and its journal, is told again to an empty ledger and by a new engine.
#include "engine/engine.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace keel::engine {
namespace {

constexpr std::size_t ended_max = 200;

std::string key_of(OutageId id) { return fmt::format("outage/{:020}", number(id)); }

/// Grows with whatever is worth writing down of an open record.
std::size_t extent_of(const core::Outage& outage)
{
    const std::size_t tried = outage.actions.size();
    return 2 * tried + (tried > 0 && !outage.actions.back().result.empty() ? 1 : 0);
}

} // namespace

void Engine::hear_ledger()
{
    ports_.ledger.set_handlers({.on_news = [this](const std::string& text) { say_host(text); },
                                .on_begun_anew =
                                    [this] {
                                        keep_all_outages();
                                        keep_all_wanted();
                                    }});
}

/// Before the step is journaled: an outage that is open no longer is on record as ended. Should
/// this engine die in between it is both, and ends once more.
void Engine::keep_ended_outages(const core::HostStep& step)
{
    for (const core::HostNote& note : step.notes)
        if (const auto* closed = std::get_if<core::OutageClosed>(&note.note))
            keep_ended(closed->record);
}

void Engine::keep_ended(const core::Outage& outage)
{
    ports_.journal.put(key_of(outage.id), encode(outage));
    on_record_.erase(outage.id);
    ports_.ledger.keep(outage, last_words_of(outage.id));
    std::erase_if(ended_, [&](const core::Outage& ended) { return ended.id == outage.id; });
    ended_.push_back(outage);
    if (ended_.size() <= ended_max) return;
    ports_.journal.erase(key_of(ended_.front().id));
    forget_last_words(ended_.front().id);
    ended_.pop_front();
}

void Engine::keep_open_outages(UnitId id)
{
    const core::Unit& unit = host_.unit(id);
    for (const core::OutageFold* fold : {&unit.outage, &unit.degradation}) {
        const core::Outage* open = core::open_outage(*fold);
        if (open == nullptr) continue;
        const std::size_t extent = extent_of(*open);
        const auto [known, is_new] = on_record_.try_emplace(open->id, extent);
        if (!is_new && std::exchange(known->second, extent) == extent) continue;
        ports_.ledger.keep(*open, last_words_of(open->id));
    }
}

std::vector<const core::Outage*> Engine::open_outages() const
{
    std::vector<const core::Outage*> all;
    for (const UnitId id : host_.start_order())
        for (const core::OutageFold* fold : {&host_.unit(id).outage, &host_.unit(id).degradation})
            if (const core::Outage* open = core::open_outage(*fold)) all.push_back(open);
    return all;
}

/// What the last engine kept may not have come as far as the ledger.
void Engine::go_on_with_records()
{
    ports::Beginning beginning;
    for (const core::Outage* outage : open_outages()) {
        beginning.open.push_back(outage->id);
        std::erase_if(ended_, [&](const core::Outage& ended) { return ended.id == outage->id; });
    }
    recover_last_words();
    for (const UnitId id : host_.start_order()) {
        if (!core::is_wanted_up(host_.unit(id))) continue;
        wanted_since_[id] = ports_.loop.now();
        beginning.wanted.push_back(host_.spec(id).name);
    }
    beginning.gap = number_of_gap();
    if (options_.absence == EngineOptions::Absence::yes)
        beginning.absence = ports::Beginning::Absence::sure;
    for (const UnitId id : host_.start_order())
        for (const core::Instance& instance : host_.unit(id).instances)
            if (const auto spawn = core::spawn_of(instance.state))
                beginning.running.push_back(*spawn);
    for (const core::OperationRecord& operation : operations_.list()) {
        if (!operation.outcome) beginning.under_way.push_back(operation.id);
        ports_.ledger.keep(operation); // The last engine may not have come to it.
    }
    ports_.ledger.go_on_with(std::move(beginning));
    keep_all_outages();
}

/// The state of this boot is gone, with the boot or without: what was up when Keel was last there,
/// and is not, has been missed since then, and an outage that was open then goes on.
void Engine::recall_what_was_up(const std::vector<UnitId>& fresh)
{
    if (!options_.before) return;
    const ports::LastLife& before = *options_.before;
    const bool has_booted = before.boot == ports::LastLife::Boot::another;
    core::OutageSign sign;
    sign.cause = has_booted ? core::OutageCause::boot : core::OutageCause::lost;
    sign.text = has_booted ? "boot of the host" : "ended unseen";
    sign.detected_by = has_booted ? "boot" : "exit";
    if (before.end == ports::LastLife::End::in_order) sign.planned = core::Outage::Planned::yes;
    sign.since = before.seen;
    for (const UnitId id : fresh) {
        core::Unit unit = host_.unit(id);
        const units::UnitSpec& spec = host_.spec(id);
        const bool is_held = std::holds_alternative<core::Held>(unit.wanted);
        if (!spec.enabled || is_held || !unit.config_problem.empty() || core::has_spawn(unit))
            continue;
        const auto open = std::ranges::find_if(before.open, [&](const core::Outage& outage) {
            return outage.unit == spec.name && outage.kind == core::OutageKind::outage;
        });
        if (open != before.open.end()) {
            const bool outlived = before.seen.wall - open->opened.wall >= spec.outage.grace;
            using Counted = core::OutageFold::Counted;
            unit.outage = {core::OpenOutage{*open}, outlived ? Counted::yes : Counted::no};
        } else if (std::ranges::count(before.wanted, spec.name) > 0) {
            unit.sign = sign;
        } else {
            continue;
        }
        host_.restore(id, std::move(unit));
    }
}

/// Before the first start of all there was nobody to be away. A number that nobody needs is left
/// out.
std::optional<OutageId> Engine::number_of_gap()
{
    if (!ports_.totals.recovered().contains("host")) return std::nullopt;
    auto counters = host_.counters();
    const OutageId taken = counters.next_outage;
    counters.next_outage = OutageId{number(taken) + 1};
    host_.restore(counters);
    return taken;
}

void Engine::keep_all_outages()
{
    for (const core::Outage& ended : ended_)
        ports_.ledger.keep(ended, last_words_of(ended.id));
    for (const core::Outage* open : open_outages()) {
        on_record_[open->id] = extent_of(*open);
        ports_.ledger.keep(*open, last_words_of(open->id));
    }
}

// ---- spawns, operations, what is wanted ---------------------------------------------------------

namespace {

/// What the step tells of that kind of that instance; nullptr: nothing.
template <class Note> const Note* note_of(InstanceId id, const core::HostStep& step)
{
    for (const core::HostNote& note : step.notes)
        if (const auto* told = std::get_if<Note>(&note.note))
            if (note.unit == id.unit && told->slot == id.slot) return told;
    return nullptr;
}

} // namespace

/// The runs of instances; those of hooks are no spawns of anything that is there to serve.
void Engine::keep_spawn(const core::HostEvent& event, const core::HostStep& step)
{
    const auto* of_unit = std::get_if<core::ForUnit>(&event);
    const auto* of_instance =
        of_unit != nullptr ? std::get_if<core::ForInstance>(&of_unit->event) : nullptr;
    if (of_instance == nullptr || of_instance->slot == whole_unit) return;
    const InstanceId id{of_unit->unit, of_instance->slot};
    const Now now = ports_.loop.now();
    const auto keep = [&](SpawnId spawn, std::optional<std::string> ending) {
        if (body(id).hook == spawn) return;
        const auto [known, is_new] = running_.try_emplace(number(spawn));
        core::SpawnRecord& record = known->second;
        if (is_new) record = {spawn, host_.spec(id.unit).name, id.slot, "", {}, {}, ""};
        if (!ending) {
            if (const auto* started = note_of<core::Started>(id, step))
                record.reason = name(started->cause);
            record.began = now;
            return ports_.ledger.keep(record);
        }
        record.ended = now;
        record.ending = std::move(*ending);
        ports_.ledger.keep(record);
        running_.erase(known);
    };
    if (const auto* begun = std::get_if<core::Spawned>(&of_instance->event)) keep(begun->spawn, {});
    if (const auto* exited = std::get_if<core::ProcessExited>(&of_instance->event))
        keep(exited->spawn, core::to_text(exited->status));
    if (const auto* failed = std::get_if<core::SpawnFailed>(&of_instance->event)) {
        const auto* failure = note_of<core::AttemptFailed>(id, step);
        keep(failed->spawn,
             failure != nullptr ? failure->failure.what : std::string(name(failed->stage)));
    }
}

void Engine::keep_deployments(const core::HostStep& step)
{
    for (const core::HostNote& note : step.notes)
        if (const auto* ended = std::get_if<core::DeploymentEnded>(&note.note))
            ports_.ledger.keep(host_.spec(note.unit).name, ended->record);
}

void Engine::keep_wanted(UnitId id)
{
    const bool is_wanted = core::is_wanted_up(host_.unit(id));
    if (is_wanted == wanted_since_.contains(id)) return;
    if (is_wanted)
        wanted_since_[id] = ports_.loop.now();
    else
        wanted_since_.erase(id);
    using Wanted = ports::WantedChange::Wanted;
    ports_.ledger.keep(ports::WantedChange{host_.spec(id).name, ports_.loop.now(),
                                           is_wanted ? Wanted::yes : Wanted::no});
}

void Engine::keep_all_wanted()
{
    for (const auto& [id, since] : wanted_since_)
        ports_.ledger.keep(
            ports::WantedChange{host_.spec(id).name, since, ports::WantedChange::Wanted::yes});
}

} // namespace keel::engine
