#include "cli/watch.hpp"

#include "base/text.hpp"
#include "cli/event_stream.hpp"
#include "cli/live_line.hpp"
#include "cli/status.hpp"
#include "cli/words.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <sstream>

namespace keel::cli {
namespace {

using namespace std::chrono_literals;
using control::Deadline;
using control::Reply;
using control::Trouble;
using control::trouble_of;
using core::UnitStatus;
using core::UnitView;

const Duration answer_patience = 10s;
const Duration ages_grow_every = 1s;
const Duration pause_between_tries = 500ms;
/// However much happens, the daemon is asked no more often than this.
const Duration pause_between_looks = 50ms;

/// What needs a person's eye before what does not.
constexpr std::array by_urgency =
    std::to_array<UnitStatus>({UnitStatus::failed, UnitStatus::down, UnitStatus::blocked,
                               UnitStatus::starting, UnitStatus::degraded, UnitStatus::held,
                               UnitStatus::stopped, UnitStatus::up, UnitStatus::done});

auto urgency_of(const UnitView& unit)
{
    return std::ranges::find(by_urgency, unit.status) - by_urgency.begin();
}

/// `1 down, 2 held, 9 up`
std::string counts_of(std::span<const UnitView> units, Colour colour)
{
    std::string text;
    for (const UnitStatus status : by_urgency) {
        const auto count = std::ranges::count(units, status, &UnitView::status);
        if (count == 0) continue;
        if (!text.empty()) text += ", ";
        text += toned(fmt::format("{} {}", count, name(status)), tone_of(status), colour);
    }
    return text;
}

std::string_view plural(std::size_t count) { return count == 1 ? "" : "s"; }

/// `3 units: 1 down, 2 up` and, at the right, the time.
std::string head_line(const WatchPage& page, std::size_t columns, Colour colour)
{
    const std::string units =
        fmt::format("{} unit{}{}", page.units.size(), plural(page.units.size()),
                    page.units.empty() ? "" : ": ");
    const std::string clock = local_time(page.now, page.now).substr(0, 8);
    const std::string plain = units + counts_of(page.units, Colour::off);
    const std::size_t used = width_of(plain) + clock.size();
    return units + counts_of(page.units, colour) +
           std::string(columns > used ? columns - used : 1, ' ') + toned(clock, Tone::dim, colour);
}

std::string trouble_line(const WatchPage& page, Colour colour)
{
    if (page.trouble.empty()) return {};
    const std::string as_of = local_time(page.as_of, page.now).substr(0, 8);
    return toned(fmt::format("as of {}: {}", as_of, page.trouble), Tone::bad, colour);
}

std::vector<std::string> lines_in(const std::string& text)
{
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
        lines.push_back(std::move(line));
    return lines;
}

std::string more_line(std::span<const UnitView> hidden, Colour colour)
{
    const auto text = fmt::format("… and {} more unit{}: ", hidden.size(), plural(hidden.size()));
    return toned(text, Tone::dim, colour) + counts_of(hidden, colour);
}

} // namespace

std::vector<std::string> lines_of(const WatchPage& page, WindowSize window, Colour colour)
{
    constexpr std::size_t columns_min = 40; // of a table; what does not fit is cut off
    const Screen screen{colour, std::max(window.columns, columns_min)};
    // The second line is kept free for trouble, so that the table does not jump when some comes.
    const std::vector<std::string> head = {head_line(page, window.columns, colour),
                                           trouble_line(page, colour)};
    const auto with_table = [&](std::span<const UnitView> shown) {
        auto lines = head;
        const auto table = lines_in(status_table({shown.begin(), shown.end()}, page.as_of, screen));
        lines.insert(lines.end(), table.begin(), table.end());
        return lines;
    };

    auto lines = with_table(page.units);
    if (lines.size() <= window.rows) return lines;
    auto units = page.units;
    std::ranges::stable_sort(units, {}, urgency_of);
    for (std::size_t count = std::min(units.size(), window.rows); count-- > 0;) {
        const auto all = std::span<const UnitView>(units);
        lines = with_table(all.first(count));
        if (lines.size() + 1 > window.rows && count > 0) continue;
        if (count == 0) lines = head; // not even one: then the counts must do
        lines.push_back(more_line(all.subspan(count), colour));
        break;
    }
    lines.resize(std::min(lines.size(), window.rows));
    return lines;
}

namespace {

class Watching {
public:
    Watching(const Context& context, const StatusOptions& options)
        : context_(context), options_(options), stream_(context.socket_path, {})
    {}

    Exit run()
    {
        // What is wrong from the beginning is told on the usual screen.
        if (const auto trouble = stream_.open(control::deadline_in(answer_patience)))
            return give_up(*trouble);
        if (const auto trouble = look()) return give_up(*trouble);
        draw_until_quit();
        if (lost_) return give_up(*lost_);
        return Exit::done;
    }

private:
    void draw_until_quit()
    {
        LiveScreen screen;
        do {
            page_.now = wall_now();
            if (page_.trouble.empty()) page_.as_of = page_.now;
            if (!screen.show(lines_of(page_, screen.window(), context_.screen.colour))) return;
        } while (wait(screen) != LiveScreen::Woken::by_quit && refresh());
    }

    LiveScreen::Woken wait(LiveScreen& screen)
    {
        if (!page_.trouble.empty()) return screen.wait({}, pause_between_tries);
        using Woken = LiveScreen::Woken;
        const Woken first = screen.wait(stream_.descriptor(), ages_grow_every);
        // Events come in flocks: what follows at once is seen by the same look.
        return first == Woken::by_descriptor ? screen.wait({}, pause_between_looks) : first;
    }

    /// Learns what is new. False: it makes no sense to go on.
    bool refresh()
    {
        std::optional<Trouble> trouble;
        const auto news = stream_.take();
        if (trouble_of(news) != nullptr)
            trouble = stream_.open(control::deadline_in(answer_patience));
        if (!trouble) trouble = look();
        page_.trouble = trouble ? trouble->text : "";
        if (!trouble || trouble->kind == Trouble::Kind::unreachable ||
            trouble->kind == Trouble::Kind::timed_out)
            return true;
        lost_ = trouble;
        return false;
    }

    std::optional<Trouble> look()
    {
        const auto json = fetch_units(context_, options_.units);
        if (const auto* trouble = trouble_of(json)) return *trouble;
        auto units = understood(std::get<std::string>(json));
        if (const auto* trouble = trouble_of(units)) return *trouble;
        page_.units = std::move(std::get<std::vector<UnitView>>(units));
        return std::nullopt;
    }

    const Context& context_;
    const StatusOptions& options_;
    EventStream stream_;
    WatchPage page_;
    std::optional<Trouble> lost_;
};

/// One table after another, a new one after every event.
Exit watch_plainly(const Context& context, const StatusOptions& options)
{
    EventStream stream(context.socket_path, {});
    if (const auto trouble = stream.open(control::deadline_in(answer_patience)))
        return give_up(*trouble);
    for (;;) {
        const Exit shown = show_units(context, options);
        if (shown != Exit::done && shown != Exit::not_up) return shown;
        for (bool changed = false; !changed;) {
            const auto news = stream.next({});
            if (const auto* trouble = trouble_of(news)) return give_up(*trouble);
            const auto& [events, gap] = std::get<EventStream::News>(news);
            changed = !events.empty() || gap == EventStream::News::Gap::yes;
        }
        if (std::ferror(stdout) != 0) return Exit::failed;
    }
}

} // namespace

Exit watch(const Context& context, const StatusOptions& options)
{
    if (!can_draw(context.screen) || context.as_json()) return watch_plainly(context, options);
    return Watching(context, options).run();
}

} // namespace keel::cli
