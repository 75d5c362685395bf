// keel wait: until units are in a state. Woken by events, so it neither polls nor is late.
#include "cli/commands.hpp"
#include "cli/words.hpp"
#include "control/sse_reader.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <poll.h>

namespace keel::cli {
namespace {

using control::Call;
using control::Deadline;
using control::Trouble;
using control::trouble_of;
using core::UnitView;
using Kind = Trouble::Kind;

/// How long a daemon may be away before waiting for its units makes no sense any more.
const Duration absence_max = std::chrono::seconds(10);
constexpr int reconnect_pause = 50; // milliseconds, for poll()
const Duration answer_patience = std::chrono::seconds(10);

bool has_no_process(const UnitView& unit)
{
    return std::ranges::all_of(unit.instances, [](const core::InstanceView& instance) {
        return instance.state == "stopped" || instance.state == "done" ||
               instance.state == "failed";
    });
}

bool is_in(const UnitView& unit, std::string_view state)
{
    if (state == "ready") return is_well(unit);
    if (state == "stopped") return has_no_process(unit);
    return name(unit.status) == state;
}

class Waiting {
public:
    Waiting(const Context& context, const WaitOptions& options)
        : context_(context), options_(options), missing_(options.units)
    {
        if (options.timeout) deadline_ = control::deadline_in(*options.timeout);
    }

    Exit run()
    {
        Deadline back_by; // while the daemon is away
        for (;;) {
            const auto trouble = until_interrupted();
            if (!trouble) return tell_done();
            if (trouble->kind == Kind::timed_out) return tell_timeout();
            // An engine that is restarted is away for a moment, and that is no reason to give up.
            const bool away = trouble->kind == Kind::unreachable && was_connected_;
            if (!away) return give_up(*trouble);
            if (was_answered_) back_by.reset();
            was_answered_ = false;
            if (!back_by) back_by = control::deadline_in(absence_max);
            const auto now = std::chrono::steady_clock::now();
            if (deadline_ && now >= *deadline_) return tell_timeout();
            if (now >= *back_by) return give_up(*trouble);
            ::poll(nullptr, 0, reconnect_pause);
        }
    }

private:
    /// Waits on one connection. None: everything is as it should be.
    std::optional<Trouble> until_interrupted()
    {
        // The stream is opened first, so that no change falls between the look and the listening.
        auto begun = control::open_stream(context_.socket_path, "/v1/events", answer_deadline());
        if (const auto* trouble = trouble_of(begun)) return *trouble;
        auto& stream = std::get<Call>(begun);
        was_connected_ = true;
        control::SseReader reader;
        bool look = true;
        for (;;) {
            if (look)
                if (auto trouble = look_at_units()) return trouble;
            was_answered_ = true;
            if (missing_.empty()) return std::nullopt;
            const auto bytes = stream.more(deadline_);
            if (const auto* trouble = trouble_of(bytes)) return *trouble;
            const std::string& text = std::get<std::string>(bytes);
            if (text.empty())
                return Trouble{Kind::unreachable, "keeld ended the stream of events", {}};
            const auto events = reader.feed(text);
            if (!events) return Trouble{Kind::garbled, events.error().text(), {}};
            look = std::ranges::any_of(*events, [&](const auto& event) { return concerns(event); });
        }
    }

    [[nodiscard]] Deadline answer_deadline() const
    {
        return deadline_ ? deadline_ : control::deadline_in(answer_patience);
    }

    [[nodiscard]] bool concerns(const control::SseEvent& event) const
    {
        if (event.event == "missed") return true;
        const auto view = control::decode_event(event.data);
        return !view || std::ranges::find(missing_, view->unit) != missing_.end();
    }

    /// Forgets the units that are as they should be.
    std::optional<Trouble> look_at_units()
    {
        std::vector<std::string> still;
        for (const std::string& unit : missing_) {
            const auto body = control::get(
                context_.socket_path, "/v1/units/" + control::url_encoded(unit), answer_deadline());
            if (const auto* trouble = trouble_of(body)) return *trouble;
            const auto view = control::decode_unit(std::get<std::string>(body));
            if (!view) return Trouble{Kind::garbled, view.error().text(), {}};
            if (is_in(*view, options_.state)) continue;
            if (view->status == core::UnitStatus::failed && options_.state == "ready")
                return Trouble{
                    Kind::refused, unit + " has failed and is not started again by itself",
                    "`keel why " + unit + "` tells more, `keel start " + unit + "` tries again"};
            still.push_back(unit);
            last_seen_ = fmt::format("{} is {}", unit, name(view->status));
        }
        missing_ = std::move(still);
        return std::nullopt;
    }

    Exit tell_done() const
    {
        if (context_.as_json()) {
            print("{\"reached\":true}\n");
            return Exit::done;
        }
        for (const std::string& unit : options_.units)
            print(fmt::format("{} is {}\n", unit, options_.state));
        return Exit::done;
    }

    Exit tell_timeout() const
    {
        if (context_.as_json()) print("{\"reached\":false}\n");
        complain(fmt::format("not {} in time{}{}", options_.state, last_seen_.empty() ? "" : ": ",
                             last_seen_),
                 "`keel why " + missing_.front() + "` tells what it waits for");
        return Exit::timed_out;
    }

    const Context& context_;
    const WaitOptions& options_;
    std::vector<std::string> missing_;
    Deadline deadline_;
    bool was_connected_ = false;
    bool was_answered_ = false;
    std::string last_seen_;
};

} // namespace

std::vector<std::string> wait_states()
{
    std::vector<std::string> states = {"ready"};
    for (const std::string_view status : names_of<core::UnitStatus>)
        states.emplace_back(status);
    return states;
}

Exit wait(const Context& context, const WaitOptions& options)
{
    return Waiting(context, options).run();
}

} // namespace keel::cli
