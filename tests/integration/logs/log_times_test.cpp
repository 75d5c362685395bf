// Logs with `format = "timestamp"`: a time before each line, whatever ends the engine.
#include "sys/fifo.hpp"
#include "sys/line_stamps.hpp"
#include "sys/log_sink.hpp"
#include "tests/support/child.hpp"
#include "tests/support/log_fixture.hpp"
#include "tests/support/loop_fixture.hpp"

#include <array>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sstream>
#include <sys/resource.h>
#include <thread>

namespace keel::sys {
namespace {

using test::Child;
using test::LogPlace;
using test::read_file;
using test::run_until;
using test::write_all;
using testing::MatchesRegex;

constexpr auto any_time = "20[0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-9:]*[.][0-9][0-9][0-9]Z ";

units::LogSpec with_times(std::uint64_t max_size = 50ULL << 20)
{
    units::LogSpec spec;
    spec.format = units::LogFormat::timestamp;
    spec.max_size = max_size;
    spec.keep = 1'000'000;
    return spec;
}

class LogTimes : public testing::Test {
protected:
    int output(LogSink& sink, units::LogSpec spec = with_times())
    {
        auto fd = sink.output_of("worker", 1, spec, std::nullopt);
        EXPECT_TRUE(fd.ok()) << (fd.ok() ? "" : fd.error().text());
        return fd.ok() ? *fd : -1;
    }
    testing::AssertionResult drained(LogSink& sink)
    {
        bool done = false;
        sink.when_drained("worker", 1, [&] { done = true; });
        return run_until(loop, [&] { return done; });
    }
    std::string file() const { return read_file(place.log() / "worker/1.log"); }

    LogPlace place;
    UvLoop loop;
};

/// The lines of all files without their times, each of which has one.
std::vector<std::string> lines_of(const LogPlace& place)
{
    std::vector<std::string> lines;
    for (const std::string& content : place.files("worker", 1)) {
        std::istringstream text(content);
        for (std::string line; std::getline(text, line);) {
            EXPECT_GE(line.size(), stamp_length);
            EXPECT_EQ('Z', line[stamp_length - 2]) << line;
            lines.push_back(line.substr(std::min(stamp_length, line.size())));
        }
    }
    return lines;
}

TEST_F(LogTimes, StandBeforeEachLine)
{
    LogSink sink(loop, place.options());
    write_all(output(sink), "one\n\nthree\n");
    ASSERT_TRUE(drained(sink));
    const std::string time = any_time;
    EXPECT_THAT(file(), MatchesRegex(time + "one\n" + time + "\n" + time + "three\n"));
    EXPECT_EQ(11U, sink.bytes("worker"));
}

TEST_F(LogTimes, StandOnceBeforeALineThatComesInPartsAlsoToTwoEngines)
{
    {
        LogSink sink(loop, place.options());
        const int fd = output(sink);
        write_all(fd, "a line");
        ASSERT_TRUE(drained(sink));
        write_all(fd, " in");
        ASSERT_TRUE(drained(sink));
    }
    LogSink next(loop, place.options());
    write_all(output(next), " parts\nnext\n");
    ASSERT_TRUE(drained(next));
    const std::string time = any_time;
    EXPECT_THAT(file(), MatchesRegex(time + "a line in parts\n" + time + "next\n"));
}

TEST_F(LogTimes, StandBeforeWhatWaitedWhenAFifoIsTakenOver)
{
    std::filesystem::create_directories(place.fifo());
    const auto held = open_fifo(place.fifo() / "worker.1");
    ASSERT_TRUE(held.ok());
    write_all(held->get(), "written while nobody read\n");
    LogSink sink(loop, place.options());
    sink.take_over([](const std::string& unit, Slot) {
        return unit == "worker" ? with_times() : units::LogSpec{};
    });
    ASSERT_TRUE(drained(sink));
    EXPECT_THAT(file(), MatchesRegex(std::string(any_time) + "written while nobody read\n"));
}

TEST_F(LogTimes, BeginAndEndWhenTheUnitsFileSaysSo)
{
    LogSink sink(loop, place.options());
    write_all(output(sink, units::LogSpec{}), "without\n");
    ASSERT_TRUE(drained(sink));
    write_all(output(sink), "with\n");
    ASSERT_TRUE(drained(sink));
    write_all(output(sink, units::LogSpec{}), "without\n");
    ASSERT_TRUE(drained(sink));
    EXPECT_THAT(file(), MatchesRegex("without\n" + std::string(any_time) + "with\nwithout\n"));
}

TEST_F(LogTimes, CountTowardsTheSizeOfAFile)
{
    LogSink sink(loop, place.options());
    const auto spec = with_times(100'000);
    const int fd = output(sink, spec);
    std::vector<std::string> written;
    std::size_t bytes = 0;
    for (int i = 0; i < 30'000; ++i)
        written.push_back(std::to_string(i) + std::string(static_cast<std::size_t>(i % 50), '.'));
    std::thread writer([&] {
        for (const std::string& line : written) {
            write_all(fd, line + "\n");
            bytes += line.size() + 1;
        }
    });
    writer.join();
    ASSERT_TRUE(drained(sink));
    const auto files = place.files("worker", 1);
    EXPECT_GT(files.size(), 15U);
    for (const std::string& content : files) {
        EXPECT_LE(content.size(), spec.max_size);
        EXPECT_TRUE(content.empty() || content.ends_with('\n'));
    }
    EXPECT_TRUE(written == lines_of(place));
    EXPECT_EQ(bytes, sink.bytes("worker"));
}

TEST_F(LogTimes, LeaveNoHalfPieceOnAFullDisk)
{
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) { // with files that may not grow, as on a full disk
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit files{1000, 1000};
        ::setrlimit(RLIMIT_FSIZE, &files);
        UvLoop own;
        LogSink sink(own, place.options());
        const auto fd = sink.output_of("worker", 1, with_times(), std::nullopt);
        const auto write_out = [&](const std::string& text) {
            write_all(*fd, text);
            bool done = false;
            sink.when_drained("worker", 1, [&] { done = true; });
            while (!done)
                own.run_turn();
        };
        write_out("before\n");
        write_out(std::string(200'000, 'x') + "\n");
        write_out("after\n");
        ::_exit(sink.bytes("worker") == 13 && sink.dropped_bytes("worker") == 200'001 ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(child, ::waitpid(child, &status, 0));
    EXPECT_EQ(0, status);
    const std::string time = any_time;
    EXPECT_THAT(file(), MatchesRegex(time + "before\n" + time + "after\n"));
}

void run_engine(const LogPlace& place)
{
    UvLoop loop;
    LogSink sink(loop, place.options());
    (void)sink.output_of("worker", 1, with_times(50'000), std::nullopt);
    loop.run();
}

TEST_F(LogTimes, StandOnceBeforeEachLineHoweverOftenTheReaderIsKilled)
{
    std::filesystem::create_directories(place.fifo());
    const auto held = open_fifo(place.fifo() / "worker.1"); // as the keeper does
    const auto held_too = PieceInHand::open(place.fifo(), "worker.1");
    ASSERT_TRUE(held.ok() && held_too.ok());
    constexpr int kills = 20;
    constexpr int lines_between = 4000;
    std::array<int, 2> progress{};
    ASSERT_EQ(0, ::pipe2(progress.data(), O_CLOEXEC));
    const Child writer([&] {
        for (int i = 0; i < kills * lines_between; ++i) {
            write_all(held->get(), std::to_string(i) + "\n");
            if ((i + 1) % lines_between == 0) write_all(progress[1], "x");
        }
    });
    for (int i = 0; i < kills; ++i) {
        Child engine([&] { run_engine(place); });
        char byte = 0;
        ASSERT_EQ(1, ::read(progress[0], &byte, 1));
        engine.kill(); // in the middle of its work: the writer goes on
    }
    LogSink last(loop, place.options());
    (void)output(last);
    ASSERT_TRUE(drained(last));
    int next = 0;
    for (const std::string& line : lines_of(place))
        ASSERT_EQ(std::to_string(next++), line);
    EXPECT_EQ(kills * lines_between, next);
}

} // namespace
} // namespace keel::sys
