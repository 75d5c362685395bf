// keel report: how available units were, and what was down.
#include "cli/report.hpp"

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/words.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace keel::cli {
namespace {

std::string length(const std::optional<Duration>& some) { return some ? to_human(*some) : "–"; }

/// `–` for none at all, as most units have none most of the time.
std::string length_if_any(Duration some) { return some > Duration{0} ? to_human(some) : "–"; }

std::string row_of(const control::Report::OfUnit& of_unit)
{
    const core::Availability& a = of_unit.availability;
    return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |\n", plain(of_unit.unit),
                       percent(a.ratio()), a.outages, length_if_any(a.down),
                       length_if_any(a.planned), length_if_any(a.unknown), length(a.recovery),
                       length(a.between_failures()));
}

std::string item_of(const core::OutageView& outage, WallTime now)
{
    const core::Outage& record = outage.record;
    return fmt::format("- {}: **{}**, outage {}, {}{}: {}\n", local_time(record.opened.wall, now),
                       plain(record.unit), number(record.id), record.closed ? "" : "still down, ",
                       lasted(outage), plain(record.cause_text));
}

bool is_listed(const core::OutageView& outage, const core::Span& window)
{
    const core::Outage& record = outage.record;
    return record.kind == core::OutageKind::outage && record.planned == core::Outage::Planned::no &&
           record.opened.wall < window.end &&
           (!record.closed || record.closed->wall >= window.begin);
}

} // namespace

std::string percent(std::optional<double> ratio)
{
    if (!ratio) return "unknown";
    if (*ratio >= 1) return "100 %";
    return fmt::format("{:.4f} %", std::floor(*ratio * 1e6) / 1e4);
}

std::string plain(std::string_view text)
{
    constexpr std::string_view special = "\\`*_{}[]<>|#~";
    std::string escaped;
    for (const char c : shown_of(text)) {
        if (special.find(c) != std::string_view::npos) escaped += '\\';
        escaped += c;
    }
    return escaped;
}

std::string report_page(const control::Report& report, const std::vector<core::OutageView>& outages,
                        WallTime now)
{
    const core::Span& window = report.window;
    std::string page = fmt::format("# Availability from {} to {}\n\n",
                                   local_time(window.begin, now), local_time(window.end, now));
    if (!report.records_since)
        page += "Nothing is on record.\n\n";
    else if (*report.records_since > window.begin)
        page += fmt::format("On record since {}; what was before is not known.\n\n",
                            local_time(*report.records_since, now));
    if (report.away > Duration{0})
        page += fmt::format("Keel itself was away for {}: of that time nothing is claimed.\n\n",
                            to_human(report.away));
    page += "| Unit | Availability | Outages | Down | Planned | Unknown | MTTR | MTBF |\n"
            "| :-- | --: | --: | --: | --: | --: | --: | --: |\n";
    for (const control::Report::OfUnit& of_unit : report.units)
        page += row_of(of_unit);
    page += "\nAvailability is ready time by the time in which the unit was wanted up, without "
            "what was planned or unknown.\n\n## Outages\n\n";
    std::vector<const core::OutageView*> listed;
    for (const core::OutageView& outage : outages)
        if (is_listed(outage, window)) listed.push_back(&outage);
    if (listed.empty()) page += "None that was not planned.\n";
    for (std::size_t i = 0; i < std::min(listed.size(), report_outages_max); ++i)
        page += item_of(*listed[i], now);
    if (listed.size() > report_outages_max)
        page += fmt::format("- and {} earlier ones: `keel outages`\n",
                            listed.size() - report_outages_max);
    return page;
}

Exit report(const Context& context, const ReportOptions& options)
{
    std::string since;
    if (options.since) since = control::url_encoded(to_rfc3339(*options.since));
    const auto ask = [&](const std::string& path) {
        return control::get(context.socket_path, path,
                            control::deadline_in(std::chrono::seconds(30)));
    };
    const auto body = ask(since.empty() ? "/v1/report" : "/v1/report?since=" + since);
    if (const auto* trouble = control::trouble_of(body)) return give_up(*trouble);
    const std::string& json = std::get<std::string>(body);
    if (context.as_json() || options.format == ReportOptions::As::json)
        return print(json + "\n") ? Exit::done : Exit::failed;
    const auto report = control::decode_report(json);
    if (!report) return give_up({control::Trouble::Kind::garbled, report.error().text(), {}});
    const auto more = ask(fmt::format("/v1/outages?limit=10000&last_words=0&since={}",
                                      control::url_encoded(to_rfc3339(report->window.begin))));
    if (const auto* trouble = control::trouble_of(more)) return give_up(*trouble);
    const auto list = control::decode_outages(std::get<std::string>(more));
    if (!list) return give_up({control::Trouble::Kind::garbled, list.error().text(), {}});
    print(report_page(*report, list->outages, wall_now()));
    if (!report->missing.empty())
        complain("some of it is from memory alone: " + printable(report->missing));
    return Exit::done;
}

} // namespace keel::cli
