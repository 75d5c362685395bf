// How it stands, in one line, for `systemctl status`: told whenever it has changed, and once for
// all that happens within a moment.
#pragma once
#include "engine/engine.hpp"

#include <functional>
#include <memory>
#include <string>

namespace keel::engine {

class StatusLine {
public:
    /// `tell` is first called by tell_now() or by what happens.
    StatusLine(ports::Loop& loop, Engine& engine, std::function<void(std::string_view)> tell);

    void tell_now();

private:
    ports::Loop& loop_;
    Engine& engine_;
    std::function<void(std::string_view)> tell_;
    std::string told_;
    ports::Loop::Registration timer_;
    std::unique_ptr<ports::Supervisor::Subscription> listener_;
};

} // namespace keel::engine
