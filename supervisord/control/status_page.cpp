#include "control/status_page.hpp"

#include "base/text.hpp"
#include "core/spans.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <fmt/format.h>

namespace keel::control {
namespace {

using core::Span;
using core::Spans;
using core::UnitStatus;

constexpr Duration day = std::chrono::hours(24);
constexpr Duration long_outage = std::chrono::minutes(15); ///< of one day
constexpr std::size_t records_shown = 30;

WallTime start_of_day(WallTime at)
{
    return WallTime(std::chrono::floor<std::chrono::days>(at.time_since_epoch()));
}

/// Down in the eyes of those who use it. Short ones within `grace`, and missing spares, are not.
bool is_told(const core::OutageView& outage)
{
    const bool is_certain =
        outage.record.closed || outage.counted == core::OutageFold::Counted::yes;
    return outage.record.kind == core::OutageKind::outage && is_certain;
}

bool is_planned(const core::OutageView& outage)
{
    return outage.record.planned == core::Outage::Planned::yes;
}

bool is_open(const core::OutageView& outage)
{
    return !outage.record.closed && outage.settling == core::OutageView::Settling::no;
}

/// Keel itself was away; nobody knows how the unit was.
bool is_gap(const core::OutageView& outage, std::string_view unit)
{
    const core::Outage& record = outage.record;
    return record.kind == core::OutageKind::gap && (record.unit.empty() || record.unit == unit);
}

Span span_of(const core::OutageView& outage)
{
    const WallTime opened = outage.record.opened.wall;
    return {opened, opened + outage.length};
}

// ---- words --------------------------------------------------------------------------------------

std::string date_of(WallTime at)
{
    constexpr std::array months = std::to_array<const char*>(
        {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"});
    const std::chrono::year_month_day date(
        std::chrono::sys_days(std::chrono::floor<std::chrono::days>(at.time_since_epoch())));
    return fmt::format("{} {}", static_cast<unsigned>(date.day()),
                       months.at(static_cast<unsigned>(date.month()) - 1));
}

std::string time_of_day(WallTime at)
{
    const auto minutes = std::chrono::floor<std::chrono::minutes>(at - start_of_day(at)).count();
    return fmt::format("{:02}:{:02}", minutes / 60, minutes % 60);
}

/// `<time …>23 Nov, 09:15</time>`
std::string moment(WallTime at, WallTime now)
{
    const bool is_today = start_of_day(at) == start_of_day(now);
    return fmt::format("<time datetime=\"{}\">{}{}</time>", to_rfc3339(at),
                       is_today ? "" : date_of(at) + ", ", time_of_day(at));
}

/// To what a reader wants to know: `less than a minute`, `12 min`, `2 h 5 min`.
std::string about(Duration length)
{
    if (length < std::chrono::minutes(1)) return "less than a minute";
    return to_human(std::chrono::floor<std::chrono::minutes>(length));
}

struct Standing {
    const char* name; ///< class of the page's style
    const char* words;
};

Standing standing_of(const core::UnitView& unit)
{
    switch (unit.status) {
    case UnitStatus::up:
    case UnitStatus::done: return {"up", "Works"};
    case UnitStatus::degraded: return {"less", "Works, with less in reserve"};
    case UnitStatus::starting: return {"less", "Is being started"};
    case UnitStatus::blocked: return {"down", "Down: waits for another service"};
    case UnitStatus::down:
    case UnitStatus::failed: return {"down", "Down"};
    case UnitStatus::held:
    case UnitStatus::stopped: return {"planned", "Off on purpose"};
    }
    return {"unknown", "Not known"};
}

std::string headline(const std::vector<const core::UnitView*>& units)
{
    std::vector<std::string> down;
    std::size_t off = 0;
    for (const auto* unit : units) {
        const std::string_view standing = standing_of(*unit).name;
        if (standing == "down") down.push_back(unit->public_title);
        if (standing == "planned") ++off;
    }
    if (units.empty()) return "No service is shown here";
    // A title may be a plural.
    if (down.size() == 1) return "Down: " + html_escaped(down.front());
    if (!down.empty()) return fmt::format("{} of {} services are down", down.size(), units.size());
    if (off > 0)
        return fmt::format("{} of {} services {} off on purpose", off, units.size(),
                           off == 1 ? "is" : "are");
    return units.size() == 1 ? "The service works" : "All services work";
}

// ---- bars ---------------------------------------------------------------------------------------

const char* name_of(StatusDay::Kind kind)
{
    switch (kind) {
    case StatusDay::Kind::unknown: return "unknown";
    case StatusDay::Kind::up: return "up";
    case StatusDay::Kind::planned: return "planned";
    case StatusDay::Kind::short_outage: return "short";
    case StatusDay::Kind::long_outage: return "down";
    }
    return "unknown";
}

std::string words_of(const StatusDay& of)
{
    if (of.kind == StatusDay::Kind::unknown) return "no data";
    std::string words = "no outage";
    if (of.down > Duration{0})
        words = "down for " + about(of.down);
    else if (of.planned > Duration{0})
        words = "off on purpose for " + about(of.planned);
    return of.unknown > Duration{0} ? words + ", no data for " + about(of.unknown) : words;
}

std::string bar_of(const std::vector<StatusDay>& days, WallTime now)
{
    const auto count = [&](auto test) { return std::ranges::count_if(days, test); };
    const auto unknown = count([](const auto& d) { return d.kind == StatusDay::Kind::unknown; });
    const auto with_outage = count([](const auto& d) { return d.down > Duration{0}; });
    std::string svg = fmt::format(
        "<svg class=\"bar\" viewBox=\"0 0 {} 32\" preserveAspectRatio=\"none\" role=\"img\" "
        "aria-label=\"{} days: outages on {}, no data for {}\">",
        status_days * 10, status_days, with_outage, unknown);
    for (std::size_t i = 0; i < days.size(); ++i) {
        const WallTime at = start_of_day(now) - day * static_cast<int>(days.size() - 1 - i);
        svg += fmt::format("<rect class=\"{}\" x=\"{}\" width=\"7\" height=\"32\" rx=\"1.5\">"
                           "<title>{}: {}</title></rect>",
                           name_of(days[i].kind), i * 10, date_of(at), words_of(days[i]));
    }
    return svg + "</svg>";
}

/// What the records say of one unit, so that not all of them are looked through for each day.
/// No time stands in two of them, as in core::availability(): what lies in a gap is unknown,
/// whatever else is on record of it.
struct Past {
    Spans down, planned, unknown;
};

Past past_of(const StatusPage& page, std::string_view unit)
{
    std::vector<Span> down, planned, unknown;
    for (const auto& record : page.records) {
        if (is_gap(record, unit)) unknown.push_back(span_of(record));
        if (record.record.unit == unit && is_told(record))
            (is_planned(record) ? planned : down).push_back(span_of(record));
    }
    Past past;
    past.unknown = Spans(std::move(unknown));
    past.planned = Spans(std::move(planned)).without(past.unknown);
    past.down = Spans(std::move(down)).without(past.unknown).without(past.planned);
    return past;
}

Duration shared(const Spans& spans, const Span& with)
{
    return spans.within(Spans({with})).length();
}

/// `99.98 % of the 12 days known`; nothing if less than an hour is.
std::string share_of(const StatusPage& page, const Past& past)
{
    const WallTime from =
        std::max(page.known_since, page.now - day * static_cast<int>(status_days));
    const Span known{from, page.now};
    const Duration due =
        page.now - from - shared(past.planned, known) - shared(past.unknown, known);
    if (due < std::chrono::hours(1)) return "";
    // Rounded down: what is not whole is never told as 100 %.
    const double up = 1.0 - seconds(shared(past.down, known)) / seconds(due);
    const double share = std::floor(10'000.0 * up) / 100.0;
    return fmt::format("up {} % of {}", share, to_human(due));
}

std::vector<StatusDay> days_of(const StatusPage& page, const Past& past)
{
    std::vector<StatusDay> days;
    for (std::size_t ago = status_days; ago-- > 0;) {
        const WallTime from = start_of_day(page.now) - day * static_cast<int>(ago);
        const Span whole{from, from + day};
        const Span known{std::max(from, page.known_since), std::min(whole.end, page.now)};
        StatusDay of{StatusDay::Kind::up, shared(past.down, whole), shared(past.planned, whole),
                     shared(past.unknown, known)};
        // A day of which less than half is known, with nothing in it, is not told as good.
        if (2 * of.unknown >= known.end - known.begin) of.kind = StatusDay::Kind::unknown;
        if (of.planned > Duration{0}) of.kind = StatusDay::Kind::planned;
        if (of.down > Duration{0})
            of.kind = of.down < long_outage ? StatusDay::Kind::short_outage
                                            : StatusDay::Kind::long_outage;
        days.push_back(of);
    }
    return days;
}

// ---- parts of the page --------------------------------------------------------------------------

std::string unit_part(const StatusPage& page, const core::UnitView& unit)
{
    const Standing standing = standing_of(unit);
    const Past past = past_of(page, unit.name);
    std::string since;
    if (unit.since != WallTime{} && std::string_view(standing.name) != "up")
        since = " since " + moment(unit.since, page.now);
    return fmt::format("<li class=\"unit\"><h2>{}</h2><p class=\"standing {}\">{}{}</p>{}"
                       "<p class=\"scale\"><span>{} days ago</span><span>{}</span>"
                       "<span>today</span></p></li>\n",
                       html_escaped(unit.public_title), standing.name, standing.words, since,
                       bar_of(days_of(page, past), page.now), status_days - 1,
                       share_of(page, past));
}

/// As many as may be shown, by their titles; of too many rather those that are down.
std::string units_part(const StatusPage& page, std::vector<const core::UnitView*> units)
{
    const std::size_t more = units.size() - std::min(units.size(), status_units_max);
    const auto is_down = [](const auto* unit) {
        return std::string_view(standing_of(*unit).name) == "down";
    };
    std::stable_partition(units.begin(), units.end(), is_down);
    units.resize(units.size() - more);
    std::ranges::sort(units, {}, [](const auto* unit) { return unit->public_title; });
    std::string list;
    for (const auto* unit : units)
        list += unit_part(page, *unit);
    if (more > 0)
        list += fmt::format("<li class=\"unit\"><p>{} more are not shown.</p></li>\n", more);
    return list;
}

std::string record_part(const core::OutageView& outage, const std::string& title, WallTime now)
{
    const Span span = span_of(outage);
    const char* what = is_planned(outage) ? "off on purpose" : "down";
    if (is_open(outage))
        return fmt::format("<li class=\"{}\"><b>{}</b> {} since {}, for {} so far</li>\n",
                           is_planned(outage) ? "planned" : "down", html_escaped(title), what,
                           moment(span.begin, now), about(outage.length));
    if (outage.length < std::chrono::minutes(1))
        return fmt::format("<li><b>{}</b> {} at {}, for {}</li>\n", html_escaped(title), what,
                           moment(span.begin, now), about(outage.length));
    return fmt::format("<li><b>{}</b> {} from {} to {}, for {}</li>\n", html_escaped(title), what,
                       moment(span.begin, now), moment(span.end, now), about(outage.length));
}

std::string records_part(const StatusPage& page, const std::vector<const core::UnitView*>& units)
{
    std::string list;
    std::size_t count = 0;
    for (const auto& outage : page.records) {
        const auto unit = std::ranges::find(units, outage.record.unit, &core::UnitView::name);
        if (!is_told(outage) || unit == units.end()) continue;
        if (++count > records_shown) break;
        list += record_part(outage, (*unit)->public_title, page.now);
    }
    if (list.empty()) return "<p>None since records began.</p>\n";
    return "<ul class=\"records\">\n" + list + "</ul>\n";
}

} // namespace

std::string html_escaped(std::string_view text)
{
    std::string escaped;
    for (const char c : text) {
        if (c == '&')
            escaped += "&amp;";
        else if (c == '<')
            escaped += "&lt;";
        else if (c == '>')
            escaped += "&gt;";
        else if (c == '"')
            escaped += "&quot;";
        else if (c == '\'')
            escaped += "&#39;";
        else
            escaped += c;
    }
    return escaped;
}

std::vector<StatusDay> days_of(const StatusPage& page, std::string_view unit)
{
    return days_of(page, past_of(page, unit));
}

std::string to_html(const StatusPage& page)
{
    std::vector<const core::UnitView*> units;
    for (const auto& unit : page.units)
        if (!unit.public_title.empty()) units.push_back(&unit);

    const std::string head = headline(units);
    const std::string list = units_part(page, units);
    std::string worst = "up";
    for (const auto* unit : units) {
        const std::string_view standing = standing_of(*unit).name;
        if (standing == "down" || (worst == "up" && standing != "up")) worst = standing;
    }
    return fmt::format(R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="30">
<title>{0}</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/status.css">
</head>
<body>
<main>
<header class="{1}"><h1>{0}</h1>
<p>As of {2} UTC; this page looks again every 30 seconds.</p></header>
<ul class="units">
{3}</ul>
<section><h2>Outages</h2>
{4}</section>
<footer><p>Times are in UTC. Records began on {5} at {6}. What was before is not known, and not
counted as up.</p></footer>
</main>
</body>
</html>
)",
                       head, worst, moment(page.now, page.now), list, records_part(page, units),
                       date_of(page.known_since), time_of_day(page.known_since));
}

} // namespace keel::control
