// The answers of the control API that tell what has been: events, outages, how available all was.
#include "control/answers.hpp"
#include "control/server.hpp"

#include <fmt/format.h>
#include <limits>

namespace keel::control {
namespace {

using Exchanged = std::shared_ptr<Exchange>;

constexpr std::uint64_t events_max = 10'000;
constexpr std::uint64_t outages_max = 10'000;
/// With their last words, which may be 16 KiB each.
constexpr std::uint64_t outages_in_full_max = 1000;
/// More of them are turned into text on another thread: each may have 16 KiB of last words and a
/// hundred things that were tried.
constexpr std::size_t outages_at_once = 16;

EventList all_events(const ports::Supervisor& supervisor)
{
    EventList list;
    list.events = supervisor.events_after(0, std::numeric_limits<std::size_t>::max());
    if (list.events.empty()) return list;
    list.latest = list.events.back().id;
    list.kept_since = list.events.front().at;
    return list;
}

/// The time that no window of a report goes beyond: what is older than that is forgotten.
constexpr Duration window_max = std::chrono::hours(24 * 3650);

Report report_of(const core::PastOfAll& past, core::Span window)
{
    Report report{window, past.since, {}, {}, past.missing};
    const core::Spans gaps(past.gaps);
    report.away = gaps.within(core::Spans({window})).length();
    for (const core::UnitPast& of_unit : past.units) {
        core::Availability found = core::availability(of_unit, gaps, window);
        if (found.wanted > Duration{0} || found.outages > 0)
            report.units.push_back({of_unit.unit, found});
    }
    return report;
}

} // namespace

void ControlServer::answer_events(const Exchanged& exchange)
{
    const HttpRequest& request = exchange->request();
    const std::string unit(request.argument("unit").value_or(""));
    if (!unit.empty() && !sources_.supervisor.unit(unit))
        return refuse(exchange, no_such_unit(unit, sources_.supervisor));
    constexpr auto id_max = std::numeric_limits<std::uint64_t>::max();
    const auto follow = number_argument(request, "follow", 1, 1);
    if (!follow) return refuse(exchange, bad_number("follow", 1));
    const auto limit = number_argument(request, "limit", 200, events_max);
    if (!limit) return refuse(exchange, bad_number("limit", events_max));
    auto after = number_argument(request, "after", *follow == 1 ? events_.latest() : 0, id_max);
    // A client that reconnects by itself repeats its first question, and adds where it stopped.
    if (!request.last_event_id.empty()) {
        after = whole_number(request.last_event_id, id_max);
    }
    if (!after) return refuse(exchange, bad_number("after", id_max));
    const auto since = request.argument("since");
    const auto since_when = parse_rfc3339(since.value_or(""));
    if (since && !since_when) return refuse(exchange, bad_since());
    if (*follow == 1) {
        if (since) return refuse(exchange, bad_request("`since` goes with follow=0 only"));
        return events_.open(exchange, *after, unit);
    }
    EventList list = all_events(sources_.supervisor);
    std::erase_if(list.events, [&](const auto& event) {
        return event.id <= *after || (since && event.at < *since_when) ||
               (!unit.empty() && event.unit != unit);
    });
    const std::size_t surplus = list.events.size() - std::min(list.events.size(), *limit);
    list.events.erase(list.events.begin(),
                      list.events.begin() + static_cast<std::ptrdiff_t>(surplus));
    exchange->answer(json_answer(encode(list)));
}

void ControlServer::answer_outages(const Exchanged& exchange)
{
    const HttpRequest& request = exchange->request();
    ports::OutageQuery query;
    if (const auto since = request.argument("since")) {
        query.since = parse_rfc3339(*since);
        if (!query.since) return refuse(exchange, bad_since());
    }
    const auto in_full = number_argument(request, "last_words", 1, 1);
    if (!in_full) return refuse(exchange, bad_number("last_words", 1));
    const auto most = *in_full == 1 ? outages_in_full_max : outages_max;
    const auto limit = number_argument(request, "limit", query.limit, most);
    if (!limit) return refuse(exchange, bad_number("limit", most));
    if (*in_full == 1) query.last_words = ports::OutageQuery::LastWords::told;
    query.limit = static_cast<std::size_t>(*limit);
    sources_.supervisor.find_outages(
        query, [this, alive = std::weak_ptr(alive_), exchange](ports::OutageHistory history) {
            if (alive.expired()) return;
            auto list = std::make_shared<OutageList>(
                OutageList{std::move(history.outages), std::move(history.missing)});
            if (list->outages.size() <= outages_at_once)
                return exchange->answer(json_answer(encode(*list)));
            auto text = std::make_shared<std::string>();
            sources_.loop.offload([list, text] { *text = encode(*list); },
                                  [exchange, text] { exchange->answer(json_answer(*text)); });
        });
}

void ControlServer::answer_outage(const Exchanged& exchange, const std::string& id)
{
    // SQLite counts as far as this.
    const auto wanted = whole_number(id, std::numeric_limits<std::int64_t>::max());
    if (!wanted) return refuse(exchange, no_such_outage(id));
    sources_.supervisor.find_incident(OutageId{*wanted}, [alive = std::weak_ptr(alive_), exchange,
                                                          id](const core::Incident& incident) {
        if (alive.expired()) return;
        if (!incident.outage) return refuse(exchange, no_such_outage(id, incident.missing));
        exchange->answer(json_answer(encode(incident)));
    });
}

/// A year of a thousand units is some work: it is done on another thread.
void ControlServer::answer_report(const Exchanged& exchange)
{
    const WallTime now = sources_.loop.now().wall;
    core::Span window{now - std::chrono::hours(24 * 30), now};
    if (const auto since = exchange->request().argument("since")) {
        const auto when = parse_rfc3339(*since);
        if (!when || *when >= now || now - *when > window_max) return refuse(exchange, bad_since());
        window.begin = *when;
    }
    sources_.supervisor.find_past(window.begin, [this, alive = std::weak_ptr(alive_), exchange,
                                                 window](core::PastOfAll found) {
        if (alive.expired()) return;
        auto past = std::make_shared<core::PastOfAll>(std::move(found));
        auto text = std::make_shared<std::string>();
        sources_.loop.offload(
            [past, window, text] { *text = encode(report_of(*past, window)); },
            [exchange, text] { exchange->answer(json_answer(std::move(*text))); });
    });
}

} // namespace keel::control
