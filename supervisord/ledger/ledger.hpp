// ports::Ledger in SQLite (TECH: WAL, one writer on a thread of its own, readers beside it).
//
// Promises: whoever keeps a record never waits; it is in the file some 50 ms later, or when the
// file can be written again (tried once a second): a full, read-only, locked or damaged file stops
// nothing. At most `waiting_max` records wait; of more the oldest are lost, counted and told. What
// is found is read on a thread of the loop's own over a connection of its own. The end waits for
// the disk no longer than `patience_at_end`.
#pragma once
#include "ledger/ledger_file.hpp"
#include "ports/ledger.hpp"
#include "ports/loop.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string>

namespace keel::ledger {

class SqliteLedger final : public ports::Ledger {
public:
    static constexpr std::size_t waiting_max = 5000;
    /// One reader at a time, as a disk that hangs must not hold all threads that work for the loop.
    static constexpr std::size_t reads_max = 64;
    static constexpr Duration patience_at_end = std::chrono::seconds(2);

    /// `options.now` is called on the writer's thread.
    SqliteLedger(ports::Loop& loop, LedgerFile::Options options);
    ~SqliteLedger() override;
    SqliteLedger(const SqliteLedger&) = delete;
    SqliteLedger& operator=(const SqliteLedger&) = delete;

    void set_handlers(Handlers handlers) override;
    void keep(const core::Outage& outage, core::LastWords words) override;
    void keep(const core::SpawnRecord& spawn) override;
    void keep(const core::OperationRecord& operation) override;
    void keep(const std::string& unit, const core::DeploymentRecord& deployment) override;
    void keep(const ports::WantedChange& change) override;
    void go_on_with(ports::Beginning beginning) override;
    void find(const ports::OutageQuery& query,
              std::function<void(ports::OutageHistory)> done) override;
    void find_past(WallTime since, std::function<void(core::PastOfAll)> done) override;
    void find_incident(OutageId outage, std::function<void(core::Incident)> done) override;
    [[nodiscard]] ports::LedgerStanding standing() const override;

    /// What the run of Keel before this one left; none: there was none, or the disk takes longer
    /// to tell than `patience_at_begin`, and Keel does not wait for it.
    [[nodiscard]] std::optional<ports::LastLife> last_life() const;
    static constexpr Duration patience_at_begin = std::chrono::seconds(1);

    /// The end that is about to come is meant to.
    void end_in_order() { end_ = LedgerFile::End::in_order; }

private:
    class Writer; ///< shared with its thread, which may outlive the ledger when the disk hangs

    void hear();
    [[nodiscard]] Duration suspended() const;
    /// Has `read` fill in what is found, on another thread over a connection of its own.
    template <class Found>
    void find_by(std::function<void(Database&, Found&)> read, std::function<void(Found)> done);
    void read_next();

    ports::Loop& loop_;
    const LedgerFile::Options options_;
    Handlers handlers_;
    LedgerFile::End end_ = LedgerFile::End::cut_short;
    std::shared_ptr<Writer> writer_;
    std::deque<std::function<void()>> reads_; ///< that wait their turn
    enum class Reading : std::uint8_t { no, yes } reading_ = Reading::no;
    ports::Loop::Registration bell_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

} // namespace keel::ledger
