// What an instance wrote last before a moment, told from what comes after it.
#include "sys/log_sink.hpp"
#include "sys/log_tail.hpp"
#include "tests/support/log_fixture.hpp"
#include "tests/support/loop_fixture.hpp"

#include <gmock/gmock.h>

namespace keel::sys {
namespace {

using test::LogPlace;
using test::read_file;
using test::run_until;
using test::write_all;
using testing::ElementsAre;
using testing::EndsWith;
using testing::IsEmpty;
using testing::SizeIs;

using Lines = std::vector<std::string>;

class LastWords : public testing::Test {
protected:
    LastWords() { sink.emplace(loop, place.options()); }

    int output(const units::LogSpec& spec = {})
    {
        const auto fd = sink->output_of("worker", 1, spec, std::nullopt);
        EXPECT_TRUE(fd.ok());
        return fd.ok() ? *fd : -1;
    }
    /// What `meanwhile` does comes after the moment that they are asked for.
    Lines words(const std::function<void()>& meanwhile = [] {})
    {
        bool is_told = false;
        core::LastWords told;
        sink->last_words("worker", 1, [&](core::LastWords words) {
            told = std::move(words);
            is_told = true;
        });
        meanwhile();
        EXPECT_TRUE(run_until(loop, [&] { return is_told; }));
        return told ? *told : Lines{"null"};
    }

    LogPlace place;
    UvLoop loop;
    std::optional<LogSink> sink;
};

TEST_F(LastWords, AreTheLastFiftyLinesAlsoIfNobodyHasReadThemYet)
{
    std::string text;
    for (int i = 1; i <= 60; ++i)
        text += "line " + std::to_string(i) + "\n";
    write_all(output(), text);
    const Lines lines = words();
    ASSERT_THAT(lines, SizeIs(50));
    EXPECT_EQ(lines.front(), "line 11");
    EXPECT_EQ(lines.back(), "line 60");
}

TEST_F(LastWords, HaveTheLineThatWasNotFinished)
{
    write_all(output(), "one\n\nabort");
    EXPECT_THAT(words(), ElementsAre("one", "", "abort"));
}

TEST_F(LastWords, AreNoneWhereNothingWasWritten)
{
    (void)output();
    EXPECT_THAT(words(), IsEmpty());
    EXPECT_FALSE(std::filesystem::exists(place.log() / "worker/1.log")) << "and no file is made";
}

TEST_F(LastWords, AreNotKnownOfWhatIsNotKept) { EXPECT_THAT(words(), ElementsAre("null")); }

TEST_F(LastWords, DoNotHaveWhatComesWhileTheyAreRead)
{
    const int fd = output();
    write_all(fd, "going down\n");
    EXPECT_THAT(words(), ElementsAre("going down"));
    write_all(fd, "back again\n");
    EXPECT_THAT(words(), ElementsAre("going down", "back again"));
}

TEST_F(LastWords, ShowWhatCannotBePrintedAsEscapes)
{
    write_all(output(), "\x1b[31mred\x1b[0m\n\xff\xfe bytes\n");
    EXPECT_THAT(words(), ElementsAre("\\x1b[31mred\\x1b[0m", "\\xff\\xfe bytes"));
}

TEST_F(LastWords, AreBoundedInBytesOfALineAndOfAll)
{
    write_all(output(), std::string(50'000, 'x') + "\n");
    Lines lines = words();
    ASSERT_THAT(lines, SizeIs(1));
    EXPECT_LE(lines[0].size(), core::last_words_line + 3); // the mark of the cut
    for (int i = 0; i < 50; ++i)
        write_all(output(), std::string(900, 'y') + "\n");
    lines = words();
    std::size_t bytes = 0;
    for (const std::string& line : lines)
        bytes += line.size();
    EXPECT_GT(bytes, core::last_words_bytes - 1000);
    EXPECT_LE(bytes, core::last_words_bytes);
}

TEST_F(LastWords, GoBackIntoTheFileBefore)
{
    units::LogSpec spec;
    spec.max_size = 4096;
    const int fd = output(spec);
    for (int i = 1; i <= 12; ++i)
        write_all(fd, std::to_string(i) + std::string(500, '.') + "\n");
    const Lines lines = words();
    ASSERT_THAT(place.files("worker", 1), SizeIs(2));
    ASSERT_THAT(lines, SizeIs(12));
    EXPECT_THAT(lines.front(), testing::StartsWith("1."));
}

TEST_F(LastWords, HaveTimesWhereTheLogHasThemAndNothingIsTornByTheReading)
{
    units::LogSpec spec;
    spec.format = units::LogFormat::timestamp;
    const int fd = output(spec);
    write_all(fd, "going do");
    EXPECT_THAT(words(), ElementsAre(EndsWith("Z going do")));
    write_all(fd, "wn\n");
    EXPECT_THAT(words(), ElementsAre(EndsWith("Z going down")));
}

TEST_F(LastWords, SayWhatTheRateHasCost)
{
    units::LogSpec spec;
    spec.rate = 1024;
    const int fd = output(spec);
    write_all(fd, std::string(900, 'x') + "\n" + std::string(900, 'y') + "\n");
    EXPECT_THAT(words(), ElementsAre(std::string(900, 'x'),
                                     "[keel: 901 bytes above the rate were dropped here]"));
}

TEST_F(LastWords, AreNotKnownWhileTheLogIsBeingLost)
{
    std::ofstream(place.log()) << "no folder";
    write_all(output(), "going down\n");
    EXPECT_THAT(words(), ElementsAre("null"));
}

TEST_F(LastWords, OfAWriterThatNeverStopsAreKnownAllTheSame)
{
    const int fd = output();
    write_all(fd, "There is always something.\n");
    std::atomic<bool> enough = false;
    std::thread writer([&] {
        while (!enough)
            write_all(fd, std::string(1000, 'z') + "\n");
    });
    const Lines lines = words();
    enough = true;
    writer.join();
    EXPECT_THAT(lines, testing::Not(IsEmpty()));
}

TEST(LastWordsOfAText, AreItsLinesFromTheEnd)
{
    EXPECT_THAT(last_words_in(""), IsEmpty());
    EXPECT_THAT(last_words_in("\n"), ElementsAre(""));
    EXPECT_THAT(last_words_in("one"), ElementsAre("one"));
    EXPECT_THAT(last_words_in("one\n\ntwo\n"), ElementsAre("one", "", "two"));
}

} // namespace
} // namespace keel::sys
