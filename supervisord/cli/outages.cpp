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
        std::string lasted = to_human(outage.length);
        const bool settles = outage.settling == core::OutageView::Settling::yes;
        if (record.begin == core::Outage::Begin::unseen) lasted = "at most " + lasted;
        else if (record.end == core::Outage::End::unseen) lasted = "at least " + lasted;
        if (open) lasted = (settles ? "ready again, " : "open, ") + lasted;
        table.add({{std::to_string(number(record.id))},
                   {record.unit.empty() ? "(Keel)" : record.unit, Tone::strong},
                   {fmt::format("{}{}", planned ? "planned " : "", name(record.kind))},
                   {local_time(record.opened.wall, now)},
                   {lasted, open && !planned ? Tone::bad : Tone::plain},
                   {record.cause_text}});
    }
    return table.text(screen);
}

Exit outages(const Context& context, const OutagesOptions& options)
{
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
