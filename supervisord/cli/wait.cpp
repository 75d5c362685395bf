// keel wait: until units are in a state. Woken by events, so it neither polls nor is late.
#include "cli/commands.hpp"
#include "cli/event_stream.hpp"
#include "cli/words.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::cli {
namespace {

using control::Deadline;
using control::Trouble;
using control::trouble_of;
using core::UnitView;
using Kind = Trouble::Kind;

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
        // The stream is opened first, so that no change falls between the look and the listening.
        EventStream stream(context_.socket_path, {});
        if (const auto trouble = stream.open(answer_deadline())) return give_up(*trouble);
        for (bool look = true;;) {
            if (look) {
                const auto trouble = look_at_units();
                // A daemon that goes away just now is the stream's business: it waits for the next.
                if (trouble && trouble->kind != Kind::unreachable) return tell(*trouble);
            }
            if (missing_.empty()) return tell_done();
            const auto news = stream.next(deadline_);
            if (const auto* trouble = trouble_of(news)) return tell(*trouble);
            const auto& [events, gap] = std::get<EventStream::News>(news);
            look = gap == EventStream::News::Gap::yes ||
                   std::ranges::any_of(events, [&](const auto& event) { return concerns(event); });
        }
    }

private:
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

    Exit tell(const Trouble& trouble) const
    {
        return trouble.kind == Kind::timed_out ? tell_timeout() : give_up(trouble);
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
