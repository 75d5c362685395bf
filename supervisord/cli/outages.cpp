// keel outages: what was down, since when, why and for how long.
#include "cli/outages.hpp"

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/words.hpp"

#include <fmt/format.h>

namespace keel::cli {
namespace {

constexpr std::size_t in_full_max = 1000;

} // namespace

std::string outages_table(const std::vector<core::OutageView>& outages, WallTime now,
                          const Screen& screen)
{
    if (outages.empty()) return "No outage on record.\n";
    using Align = Table::Align;
    Table table(
        {{"ID", Align::right}, {"UNIT"}, {"KIND"}, {"BEGAN"}, {"LASTED", Align::right}, {"CAUSE"}});
    for (const auto& outage : outages) {
        const core::Outage& record = outage.record;
        const bool open = !record.closed.has_value();
        const bool planned = record.planned == core::Outage::Planned::yes;
        std::string length = lasted(outage);
        const bool settles = outage.settling == core::OutageView::Settling::yes;
        if (open) length = (settles ? "ready again, " : "open, ") + length;
        table.add({{std::to_string(number(record.id))},
                   {record.unit.empty() ? "(Keel)" : record.unit, Tone::strong},
                   {fmt::format("{}{}", planned ? "planned " : "", name(record.kind))},
                   {local_time(record.opened.wall, now)},
                   {length, open && !planned ? Tone::bad : Tone::plain},
                   {record.cause_text}});
    }
    return table.text(screen);
}

namespace {

std::string ended_of(const core::OutageView& outage, WallTime now)
{
    if (outage.settling == core::OutageView::Settling::yes) return "ready again, on trial";
    return ended(outage.record, now);
}

std::string began_of(const core::OutageView& outage, WallTime now)
{
    const core::Outage& record = outage.record;
    std::string at = began(record, now);
    if (record.begin == core::Outage::Begin::unseen) return at;
    const std::string after = record.detection > Duration{0}
                                  ? to_human(record.detection) + " after the first sign"
                                  : "at once";
    return fmt::format("{}, told by: {}, {}", at, shown_of(record.detected_by), after);
}

std::string last_words_of(const core::OutageView& outage)
{
    if (!outage.last_words) return {};
    if (outage.last_words->empty()) return "\nIt had written nothing\n";
    std::string text = "\nLast words\n";
    for (const std::string& line : *outage.last_words)
        text += fmt::format("  {}\n", printable(line, core::last_words_line + 3));
    return text;
}

std::string named(const core::OutageView& outage)
{
    return fmt::format("outage {} of {}, {} ({})", number(outage.record.id),
                       subject_of(outage.record), lasted(outage),
                       shown_of(outage.record.cause_text));
}

} // namespace

std::string outage_page(const core::Incident& incident, WallTime now)
{
    const core::OutageView& outage = *incident.outage;
    const core::Outage& record = outage.record;
    const bool planned = record.planned == core::Outage::Planned::yes;
    std::string page = fmt::format("{}{} {} of {}, {}\n  cause   {}\n  began   {}\n  ended   {}\n",
                                   planned ? "planned " : "", name(record.kind), number(record.id),
                                   subject_of(record), lasted(outage), shown_of(record.cause_text),
                                   began_of(outage, now), ended_of(outage, now));
    if (incident.cause) page += fmt::format("  follows from {}\n", named(*incident.cause));
    for (const core::OutageView& follower : incident.followers)
        page += fmt::format("  led to  {}\n", named(follower));
    if (!record.actions.empty()) page += "\nWhat was tried\n";
    for (const core::ActionTaken& taken : record.actions)
        page += fmt::format("  {}  {} ({}){}{}\n", local_time(taken.at, now),
                            shown_of(taken.action), shown_of(taken.reason),
                            taken.result.empty() ? "" : ": ", shown_of(taken.result));
    return page + last_words_of(outage);
}

namespace {

Exit one_outage(const Context& context, std::uint64_t id)
{
    const auto body = control::get(context.socket_path, fmt::format("/v1/outages/{}", id),
                                   control::deadline_in(std::chrono::seconds(10)));
    if (const auto* trouble = control::trouble_of(body)) return give_up(*trouble);
    const std::string& json = std::get<std::string>(body);
    if (context.as_json()) return print(json + "\n") ? Exit::done : Exit::failed;
    const auto incident = control::decode_incident(json);
    if (!incident || !incident->outage)
        return give_up({control::Trouble::Kind::garbled,
                        incident ? "the answer has no outage" : incident.error().text(),
                        {}});
    print(outage_page(*incident, wall_now()));
    if (!incident->missing.empty())
        complain("there may be more on record: " + printable(incident->missing, 2048));
    return Exit::done;
}

} // namespace

Exit outages(const Context& context, const OutagesOptions& options)
{
    if (options.id) return one_outage(context, *options.id);
    std::string path = fmt::format("/v1/outages?limit={}", options.count);
    // A table has no room for them; nor has one answer for those of very many.
    const bool in_full = context.as_json() && options.count <= in_full_max;
    if (!in_full) path += "&last_words=0";
    if (context.as_json() && !in_full)
        complain(fmt::format("of more than {} outages the last words are left out", in_full_max));
    if (options.since) path += "&since=" + control::url_encoded(to_rfc3339(*options.since));
    const auto body =
        control::get(context.socket_path, path, control::deadline_in(std::chrono::seconds(10)));
    if (const auto* trouble = control::trouble_of(body)) return give_up(*trouble);
    const std::string& json = std::get<std::string>(body);
    if (context.as_json()) return print(json + "\n") ? Exit::done : Exit::failed;
    const auto list = control::decode_outages(json);
    if (!list) return give_up({control::Trouble::Kind::garbled, list.error().text(), {}});
    print(outages_table(list->outages, wall_now(), context.screen));
    if (!list->missing.empty())
        complain("these are from memory alone: the ledger cannot be read: " +
                 printable(list->missing));
    return Exit::done;
}

} // namespace keel::cli
