#include "cli/why.hpp"

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/words.hpp"

#include <fmt/format.h>

namespace keel::cli {
namespace {

const Duration patience = std::chrono::seconds(10);
constexpr std::size_t text_max = 400;

std::string outage_sentence(const core::OutageView& outage, WallTime now)
{
    const core::Outage& record = outage.record;
    return fmt::format("Its {}{} {} began {} ago: {}.\n",
                       record.planned == core::Outage::Planned::yes ? "planned " : "",
                       name(record.kind), number(record.id), age(record.opened.wall, now),
                       printable(record.cause_text, text_max));
}

void add_sentences(std::string& text, std::string_view title, const std::vector<std::string>& list)
{
    if (list.empty()) return;
    text += fmt::format("\n{}\n", title);
    for (const auto& sentence : list)
        text += "  " + printable(sentence, text_max) + "\n";
}

} // namespace

std::string why_text(const core::WhyView& why, WallTime now, const Screen& screen)
{
    const core::UnitView& unit = why.unit;
    std::string text = standing_of(unit, now, screen.colour) + ".\n";
    if (unit.outage) text += outage_sentence(*unit.outage, now);
    if (!why.happened.empty()) text += "\nWhat happened\n";
    for (const auto& event : why.happened) {
        const std::string subject = event.subject == unit.name ? "" : event.subject + "  ";
        text +=
            fmt::format("  {}  {}{}\n", toned(local_time(event.at, now), Tone::dim, screen.colour),
                        subject, printable(event.text, text_max));
    }
    add_sentences(text, "How it stands", why.now);
    add_sentences(text, "What comes next", why.next);
    return text;
}

Exit why(const Context& context, const std::string& unit)
{
    const auto json =
        control::get(context.socket_path, "/v1/units/" + control::url_encoded(unit) + "/why",
                     control::deadline_in(patience));
    if (const auto* trouble = control::trouble_of(json)) return give_up(*trouble);
    const std::string& body = std::get<std::string>(json);
    if (context.as_json()) return print(body + "\n") ? Exit::done : Exit::failed;
    const auto view = control::decode_why(body);
    if (!view) return give_up({control::Trouble::Kind::garbled, view.error().text(), {}});
    print(why_text(*view, wall_now(), context.screen));
    return Exit::done;
}

} // namespace keel::cli
