#include "sys/log_reader.hpp"

#include "tests/support/log_fixture.hpp"
#include "tests/support/loop_fixture.hpp"

#include <gmock/gmock.h>
#include <thread>

namespace keel::sys {
namespace {

using ports::LogPosition;
using test::LogPlace;
using test::run_until;
using test::write_all;

class LogReading : public testing::Test {
protected:
    void have(const std::string& file, const std::string& content) const
    {
        std::filesystem::create_directories(place.log() / "worker");
        std::ofstream(place.log() / "worker" / file, std::ios::binary | std::ios::app) << content;
    }
    std::string tail(std::size_t lines) const
    {
        const auto found = reader.tail("worker", 1, lines, {});
        EXPECT_TRUE(found.ok());
        return found->text;
    }
    ports::Loop::Registration follow(LogPosition from, std::string& into)
    {
        auto following =
            reader.follow("worker", 1, from, [&into](std::string_view bytes) { into += bytes; });
        EXPECT_TRUE(following.ok());
        return std::move(*following);
    }

    LogPlace place;
    UvLoop loop;
    LogReader reader{loop, place.log()};
};

TEST_F(LogReading, GivesTheLastLines)
{
    have("1.log", "a\nb\nc\n");
    EXPECT_EQ("c\n", tail(1));
    EXPECT_EQ("b\nc\n", tail(2));
    EXPECT_EQ("a\nb\nc\n", tail(3));
    EXPECT_EQ("a\nb\nc\n", tail(4));
    EXPECT_EQ("", tail(0));
}

TEST_F(LogReading, CountsAnUnfinishedLine)
{
    have("1.log", "a\nb\nunfinished");
    EXPECT_EQ("unfinished", tail(1));
    EXPECT_EQ("b\nunfinished", tail(2));
}

TEST_F(LogReading, GoesOnInRotatedFilesByNumberNotByName)
{
    have("1.log.9", "a\nb\n");
    have("1.log.10", "c\nd\n");
    have("1.log", "e\n");
    have("11.log", "another instance\n");
    EXPECT_EQ("d\ne\n", tail(2));
    EXPECT_EQ("b\nc\nd\ne\n", tail(4));
    EXPECT_EQ("a\nb\nc\nd\ne\n", tail(100));
}

TEST_F(LogReading, FindsALineThatIsSplitOverTwoFiles)
{
    have("1.log.1", "a\nbegun");
    have("1.log", " and ended\nz\n");
    EXPECT_EQ("begun and ended\nz\n", tail(2));
}

TEST_F(LogReading, ReadsBackwardsOverBlocks)
{
    std::string all;
    for (int i = 0; i < 50'000; ++i)
        all += "line " + std::to_string(i) + "\n";
    have("1.log", all);
    const std::string found = tail(30'000);
    EXPECT_TRUE(all.ends_with(found));
    EXPECT_TRUE(found.starts_with("line 20000\n"));
}

TEST_F(LogReading, NeverReadsMoreThanItsLimitAndBeginsWithAWholeLine)
{
    const std::string line = std::string(999, 'x') + "\n";
    for (int file = 1; file <= 3; ++file) {
        std::string content;
        for (int i = 0; i < 3000; ++i)
            content += line;
        have("1.log." + std::to_string(file), content);
    }
    const std::string found = tail(1'000'000);
    EXPECT_LE(found.size(), ports::LogReader::tail_bytes_max);
    EXPECT_GT(found.size(), ports::LogReader::tail_bytes_max / 2);
    EXPECT_EQ(0U, found.size() % line.size());
}

TEST_F(LogReading, IsEmptyWhereNothingWasWritten)
{
    EXPECT_EQ("", tail(10));
    EXPECT_EQ(0U, reader.tail("worker", 1, 10, {})->end.file);
}

TEST_F(LogReading, FollowsFromTheEndOfATail)
{
    have("1.log", "before\n");
    const auto end = reader.tail("worker", 1, 10, {})->end;
    have("1.log", "between\n");
    std::string heard;
    const auto following = follow(end, heard);
    ASSERT_TRUE(run_until(loop, [&] { return heard == "between\n"; }));
    have("1.log", "after\n");
    EXPECT_TRUE(run_until(loop, [&] { return heard == "between\nafter\n"; }));
}

TEST_F(LogReading, FollowsAUnitThatHasNotWrittenYet)
{
    std::string heard;
    const auto following = follow(reader.tail("worker", 1, 10, {})->end, heard);
    have("1.log", "first\n");
    EXPECT_TRUE(run_until(loop, [&] { return heard == "first\n"; }));
}

TEST_F(LogReading, GoesOnWithAFileThatWasPutAsideSinceTheTail)
{
    have("1.log", "one\n");
    const auto end = reader.tail("worker", 1, 10, {})->end;
    have("1.log", "two\n");
    const auto names = place.names("worker");
    std::filesystem::rename(names.current(), names.rotated(1));
    have("1.log.2", "three\n");
    have("1.log", "four\n");
    std::string heard;
    const auto following = follow(end, heard);
    EXPECT_TRUE(run_until(loop, [&] { return heard == "two\nthree\nfour\n"; }));
}

TEST_F(LogReading, BeginsWithTheOldestFileIfItsOwnIsGone)
{
    have("1.log.5", "old\n");
    have("1.log", "new\n");
    std::string heard;
    const auto following = follow(LogPosition{12345, 678}, heard);
    EXPECT_TRUE(run_until(loop, [&] { return heard == "old\nnew\n"; }));
}

TEST_F(LogReading, HearsEveryByteWhileFilesAreBeingPutAside)
{
    LogSink sink(loop, place.options());
    units::LogSpec spec;
    spec.max_size = 20'000;
    spec.keep = 100'000;
    const auto output = sink.output_of("worker", 1, spec, std::nullopt);
    ASSERT_TRUE(output.ok());
    std::string heard;
    const auto following = follow({}, heard);
    std::string written;
    for (int i = 0; i < 100'000; ++i)
        written += std::to_string(i) + "\n";
    std::thread writer([&] { write_all(*output, written); });
    EXPECT_TRUE(run_until(loop, [&] { return heard.size() >= written.size(); }));
    writer.join();
    EXPECT_TRUE(written == heard);
    EXPECT_GT(place.names("worker").list_rotated().size(), 20U);
}

TEST_F(LogReading, IsSilentOnceTheRegistrationIsGoneAlsoFromItsOwnHandler)
{
    have("1.log", "one\n");
    int calls = 0;
    ports::Loop::Registration following;
    auto begun = reader.follow("worker", 1, {}, [&](std::string_view) {
        ++calls;
        following.reset();
    });
    following = std::move(*begun);
    ASSERT_TRUE(run_until(loop, [&] { return calls == 1; }));
    have("1.log", "two\n");
    std::string heard;
    const auto other = follow({}, heard);
    ASSERT_TRUE(run_until(loop, [&] { return heard == "one\ntwo\n"; }));
    EXPECT_EQ(1, calls);
}

TEST_F(LogReading, HasNoDescriptorWithoutFollowers)
{
    have("1.log", "one\n");
    const std::size_t before = test::open_descriptors();
    std::string heard;
    {
        const auto first = follow({}, heard);
        const auto second = follow({}, heard);
        ASSERT_TRUE(run_until(loop, [&] { return heard == "one\none\n"; }));
        EXPECT_GT(test::open_descriptors(), before);
    }
    EXPECT_EQ(before, test::open_descriptors());
}

} // namespace
} // namespace keel::sys
