// A line of output that readiness waits for: of which spawn it is, and in which formats.
#include "sys/log_sink.hpp"
#include "tests/support/log_fixture.hpp"
#include "tests/support/loop_fixture.hpp"

#include <gmock/gmock.h>

namespace keel::sys {
namespace {

using Awaits = ports::LogSink::Awaits;
using test::LogPlace;
using test::read_file;
using test::run_until;
using test::write_all;
using testing::ElementsAre;
using testing::IsEmpty;

class AwaitedLines : public testing::Test {
protected:
    void begin() { sink.emplace(loop, place.options()); }
    void await(const std::string& expression, Awaits awaits = Awaits::new_spawn)
    {
        sink->await_line("worker", 1,
                         {expression, [this](const std::string& line) { found.push_back(line); }},
                         awaits);
    }
    int output(const units::LogSpec& spec = {})
    {
        const auto fd = sink->output_of("worker", 1, spec, std::nullopt);
        EXPECT_TRUE(fd.ok());
        return fd.ok() ? *fd : -1;
    }
    testing::AssertionResult drained()
    {
        bool done = false;
        sink->when_drained("worker", 1, [&] { done = true; });
        return run_until(loop, [&] { return done; });
    }
    std::string written() { return read_file(place.log() / "worker/1.log"); }

    LogPlace place;
    UvLoop loop;
    std::optional<LogSink> sink;
    std::vector<std::string> found;
};

TEST_F(AwaitedLines, AreToldOnceAndKept)
{
    begin();
    await("ready in [0-9]+");
    write_all(output(), "starting\nready in 3 ms\nready in 4 ms\n");
    ASSERT_TRUE(drained());
    EXPECT_THAT(found, ElementsAre("ready in 3 ms"));
    EXPECT_EQ(written(), "starting\nready in 3 ms\nready in 4 ms\n");
}

TEST_F(AwaitedLines, DoNotComeFromAnEarlierSpawn)
{
    begin();
    write_all(output(), "ready\nrea");
    await("ready");
    const int fd = output();
    write_all(fd, "dy\n");
    ASSERT_TRUE(drained());
    EXPECT_THAT(found, IsEmpty());
    write_all(fd, "ready now\n");
    ASSERT_TRUE(drained());
    EXPECT_THAT(found, ElementsAre("ready now"));
    EXPECT_EQ(written(), "ready\nready\nready now\n") << "and nothing is lost";
}

TEST_F(AwaitedLines, AreFoundInLinesWithTimesWithoutTheTimes)
{
    begin();
    units::LogSpec spec;
    spec.format = units::LogFormat::timestamp;
    await("^ready$");
    write_all(output(spec), "ready\n");
    ASSERT_TRUE(drained());
    EXPECT_THAT(found, ElementsAre("ready"));
    EXPECT_THAT(written(), testing::EndsWith("Z ready\n"));
}

TEST_F(AwaitedLines, AreFoundAlsoIfTheyAreAboveTheRate)
{
    begin();
    units::LogSpec spec;
    spec.rate = 1024;
    await("ready");
    const int fd = output(spec);
    write_all(fd, std::string(900, 'x') + "\n" + std::string(900, 'y') + "\nready\n");
    ASSERT_TRUE(drained());
    EXPECT_THAT(found, ElementsAre("ready"));
    EXPECT_GT(sink->dropped_bytes("worker"), 0U);
}

TEST_F(AwaitedLines, ThatNobodyReadAreFoundByTheNextEngine)
{
    begin();
    await("ready");
    const OwnedFd held(::dup(output())); // by the keeper
    ASSERT_TRUE(drained());
    sink.reset();
    write_all(held.get(), "ready\n");
    begin();
    await("ready", Awaits::adopted);
    (void)output();
    ASSERT_TRUE(drained());
    EXPECT_THAT(found, ElementsAre("ready"));
}

TEST_F(AwaitedLines, OfTheLastCallAreTheOnlyOnesTold)
{
    begin();
    await("one");
    (void)output();
    await("two");
    write_all(output(), "one\ntwo\n");
    ASSERT_TRUE(drained());
    EXPECT_THAT(found, ElementsAre("two"));
}

} // namespace
} // namespace keel::sys
