#include "sys/loop.hpp"
#include "tests/integration/ledger/records.hpp"
#include "tests/support/loop_fixture.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

namespace keel::ledger {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// The whole ledger on a real loop.
class SqliteLedgerTest : public LedgerFixture {
protected:
    void open()
    {
        ledger_ = std::make_unique<SqliteLedger>(loop_, options());
        ledger_->set_handlers({[this](const std::string& text) { news_.push_back(text); },
                               [this] { ++begun_anew_; }});
    }
    /// What it finds now.
    std::vector<std::uint64_t> found(std::string* missing = nullptr)
    {
        std::optional<ports::OutageHistory> history;
        ledger_->find({}, [&](ports::OutageHistory told) { history = std::move(told); });
        EXPECT_TRUE(test::run_until(loop_, [&] { return history.has_value(); }));
        std::vector<std::uint64_t> ids;
        for (const auto& view : history->outages)
            ids.push_back(number(view.record.id));
        if (missing != nullptr) *missing = history->missing;
        return ids;
    }
    bool all_written()
    {
        return test::run_until(loop_, [this] {
            const auto standing = ledger_->standing();
            return standing.waiting == 0 && standing.trouble.empty();
        });
    }

    sys::UvLoop loop_;
    std::vector<std::string> news_;
    int begun_anew_ = 0;
    std::unique_ptr<SqliteLedger> ledger_;
};

TEST_F(SqliteLedgerTest, WritesWhatIsKeptAndFindsItAgain)
{
    open();
    ledger_->keep(outage(1).record, nullptr);
    ledger_->keep(ended(2, 1s, 1s).record, nullptr);
    ASSERT_TRUE(test::run_until(loop_, [this] { return found().size() == 2; }));
    EXPECT_THAT(found(), ElementsAre(2, 1));
    EXPECT_EQ(begun_anew_, 1);
    ledger_.reset();
    open();
    EXPECT_THAT(found(), ElementsAre(2, 1));
    EXPECT_THAT(news_, IsEmpty());
}

TEST_F(SqliteLedgerTest, WritesWhatWaitsAtItsEnd)
{
    open();
    ledger_->keep(outage(1).record, nullptr);
    ledger_.reset();
    EXPECT_THAT(ids(), ElementsAre(1));
}

TEST_F(SqliteLedgerTest, WaitsWhileSomebodyHoldsTheFileAndCatchesUp)
{
    open();
    ledger_->keep(outage(1).record, nullptr);
    ASSERT_TRUE(test::run_until(loop_, [this] { return found().size() == 1; }));
    {
        Database other(path_, Database::Mode::read_write, 1s);
        const Transaction holds_it(other);
        ledger_->keep(outage(2).record, nullptr);
        ASSERT_TRUE(test::run_until(loop_, [this] { return !news_.empty(); }));
        EXPECT_THAT(news_.front(), HasSubstr("locked"));
        EXPECT_EQ(ledger_->standing().waiting, 1U);
        EXPECT_THAT(ledger_->standing().trouble, HasSubstr("locked"));
    }
    ASSERT_TRUE(all_written());
    EXPECT_THAT(found(), ElementsAre(2, 1));
    ASSERT_TRUE(test::run_until(loop_, [this] { return news_.size() == 2; }));
    EXPECT_THAT(news_.back(), HasSubstr("nothing was lost"));
    EXPECT_THAT(asides(), IsEmpty());
}

TEST_F(SqliteLedgerTest, WaitsForAPlaceForItsFile)
{
    path_ = (dir_ / "not-there/ledger.db").string();
    overwrite((dir_ / "not-there").string(), "a file where a directory should be");
    open();
    ledger_->keep(outage(1).record, nullptr);
    ASSERT_TRUE(test::run_until(loop_, [this] { return !news_.empty(); }));
    std::string missing;
    EXPECT_THAT(found(&missing), IsEmpty());
    EXPECT_FALSE(missing.empty());
    std::filesystem::remove(dir_ / "not-there");
    ASSERT_TRUE(all_written());
    EXPECT_THAT(found(), ElementsAre(1));
}

TEST_F(SqliteLedgerTest, LosesTheOldestRecordsBeyondItsBoundAndSaysSo)
{
    path_ = (dir_ / "not-there/ledger.db").string();
    overwrite((dir_ / "not-there").string(), "a file where a directory should be");
    open();
    for (std::uint64_t id = 1; id <= SqliteLedger::waiting_max + 7; ++id)
        ledger_->keep(outage(id).record, nullptr);
    ASSERT_TRUE(test::run_until(loop_, [this] { return news_.size() >= 2; }));
    EXPECT_EQ(ledger_->standing().lost, 7U);
    EXPECT_EQ(ledger_->standing().waiting, SqliteLedger::waiting_max);
    EXPECT_THAT(news_, Contains(HasSubstr("the oldest are lost")));
    std::filesystem::remove(dir_ / "not-there");
    ASSERT_TRUE(all_written());
    ASSERT_TRUE(test::run_until(loop_, [this] { return news_.size() == 3; }));
    EXPECT_THAT(news_.back(), HasSubstr("7 records were lost"));
    EXPECT_EQ(ids({{}, 10'000}).back(), 8U);
}

TEST_F(SqliteLedgerTest, SetsAsideWhatAReaderFindsDamaged)
{
    open();
    for (std::uint64_t id = 1; id <= 200; ++id)
        ledger_->keep(ended(id, 1s, 1s).record, nullptr);
    ASSERT_TRUE(test::run_until(loop_, [this] { return found().size() == 200; }));
    ASSERT_TRUE(test::run_until(loop_, [this] { return begun_anew_ == 1; }));
    {
        const Database other(path_, Database::Mode::read_write, 1s);
        other.run("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    std::string damaged = bytes_of(path_);
    ASSERT_GT(damaged.size(), 12288U);
    for (std::size_t at = 4096; at < damaged.size(); at += 4096)
        damaged.replace(at, 64, std::string(64, '\xff'));
    {
        // Into the same file, as a failing disk would.
        std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
        file << damaged;
    }
    std::string missing;
    EXPECT_THAT(found(&missing), IsEmpty());
    EXPECT_THAT(missing, HasSubstr("malformed"));
    ASSERT_TRUE(test::run_until(loop_, [&] { return begun_anew_ == 2; }));
    EXPECT_THAT(news_, Contains(HasSubstr("set aside")));
    ledger_->keep(outage(201).record, nullptr);
    ASSERT_TRUE(test::run_until(loop_, [this] { return found().size() == 1; }));
}

} // namespace
} // namespace keel::ledger
