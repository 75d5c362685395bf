// ports::LogSink: one FIFO per instance under RUN/fifo, drained into LOG/UNIT/SLOT.log; or a
// connection to systemd's journal.
//
// Promises: not a byte of raw output is lost or doubled by the end of an engine, whatever ended it:
// FIFOs that exist at the start are taken over with what they hold. Output is moved by a thread of
// its own (log_drain.hpp); nothing here waits for a disk. What cannot be kept is counted and told.
// It refuses to know what is written and whether anybody is alive to write.
#pragma once
#include "ports/log_sink.hpp"
#include "ports/loop.hpp"
#include "sys/log_drain.hpp"
#include "sys/mailbox.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace keel::sys {

struct LogSinkOptions {
    std::filesystem::path fifo_dir;
    std::filesystem::path log_dir;
    std::filesystem::path journal_socket; ///< of systemd's journal
    /// Has a FIFO kept open by somebody who outlives this process, under a key that stays the same
    /// over engine lives; and let go again. Either may be empty.
    std::function<void(std::uint64_t key, int fd)> hold;
    std::function<void(std::uint64_t key)> drop;
    /// A sentence for people about an instance's log, on the loop's thread.
    std::function<void(const std::string& unit, Slot slot, const std::string& text)> tell;
};

class LogSink final : public ports::LogSink {
public:
    LogSink(ports::Loop& loop, LogSinkOptions options);
    ~LogSink() override;
    LogSink(const LogSink&) = delete;
    LogSink& operator=(const LogSink&) = delete;

    /// Takes over the FIFOs that an engine before this one left, so that nothing in them waits
    /// until its instance starts anew. `spec_of` says how an instance's output is kept; those it
    /// does not know are read to their end and forgotten.
    using SpecOf = std::function<std::optional<units::LogSpec>(const std::string& unit, Slot slot)>;
    void take_over(const SpecOf& spec_of);

    [[nodiscard]] Result<int> output_of(const std::string& unit, Slot slot,
                                        const units::LogSpec& spec,
                                        const std::optional<ports::Credentials>& owner) override;
    [[nodiscard]] std::uint64_t bytes(const std::string& unit) const override;
    [[nodiscard]] std::uint64_t dropped_bytes(const std::string& unit) const override;
    void forget(const std::string& unit, Slot slot) override;
    void await_line(const std::string& unit, Slot slot, ports::LogSink::AwaitedLine line,
                    Awaits awaits) override;
    /// By then it can be read from its file, too. In the next turn if it has no FIFO.
    void when_drained(const std::string& unit, Slot slot, std::function<void()> done) override;

    /// A failure is told to the loop some time after the process's end, and its successor needs
    /// some time to write anything: what is in the FIFO in between is all its own. The thread is
    /// there within that time unless the host is very busy or the disk is slow; then the first
    /// lines of the successor may be among them.
    void last_words(const std::string& unit, Slot slot,
                    std::function<void(core::LastWords)> done) override;

private:
    struct Entry {
        std::uint64_t id = 0;                ///< for the thread; never used again
        std::shared_ptr<const OwnedFd> fifo; ///< what processes are given; shared with the thread
        units::LogSpec rules;
        bool has_piece = false;
    };

    void renew(const std::string& name);
    [[nodiscard]] sys::AwaitedLine carried_over(const std::string& name,
                                                ports::LogSink::AwaitedLine line);
    [[nodiscard]] Result<Entry*> open(const std::string& unit, Slot slot, units::LogSpec rules);
    [[nodiscard]] std::optional<PieceInHand> open_piece(const std::string& name,
                                                        const units::LogSpec& rules);
    [[nodiscard]] std::shared_ptr<LogCounters> counters_of(const std::string& unit);
    [[nodiscard]] LogDrain& drain();
    [[nodiscard]] int journal_of(const std::string& unit, Slot slot);

    ports::Loop& loop_;
    LogSinkOptions options_;
    Mailbox mailbox_;
    std::map<std::string, Entry> entries_;                                    ///< by instance name
    std::map<std::string, std::shared_ptr<LogCounters>> counters_;            ///< by unit
    std::map<std::uint64_t, std::function<void()>> waiting_;                  ///< for when_drained
    std::map<std::uint64_t, std::function<void(core::LastWords)>> listening_; ///< for last_words
    std::map<std::string, sys::AwaitedLine> awaited_; ///< by instance, for when it is opened
    struct Finder {
        std::uint64_t ticket = 0;
        std::function<void(const std::string& line)> found;
    };
    std::map<std::string, Finder> finders_; ///< by instance, of the line that is awaited last
    std::uint64_t next_id_ = 0;
    OwnedFd journal_;                       ///< the latest connection; processes have their own
    std::set<std::string> without_journal_; ///< instances of which it was told
    std::unique_ptr<LogDrain> drain_;       ///< from the first FIFO on
};

} // namespace keel::sys
