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
                                .on_begun_anew = [this] { keep_all_outages(); }});
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
    ports_.ledger.keep(outage);
    std::erase_if(ended_, [&](const core::Outage& ended) { return ended.id == outage.id; });
    ended_.push_back(outage);
    if (ended_.size() <= ended_max) return;
    ports_.journal.erase(key_of(ended_.front().id));
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
        ports_.ledger.keep(*open);
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
void Engine::go_on_with_outages()
{
    std::vector<OutageId> open;
    for (const core::Outage* outage : open_outages()) {
        open.push_back(outage->id);
        std::erase_if(ended_, [&](const core::Outage& ended) { return ended.id == outage->id; });
    }
    ports_.ledger.go_on_with(std::move(open), number_of_gap());
    keep_all_outages();
}

/// Before the first start of all there was nobody to be away.
std::optional<OutageId> Engine::number_of_gap()
{
    if (options_.absence == EngineOptions::Absence::no) return std::nullopt;
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
        ports_.ledger.keep(ended);
    for (const core::Outage* open : open_outages()) {
        on_record_[open->id] = extent_of(*open);
        ports_.ledger.keep(*open);
    }
}

void Engine::find_outages(const ports::OutageQuery& query,
                          std::function<void(ports::OutageHistory)> done) const
{
    ports_.ledger.find(query, [this, query, done = std::move(done),
                               alive = std::weak_ptr(alive_)](ports::OutageHistory history) {
        if (alive.expired()) return;
        std::map<OutageId, core::OutageView, std::greater<>> all;
        // What memory knows of a record is never older than what the ledger does.
        for (core::OutageView& view : outages()) {
            const auto& closed = view.record.closed;
            if (!query.since || !closed || closed->wall >= *query.since)
                all.emplace(view.record.id, std::move(view));
        }
        for (core::OutageView& view : history.outages)
            all.try_emplace(view.record.id, std::move(view));
        history.outages.clear();
        for (auto& [id, view] : all)
            if (history.outages.size() < query.limit) history.outages.push_back(std::move(view));
        done(std::move(history));
    });
}

} // namespace keel::engine
