// Reading what instances wrote: the last lines, and what comes after them.
//
// A tail says where it ended and a follower begins there, so that between the two nothing is lost
// and nothing is told twice; a walk does the same. Which files there are, and how they are rotated,
// stays behind this. Files that were last written to before a time are left out where one is
// given; what is in the others is given whole, as only whoever reads lines knows of their times.
#pragma once
#include "base/ids.hpp"
#include "base/result.hpp"
#include "ports/loop.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace keel::ports {

/// A place in an instance's output. Only the reader that gave it out can make sense of it.
struct LogPosition {
    std::uint64_t file = 0;   ///< which of the instance's files, as the reader counts them
    std::uint64_t offset = 0; ///< bytes from its beginning
};

struct LogTail {
    std::string text; ///< whole lines, but for the last one if it is not finished yet
    LogPosition end;
    /// When the oldest file that it is from was begun; nullopt: nothing tells.
    std::optional<WallTime> begun = {};
};

/// All that an instance wrote up to the moment at which the walk began, in order and piece by
/// piece. Used by one thread at a time, which it may block.
class LogWalk {
public:
    virtual ~LogWalk() = default;

    struct Piece {
        std::string_view bytes; ///< valid until the next call; empty: the end
        /// Of the piece that begins a file: when that was begun, if anything tells.
        std::optional<WallTime> begun = {};
    };
    [[nodiscard]] virtual Piece next() = 0;
    /// Behind the pieces that were given.
    [[nodiscard]] virtual LogPosition position() const = 0;
};

class LogReader {
public:
    virtual ~LogReader() = default;

    /// A tail never holds more than this; of longer output the beginning is left out.
    static constexpr std::size_t tail_bytes_max = 4U << 20;

    /// The last `lines` lines, rotated files included; empty if nothing was written yet. It reads
    /// files and may block, so it is called on a thread that is not the loop's.
    [[nodiscard]] virtual Result<LogTail> tail(const std::string& unit, Slot slot,
                                               std::size_t lines,
                                               std::optional<WallTime> since) const = 0;

    /// It reads files as well.
    [[nodiscard]] virtual Result<std::unique_ptr<LogWalk>> walk(const std::string& unit, Slot slot,
                                                                WallTime since) const = 0;

    /// On the loop's thread: `handler` is given every byte from `from` on, in order, as it comes,
    /// over rotations too, until the registration is destroyed. Never called from inside follow().
    [[nodiscard]] virtual Result<Loop::Registration>
    follow(const std::string& unit, Slot slot, LogPosition from,
           std::function<void(std::string_view bytes)> handler) = 0;
};

} // namespace keel::ports
