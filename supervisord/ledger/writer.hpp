// The ledger's writer: what waits to be written, and the thread that writes it.
//
// One mutex guards what waits, and is never held while the disk is. The thread gathers for
// `batch_span`, writes, and on failure puts back what nobody has said anything newer of.
#pragma once
#include "base/owned_fd.hpp"
#include "ledger/ledger.hpp"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace keel::ledger {

class SqliteLedger::Writer {
public:
    static constexpr std::chrono::milliseconds batch_span{50};
    static constexpr std::chrono::milliseconds retry_span{1000};
    static constexpr std::chrono::seconds note_span{15}; ///< says that it is still there

    explicit Writer(const LedgerFile::Options& options);

    /// Starts the thread, which keeps the writer alive.
    static void begin(const std::shared_ptr<Writer>& writer);
    /// What waits is tried once more, and the thread ends: within `patience`, or later by itself.
    void end(Duration patience, LedgerFile::End how);

    void keep(Stamped outage);
    void keep(const core::SpawnRecord& spawn);
    void keep(const core::OperationRecord& operation);
    void keep(const std::string& unit, const core::DeploymentRecord& deployment);
    void keep(StampedChange change);
    void go_on_with(ports::Beginning beginning);
    /// A reader could make no sense of the file of that inode.
    void suspect(std::uint64_t inode);

    /// Waits until the file has told, or could not be opened.
    [[nodiscard]] std::optional<ports::LastLife> last_life(Duration patience);

    [[nodiscard]] ports::LedgerStanding standing() const;
    [[nodiscard]] LedgerFile::News take_news();
    /// Readable when there is news.
    [[nodiscard]] int bell() const { return bell_.get(); }

private:
    enum class Next : std::uint8_t { write, end };
    void live();
    Next wait_for_work(std::unique_lock<std::mutex>& lock);
    void write_once(std::unique_lock<std::mutex>& lock);
    void put_back(Batch batch);
    void settle(const std::optional<std::string>& trouble);
    void tell(std::string text);
    void hear_last_life(const std::optional<ports::LastLife>& life);
    [[nodiscard]] LedgerFile::Options with_ear(LedgerFile::Options options);
    void heed_kept();
    void drop_beyond_bound();

    LedgerFile file_; ///< the thread's alone
    OwnedFd bell_;

    mutable std::mutex mutex_;      ///< of what follows
    std::condition_variable work_;  ///< there is some
    std::condition_variable hurry_; ///< it is to end
    std::condition_variable over_;
    std::condition_variable begun_;
    Batch waiting_;
    LedgerFile::News news_;
    std::string trouble_;
    std::uint64_t lost_ = 0;
    std::uint64_t lost_before_ = 0; ///< the present trouble
    bool loss_told_ = false;
    std::optional<std::uint64_t> suspect_;                          ///< inode
    enum class Tried : std::uint8_t { no, yes } tried_ = Tried::no; ///< to open the file
    std::optional<ports::LastLife> last_life_;
    std::optional<WallTime> since_;
    LedgerFile::End end_ = LedgerFile::End::cut_short;
    enum class Life : std::uint8_t { begins, lives, ending, over } life_ = Life::begins;
};

} // namespace keel::ledger
