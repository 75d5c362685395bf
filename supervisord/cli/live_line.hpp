// Lines that stay, and below them one that is drawn again: on a terminal. Elsewhere the one that
// would be drawn again is a line among the others, now and then.
#pragma once
#include "cli/context.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace keel::cli {

/// Whether the terminal of stdout, if it is one, can be drawn on.
bool can_draw(const Screen& screen);

class LiveLine {
public:
    enum class On : std::uint8_t { terminal, file };
    explicit LiveLine(On on) : on_(on) {}
    ~LiveLine() { clear(); }
    LiveLine(const LiveLine&) = delete;
    LiveLine& operator=(const LiveLine&) = delete;

    /// Adds `lines`, and draws `live` below them, or nothing if that is empty.
    void show(const std::vector<std::string>& lines, std::string_view live);
    /// What comes next is printed in its place.
    void clear();

private:
    using Clock = std::chrono::steady_clock;

    On on_;
    std::string shown_; ///< the line that stands there now
    Clock::time_point said_ = Clock::now();
};

} // namespace keel::cli
