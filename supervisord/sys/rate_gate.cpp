#include "sys/rate_gate.hpp"

namespace keel::sys {

std::size_t RateGate::room_for(std::string_view waiting, MonoTime now)
{
    if (rate_ == 0) return waiting.size();
    if (now - began_ >= window) {
        began_ = now;
        taken_ = 0;
        state_ = State::open;
    }
    // The rest of a line whose beginning was dropped says nothing to anybody.
    if (state_ == State::shut || last_dropped_ == Line::cut) return 0;
    const std::uint64_t room = rate_ - (taken_ < rate_ ? taken_ : rate_);
    if (waiting.size() <= room) return waiting.size();
    state_ = State::shut;
    if (room == 0) return 0;
    const std::size_t end = waiting.rfind('\n', static_cast<std::size_t>(room) - 1);
    if (end != std::string_view::npos) return end + 1;
    return taken_ == 0 ? static_cast<std::size_t>(room) : 0;
}

std::size_t RateGate::drop(std::string_view waiting)
{
    if (waiting.empty()) return 0;
    const std::size_t end = waiting.find('\n');
    const bool only_the_line = state_ == State::open && end != std::string_view::npos;
    const std::size_t dropped = only_the_line ? end + 1 : waiting.size();
    last_dropped_ = waiting[dropped - 1] == '\n' ? Line::whole : Line::cut;
    return dropped;
}

} // namespace keel::sys
