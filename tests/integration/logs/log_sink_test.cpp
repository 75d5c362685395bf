#include "sys/log_sink.hpp"

#include "sys/fifo.hpp"
#include "tests/support/child.hpp"
#include "tests/support/log_fixture.hpp"
#include "tests/support/loop_fixture.hpp"
#include "tests/support/temp_dir.hpp"

#include <fcntl.h>
#include <fstream>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>

namespace keel::sys {
namespace {

using test::Child;
using test::LogPlace;
using test::read_file;
using test::run_until;
using test::write_all;
using testing::ElementsAre;
using testing::HasSubstr;

class Logs : public testing::Test {
protected:
    int output(LogSink& sink, const std::string& unit = "worker", units::LogSpec spec = {})
    {
        auto fd = sink.output_of(unit, 1, spec, std::nullopt);
        EXPECT_TRUE(fd.ok()) << (fd.ok() ? "" : fd.error().text());
        return fd.ok() ? *fd : -1;
    }
    testing::AssertionResult drained(LogSink& sink, const std::string& unit = "worker")
    {
        bool done = false;
        sink.when_drained(unit, 1, [&] { done = true; });
        return run_until(loop, [&] { return done; });
    }

    LogPlace place;
    UvLoop loop;
};

TEST_F(Logs, PutsWhatIsWrittenIntoTheInstancesFile)
{
    LogSink sink(loop, place.options());
    write_all(output(sink), "one\ntwo\n");
    ASSERT_TRUE(drained(sink));
    EXPECT_EQ("one\ntwo\n", read_file(place.log() / "worker/1.log"));
    EXPECT_EQ(8U, sink.bytes("worker"));
    EXPECT_EQ(0U, sink.dropped_bytes("worker"));
    EXPECT_EQ(0U, sink.bytes("never heard of"));
}

TEST_F(Logs, GivesTheFifoToTheUnitsUserAlone)
{
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
    LogSink sink(loop, place.options());
    ASSERT_TRUE(sink.output_of("worker", 1, {}, ports::Credentials{65534, 65533, {}}).ok());
    struct stat seen {};
    ASSERT_EQ(0, ::stat((place.fifo() / "worker.1").c_str(), &seen));
    EXPECT_TRUE(S_ISFIFO(seen.st_mode));
    EXPECT_EQ(0600U, seen.st_mode & 07777U);
    EXPECT_EQ(65534U, seen.st_uid);
    EXPECT_EQ(65533U, seen.st_gid);
}

TEST_F(Logs, HandsOutAPlainPipeAgainAfterAProcessMadeItNonBlocking)
{
    LogSink sink(loop, place.options());
    const int fd = output(sink);
    EXPECT_EQ(0, ::fcntl(fd, F_GETFL) & O_NONBLOCK);
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
    EXPECT_EQ(fd, output(sink));
    EXPECT_EQ(0, ::fcntl(fd, F_GETFL) & O_NONBLOCK);
    EXPECT_NE(0, ::fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

TEST_F(Logs, OpensNothingForOtherTargets)
{
    LogSink sink(loop, place.options());
    units::LogSpec spec;
    spec.target = units::LogTarget::null;
    EXPECT_EQ(-1, output(sink, "worker", spec));
    spec.target = units::LogTarget::inherit;
    EXPECT_EQ(STDERR_FILENO, output(sink, "worker", spec));
    EXPECT_FALSE(std::filesystem::exists(place.fifo() / "worker.1"));
}

TEST_F(Logs, ReplacesWhatIsNoFifo)
{
    std::filesystem::create_directories(place.fifo());
    std::ofstream(place.fifo() / "worker.1") << "a file";
    LogSink sink(loop, place.options());
    write_all(output(sink), "line\n");
    ASSERT_TRUE(drained(sink));
    EXPECT_EQ("line\n", read_file(place.log() / "worker/1.log"));
}

TEST_F(Logs, PutsFullFilesAsideAtTheEndOfALineAndLosesNothing)
{
    LogSink sink(loop, place.options());
    units::LogSpec spec;
    spec.max_size = 100'000;
    spec.keep = 1000;
    const int fd = output(sink, "worker", spec);
    std::string written;
    std::thread writer([&] {
        for (int i = 0; i < 60'000; ++i) {
            const std::string line =
                std::to_string(i) + std::string(static_cast<std::size_t>(i % 50), '.') + "\n";
            written += line;
            write_all(fd, line);
        }
    });
    writer.join();
    ASSERT_TRUE(drained(sink));
    const auto files = place.files("worker", 1);
    EXPECT_GT(files.size(), 15U);
    std::string found;
    for (const std::string& content : files) {
        EXPECT_LE(content.size(), spec.max_size);
        EXPECT_TRUE(content.empty() || content.ends_with('\n'));
        found += content;
    }
    EXPECT_TRUE(written == found);
    EXPECT_EQ(written.size(), sink.bytes("worker"));
}

TEST_F(Logs, KeepsTheNewestFilesAndNeverANumberTwice)
{
    units::LogSpec spec;
    spec.max_size = 1000;
    spec.keep = 2;
    const std::string line = std::string(599, 'x') + "\n";
    {
        LogSink sink(loop, place.options());
        for (int i = 0; i < 5; ++i)
            write_all(output(sink, "worker", spec), line);
        ASSERT_TRUE(drained(sink));
        EXPECT_THAT(place.names("worker").list_rotated(), ElementsAre(3, 4));
    }
    LogSink next(loop, place.options());
    write_all(output(next, "worker", spec), line + line);
    ASSERT_TRUE(drained(next));
    EXPECT_THAT(place.names("worker").list_rotated(), ElementsAre(5, 6));
}

TEST_F(Logs, TakesOverWhatAFifoStillHolds)
{
    std::filesystem::create_directories(place.fifo());
    const auto held = open_fifo(place.fifo() / "worker.1");
    ASSERT_TRUE(held.ok());
    write_all(held->get(), "written while nobody read\n");
    LogSink sink(loop, place.options());
    sink.take_over([](const std::string&, Slot) { return units::LogSpec{}; });
    ASSERT_TRUE(drained(sink));
    EXPECT_EQ("written while nobody read\n", read_file(place.log() / "worker/1.log"));
}

TEST_F(Logs, HasEveryFifoHeldByTheOneWhoOutlivesIt)
{
    std::map<std::uint64_t, int> held;
    auto options = place.options();
    options.hold = [&](std::uint64_t key, int fd) { held[key] = fd; };
    options.drop = [&](std::uint64_t key) { held.erase(key); };
    LogSink sink(loop, options);
    const int fd = output(sink);
    (void)output(sink);
    EXPECT_EQ((std::map<std::uint64_t, int>{{hold_key("worker.1"), fd}}), held);
    sink.forget("worker", 1);
    EXPECT_TRUE(held.empty());
    EXPECT_FALSE(std::filesystem::exists(place.fifo() / "worker.1"));
}

TEST_F(Logs, KeepsNoDescriptorOfAnInstanceThatIsForgotten)
{
    LogSink sink(loop, place.options());
    (void)output(sink, "other");
    ASSERT_TRUE(drained(sink, "other"));
    const std::size_t before = test::open_descriptors();
    write_all(output(sink), "its last line\n");
    sink.forget("worker", 1);
    ASSERT_TRUE(drained(sink, "other")); // in order: the other one's turn comes after it
    EXPECT_EQ(before, test::open_descriptors());
    EXPECT_EQ("its last line\n", read_file(place.log() / "worker/1.log"));
}

TEST_F(Logs, DropsAndTellsOnceWhenAFileCannotBeWrittenAndKeepsAgainWhenItCan)
{
    std::vector<std::string> told;
    auto options = place.options();
    options.tell = [&](const std::string& unit, Slot slot, const std::string& text) {
        told.push_back(instance_name(unit, slot) + ": " + text);
    };
    std::filesystem::create_directories(place.log());
    std::ofstream(place.log() / "worker") << "in the way";
    LogSink sink(loop, options);
    const int fd = output(sink);
    const std::string much(300'000, 'x');
    write_all(fd, much); // more than the pipe holds: it returns only because somebody drops it
    ASSERT_TRUE(drained(sink));
    EXPECT_EQ(much.size(), sink.dropped_bytes("worker"));
    EXPECT_EQ(0U, sink.bytes("worker"));
    ASSERT_EQ(1U, told.size());
    EXPECT_THAT(told[0], HasSubstr("worker.1: its log is being lost: open "));
    std::filesystem::remove(place.log() / "worker");
    write_all(fd, "kept\n");
    ASSERT_TRUE(drained(sink));
    ASSERT_TRUE(run_until(loop, [&] { return told.size() == 2; }));
    EXPECT_EQ("worker.1: its log is kept again; 300000 bytes were lost", told[1]);
    EXPECT_EQ("kept\n", read_file(place.log() / "worker/1.log"));
}

TEST_F(Logs, DropsOnAFullDisk)
{
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) { // with files that may not grow, as on a full disk
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit files{1000, 1000};
        ::setrlimit(RLIMIT_FSIZE, &files);
        UvLoop own;
        LogSink sink(own, place.options());
        const auto fd = sink.output_of("worker", 1, {}, std::nullopt);
        write_all(*fd, std::string(200'000, 'x'));
        bool done = false;
        sink.when_drained("worker", 1, [&] { done = true; });
        while (!done)
            own.run_turn();
        ::_exit(sink.bytes("worker") == 1000 && sink.dropped_bytes("worker") == 199'000 ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(child, ::waitpid(child, &status, 0));
    EXPECT_EQ(0, status);
}

TEST_F(Logs, ServesAQuietUnitBesideAFloodingOne)
{
    LogSink sink(loop, place.options());
    units::LogSpec spec;
    spec.max_size = 1 << 20;
    spec.keep = 1;
    const int flooded = output(sink, "flood", spec);
    const int quiet = output(sink, "quiet");
    std::atomic<bool> stop = false;
    std::thread flood([&] {
        const std::string line(1000, 'x');
        while (!stop)
            write_all(flooded, line);
    });
    for (int i = 0; i < 20; ++i)
        write_all(quiet, "heard\n");
    EXPECT_TRUE(drained(sink, "quiet"));
    EXPECT_EQ(120U, sink.bytes("quiet"));
    stop = true;
    flood.join();
}

TEST_F(Logs, WritesOnInANewFileWhenTheOldOneWasDeletedOrEmptied)
{
    LogSink sink(loop, place.options());
    const int fd = output(sink);
    const auto file = place.log() / "worker/1.log";
    write_all(fd, "one\n");
    ASSERT_TRUE(drained(sink));
    std::filesystem::remove(file);
    write_all(fd, "two\n");
    ASSERT_TRUE(drained(sink));
    EXPECT_EQ("two\n", read_file(file));
    std::filesystem::resize_file(file, 0);
    write_all(fd, "three\n");
    ASSERT_TRUE(drained(sink));
    EXPECT_EQ("three\n", read_file(file));
}

TEST_F(Logs, WritesWhatStillWaitsWhenItEnds)
{
    {
        LogSink sink(loop, place.options());
        write_all(output(sink), "last words\n");
    }
    EXPECT_EQ("last words\n", read_file(place.log() / "worker/1.log"));
}

void run_engine(const LogPlace& place)
{
    UvLoop loop;
    LogSink sink(loop, place.options());
    units::LogSpec spec;
    spec.max_size = 50'000;
    spec.keep = 1'000'000;
    (void)sink.output_of("worker", 1, spec, std::nullopt);
    loop.run();
}

TEST_F(Logs, LosesAndDoublesNothingHoweverOftenItsReaderIsKilled)
{
    std::filesystem::create_directories(place.fifo());
    const auto held = open_fifo(place.fifo() / "worker.1"); // as the keeper does
    ASSERT_TRUE(held.ok());
    constexpr int kills = 30;
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
    last.take_over([](const std::string&, Slot) { return units::LogSpec{}; });
    ASSERT_TRUE(drained(last));
    std::string expected;
    for (int i = 0; i < kills * lines_between; ++i)
        expected += std::to_string(i) + "\n";
    std::string found;
    for (const std::string& content : place.files("worker", 1))
        found += content;
    EXPECT_TRUE(expected == found)
        << expected.size() << " bytes written, " << found.size() << " found";
}

} // namespace
} // namespace keel::sys
