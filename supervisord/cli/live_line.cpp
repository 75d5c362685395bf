#include "cli/live_line.hpp"

#include "cli/table.hpp"

#include <cstdlib>

namespace keel::cli {
namespace {

constexpr std::string_view begin_anew = "\r\x1b[K"; // of the line on which the cursor stands
constexpr std::chrono::seconds pause_in_file{5};

} // namespace

bool can_draw(const Screen& screen)
{
    const char* const kind = std::getenv("TERM");
    return screen.width.has_value() && kind != nullptr && *kind != 0 &&
           std::string_view(kind) != "dumb";
}

void LiveLine::show(const std::vector<std::string>& lines, std::string_view live)
{
    std::string text;
    for (const std::string& line : lines)
        text += line + "\n";
    if (on_ == On::file) {
        const auto now = Clock::now();
        if (!lines.empty()) {
            said_ = now;
        } else if (!live.empty() && now - said_ >= pause_in_file) {
            text.append(live) += '\n';
            said_ = now;
        }
        if (!text.empty()) print(text);
        return;
    }
    // One column stays free, so that the cursor does not leave the line. The window may have
    // changed since the last time.
    const std::string drawn = cut(live, screen_of_stdout().width.value_or(80) - 1);
    if (text.empty() && drawn == shown_) return;
    print((shown_.empty() ? "" : std::string(begin_anew)) + text + drawn);
    shown_ = drawn;
}

void LiveLine::clear()
{
    if (!shown_.empty()) print(begin_anew);
    shown_.clear();
}

} // namespace keel::cli
