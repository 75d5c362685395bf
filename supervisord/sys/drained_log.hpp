// One instance's output on its way: taken out of the FIFO piece by piece, kept or dropped, counted,
// and told about.
//
// Promises: a log never holds a service back but by a disk that is slow: what cannot be written or
// comes above the unit's rate is dropped, counted, and told: at the beginning and the end of a
// stretch of losses, and for a rate in the log itself, where the gap is. It may wait for a disk,
// hence it is used by the thread of LogDrain alone.
#pragma once
#include "base/owned_fd.hpp"
#include "core/outage.hpp"
#include "sys/line_watch.hpp"
#include "sys/log_file.hpp"
#include "sys/log_packer.hpp"
#include "sys/rate_gate.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace keel::sys {

/// What one unit's instances have written, read by the loop while the thread counts.
struct LogCounters {
    std::atomic<std::uint64_t> bytes = 0;
    std::atomic<std::uint64_t> dropped = 0;
};

/// A line that somebody waits for.
struct AwaitedLine {
    LineWatch watch;
    std::function<void(const std::string& line)> found; ///< called by the thread
};

/// One FIFO to be drained, handed over to the thread.
struct LogSource {
    std::string name;                    ///< `worker.3`
    std::shared_ptr<const OwnedFd> fifo; ///< closed when nobody needs it any more
    LogFile file;
    std::shared_ptr<LogCounters> counters;
    std::optional<AwaitedLine> awaited;
};

/// A sentence for people about the log of the named instance.
using TellOfLog = std::function<void(const std::string& name, const std::string& text)>;

class DrainedLog {
public:
    /// Both outlive it.
    DrainedLog(LogSource source, const TellOfLog& tell, LogPacker& packer);

    [[nodiscard]] int fifo() const { return source_.fifo->get(); }
    [[nodiscard]] const std::string& name() const { return source_.name; }
    void set_rules(const units::LogSpec& rules);
    void set_piece_in_hand(PieceInHand piece) { source_.file.set_piece_in_hand(std::move(piece)); }
    void await_line(AwaitedLine line) { source_.awaited = std::move(line); }
    /// Brings what an engine before this one had in hand into the file.
    void finish_piece(PipePeek& peek);

    /// Moves or drops one piece of at most so many bytes. False: there was nothing.
    bool take_piece(PipePeek& peek, std::size_t bytes_max = LogFile::piece_max);
    /// What the FIFO holds at this moment and no more.
    void take_waiting(PipePeek& peek);
    /// Null while what comes cannot be kept.
    [[nodiscard]] core::LastWords last_words() const;
    /// How many bytes the latest of them had.
    [[nodiscard]] std::size_t last_piece() const { return last_piece_; }

    /// When look_after() is to be called next, if nothing comes before; nullopt: never.
    [[nodiscard]] std::optional<MonoTime> due() const;
    /// What time alone brings about: files that are too old, a gap to be told.
    void look_after(const Now& now);

private:
    [[nodiscard]] bool keep_piece(PipePeek& peek, std::size_t bytes_max);
    [[nodiscard]] bool drop_unwritable(PipePeek& peek, const Error& why,
                                       std::size_t bytes_max = LogFile::piece_max);
    [[nodiscard]] bool drop_above_rate(PipePeek& peek, std::size_t bytes, MonoTime now);
    [[nodiscard]] std::size_t drop(PipePeek& peek, std::size_t bytes_max);
    void show(std::size_t bytes);
    void tell_of_gap();
    void pack_put_aside();
    void count_dropped(std::size_t bytes);

    LogSource source_;
    const TellOfLog& tell_;
    LogPacker& packer_;
    std::optional<MonoTime> failed_at_; ///< when the last failure was told
    std::uint64_t unwritten_ = 0;       ///< bytes lost since the file was last written
    std::size_t last_piece_ = 0;
    std::uint64_t gone_ = 0; ///< bytes that have left the FIFO
    RateGate gate_;
    std::uint64_t gap_ = 0;           ///< bytes above the rate that the log does not tell yet
    std::uint64_t flood_ = 0;         ///< bytes above the rate since it was told that there are
    MonoTime gap_at_{};               ///< when the gap began
    MonoTime flooded_at_{};           ///< the last loss above the rate
    std::optional<MonoTime> age_due_; ///< when files may have become too old
    std::string looked_at_; ///< what waited when this piece began, while a line is awaited
};

} // namespace keel::sys
