#include "control/event_hub.hpp"

#include "control/json_codec.hpp"

#include <fmt/format.h>
#include <limits>
#include <map>
#include <utility>
#include <vector>

namespace keel::control {
namespace {

constexpr Duration keep_alive_interval = std::chrono::seconds(15);
/// What a stream takes at a time; the rest stays with the engine until the client has room again.
constexpr std::size_t portion = 64U << 10;
constexpr std::size_t batch = 128; ///< events that are copied for it at a time
constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

/// Where a client stands from now on; it has an id, so that it begins there when it comes again.
std::string position(std::uint64_t id) { return fmt::format(": still here\nid: {}\n\n", id); }

std::string missed(std::uint64_t after, std::uint64_t before)
{
    return fmt::format("id: {}\nevent: missed\ndata: {{\"after\":{},\"before\":{}}}\n\n",
                       before - 1, after, before);
}

} // namespace

std::string to_sse(const core::EventView& event)
{
    return fmt::format("id: {}\nevent: {}\ndata: {}\n\n", event.id, event.kind, encode(event));
}

class EventHub::Stream final : public StreamSource {
public:
    Stream(EventHub& hub, const std::shared_ptr<Exchange>& exchange, std::uint64_t after,
           std::string unit)
        : hub_(hub), exchange_(exchange), last_id_(after), unit_(std::move(unit))
    {
        hub_.streams_.insert(this);
        hub_.arm();
    }
    ~Stream() override
    {
        hub_.streams_.erase(this);
        if (hub_.streams_.empty()) hub_.timer_.reset();
    }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    std::optional<std::string> take() override
    {
        std::string text;
        if (last_id_ != hub_.latest_) text = take_events();
        for (auto& [unit, event] : std::exchange(passing_, {})) {
            event.id = last_id_; // Whoever goes on from it misses nothing of what is kept.
            text += to_sse(event);
        }
        if (text.empty() && comment_is_due_) text = position(last_id_);
        comment_is_due_ = false;
        return text;
    }

    /// Nobody waits for a page of it, and who is cut off can go on where he was.
    [[nodiscard]] Pace pace() const override { return Pace::steady; }

    void tell(const core::EventView& event)
    {
        if (!concerns(event)) return;
        if (event.id == 0) passing_.insert_or_assign(event.unit, event);
        wake();
    }
    void keep_alive()
    {
        comment_is_due_ = true;
        wake();
    }

private:
    [[nodiscard]] bool concerns(const core::EventView& event) const
    {
        return unit_.empty() || event.unit == unit_;
    }

    void wake()
    {
        if (const auto exchange = exchange_.lock()) exchange->wake();
    }

    std::string take_events()
    {
        // An id beyond the latest is of another boot of the host: nothing is known of it.
        const bool is_strange = last_id_ > hub_.latest_;
        auto events = hub_.supervisor_.events_after(is_strange ? 0 : last_id_, batch);
        if (events.empty()) return {};
        std::string text;
        if (last_id_ > 0 && (is_strange || events.front().id > last_id_ + 1))
            text = missed(last_id_, events.front().id);
        while (!events.empty()) {
            for (const auto& event : events) {
                if (text.size() >= portion) return text;
                last_id_ = event.id;
                if (concerns(event)) text += to_sse(event);
            }
            events = hub_.supervisor_.events_after(last_id_, batch);
        }
        return text;
    }

    EventHub& hub_;
    std::weak_ptr<Exchange> exchange_;
    std::uint64_t last_id_;
    std::string unit_;
    std::map<std::string, core::EventView> passing_; ///< the latest of each unit, until it is taken
    bool comment_is_due_ = true; ///< the first one tells the client that it is being served
};

EventHub::EventHub(ports::Loop& loop, ports::Supervisor& supervisor)
    : loop_(loop), supervisor_(supervisor)
{
    const auto events = supervisor.events_after(0, all);
    if (!events.empty()) latest_ = events.back().id;
    subscription_ = supervisor.subscribe([this](const core::EventView& event) { tell(event); });
}

void EventHub::open(const std::shared_ptr<Exchange>& exchange, std::uint64_t after,
                    std::string unit)
{
    HttpAnswer head;
    head.content_type = "text/event-stream";
    head.headers.emplace_back("Cache-Control", "no-store");
    exchange->stream(std::move(head),
                     std::make_unique<Stream>(*this, exchange, after, std::move(unit)));
}

void EventHub::tell(const core::EventView& event)
{
    latest_ = std::max(latest_, event.id);
    for (Stream* stream : streams_)
        stream->tell(event);
}

void EventHub::keep_alive()
{
    for (Stream* stream : streams_)
        stream->keep_alive();
    arm();
}

/// The timer lives only while there are streams.
void EventHub::arm()
{
    timer_.reset();
    if (streams_.empty()) return;
    timer_ = loop_.after(keep_alive_interval, [this] { keep_alive(); });
}

} // namespace keel::control
