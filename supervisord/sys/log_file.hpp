// One instance's log file: bytes go from the FIFO into it without passing through this process,
// and it is put aside when it has grown.
//
// Promises: raw bytes are moved by splice at an offset, so that a reader killed at any moment has
// neither lost a byte nor written one twice (read and write lose, tee and write double; O_APPEND
// does not go with splice); the same with times before the lines (piece_in_hand.hpp). The file's
// end is asked of the kernel each time: what others did to it, truncating or deleting, leaves no
// hole. Files are cut at the end of a line; only a line longer than `overshoot_max` is torn.
// It may block on a slow disk, hence it is never used on the loop's thread.
#pragma once
#include "base/owned_fd.hpp"
#include "base/result.hpp"
#include "sys/log_names.hpp"
#include "sys/piece_in_hand.hpp"
#include "sys/pipe_peek.hpp"
#include "units/spec.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keel::sys {

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

class LogFile {
public:
    /// Bytes of one piece: what one instance gets before the next has its turn.
    static constexpr std::size_t piece_max = std::size_t{64} << 10;
    static constexpr std::size_t overshoot_max = std::size_t{64} << 10;

    LogFile(LogNames names, units::LogSpec rules) : names_(std::move(names)), rules_(rules) {}

    void set_rules(units::LogSpec rules) { rules_ = rules; }
    /// Lines can have times from now on; without one they are kept as they are.
    void set_piece_in_hand(PieceInHand piece) { piece_ = std::move(piece); }
    /// Brings what an engine before this one had in hand into the file.
    [[nodiscard]] Result<void> finish_piece(PipePeek& peek);

    [[nodiscard]] const LogNames& names() const { return names_; }
    [[nodiscard]] const units::LogSpec& rules() const { return rules_; }

    /// Moves one piece of at most so many bytes out of the FIFO. The number of bytes, 0: it is
    /// empty. After an error they are still in the FIFO, but for those of take_lost().
    [[nodiscard]] Result<std::size_t> take_from(int fifo, PipePeek& peek, std::size_t bytes_max);

    /// How many bytes have been taken out of the FIFO and not been kept since the last call.
    [[nodiscard]] std::size_t take_lost() { return std::exchange(lost_, 0); }

    /// Numbers of the files that were put aside since the last call, for who compresses them.
    [[nodiscard]] std::vector<std::uint64_t> take_put_aside()
    {
        return std::exchange(put_aside_, {});
    }

    /// Adds a line of Keel's own, behind the line that is under way.
    [[nodiscard]] Result<void> append_line(std::string_view text);

    /// Does what `max_age` asks for: puts the file aside if it was begun so long ago, deletes
    /// those put aside whose last line is so old. Until when that has to be done again.
    [[nodiscard]] Duration heed_age(WallTime now);

private:
    [[nodiscard]] Result<void> open();
    [[nodiscard]] Result<std::uint64_t> size();
    [[nodiscard]] Result<std::size_t> move(int fifo, std::uint64_t at, std::size_t bytes);
    [[nodiscard]] Result<std::size_t> take_near_end(int fifo, std::uint64_t at,
                                                    std::string_view waiting);
    [[nodiscard]] Result<std::size_t> take_with_times(int fifo, std::uint64_t at, PipePeek& peek,
                                                      std::string_view waiting);
    [[nodiscard]] Result<std::size_t> rotate_after(std::size_t moved);
    [[nodiscard]] Result<void> write(std::string_view text, std::uint64_t at);
    [[nodiscard]] bool line_open_at(std::uint64_t end) const;
    [[nodiscard]] Result<void> rotate();
    void put_aside_if_old(WallTime now);
    void prune() const;

    LogNames names_;
    units::LogSpec rules_;
    std::optional<PieceInHand> piece_;
    OwnedFd file_;
    std::optional<WallTime> begun_; ///< when the file got its first byte; none: it has none
    std::vector<std::uint64_t> put_aside_;
    std::size_t lost_ = 0;
    std::uint64_t next_sequence_ = 0; ///< 0: not yet looked up
};

} // namespace keel::sys
