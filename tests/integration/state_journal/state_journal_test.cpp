#include "sys/state_journal.hpp"

#include "sys/state_journal_format.hpp"
#include "tests/support/temp_dir.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace keel::sys {
namespace {

namespace fs = std::filesystem;
const std::string boot = "b6cf2e1a-0f0c-4d60-8d4c-6b3f5a0c1d2e";

class StateJournal : public testing::Test {
protected:
    FileStateJournal::Options options()
    {
        return {.path = dir / "state.journal",
                .boot_id = boot,
                .on_failure = [this](const Error& error) { told.push_back(error.text()); }};
    }
    std::string bytes()
    {
        std::ifstream file(dir / "state.journal", std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void overwrite(const std::string& content)
    {
        std::ofstream(dir / "state.journal", std::ios::binary | std::ios::trunc) << content;
    }

    test::TempDir dir;
    std::vector<std::string> told;
};

TEST_F(StateJournal, GivesTheNextEngineTheLastRecordOfEveryKey)
{
    {
        FileStateJournal journal(options());
        EXPECT_TRUE(journal.recovered().empty());
        journal.put("a", "1");
        journal.put("b", "2");
        journal.put("a", "3");
        journal.erase("b");
        EXPECT_TRUE(journal.recovered().empty());
    }
    const FileStateJournal next(options());
    EXPECT_EQ((std::map<std::string, std::string>{{"a", "3"}}), next.recovered());
    EXPECT_EQ(0U, next.failures());
}

TEST_F(StateJournal, HealsAndGoesOnWhereverItWasCut)
{
    {
        FileStateJournal journal(options());
        journal.put("first", "kept");
        journal.put("second", "cut somewhere");
    }
    const std::string whole = bytes();
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        overwrite(whole.substr(0, size));
        {
            FileStateJournal journal(options());
            journal.put("after", "the cut");
        }
        const FileStateJournal next(options());
        ASSERT_EQ("the cut", next.recovered().at("after")) << size;
        const auto parsed = journal::parse(whole.substr(0, size), boot);
        ASSERT_EQ(parsed.entries.size() + 1, next.recovered().size()) << size;
        ASSERT_EQ(next.size(), bytes().size()) << size;
    }
}

TEST_F(StateJournal, IsEmptyAfterABoot)
{
    {
        FileStateJournal(options()).put("a", "1");
    }
    auto rebooted = options();
    rebooted.boot_id = "00000000-1111-2222-3333-444444444444";
    {
        EXPECT_TRUE(FileStateJournal(rebooted).recovered().empty());
    }
    const FileStateJournal again(options());
    EXPECT_TRUE(again.recovered().empty());
}

TEST_F(StateJournal, StaysSmallHoweverOftenARecordChanges)
{
    const std::size_t live = 1000;
    {
        FileStateJournal journal(options());
        for (int i = 0; i < 20000; ++i) {
            journal.put("k", std::string(live, static_cast<char>('a' + i % 26)));
            ASSERT_LE(journal.size(), 4 * (live + 11) + (std::size_t{256} << 10) + 64);
            if (i % 100 != 0) continue;
            ASSERT_EQ(journal.size(), fs::file_size(dir / "state.journal"));
        }
        journal.put("other", "x");
    }
    const FileStateJournal next(options());
    EXPECT_EQ(2U, next.recovered().size());
    EXPECT_FALSE(fs::exists(dir / "state.journal.new"));
}

TEST_F(StateJournal, WritesNothingForARecordThatIsTheSame)
{
    FileStateJournal journal(options());
    journal.put("a", "1");
    const std::size_t size = journal.size();
    journal.put("a", "1");
    journal.erase("never there");
    EXPECT_EQ(size, journal.size());
}

TEST_F(StateJournal, RefusesWhatIsTooLargeAndKeepsTheRest)
{
    auto small = options();
    small.live_max = 1000;
    {
        FileStateJournal journal(small);
        journal.put("good", "1");
        journal.put("", "no key");
        journal.put(std::string(256, 'k'), "long key");
        journal.put("large", std::string(2000, 'x'));
        journal.put("good", "2");
        EXPECT_EQ(3U, journal.failures());
    }
    EXPECT_EQ(1U, told.size());
    const FileStateJournal next(options());
    EXPECT_EQ((std::map<std::string, std::string>{{"good", "2"}}), next.recovered());
}

TEST_F(StateJournal, WritesAllOfItOnceItsDirectoryIsThere)
{
    auto elsewhere = options();
    elsewhere.path = dir / "later/state.journal";
    {
        FileStateJournal journal(elsewhere);
        journal.put("a", "1");
        journal.put("b", "2");
        EXPECT_EQ(3U, journal.failures());
        EXPECT_EQ(1U, told.size());
        fs::create_directory(dir / "later");
        journal.put("c", "3");
        EXPECT_EQ(3U, journal.failures());
    }
    const FileStateJournal next(elsewhere);
    EXPECT_EQ(3U, next.recovered().size());
}

/// Runs `body` in a child whose files may not grow beyond `limit` bytes, as on a full disk.
void with_files_limited_to(rlim_t limit, const std::function<bool()>& body)
{
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit files{limit, limit};
        ::setrlimit(RLIMIT_FSIZE, &files);
        ::_exit(body() ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(child, ::waitpid(child, &status, 0));
    EXPECT_EQ(0, status);
}

TEST_F(StateJournal, LosesNoEarlierRecordWhenTheDiskFillsInTheMiddleOfOne)
{
    with_files_limited_to(300, [&] {
        FileStateJournal journal(options());
        journal.put("early", "kept");
        journal.put("late", std::string(500, 'x'));
        return journal.failures() == 1 && told.size() == 1;
    });
    const FileStateJournal next(options());
    EXPECT_EQ((std::map<std::string, std::string>{{"early", "kept"}}), next.recovered());
}

TEST_F(StateJournal, SurvivesBeingKilledAtAnyMoment)
{
    for (int round = 0; round < 20; ++round) {
        std::array<int, 2> ready{};
        ASSERT_EQ(0, ::pipe(ready.data()));
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            FileStateJournal journal(options());
            for (std::uint64_t i = 0;; ++i) {
                journal.put("counter", std::to_string(i) + std::string(2000, '.'));
                if (i % 97 == 0 && ::write(ready[1], "x", 1) != 1) ::_exit(1);
            }
        }
        std::array<char, 1> byte{};
        for (int i = 0; i <= round; ++i)
            ASSERT_EQ(1, ::read(ready[0], byte.data(), 1));
        ::kill(child, SIGKILL);
        ASSERT_EQ(child, ::waitpid(child, nullptr, 0));
        const FileStateJournal next(options());
        const int at_least = round * 97;
        EXPECT_GE(std::stoi(next.recovered().at("counter")), at_least);
        ::close(ready[0]);
        ::close(ready[1]);
    }
}

TEST_F(StateJournal, FollowsNoLinkOutOfItsDirectory)
{
    const auto target = dir / "victim";
    std::ofstream(target) << "precious";
    fs::create_symlink(target, dir / "state.journal");
    {
        FileStateJournal(options()).put("a", "1");
    }
    EXPECT_EQ(8U, fs::file_size(target));
    EXPECT_FALSE(fs::is_symlink(dir / "state.journal"));
}

} // namespace
} // namespace keel::sys
