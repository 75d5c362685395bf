// What has been: what the ledger knows, and on top of it what memory knows, which is never older.
#include "engine/engine.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace keel::engine {

void Engine::find_outages(const ports::OutageQuery& query,
                          std::function<void(ports::OutageHistory)> done) const
{
    ports_.ledger.find(query, [this, query, done = std::move(done),
                               alive = std::weak_ptr(alive_)](ports::OutageHistory history) {
        if (alive.expired()) return;
        std::map<OutageId, core::OutageView, std::greater<>> all;
        for (core::OutageView& view : outages()) {
            using Words = ports::OutageQuery::LastWords;
            if (query.last_words == Words::left_out) view.last_words.reset();
            const auto& closed = view.record.closed;
            if (!query.since || !closed || closed->wall >= *query.since)
                all.emplace(view.record.id, std::move(view));
        }
        for (core::OutageView& view : history.outages) {
            const core::LastWords words = view.last_words;
            const auto [found, is_new] = all.try_emplace(view.record.id, std::move(view));
            if (!found->second.last_words) found->second.last_words = words;
        }
        history.outages.clear();
        for (auto& [id, view] : all)
            if (history.outages.size() < query.limit) history.outages.push_back(std::move(view));
        done(std::move(history));
    });
}

namespace {

core::Downtime downtime_of(const core::OutageView& view)
{
    const core::Outage& record = view.record;
    const WallTime begin = record.opened.wall;
    using Over = core::Downtime::Over;
    return {{begin, begin + view.length},
            record.kind,
            record.planned,
            record.closed ? Over::yes : Over::no,
            record.id};
}

core::UnitPast& past_of(core::PastOfAll& past, const std::string& unit)
{
    const auto known = std::ranges::find(past.units, unit, &core::UnitPast::unit);
    if (known != past.units.end()) return *known;
    past.units.push_back({unit, {}, {}});
    return past.units.back();
}

} // namespace

void Engine::find_past(WallTime since, std::function<void(core::PastOfAll)> done) const
{
    ports_.ledger.find_past(since, [this, since, done = std::move(done),
                                    alive = std::weak_ptr(alive_)](core::PastOfAll past) {
        if (alive.expired()) return;
        for (const auto& [id, began] : wanted_since_)
            past_of(past, host_.spec(id).name)
                .wanted.push_back({began.wall, ports_.loop.now().wall});
        for (const core::OutageView& view : outages()) {
            const auto& closed = view.record.closed;
            if (view.record.unit.empty() || (closed && closed->wall < since)) continue;
            auto& downtimes = past_of(past, view.record.unit).downtimes;
            std::erase_if(downtimes, [&](const auto& each) { return each.id == view.record.id; });
            downtimes.push_back(downtime_of(view));
        }
        std::ranges::sort(past.units, {}, &core::UnitPast::unit);
        done(std::move(past));
    });
}

void Engine::find_incident(OutageId outage, std::function<void(core::Incident)> done) const
{
    ports_.ledger.find_incident(outage, [this, outage, done = std::move(done),
                                         alive = std::weak_ptr(alive_)](core::Incident incident) {
        if (alive.expired()) return;
        const auto in_memory = outages();
        const auto find = [&](OutageId id) {
            return std::ranges::find(in_memory, id,
                                     [](const core::OutageView& view) { return view.record.id; });
        };
        if (const auto known = find(outage); known != in_memory.end()) {
            const auto words = incident.outage ? incident.outage->last_words : nullptr;
            incident.outage = *known;
            if (!incident.outage->last_words) incident.outage->last_words = words;
        }
        if (incident.outage && incident.outage->record.caused_by)
            if (const auto known = find(*incident.outage->record.caused_by);
                known != in_memory.end())
                incident.cause = *known;
        for (const core::OutageView& view : in_memory) {
            if (view.record.caused_by != outage) continue;
            std::erase_if(incident.followers, [&](const core::OutageView& each) {
                return each.record.id == view.record.id;
            });
            incident.followers.push_back(view);
        }
        std::ranges::sort(incident.followers, {},
                          [](const core::OutageView& view) { return view.record.id; });
        done(std::move(incident));
    });
}

} // namespace keel::engine
