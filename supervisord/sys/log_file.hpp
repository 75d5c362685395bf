// One instance's log file: bytes go from the FIFO into it without passing through this process,
// and it is put aside when it has grown.
//
// Promises: bytes are moved by splice at an offset, so that a reader killed at any moment has
// neither lost a byte nor written one twice (read and write lose, tee and write double; O_APPEND
// does not go with splice). The file's end is asked of the kernel each time: what others did to
// it, truncating or deleting, leaves no hole. Files are cut at the end of a line; only a line
// longer than `overshoot_max` is torn.
// It may block on a slow disk, hence it is never used on the loop's thread.
#pragma once
#include "base/owned_fd.hpp"
#include "base/result.hpp"
#include "sys/log_names.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace keel::sys {

struct LogLimits {
    std::uint64_t max_size = 50ULL << 20; ///< bytes of one file, but for the last line
    std::uint32_t keep = 10;              ///< rotated files
    friend bool operator==(const LogLimits&, const LogLimits&) = default;
};

/// How much of what waits still goes into the current file, and whether that is put aside then.
struct Cut {
    std::size_t bytes = 0;
    bool rotate = false;
    friend bool operator==(const Cut&, const Cut&) = default;
};

/// `waiting`: what the FIFO holds, as far as it was looked at. `size`: of the file. `line_open`:
/// the file does not end with a whole line.
[[nodiscard]] Cut cut_at_line(std::string_view waiting, std::uint64_t size, std::uint64_t max_size,
                              bool line_open);

/// Looks at what a pipe holds without taking it out. One serves any number of pipes.
class PipePeek {
public:
    /// At most 64 KiB, less if the kernel gives less. Valid until the next call.
    [[nodiscard]] Result<std::string_view> look(int pipe);

private:
    OwnedFd in_, out_;
    std::string bytes_;
};

class LogFile {
public:
    /// Bytes of one piece: what one instance gets before the next has its turn.
    static constexpr std::size_t piece_max = std::size_t{64} << 10;
    static constexpr std::size_t overshoot_max = std::size_t{64} << 10;

    LogFile(LogNames names, LogLimits limits) : names_(std::move(names)), limits_(limits) {}

    void set_limits(LogLimits limits) { limits_ = limits; }

    /// Moves one piece out of the FIFO. The number of bytes, 0: it is empty. After an error they
    /// are still in the FIFO.
    [[nodiscard]] Result<std::size_t> take_from(int fifo, PipePeek& peek);

private:
    [[nodiscard]] Result<void> open();
    [[nodiscard]] Result<std::uint64_t> size();
    [[nodiscard]] Result<std::size_t> move(int fifo, std::uint64_t at, std::size_t bytes);
    [[nodiscard]] Result<std::size_t> take_near_end(int fifo, std::uint64_t at, PipePeek& peek);
    [[nodiscard]] bool line_open_at(std::uint64_t end) const;
    [[nodiscard]] Result<void> rotate();
    void prune() const;

    LogNames names_;
    LogLimits limits_;
    OwnedFd file_;
    std::uint64_t next_sequence_ = 0; ///< 0: not yet looked up
};

} // namespace keel::sys
