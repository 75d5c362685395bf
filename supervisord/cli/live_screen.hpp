// The whole terminal as a page that is drawn again and again without flicker.
//
// While it lives it has the alternate screen, without cursor and without echo. A frame is written
// in one piece, over the last one and never after a clear, between the marks of a synchronized
// update; a frame like the last one is not written at all. However the process ends, the terminal
// is as it was: by the destructor, by SIGINT, SIGTERM, SIGHUP or SIGQUIT, and while it is stopped.
// It knows nothing of what it shows. There is one of it at a time.
#pragma once
#include "base/time.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keel::cli {

struct WindowSize {
    std::size_t rows = 24;
    std::size_t columns = 80;
    friend bool operator==(const WindowSize&, const WindowSize&) = default;
};

/// The bytes that draw these lines over whatever stands there; those that do not fit are left out.
std::string frame_of(const std::vector<std::string>& lines, WindowSize window);

class LiveScreen {
public:
    LiveScreen();
    ~LiveScreen();
    LiveScreen(const LiveScreen&) = delete;
    LiveScreen& operator=(const LiveScreen&) = delete;

    /// As of now.
    [[nodiscard]] WindowSize window() const;

    /// False: the terminal is gone.
    bool show(const std::vector<std::string>& lines);

    enum class Woken : std::uint8_t {
        by_time,
        by_descriptor,
        by_window, ///< it has another size, or has to be drawn anew
        by_quit    ///< a person pressed q, or the terminal is gone
    };
    /// Waits until there is something to read from `fd`, if any, or for `patience`.
    Woken wait(std::optional<int> fd, Duration patience);

private:
    std::string shown_;
};

} // namespace keel::cli
