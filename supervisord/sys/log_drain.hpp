// The thread that moves output from FIFOs into log files.
//
// It exists so that no disk is ever waited for by the loop: a slow one holds the writers back, a
// full one costs output, which is counted and told; neither costs supervision anything. Each FIFO
// that has something gets one piece per round, so that one flooding unit starves nobody. With
// nothing to move it sleeps, without a timeout unless a log has something to do by then.
// It refuses to know about units, but for names to be told with.
#pragma once
#include "sys/drained_log.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace keel::sys {

class LogDrain {
public:
    /// `tell` is called from the thread: output begins to be dropped, output is kept again.
    /// Throws std::system_error if there is no descriptor or no thread to be had.
    explicit LogDrain(TellOfLog tell);
    /// Moves what still waits, for a second at the most: a disk that hangs must not keep the
    /// engine from ending. What is left stays in the FIFOs.
    ~LogDrain();
    LogDrain(const LogDrain&) = delete;
    LogDrain& operator=(const LogDrain&) = delete;

    void add(std::uint64_t id, LogSource source);
    /// From the next piece on.
    void set_rules(std::uint64_t id, units::LogSpec rules);
    /// Before rules that ask for times.
    void set_piece_in_hand(std::uint64_t id, PieceInHand piece);
    /// From the next piece on.
    void await_line(std::uint64_t id, AwaitedLine line);
    /// Moves what still waits, then closes it.
    void remove(std::uint64_t id);
    /// Calls `done` from the thread when all that waited at this moment is in the file.
    void when_drained(std::uint64_t id, std::function<void()> done);

    /// The same, with what the instance has written last by then.
    void last_words(std::uint64_t id, std::function<void(core::LastWords)> done);

private:
    class Worker;
    std::shared_ptr<Worker> worker_; ///< shared with the thread, which may outlive this
    std::thread thread_;
};

} // namespace keel::sys
