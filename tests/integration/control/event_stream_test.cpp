// Streams of events whose readers are slow, gone, or come back to another engine.
#include "control/json_codec.hpp"
#include "control/sse_reader.hpp"
#include "running_server.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

namespace keel::test {
namespace {

using namespace std::chrono_literals;
using control::Call;
using testing::HasSubstr;

/// A client that asks for a stream and then does not read.
int never_reading(const RunningServer& server, const std::string& target)
{
    const int fd = connect_to(server.socket_path);
    send_all(fd, "GET " + target + " HTTP/1.1\r\nHost: keel\r\n\r\n");
    return fd;
}

/// The bound only stops a failure.
void await_connections(RunningServer& server, unsigned count)
{
    const auto bound = std::chrono::steady_clock::now() + 30s;
    for (unsigned open = count + 1; open != count;) {
        ASSERT_LT(std::chrono::steady_clock::now(), bound)
            << open << " connections are open, not " << count << " as should be";
        server.on_loop([&] { open = server.server->connections(); });
    }
}

/// What came of a stream, read until its end or until there are `count` events.
struct Read {
    std::vector<control::SseEvent> events;
    std::string last_id;
};
Read read(Call& call, std::size_t count)
{
    control::SseReader reader;
    Read all;
    const auto deadline = control::deadline_in(20s); // only stops a failure
    while (all.events.size() < count) {
        const auto bytes = call.more(deadline);
        if (control::trouble_of(bytes) != nullptr || std::get<std::string>(bytes).empty()) break;
        const auto events = reader.feed(std::get<std::string>(bytes));
        if (!events) break;
        all.events.insert(all.events.end(), events->begin(), events->end());
        all.last_id = reader.last_id();
    }
    return all;
}

Call open(const RunningServer& server, const std::string& target, const std::string& last_id = {})
{
    auto begun = Call::begin(server.socket_path, {.target = target, .last_event_id = last_id});
    auto& call = std::get<Call>(begun);
    EXPECT_EQ(std::get<int>(call.head(control::deadline_in(1min))), 200);
    return std::move(call);
}

/// More than any socket takes.
constexpr int flood_count = 3000;
void flood(RunningServer& server)
{
    server.on_loop([&] {
        for (int i = 0; i < flood_count; ++i)
            server.engine.tell("worker", "state", std::string(2000, 'x'));
    });
}

TEST(EventStream, CutsAReaderOffThatNeverReadsAndItMayGoOnWhereItWas)
{
    RunningServer server({.version = "1", .control_limits = {.stream_time = 100ms}});
    Call stuck = open(server, "/v1/events?after=0"); // reads its answer's head and no more
    flood(server);
    ASSERT_NO_FATAL_FAILURE(await_connections(server, 0)) << "who never reads is not cut off";
    const Read before = read(stuck, flood_count);
    EXPECT_LT(before.events.size(), std::size_t{flood_count});
    // It has not read to the end of an event, perhaps, but it knows where the last whole one was.
    Call again = open(server, "/v1/events", before.last_id);
    ASSERT_EQ(before.last_id, std::to_string(before.events.size()));
    const std::size_t left = flood_count - before.events.size();
    const Read after = read(again, left);
    ASSERT_EQ(after.events.size(), left);
    for (const auto& event : after.events)
        EXPECT_EQ(event.event, "state") << "nothing was missed";
    EXPECT_EQ(after.last_id, std::to_string(flood_count));
}

TEST(EventStream, IsNotHeldUpByOthersThatNeverRead)
{
    RunningServer server({.version = "1", .control_limits = {.stream_time = 10min}});
    std::vector<int> stuck;
    for (int i = 0; i < 50; ++i)
        stuck.push_back(never_reading(server, "/v1/events?after=0"));
    ASSERT_NO_FATAL_FAILURE(await_connections(server, 50));
    Call reading = open(server, "/v1/events?after=0");
    flood(server);
    EXPECT_EQ(read(reading, flood_count).events.size(), std::size_t{flood_count});
    EXPECT_THAT(server.get("/healthz"), HasSubstr("ok"));
    for (const int fd : stuck)
        ::close(fd);
}

TEST(EventStream, TellsWhatIsNotKeptToThoseWhoAreConnectedAndIdsGoOnAsBefore)
{
    RunningServer server({.version = "1"});
    server.on_loop([&] { server.engine.tell("worker", "deploy", "begun"); });
    Call call = open(server, "/v1/events?after=0");
    EXPECT_EQ(read(call, 1).last_id, "1");
    server.on_loop([&] {
        server.engine.tell_in_passing("worker", "progress", "download 1 MiB");
        server.engine.tell_in_passing("worker", "progress", "download 2 MiB");
    });
    const Read passing = read(call, 1);
    ASSERT_EQ(passing.events.size(), 1U);
    EXPECT_EQ(passing.events[0].event, "progress");
    EXPECT_THAT(passing.events[0].data, HasSubstr("download 2 MiB"));
    EXPECT_THAT(passing.events[0].data, HasSubstr("\"id\":1,"));
    EXPECT_EQ(passing.last_id, "1");
    server.on_loop([&] { server.engine.tell("worker", "deploy", "done"); });
    EXPECT_EQ(read(call, 1).last_id, "2");
    Call again = open(server, "/v1/events", passing.last_id);
    const Read after = read(again, 1);
    ASSERT_EQ(after.events.size(), 1U);
    EXPECT_EQ(after.events[0].event, "deploy") << "nothing was missed";
}

TEST(EventStream, LeavesAReaderAloneThatHasNothingToRead)
{
    RunningServer server({.version = "1", .control_limits = {.stream_time = 100ms}});
    server.on_loop([&] { server.engine.put(unit_up("quiet")); });
    Call quiet = open(server, "/v1/events?unit=quiet");
    const int stuck = never_reading(server, "/v1/events?after=0");
    flood(server);
    ASSERT_NO_FATAL_FAILURE(await_connections(server, 1)); // so the time of both is over
    server.on_loop([&] { server.engine.tell("quiet", "state", "at last"); });
    const Read got = read(quiet, 1);
    ASSERT_EQ(got.events.size(), 1U);
    EXPECT_THAT(got.events[0].data, HasSubstr("at last"));
    ::close(stuck);
}

TEST(EventStream, TellsWhereItBeginsSoThatNothingIsLostBeforeTheFirstEvent)
{
    RunningServer server;
    server.on_loop([&] {
        server.engine.put(unit_up("worker"));
        server.engine.tell("other", "state", "before");
    });
    Call call = open(server, "/v1/events?unit=worker");
    control::SseReader reader;
    while (reader.last_id().empty())
        ASSERT_TRUE(reader.feed(std::get<std::string>(call.more(control::deadline_in(1min)))));
    EXPECT_EQ(reader.last_id(), "1");
}

TEST(EventStream, TellsWhatAnotherEngineCannotKnow)
{
    RunningServer server;
    server.on_loop([&] { server.engine.tell("worker", "state", "before"); });
    server.on_loop([&] { server.engine.begin_anew(1'000'000); });
    server.replace_server();
    Call call = open(server, "/v1/events", "1");
    const Read got = read(call, 2);
    ASSERT_EQ(got.events.size(), 2U);
    EXPECT_EQ(got.events[0].event, "missed");
    EXPECT_EQ(got.events[0].data, R"({"after":1,"before":1000000})");
    EXPECT_THAT(got.events[1].data, HasSubstr("takes over"));
}

TEST(EventStream, TellsAlsoWhoComesWithAnIdOfAnotherBoot)
{
    RunningServer server;
    server.on_loop([&] { server.engine.tell("worker", "state", "since the boot"); });
    Call call = open(server, "/v1/events", "987654321");
    const Read got = read(call, 2);
    ASSERT_EQ(got.events.size(), 2U);
    EXPECT_EQ(got.events[0].event, "missed");
    EXPECT_EQ(got.events[0].data, R"({"after":987654321,"before":1})");
    EXPECT_THAT(got.events[1].data, HasSubstr("since the boot"));
}

TEST(EventStream, IsFollowedByTheClientOverAnEngineThatKnowsNothingOfBefore)
{
    RunningServer server;
    server.on_loop([&] {
        server.engine.put(unit_up("worker"));
        server.engine.tell("other", "state", "before");
    });
    RunningKeel follower({"events", "-f", "--unit", "worker", "--json", "--root", server.root});
    ASSERT_NO_FATAL_FAILURE(
        await_connections(server, 1)); // it follows, and has seen no event so far
    server.on_loop([&] { server.engine.tell("worker", "state", "first"); });
    ASSERT_TRUE(follower.wait_for("first"));
    server.on_loop([&] { server.engine.begin_anew(5000); });
    server.replace_server();
    server.on_loop([&] { server.engine.tell("worker", "state", "second"); });
    ASSERT_TRUE(follower.wait_for("second"));
    follower.signal(SIGINT);
    const Ended ended = follower.finish();
    EXPECT_THAT(ended.out, HasSubstr(R"({"missed":{"after":2,"before":5000}})"));
    EXPECT_THAT(ended.err, HasSubstr("events may be missing here"));
}

TEST(EventStream, OfTheClientBeginsSinceATimeAndSaysWhatIsForgotten)
{
    RunningServer server;
    server.on_loop([&] {
        server.engine.kept_events = 10;
        for (int i = 1; i <= 20; ++i)
            server.engine.tell("worker", "state", "step " + std::to_string(i) + ".");
    });
    const auto since = [&](Duration at) {
        return run_keel({"events", "--root", server.root, "--since", to_rfc3339(morning(at))});
    };
    const Ended all = since(15s);
    EXPECT_THAT(all.out, HasSubstr("step 15."));
    EXPECT_THAT(all.out, Not(HasSubstr("step 14.")));
    EXPECT_EQ(all.err, "");
    const Ended more = since(5s);
    EXPECT_THAT(more.out, HasSubstr("step 11."));
    EXPECT_THAT(more.err, HasSubstr("are not kept any more"));
    EXPECT_EQ(run_keel({"events", "--since", "noonish", "--root", server.root}).exit_code, 2);
}

} // namespace
} // namespace keel::test
