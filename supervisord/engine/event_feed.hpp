// The latest things that happened, numbered and bounded, with subscribers.
#pragma once
#include "core/views.hpp"
#include "ports/supervisor.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace keel::engine {

class EventFeed {
public:
    /// Ids grow from `first_id` on, by one each.
    explicit EventFeed(std::uint64_t first_id)
        : next_id_(first_id), handlers_(std::make_shared<Handlers>())
    {}

    /// Numbers the event, keeps it and tells subscribers.
    void add(core::EventView event);
    /// Tells subscribers, and that is all: it has no id, and nobody can ask for it later.
    void pass_on(const core::EventView& event) const;

    [[nodiscard]] std::vector<core::EventView> after(std::uint64_t id, std::size_t limit) const;
    /// The unit's latest `limit`, oldest first.
    [[nodiscard]] std::vector<core::EventView> of_unit(std::string_view unit,
                                                       std::size_t limit) const;
    [[nodiscard]] std::unique_ptr<ports::Supervisor::Subscription>
    subscribe(std::function<void(const core::EventView&)> handler);

    static constexpr std::size_t kept_max = 4096;

private:
    using Handlers = std::map<std::uint64_t, std::function<void(const core::EventView&)>>;
    class Subscribed;

    std::uint64_t next_id_;
    std::deque<core::EventView> kept_;
    std::shared_ptr<Handlers> handlers_; ///< shared: a subscription may outlive the feed
    std::uint64_t next_handler_ = 1;
};

} // namespace keel::engine
