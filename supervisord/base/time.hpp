// The two clocks of Keel as types that do not convert into each other.
//
// MonoTime (CLOCK_MONOTONIC) drives every timer; WallTime (CLOCK_REALTIME) only dates records.
// Neither has a now(): the time is read once per loop turn by whoever implements ports::Clock and
// is passed down as an argument from there.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace keel {

using Duration = std::chrono::nanoseconds;

struct MonoClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<MonoClock, duration>;
    static constexpr bool is_steady = true;
};
using MonoTime = MonoClock::time_point;

struct WallClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<WallClock, duration>;
    static constexpr bool is_steady = false;
};
using WallTime = WallClock::time_point; ///< time since 1970-01-01T00:00:00Z, without leap seconds

/// One reading of both clocks, taken at the same moment.
struct Now {
    MonoTime mono;
    WallTime wall;
};

/// RFC 3339 in UTC with milliseconds: `2025-01-31T09:15:02.482Z`.
std::string to_rfc3339(WallTime at);

/// Seconds as a number, for JSON and metrics.
constexpr double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

} // namespace keel
