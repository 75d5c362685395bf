#include "control/pass_watch.hpp"

#include <algorithm>

namespace keel::control {

void PassWatch::watch(const std::string& session, const std::shared_ptr<Exchange>& exchange)
{
    // Many a request that may open a stream opens none, and of those that did some are over.
    std::erase_if(streams_, [](const auto& entry) { return entry.second.expired(); });
    streams_.emplace(session, exchange);
    arm();
}

void PassWatch::look()
{
    timer_.reset();
    const Now now = loop_.now();
    std::erase_if(streams_, [&](const auto& entry) {
        const auto exchange = entry.second.lock();
        if (exchange == nullptr || exchange->is_gone()) return true;
        if (web_.end_of(entry.first, now)) return false;
        exchange->end();
        return true;
    });
    arm();
}

void PassWatch::arm()
{
    if (streams_.empty()) return timer_.reset();
    const Now now = loop_.now();
    Duration pause = look_pause;
    for (const auto& [session, exchange] : streams_)
        if (const auto end = web_.end_of(session, now)) pause = std::min(pause, *end - now.wall);
    if (timer_ != nullptr && due_ <= now.mono + pause) return;
    due_ = now.mono + pause;
    timer_ = loop_.after(pause, [this] { look(); });
}

} // namespace keel::control
