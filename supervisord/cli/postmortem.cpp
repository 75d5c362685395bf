// keel postmortem: the draft of a report about one outage, from what is on record of it.
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/report.hpp"
#include "cli/words.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace keel::cli {
namespace {

/// Of what stands at the same millisecond, causes before effects.
enum class Rank : std::uint8_t {
    asked,
    end_of_run,
    opens,
    follows,
    done_by_keel,
    begin_of_run,
    ends,
    outcome
};

struct Moment {
    WallTime at;
    Rank rank;
    std::string what;
};

std::string named(const core::OutageView& outage)
{
    return fmt::format("outage {} of {}", number(outage.record.id),
                       plain(subject_of(outage.record)));
}

void add_operations(std::vector<Moment>& timeline, const core::Incident& incident)
{
    for (const core::OperationRecord& each : incident.operations) {
        const std::string what = fmt::format("operation {}, {}", number(each.id), name(each.verb));
        timeline.push_back({each.since, Rank::asked,
                            fmt::format("{} asked for by {}{}{}", what, plain(each.by),
                                        each.why.empty() ? "" : ": ", plain(each.why))});
        if (each.ended && each.outcome)
            timeline.push_back(
                {*each.ended, Rank::outcome,
                 fmt::format("{}: {}, {}", what, name(*each.outcome), plain(each.text))});
    }
}

void add_spawns(std::vector<Moment>& timeline, const core::Incident& incident)
{
    for (const core::SpawnRecord& each : incident.spawns) {
        const std::string what =
            fmt::format("spawn {} of {}.{}", number(each.id), plain(each.unit), each.slot);
        if (each.began)
            timeline.push_back({each.began->wall, Rank::begin_of_run,
                                fmt::format("{} began ({})", what, plain(each.reason))});
        if (!each.ended) continue;
        const std::string ran =
            each.began
                ? " after " + to_human(std::max(Duration{0}, each.ended->wall - each.began->wall))
                : "";
        timeline.push_back({each.ended->wall, Rank::end_of_run,
                            fmt::format("{} ended{}: {}", what, ran, plain(each.ending))});
    }
}

std::vector<Moment> timeline_of(const core::Incident& incident)
{
    std::vector<Moment> timeline;
    add_spawns(timeline, incident);
    const core::OutageView& outage = *incident.outage;
    const core::Outage& record = outage.record;
    timeline.push_back(
        {record.opened.wall, Rank::opens,
         fmt::format("**outage {} opens**: {}", number(record.id), plain(record.cause_text))});
    for (const core::OutageView& follower : incident.followers)
        timeline.push_back(
            {follower.record.opened.wall, Rank::follows, named(follower) + " follows from it"});
    for (const core::ActionTaken& taken : record.actions)
        timeline.push_back(
            {taken.at, Rank::done_by_keel,
             fmt::format("Keel: {} ({}){}{}", plain(taken.action), plain(taken.reason),
                         taken.result.empty() ? "" : " → ", plain(taken.result))});
    add_operations(timeline, incident);
    if (record.closed)
        timeline.push_back({record.closed->wall, Rank::ends,
                            fmt::format("**outage {} ends**", number(record.id))});
    std::ranges::stable_sort(
        timeline, {}, [](const Moment& moment) { return std::pair(moment.at, moment.rank); });
    return timeline;
}

std::string summary_of(const core::Incident& incident, WallTime now)
{
    const core::OutageView& outage = *incident.outage;
    const core::Outage& record = outage.record;
    std::string page = fmt::format(
        "- Unit: {}\n- Kind: {}{}\n- Began: {}\n- Ended: {}\n- Lasted: {}\n"
        "- Cause: {}\n- Detected by: {}, {}\n",
        plain(subject_of(record)), record.planned == core::Outage::Planned::yes ? "planned " : "",
        name(record.kind), began(record, now), ended(record, now), lasted(outage),
        plain(record.cause_text), plain(record.detected_by), to_human(record.detection));
    if (incident.cause)
        page += fmt::format("- Caused by: {} ({})\n", named(*incident.cause),
                            plain(incident.cause->record.cause_text));
    for (const core::OutageView& follower : incident.followers)
        page += fmt::format("- Caused: {}, {}\n", named(follower), lasted(follower));
    return page;
}

/// As they stand, in a block of their own.
std::string last_words_of(const core::OutageView& outage)
{
    if (!outage.last_words) return {};
    if (outage.last_words->empty()) return "\n## Last words\n\nNothing was written.\n";
    std::string text = "\n## Last words\n\n";
    for (const std::string& line : *outage.last_words)
        text += fmt::format("    {}\n", printable(line, core::last_words_line + 3));
    return text;
}

} // namespace

std::string postmortem_page(const core::Incident& incident, WallTime now)
{
    const core::OutageView& outage = *incident.outage;
    std::string page = fmt::format("# Outage {}: {}\n\nA draft from what is on record; what Keel "
                                   "cannot know is left to be filled in.\n\n{}\n## Timeline\n\n"
                                   "| When | What |\n| :-- | :-- |\n",
                                   number(outage.record.id), plain(subject_of(outage.record)),
                                   summary_of(incident, now));
    for (const Moment& moment : timeline_of(incident))
        page += fmt::format("| {} | {} |\n", local_time(moment.at, now), moment.what);
    page += last_words_of(outage);
    return page + "\n## Impact\n\nWho was affected, how, and how many?\n\n## Root cause\n\n"
                  "Why did it happen? Why then?\n\n## What went well, what did not\n\n\n"
                  "## What is to be done\n\n- [ ] \n";
}

Exit postmortem(const Context& context, std::uint64_t outage)
{
    const auto body = control::get(context.socket_path, fmt::format("/v1/outages/{}", outage),
                                   control::deadline_in(std::chrono::seconds(10)));
    if (const auto* trouble = control::trouble_of(body)) return give_up(*trouble);
    const std::string& json = std::get<std::string>(body);
    if (context.as_json()) return print(json + "\n") ? Exit::done : Exit::failed;
    const auto incident = control::decode_incident(json);
    if (!incident) return give_up({control::Trouble::Kind::garbled, incident.error().text(), {}});
    if (!incident->outage)
        return give_up({control::Trouble::Kind::garbled, "the answer has no outage", {}});
    print(postmortem_page(*incident, wall_now()));
    if (!incident->missing.empty())
        complain("there may be more on record: " + printable(incident->missing, 2048));
    return Exit::done;
}

} // namespace keel::cli
