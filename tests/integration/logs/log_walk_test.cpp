// All that an instance wrote since a time, over its files.
#include "sys/log_walk.hpp"

#include "sys/log_reader.hpp"
#include "tests/support/log_fixture.hpp"
#include "tests/support/loop_fixture.hpp"

#include <chrono>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>

namespace keel::sys {
namespace {

using namespace std::chrono_literals;
using test::LogPlace;
using test::run_until;
using test::write_all;

/// A round time some while ago.
const WallTime noon{1'700'000'000s};

class LogWalking : public testing::Test {
protected:
    LogWalking() { std::filesystem::create_directories(names.folder()); }

    /// A file that was last written to then.
    void have(const std::filesystem::path& path, const std::string& content, WallTime written) const
    {
        std::ofstream(path, std::ios::binary | std::ios::app) << content;
        date(path, written);
    }
    static void date(const std::filesystem::path& path, WallTime written)
    {
        const auto whole = std::chrono::floor<std::chrono::seconds>(written.time_since_epoch());
        const timespec at{whole.count(), 0};
        const std::array both = {at, at};
        ASSERT_EQ(0, ::utimensat(AT_FDCWD, path.c_str(), both.data(), 0));
    }
    void have_packed(std::uint64_t sequence, const std::string& content, WallTime written) const
    {
        have(names.rotated(sequence), content, written);
        const std::atomic<bool> stop = false;
        ASSERT_TRUE(pack_file(names.rotated(sequence), names.packed(sequence), stop).ok());
    }
    static std::string rest_of(LogWalk& walk)
    {
        std::string all;
        for (;;) {
            const auto piece = walk.next();
            if (piece.bytes.empty()) return all;
            all += piece.bytes;
        }
    }
    [[nodiscard]] std::string since(WallTime time) const
    {
        LogWalk walk(names, time);
        return rest_of(walk);
    }

    LogPlace place;
    LogNames names = place.names("worker");
};

TEST_F(LogWalking, LeavesOutFilesThatWereLastWrittenToBefore)
{
    have(names.rotated(9), "a\n", noon);
    have_packed(10, "b\n", noon + 10s);
    have(names.rotated(11), "c\n", noon + 20s);
    have(names.current(), "d\n", noon + 30s);
    EXPECT_EQ("a\nb\nc\nd\n", since(noon - 1h));
    EXPECT_EQ("b\nc\nd\n", since(noon + 5s));
    EXPECT_EQ("c\nd\n", since(noon + 15s));
    EXPECT_EQ("d\n", since(noon + 25s));
    EXPECT_EQ("", since(noon + 1h));
}

TEST_F(LogWalking, AllowsForFilesThatAreDatedByACoarserClock)
{
    have(names.current(), "a\n", noon);
    EXPECT_EQ("a\n", since(noon + 900ms));
}

TEST_F(LogWalking, TellsWhenFilesWereBegun)
{
    have(names.rotated(1), "a\n", noon);
    have_packed(2, "b\n", noon + 10s);
    have(names.current(), std::string(200'000, 'c'), noon + 20s);
    LogWalk walk(names, noon + 5s);
    EXPECT_EQ(noon, walk.next().begun);
    EXPECT_EQ(noon + 10s, walk.next().begun);
    const auto further = walk.next();
    EXPECT_FALSE(further.bytes.empty());
    EXPECT_FALSE(further.begun);
}

TEST_F(LogWalking, GoesByTheBirthOfAFileBeforeWhichThereIsNone)
{
    have(names.current(), "a\n", noon);
    LogWalk walk(names, noon);
    const auto begun = walk.next().begun;
    if (!begun) GTEST_SKIP() << "this file system does not keep when a file was made";
    EXPECT_GT(*begun, noon + 24h);
}

TEST_F(LogWalking, IsEmptyWhereNothingWasWritten)
{
    EXPECT_EQ("", since(noon));
    have_packed(1, "a\n", noon);
    EXPECT_EQ("", since(noon + 1h));
    EXPECT_EQ("a\n", since(noon));
}

TEST_F(LogWalking, EndsWithWhatThereWasWhenItBegan)
{
    have(names.current(), "before\n", noon);
    LogWalk walk(names, noon);
    have(names.current(), "after\n", noon);
    EXPECT_EQ("before\n", rest_of(walk));
    have(names.current(), "still later\n", noon);
    EXPECT_EQ("", rest_of(walk));
}

TEST_F(LogWalking, IsFollowedWhereItEnded)
{
    UvLoop loop;
    LogReader reader(loop, place.log());
    const auto followed_after = [&](LogWalk& walk, const std::string& expected) {
        std::string heard;
        const auto following = reader.follow("worker", 1, walk.position(),
                                             [&](std::string_view bytes) { heard += bytes; });
        EXPECT_TRUE(following.ok());
        return run_until(loop, [&] { return heard == expected; });
    };
    LogWalk before_all(names, noon);
    EXPECT_EQ("", rest_of(before_all));
    have(names.current(), "a\n", noon);
    LogWalk walk(names, noon);
    LogWalk too_late(names, noon + 1h);
    EXPECT_EQ("", rest_of(too_late));
    have(names.current(), "b\n", noon);
    EXPECT_EQ("a\n", rest_of(walk));
    std::filesystem::rename(names.current(), names.rotated(1));
    have(names.current(), "c\n", noon);
    EXPECT_TRUE(followed_after(walk, "b\nc\n"));
    EXPECT_TRUE(followed_after(too_late, "b\nc\n"));
    EXPECT_TRUE(followed_after(before_all, "a\nb\nc\n"));
}

TEST_F(LogWalking, GoesOnInAFileThatIsRotatedAndPackedMeanwhile)
{
    const std::string much = std::string(150'000, 'x') + "\n";
    have(names.current(), much + "end\n", noon);
    LogWalk walk(names, noon);
    std::string all(walk.next().bytes);
    std::filesystem::rename(names.current(), names.rotated(1));
    have_packed(1, "added\n", noon);
    have(names.current(), "of another file\n", noon);
    all += rest_of(walk);
    EXPECT_TRUE(all == much + "end\n");
}

TEST_F(LogWalking, GoesOnWhereAFileWasPrunedMeanwhile)
{
    have(names.rotated(1), std::string(100'000, 'x') + "\n", noon);
    have(names.rotated(2), "pruned\n", noon);
    have(names.rotated(3), "kept\n", noon);
    have(names.current(), "last\n", noon);
    LogWalk walk(names, noon);
    (void)walk.next();
    names.remove_rotated(1);
    names.remove_rotated(2);
    EXPECT_TRUE(rest_of(walk).ends_with("x\nkept\nlast\n"));
}

TEST_F(LogWalking, EndsWhereTheFilesOfItsTimeWerePrunedMeanwhile)
{
    have(names.rotated(1), std::string(100'000, 'x') + "\n", noon);
    have(names.current(), "pruned\n", noon);
    LogWalk walk(names, noon);
    (void)walk.next();
    names.remove_rotated(1);
    std::filesystem::remove(names.current());
    have(names.rotated(3), "later\n", noon);
    have(names.current(), "last\n", noon);
    EXPECT_TRUE(rest_of(walk).ends_with("x\n"));
    EXPECT_EQ(rotated_identity(names, 3), walk.position().file);
    EXPECT_EQ(0U, walk.position().offset);
}

TEST_F(LogWalking, EndsWhenAFileIsEmptiedUnderIt)
{
    have(names.current(), std::string(100'000, 'x'), noon);
    LogWalk walk(names, noon);
    (void)walk.next();
    std::filesystem::resize_file(names.current(), 0);
    EXPECT_EQ("", rest_of(walk));
}

TEST_F(LogWalking, MissesAndDoublesNothingWhileAnInstanceFloodsAndFilesAreRotated)
{
    UvLoop loop;
    LogSink sink(loop, place.options());
    units::LogSpec spec;
    spec.max_size = 20'000;
    spec.keep = 100'000;
    const auto output = sink.output_of("worker", 1, spec, std::nullopt);
    ASSERT_TRUE(output.ok());
    std::string written;
    for (int i = 0; i < 200'000; ++i)
        written += std::to_string(i) + "\n";
    std::thread writer([&] { write_all(*output, written); });
    LogReader reader(loop, place.log());
    std::string walked;
    ports::LogPosition position;
    while (walked.size() < written.size() / 2) { // each walk ends, however fast it is written
        LogWalk walk(names, noon);
        walked = rest_of(walk);
        position = walk.position();
    }
    const auto following =
        reader.follow("worker", 1, position, [&](std::string_view bytes) { walked += bytes; });
    EXPECT_TRUE(run_until(loop, [&] { return walked.size() >= written.size(); }));
    writer.join();
    EXPECT_TRUE(written == walked);
}

TEST_F(LogWalking, ATailLeavesOutOldFilesToo)
{
    UvLoop loop;
    const LogReader reader(loop, place.log());
    have(names.rotated(1), "a\n", noon);
    have_packed(2, "b\n", noon + 10s);
    have(names.current(), "c\n", noon + 20s);
    EXPECT_EQ("b\nc\n", reader.tail("worker", 1, 9, noon + 5s)->text);
    EXPECT_EQ(noon, reader.tail("worker", 1, 9, noon + 5s)->begun);
    EXPECT_EQ("c\n", reader.tail("worker", 1, 1, noon + 5s)->text);
    EXPECT_EQ(noon + 10s, reader.tail("worker", 1, 1, noon + 5s)->begun);
    EXPECT_EQ("", reader.tail("worker", 1, 9, noon + 1h)->text);
}

} // namespace
} // namespace keel::sys
