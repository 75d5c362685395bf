// What a process says of itself, in the words of sd_notify(3).
//
// A datagram is lines `NAME=value`. Those that Keel knows become a Notice; all others are passed
// over, as the protocol has it. Parsing is pure, total and bounded; who may say what, and what
// follows from it, is decided elsewhere. `FDSTORE=1` is among the lines passed over: Keel keeps no
// descriptors for a process, and whoever receives datagrams closes those that came along.
#pragma once
#include "base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keel::core {

/// How far a process says that it has come.
enum class Phase : std::uint8_t { silent, ready, reloading, stopping };

/// Of lines of one name the last counts, and so it does of READY=1, RELOADING=1 and STOPPING=1.
struct Notice {
    std::optional<Phase> phase;
    std::optional<std::string> status; ///< STATUS=, at most status_bytes_max of printable UTF-8
    std::optional<Duration> extension; ///< EXTEND_TIMEOUT_USEC=, from now on
    std::optional<Duration> watchdog;  ///< WATCHDOG_USEC=: another interval from now on
    std::optional<std::int32_t> main;  ///< MAINPID=
    enum class Life : std::uint8_t {
        silent,
        sign,   ///< WATCHDOG=1
        trouble ///< WATCHDOG=trigger: it finds itself broken
    } life = Life::silent;
    enum class Barrier : std::uint8_t { no, yes } barrier = Barrier::no; ///< BARRIER=1
};

inline constexpr std::size_t notice_bytes_max = 4096; ///< of a datagram; a longer one is refused
inline constexpr std::size_t status_bytes_max = 512;
/// What a process may ask for in one go; more counts as this.
inline constexpr Duration notice_span_max = std::chrono::hours(24);
inline constexpr Duration notice_span_min = std::chrono::milliseconds(10);

Notice parse_notice(std::string_view datagram);

/// Whether it changes what is known of the process, and does not only show that it lives.
bool is_news(const Notice&);

/// `READY=1, "Ready to accept connections"`, for people; empty: nothing that Keel heeds.
std::string to_text(const Notice&);

} // namespace keel::core
