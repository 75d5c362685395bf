// ports::StateJournal in a file on a disk, written a little later by a thread of its own.
//
// Promises: whoever puts never waits for the disk; a record is on it `gather_span` after it was
// put, and the latest of each key at an orderly end, for which the end waits `patience_at_end` and
// no longer. What came last is missing after any other end: it is for records of which that is
// known. The file is as checked, and heals as the one that it is written by (state_journal.hpp).
#pragma once
#include "sys/state_journal.hpp"

#include <chrono>
#include <functional>
#include <memory>

namespace keel::sys {

class LateJournal final : public ports::StateJournal {
public:
    static constexpr std::chrono::seconds gather_span{2};
    static constexpr std::chrono::seconds patience_at_end{2};

    /// Reads the file now. `on_failure` is called on the thread.
    explicit LateJournal(FileStateJournal::Options options);
    ~LateJournal() override;
    LateJournal(const LateJournal&) = delete;
    LateJournal& operator=(const LateJournal&) = delete;

    [[nodiscard]] const std::map<std::string, std::string>& recovered() const override;
    void put(std::string_view key, std::string_view record) override;
    void erase(std::string_view key) override;

    /// Waits until what was put before is on the disk, or its time is over. For other threads, also
    /// when the journal is gone.
    using Settle = std::function<void(std::chrono::milliseconds patience)>;
    [[nodiscard]] Settle settler() const;

private:
    class Writer; ///< shared with its thread, which may outlive this if the disk hangs
    std::shared_ptr<Writer> writer_;
    std::map<std::string, std::string> recovered_;
};

} // namespace keel::sys
