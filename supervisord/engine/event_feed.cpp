#include "engine/event_feed.hpp"

#include <algorithm>

namespace keel::engine {

class EventFeed::Subscribed final : public ports::Supervisor::Subscription {
public:
    Subscribed(std::weak_ptr<Handlers> handlers, std::uint64_t key)
        : handlers_(std::move(handlers)), key_(key)
    {}
    ~Subscribed() override
    {
        if (const auto handlers = handlers_.lock()) handlers->erase(key_);
    }
    Subscribed(const Subscribed&) = delete;
    Subscribed& operator=(const Subscribed&) = delete;

private:
    std::weak_ptr<Handlers> handlers_;
    std::uint64_t key_;
};

void EventFeed::add(core::EventView event)
{
    event.id = next_id_++;
    kept_.push_back(std::move(event));
    if (kept_.size() > kept_max) kept_.pop_front();
    if (!handlers_->empty()) pass_on(core::EventView(kept_.back()));
}

void EventFeed::pass_on(const core::EventView& event) const
{
    // A handler may end its own subscription or another's while it is called.
    std::vector<std::uint64_t> keys;
    for (const auto& [key, handler] : *handlers_)
        keys.push_back(key);
    for (const auto key : keys)
        if (const auto found = handlers_->find(key); found != handlers_->end()) {
            const auto handler = found->second;
            handler(event);
        }
}

std::vector<core::EventView> EventFeed::after(std::uint64_t id, std::size_t limit) const
{
    const auto first = std::ranges::upper_bound(kept_, id, {}, &core::EventView::id);
    const auto count = std::min<std::size_t>(limit, static_cast<std::size_t>(kept_.end() - first));
    return {first, first + static_cast<std::ptrdiff_t>(count)};
}

std::vector<core::EventView> EventFeed::of_unit(std::string_view unit, std::size_t limit) const
{
    std::vector<core::EventView> found;
    for (auto it = kept_.rbegin(); it != kept_.rend() && found.size() < limit; ++it)
        if (it->unit == unit) found.push_back(*it);
    std::ranges::reverse(found);
    return found;
}

std::unique_ptr<ports::Supervisor::Subscription>
EventFeed::subscribe(std::function<void(const core::EventView&)> handler)
{
    const auto key = next_handler_++;
    handlers_->emplace(key, std::move(handler));
    return std::make_unique<Subscribed>(handlers_, key);
}

} // namespace keel::engine
