#include "cli/events.hpp"

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/event_stream.hpp"
#include "cli/words.hpp"

#include <fmt/format.h>

namespace keel::cli {
namespace {

using control::Trouble;
using control::trouble_of;

const Duration patience = std::chrono::seconds(10);
constexpr std::size_t count_usual = 50;
constexpr std::size_t count_max = 10'000; ///< what the API lists at most
constexpr std::size_t subject_width = 18;

/// `rest` and the unit, if there is one.
std::string unit_query(const EventsOptions& options, std::string rest)
{
    if (options.unit.empty()) return rest;
    if (!rest.empty()) rest += '&';
    return rest + "unit=" + control::url_encoded(options.unit);
}

Tone tone_of_kind(std::string_view kind)
{
    if (kind == "failure" || kind == "outage") return Tone::bad;
    if (kind == "rung") return Tone::warning;
    return kind == "operation" ? Tone::strong : Tone::plain;
}

/// One event of a stream, for people or as a line of JSON. False: nobody reads any more.
bool show(const Context& context, const control::SseEvent& event)
{
    if (event.event == "missed") {
        complain("events may be missing here: keeld's engine was replaced, or they were not read "
                 "in time",
                 "`keel outages` and `keel logs` know what happened meanwhile");
        return !context.as_json() || print(fmt::format("{{\"missed\":{}}}\n", event.data));
    }
    if (context.as_json()) return print(event.data + "\n");
    const auto view = control::decode_event(event.data);
    return !view || print(event_line(*view, wall_now(), context.screen));
}

Exit follow(const Context& context, const EventsOptions& options, std::uint64_t after)
{
    EventStream stream(context.socket_path, unit_query(options, {}));
    if (const auto trouble = stream.open(control::deadline_in(patience), after))
        return give_up(*trouble);
    for (;;) {
        const auto news = stream.next({});
        if (const auto* trouble = trouble_of(news)) return give_up(*trouble);
        for (const auto& event : std::get<EventStream::News>(news).events)
            if (!show(context, event)) return Exit::done;
    }
}

/// Says so where there was more than is known.
void tell_of_forgotten(const control::EventList& list, const EventsOptions& options)
{
    if (!options.since || (list.kept_since && *list.kept_since <= *options.since)) return;
    const std::string from =
        list.kept_since ? fmt::format(" before {}", local_time(*list.kept_since, wall_now())) : "";
    complain(fmt::format("events{} are not kept any more", from),
             "`keel outages` and `keel logs` go back further");
}

std::string list_query(const EventsOptions& options)
{
    std::string query = "follow=0";
    if (options.since) query += "&since=" + control::url_encoded(to_rfc3339(*options.since));
    if (options.count || !options.since)
        query += fmt::format("&limit={}", options.count.value_or(count_usual));
    else
        query += fmt::format("&limit={}", count_max);
    return unit_query(options, query);
}

} // namespace

std::string event_line(const core::EventView& event, WallTime now, const Screen& screen)
{
    const std::string subject = event.subject.empty() ? event.unit : event.subject;
    std::string text = printable(event.text);
    const std::string time = local_time(event.at, now);
    const std::size_t before = time.size() + 2 + std::max(subject.size(), subject_width) + 2;
    if (screen.width && *screen.width > before + 10) text = cut(text, *screen.width - before);
    return fmt::format("{}  {:<{}}  {}\n", toned(time, Tone::dim, screen.colour), subject,
                       subject_width, toned(text, tone_of_kind(event.kind), screen.colour));
}

Exit events(const Context& context, const EventsOptions& options)
{
    const auto body = control::get(context.socket_path, "/v1/events?" + list_query(options),
                                   control::deadline_in(patience));
    if (const auto* trouble = trouble_of(body)) return give_up(*trouble);
    const std::string& json = std::get<std::string>(body);
    const auto list = control::decode_events(json);
    if (!list) return give_up({Trouble::Kind::garbled, list.error().text(), {}});

    const bool follows = options.follow == LogsOptions::Follow::yes;
    tell_of_forgotten(*list, options);
    if (context.as_json() && !follows) {
        print(json + "\n");
        return Exit::done;
    }
    for (const auto& event : list->events)
        print(context.as_json() ? control::encode(event) + "\n"
                                : event_line(event, wall_now(), context.screen));
    if (!follows) return Exit::done;
    return follow(context, options, list->latest);
}

} // namespace keel::cli
