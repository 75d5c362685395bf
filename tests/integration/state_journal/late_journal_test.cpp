#include "sys/late_journal.hpp"

#include "tests/support/temp_dir.hpp"

#include <atomic>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

/// Bytes of the largest file that came to the disk under a name that ends in `.new`.
std::atomic<off_t> synchronised_beside = 0; // NOLINT(*-avoid-non-const-global-variables)

} // namespace

/// In place of the C library's: what is on a disk, and what only in memory, shows nowhere else.
extern "C" int fsync(int fd)
{
    struct stat seen {};
    if (::fstat(fd, &seen) != 0) return -1;
    const auto name = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd));
    if (name.extension() == ".new" && seen.st_size > synchronised_beside)
        synchronised_beside = seen.st_size;
    return static_cast<int>(::syscall(SYS_fsync, fd));
}

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

TEST_F(LateJournalTest, ReplacesItsFileOnlyByOneThatIsOnTheDisk)
{
    synchronised_beside = 0;
    LateJournal journal(options());
    EXPECT_EQ(synchronised_beside, 0) << "who begins one that is empty does not wait";
    const auto settle = journal.settler();
    const std::string large(100'000, 'x');
    for (int i = 0; synchronised_beside == 0 && i < 100; ++i) {
        journal.put("a", std::to_string(i) + large);
        settle(30s);
    }
    EXPECT_GT(synchronised_beside, 100'000);
    EXPECT_THAT(on_disk(), ElementsAre(Pair("a", testing::EndsWith(large))));
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
