#include "cli/why.hpp"

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/layout.hpp"
#include "cli/words.hpp"

#include <fmt/format.h>

namespace keel::cli {
namespace {

const Duration patience = std::chrono::seconds(10);
constexpr std::size_t text_max = 400;
constexpr std::string_view indent = "  ";

std::string section(std::string_view title, const std::vector<std::string>& sentences,
                    std::size_t columns)
{
    if (sentences.empty()) return {};
    std::string text = fmt::format("\n{}\n", title);
    for (const auto& sentence : sentences)
        text += hanging(std::string(indent), printable(sentence, text_max), columns);
    return text;
}

std::string story_of(const core::WhyView& why, WallTime now, const Screen& screen)
{
    if (why.happened.empty()) return {};
    std::string text = "\nWhat happened\n";
    for (const auto& event : why.happened) {
        const std::string time = toned(local_time(event.at, now), Tone::dim, screen.colour);
        const std::string subject = event.subject == why.unit.name ? "" : event.subject + "  ";
        text += hanging(fmt::format("{}{}  {}", indent, time, subject),
                        printable(event.text, text_max), columns_of(screen));
    }
    return text;
}

} // namespace

std::string why_text(const core::WhyView& why, WallTime now, const Screen& screen)
{
    const std::size_t columns = columns_of(screen);
    return hanging({}, standing_of(why.unit, now, screen.colour) + ".", columns) +
           story_of(why, now, screen) + section("How it stands", why.now, columns) +
           section("What comes next", why.next, columns);
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
