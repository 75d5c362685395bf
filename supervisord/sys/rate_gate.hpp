// How much of an instance's output is kept when it may write only so many bytes a second.
//
// Time is cut into windows of a second, each of which has room for `rate` bytes. Once a line does
// not fit, all is dropped up to the window's end: what is kept is whole stretches of output with
// one gap behind each, not single lines with gaps everywhere. Lines are kept or dropped whole; only
// one longer than a whole window's room is torn. It looks at bytes and times and touches neither
// pipes nor files.
#pragma once
#include "base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace keel::sys {

class RateGate {
public:
    static constexpr Duration window = std::chrono::seconds(1);

    /// Bytes a second; 0: all may pass.
    void set_rate(std::uint64_t rate) { rate_ = rate; }
    [[nodiscard]] std::uint64_t rate() const { return rate_; }

    /// How much of the beginning of what waits may be kept now; 0: the next is to be dropped.
    [[nodiscard]] std::size_t room_for(std::string_view waiting, MonoTime now);
    void kept(std::size_t bytes) { taken_ += bytes; }

    /// After room_for() gave 0: how much of the beginning of what waits is dropped, by this call
    /// as far as the gate is concerned.
    [[nodiscard]] std::size_t drop(std::string_view waiting);

private:
    std::uint64_t rate_ = 0;
    MonoTime began_{};        ///< of this window
    std::uint64_t taken_ = 0; ///< bytes kept in this window
    enum class State : std::uint8_t { open, shut } state_ = State::open;
    enum class Line : std::uint8_t { whole, cut } last_dropped_ = Line::whole;
};

} // namespace keel::sys
