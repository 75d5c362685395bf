#include "sys/twofold_journal.hpp"

#include "tests/support/temp_dir.hpp"

#include <filesystem>
#include <gmock/gmock.h>

namespace keel::sys {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class TwofoldJournalTest : public ::testing::Test {
protected:
    [[nodiscard]] FileStateJournal::Options near(const std::string& boot = "this boot") const
    {
        FileStateJournal::Options options;
        options.path = (dir_ / "near").string();
        options.boot_id = boot;
        return options;
    }
    [[nodiscard]] FileStateJournal::Options far() const
    {
        FileStateJournal::Options options;
        options.path = (dir_ / "far").string();
        options.boot_id = "any";
        return options;
    }
    void keep(const std::string& name, const std::string& as)
    {
        std::filesystem::copy_file(dir_ / name, dir_ / as,
                                   std::filesystem::copy_options::overwrite_existing);
    }

    test::TempDir dir_;
};

TEST_F(TwofoldJournalTest, OutlivesABoot)
{
    {
        TwofoldJournal journal(near(), far());
        journal.put("a", "1");
        journal.put("b", "1");
        journal.erase("b");
    }
    TwofoldJournal next(near("another boot"), far());
    EXPECT_THAT(next.recovered(), ElementsAre(Pair("a", "1")));
    // And from then on a death, before the disk has seen anything.
    next.put("c", "1");
    keep("near", "near.then");
    EXPECT_THAT(FileStateJournal(near("another boot")).recovered(),
                testing::IsSupersetOf({Pair("a", "1"), Pair("c", "1")}));
}

TEST_F(TwofoldJournalTest, HasInTheKernelsHandsWhatWasPut)
{
    TwofoldJournal journal(near(), far());
    journal.put("a", "1");
    journal.put("b", "1");
    journal.erase("b");
    // What a death at this very moment leaves; the thread has not been asked to write yet.
    auto left = far();
    left.path += ".of-a-death";
    TwofoldJournal next(near(), left);
    EXPECT_THAT(next.recovered(), ElementsAre(Pair("a", "1")));
}

TEST_F(TwofoldJournalTest, BringsTheDiskUpToWhatTheKernelHas)
{
    {
        TwofoldJournal journal(near(), far());
        journal.put("a", "1");
        journal.put("b", "1");
    }
    keep("far", "far.behind");
    {
        TwofoldJournal journal(near(), far());
        journal.put("a", "2");
        journal.put("c", "2");
        journal.erase("b");
    }
    keep("far.behind", "far");
    {
        const TwofoldJournal journal(near(), far());
    }
    EXPECT_THAT(FileStateJournal(far()).recovered(), ElementsAre(Pair("a", "2"), Pair("c", "2")));
}

TEST_F(TwofoldJournalTest, TrustsNoNearFileThatWasNotWholeYet)
{
    {
        TwofoldJournal journal(near(), far());
        journal.put("a", "1");
    }
    std::filesystem::remove(dir_ / "near");
    {
        FileStateJournal torn(near());
        torn.put("z", "1"); // Of whom nobody knows.
    }
    EXPECT_THAT(TwofoldJournal(near(), far()).recovered(), ElementsAre(Pair("a", "1")));
}

} // namespace
} // namespace keel::sys
