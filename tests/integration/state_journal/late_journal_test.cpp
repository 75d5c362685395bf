#include "sys/late_journal.hpp"

#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>

namespace keel::sys {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::Pair;

class LateJournalTest : public ::testing::Test {
protected:
    [[nodiscard]] FileStateJournal::Options options() const
    {
        FileStateJournal::Options options;
        options.path = (dir_ / "totals.journal").string();
        options.boot_id = "any";
        return options;
    }
    std::map<std::string, std::string> on_disk() { return FileStateJournal(options()).recovered(); }

    test::TempDir dir_;
};

TEST_F(LateJournalTest, HasTheLatestOfEachKeyOnTheDiskAtItsEnd)
{
    {
        LateJournal journal(options());
        journal.put("a", "1");
        journal.put("b", "1");
        journal.put("a", "2");
        journal.erase("b");
    }
    EXPECT_THAT(on_disk(), ElementsAre(Pair("a", "2")));
    EXPECT_THAT(LateJournal(options()).recovered(), ElementsAre(Pair("a", "2")));
}

TEST_F(LateJournalTest, IsSettledWhenWhatWasPutIsThere)
{
    LateJournal journal(options());
    const auto settle = journal.settler();
    for (int i = 0; i < 100; ++i) {
        journal.put("a", std::to_string(i));
        settle(30s);
        ASSERT_THAT(on_disk(), ElementsAre(Pair("a", std::to_string(i))));
    }
    settle(30s); // Nothing is to be written: it does not wait.
}

TEST_F(LateJournalTest, IsSettledWhenItIsGone)
{
    auto journal = std::make_unique<LateJournal>(options());
    const auto settle = journal->settler();
    journal->put("a", "1");
    journal.reset();
    settle(30s);
    EXPECT_THAT(on_disk(), ElementsAre(Pair("a", "1")));
}

} // namespace
} // namespace keel::sys
