// The control API over its real sockets: answers, refusals, limits, roles.
#include "control/listeners.hpp"
#include "control/sse_reader.hpp"
#include "tests/integration/control/running_server.hpp"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace keel {
namespace {

using namespace std::chrono_literals;
using control::Call;
using test::connect_to;
using test::connect_to_port;
using test::read_to_end;
using test::RunningServer;
using test::send_all;
using testing::HasSubstr;
using testing::Not;
using Outcome = core::OperationResult::Outcome;

void finish_at_once(RunningServer& server, Outcome outcome, const std::string& text)
{
    server.on_loop([&] {
        server.engine.on_request = [&server, outcome, text](const auto& asked) {
            // As the engine does it: later, not from inside the request.
            server.engine.tell(asked.spec.unit, "operation", "accepted");
            auto later = std::make_shared<test::FakeSupervisor::Asked>(asked);
            server.on_later(
                [later, outcome, text] { test::FakeSupervisor::finish(*later, outcome, text); });
        };
    });
}

TEST(ControlApi, AnswersWithAllUnits)
{
    RunningServer server;
    server.on_loop([&] {
        server.engine.put(test::unit_up("worker", 2));
        server.engine.put(test::unit_up("backbone"));
    });
    const auto units = control::decode_units(server.get("/v1/units"));
    ASSERT_TRUE(units.ok());
    ASSERT_EQ(units->size(), 2U);
    EXPECT_EQ(units->front().name, "backbone");
    EXPECT_EQ(units->back().instances.at(1).name, "worker.2");
}

TEST(ControlApi, TellsWhichUnitsHaveChangedOnDisk)
{
    RunningServer server;
    server.on_loop([&] {
        server.engine.put(test::unit_up("worker"));
        server.engine.put(test::unit_up("backbone"));
        server.configurer.changed = {"worker", "of no unit"};
    });
    using enum core::UnitView::OnDisk;
    for (const char* path : {"/v1/units", "/v1/units?brief=1"}) {
        const auto units = control::decode_units(server.get(path));
        ASSERT_TRUE(units.ok());
        EXPECT_EQ(units->at(0).on_disk, unchanged);
        EXPECT_EQ(units->at(1).on_disk, changed);
    }
    EXPECT_THAT(server.get("/v1/units/worker"), HasSubstr("\"changed_on_disk\":true"));
    EXPECT_THAT(server.get("/v1/units/backbone"), HasSubstr("\"changed_on_disk\":false"));
}

TEST(ControlApi, EncodesManyUnitsOnAnotherThread)
{
    RunningServer server;
    server.on_loop([&] {
        for (int i = 0; i < 500; ++i)
            server.engine.put(test::unit_up("unit-" + std::to_string(i), 2));
    });
    const auto units = control::decode_units(server.get("/v1/units"));
    ASSERT_TRUE(units.ok());
    EXPECT_EQ(units->size(), 500U);
}

TEST(ControlApi, NamesTheNearestUnitWhenOneIsMisspelt)
{
    RunningServer server;
    server.on_loop([&] { server.engine.put(test::unit_up("worker")); });
    const auto answer = server.call("GET", "/v1/units/wroker");
    EXPECT_EQ(answer.status, 404);
    const auto problem = control::decode_problem(answer.body);
    ASSERT_TRUE(problem.ok());
    EXPECT_EQ(problem->hint, "did you mean `worker`?");
}

TEST(ControlApi, SaysWhichMethodAPathAnswersTo)
{
    RunningServer server;
    const auto answer = server.call("POST", "/v1/units");
    EXPECT_EQ(answer.status, 405);
    EXPECT_THAT(answer.body, HasSubstr("GET"));
    EXPECT_EQ(server.call("GET", "/v1/nothing").status, 404);
    EXPECT_EQ(server.call("GET", "/v1/units/").status, 404);
}

TEST(ControlApi, RefusesAnArgumentThatItDoesNotKnow)
{
    RunningServer server;
    server.on_loop([&] { server.engine.put(test::unit_up("worker")); });
    const auto answer = server.call("GET", "/v1/units/worker/log?line=3");
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.body, HasSubstr("did you mean `lines`?"));
    EXPECT_EQ(server.call("GET", "/v1/units/worker/log?lines=many").status, 400);
    EXPECT_EQ(server.call("GET", "/v1/units/worker/log?instance=2").status, 404);
}

TEST(ControlApi, CarriesOutARequestAndTellsItsOutcome)
{
    RunningServer server;
    server.on_loop([&] { server.engine.put(test::unit_up("worker", 3)); });
    finish_at_once(server, Outcome::done, "ready in 120 ms");
    const auto answer =
        server.call("POST", "/v1/units/worker/restart", R"({"why":"new library","instance":3})");
    EXPECT_EQ(answer.status, 200);
    const auto report = control::decode_operation(answer.body);
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(report->outcome, Outcome::done);
    EXPECT_EQ(report->text, "ready in 120 ms");
    server.on_loop([&] {
        ASSERT_EQ(server.engine.requests.size(), 1U);
        const auto& spec = server.engine.requests.front().spec;
        EXPECT_EQ(spec.verb, core::Verb::restart);
        EXPECT_EQ(spec.slot, Slot{3});
        EXPECT_EQ(spec.why, "new library");
        EXPECT_THAT(spec.by, HasSubstr("(uid "));
    });
}

TEST(ControlApi, TakesAHoldWithItsTerms)
{
    RunningServer server;
    server.on_loop([&] { server.engine.put(test::unit_up("worker")); });
    finish_at_once(server, Outcome::done, "held, its process left running");
    const auto answer = server.call("POST", "/v1/units/worker/hold",
                                    R"({"why":"gdb","seconds":1800,"process":"left-running"})");
    EXPECT_EQ(answer.status, 200);
    server.on_loop([&] {
        ASSERT_EQ(server.engine.requests.size(), 1U);
        const auto& spec = server.engine.requests.front().spec;
        EXPECT_EQ(spec.verb, core::Verb::hold);
        EXPECT_EQ(spec.why, "gdb");
        EXPECT_EQ(spec.hold.span, Duration{30min});
        EXPECT_EQ(spec.hold.process, core::Held::Process::left_running);
    });
    EXPECT_THAT(server.call("POST", "/v1/units/worker/hold").body, HasSubstr("needs a reason"));
    for (const char* verb : {"start", "stop", "restart"}) {
        const std::string path = std::string("/v1/units/worker/") + verb;
        EXPECT_EQ(server.call("POST", path, R"({"seconds":1})").status, 400);
        EXPECT_EQ(server.call("POST", path, R"({"process":"left-running"})").status, 400);
    }
}

TEST(ControlApi, AnswersAtOnceWhenNobodyWantsToWait)
{
    RunningServer server;
    server.on_loop([&] { server.engine.put(test::unit_up("worker")); });
    const auto answer = server.call("POST", "/v1/units/worker/stop?wait=0");
    EXPECT_EQ(answer.status, 202);
    const auto report = control::decode_operation(answer.body);
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(number(report->id), 1U);
    EXPECT_FALSE(report->outcome.has_value());
}

TEST(ControlApi, NamesTheOperationThatIsInTheWay)
{
    RunningServer server;
    server.on_loop([&] {
        server.engine.put(test::unit_up("worker"));
        server.engine.refusals.push_back({ports::Refusal::Kind::conflict, "a restart is under way",
                                          core::OperationView{OperationId{17}, core::Verb::restart,
                                                              "root (uid 0)", "stopping"}});
    });
    const auto answer = server.call("POST", "/v1/units/worker/start");
    EXPECT_EQ(answer.status, 409);
    const auto problem = control::decode_problem(answer.body);
    ASSERT_TRUE(problem.ok() && problem->in_the_way.has_value());
    EXPECT_EQ(number(problem->in_the_way->id), 17U);
}

TEST(ControlApi, RefusesABodyThatItDoesNotUnderstand)
{
    RunningServer server;
    server.on_loop([&] { server.engine.put(test::unit_up("worker")); });
    const auto ask = [&](const std::string& body) {
        return server.call("POST", "/v1/units/worker/restart", body);
    };
    EXPECT_EQ(ask("{").status, 400);
    EXPECT_EQ(ask("[]").status, 400);
    EXPECT_THAT(ask(R"({"instnace":1})").body, HasSubstr("did you mean `instance`?"));
    EXPECT_EQ(ask(R"({"instance":0})").status, 400);
    EXPECT_EQ(ask(R"({"instance":9})").status, 404);
    EXPECT_EQ(server.call("POST", "/v1/units/worker/stop", R"({"instance":1})").status, 400);
    EXPECT_EQ(ask(std::string(70'000, ' ')).status, 413);
}

TEST(ControlApi, RefusesAChunkedBodyThatGrowsTooLarge)
{
    RunningServer server;
    server.on_loop([&] { server.engine.put(test::unit_up("worker")); });
    const int fd = connect_to(server.socket_path);
    send_all(fd, "POST /v1/units/worker/stop HTTP/1.1\r\nHost: keel\r\nConnection: close\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 20; ++i)
        send_all(fd, "1000\r\n" + std::string(0x1000, ' ') + "\r\n");
    send_all(fd, "0\r\n\r\n");
    EXPECT_THAT(read_to_end(fd), HasSubstr("HTTP/1.1 413"));
    ::close(fd);
}

TEST(ControlApi, RefusesAHeadWithoutEnd)
{
    RunningServer server;
    const int fd = connect_to(server.socket_path);
    send_all(fd, "GET /v1/units HTTP/1.1\r\nHost: keel\r\n");
    for (int i = 0; i < 20; ++i)
        send_all(fd, "X-" + std::to_string(i) + ": " + std::string(4000, 'x') + "\r\n");
    EXPECT_THAT(read_to_end(fd), HasSubstr("HTTP/1.1 431"));
    ::close(fd);
}

TEST(ControlApi, CutsAClientThatDripsItsRequest)
{
    RunningServer server({.version = "1", .control_limits = {.request_time = 200ms}});
    const int fd = connect_to(server.socket_path);
    send_all(fd, "GET /v1/un");
    EXPECT_EQ(read_to_end(fd), "");
    ::close(fd);
    EXPECT_THAT(server.get("/healthz"), HasSubstr("ok"));
}

TEST(ControlApi, TurnsAwayTheTwoThousandthIdleConnectionAndStillServesOperators)
{
    RunningServer server({.version = "1",
                          .control_limits = {.connections = 64, .reserved = 8},
                          .page_limits = {.connections = 64, .reserved = 0}});
    std::vector<int> idle;
    for (int i = 0; i < 2000; ++i)
        idle.push_back(connect_to_port(server.port));
    const int late = connect_to_port(server.port);
    EXPECT_THAT(read_to_end(late), HasSubstr("503 Service Unavailable"));
    ::close(late);
    EXPECT_THAT(server.get("/healthz"), HasSubstr("ok"));
    for (const int fd : idle)
        ::close(fd);
}

TEST(ControlApi, KeepsTheLastPlacesForOperators)
{
    RunningServer server({.version = "1", .control_limits = {.connections = 12, .reserved = 4}});
    std::vector<int> idle;
    // Root is an operator, so it may take all places but no more.
    for (int i = 0; i < 12; ++i)
        idle.push_back(connect_to(server.socket_path));
    const int late = connect_to(server.socket_path);
    EXPECT_THAT(read_to_end(late), HasSubstr("503 Service Unavailable"));
    ::close(late);
    ::close(idle.back());
    idle.pop_back();
    for (int status = 503; status != 200;)
        status = server.call("GET", "/healthz").status;
    for (const int fd : idle)
        ::close(fd);
}

TEST(ControlApi, HasNoTimerWhenNobodyIsConnected)
{
    RunningServer server;
    const auto timers_when_alone = [&] {
        for (unsigned open = 1; open != 0;)
            server.on_loop([&] { open = server.server->connections(); });
        int timers = -1;
        server.on_loop([&] { timers = server.timers(); });
        return timers;
    };
    EXPECT_EQ(timers_when_alone(), 0);
    {
        const auto stream = control::open_stream(server.socket_path, "/v1/events", {});
        const int kept = connect_to(server.socket_path);
        send_all(kept, "GET /healthz HTTP/1.1\r\nHost: keel\r\n\r\n");
        char answer[64];
        EXPECT_GT(::recv(kept, answer, sizeof answer, 0), 0);
        server.on_loop([&] { EXPECT_GT(server.timers(), 0); });
        ::close(kept);
    }
    EXPECT_EQ(timers_when_alone(), 0);
}

TEST(ControlApi, ForgetsAClientThatGoesAwayWhileItWaits)
{
    RunningServer server;
    server.on_loop([&] { server.engine.put(test::unit_up("worker")); });
    auto waiting =
        Call::begin(server.socket_path, {.method = "POST", .target = "/v1/units/worker/restart"});
    std::size_t asked = 0;
    while (asked == 0)
        server.on_loop([&] { asked = server.engine.requests.size(); });
    waiting = control::Trouble{}; // the connection is closed
    unsigned open = 1;
    while (open != 0)
        server.on_loop([&] { open = server.server->connections(); });
    // Its outcome then goes nowhere, and does no harm.
    server.on_loop([&] {
        test::FakeSupervisor::finish(server.engine.requests.front(), Outcome::done, "ready");
    });
    EXPECT_THAT(server.get("/healthz"), HasSubstr("ok"));
}

/// Reads events from a stream until there are `count`.
std::vector<control::SseEvent> read_events(Call& call, std::size_t count)
{
    control::SseReader reader;
    std::vector<control::SseEvent> all;
    while (all.size() < count) {
        const auto bytes = call.more(control::deadline_in(1min));
        if (control::trouble_of(bytes) != nullptr) break;
        const auto events = reader.feed(std::get<std::string>(bytes));
        if (!events) break;
        all.insert(all.end(), events->begin(), events->end());
    }
    return all;
}

TEST(ControlApi, StreamsEventsAndResumesAfterTheLastOneSeen)
{
    RunningServer server;
    server.on_loop([&] {
        for (int i = 1; i <= 5; ++i)
            server.engine.tell("worker", "state", "step " + std::to_string(i));
    });
    auto begun = Call::begin(server.socket_path, {.target = "/v1/events", .last_event_id = "3"});
    auto& call = std::get<Call>(begun);
    auto events = read_events(call, 2);
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].id, "4");
    EXPECT_EQ(events[1].id, "5");
    server.on_loop([&] { server.engine.tell("worker", "failure", "exit 1"); });
    events = read_events(call, 1);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].event, "failure");
    EXPECT_THAT(events[0].data, HasSubstr("exit 1"));
}

TEST(ControlApi, StreamsTheEventsOfOneUnitOnly)
{
    RunningServer server;
    server.on_loop([&] {
        server.engine.put(test::unit_up("worker"));
        server.engine.tell("backbone", "state", "other");
        server.engine.tell("worker", "state", "own");
    });
    auto begun = control::open_stream(server.socket_path, "/v1/events?after=0&unit=worker", {});
    const auto events = read_events(std::get<Call>(begun), 1);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_THAT(events[0].data, HasSubstr("own"));
    EXPECT_EQ(server.call("GET", "/v1/events?unit=wroker").status, 404);
}

TEST(ControlApi, TellsASlowClientWhereEventsAreMissing)
{
    RunningServer server;
    server.on_loop([&] {
        server.engine.kept_events = 10;
        for (int i = 0; i < 100; ++i)
            server.engine.tell("worker", "state", "step");
    });
    auto begun = control::open_stream(server.socket_path, "/v1/events?after=5", {});
    const auto events = read_events(std::get<Call>(begun), 11);
    ASSERT_EQ(events.size(), 11U);
    EXPECT_EQ(events[0].event, "missed");
    EXPECT_EQ(events[0].data, R"({"after":5,"before":91})");
    EXPECT_EQ(events[1].id, "91");
}

TEST(ControlApi, ListsTheLatestEventsWithoutStreaming)
{
    RunningServer server;
    server.on_loop([&] {
        for (int i = 1; i <= 5; ++i)
            server.engine.tell("worker", "state", "step " + std::to_string(i));
    });
    const auto list = control::decode_events(server.get("/v1/events?follow=0&limit=2"));
    ASSERT_TRUE(list.ok());
    ASSERT_EQ(list->events.size(), 2U);
    EXPECT_EQ(list->events.front().text, "step 4");
    EXPECT_EQ(list->latest, 5U);
    EXPECT_EQ(list->kept_since, test::morning(1s));
}

TEST(ControlApi, ListsTheEventsSinceATime)
{
    RunningServer server;
    server.on_loop([&] {
        for (int i = 1; i <= 5; ++i)
            server.engine.tell("worker", "state", "step " + std::to_string(i));
    });
    const std::string since = to_rfc3339(test::morning(3s));
    const auto list = control::decode_events(server.get("/v1/events?follow=0&since=" + since));
    ASSERT_TRUE(list.ok());
    ASSERT_EQ(list->events.size(), 3U);
    EXPECT_EQ(list->events.front().text, "step 3");
    EXPECT_EQ(server.call("GET", "/v1/events?follow=0&since=noon").status, 400);
    EXPECT_EQ(server.call("GET", "/v1/events?since=" + since).status, 400);
}

TEST(ControlApi, ServesEventsToManyClientsAtOnce)
{
    RunningServer server({.version = "1", .control_limits = {.connections = 256}});
    std::vector<Call> calls;
    for (int i = 0; i < 200; ++i)
        calls.push_back(std::move(std::get<Call>(*std::make_unique<control::Reply<Call>>(
            control::open_stream(server.socket_path, "/v1/events", {})))));
    server.on_loop([&] { server.engine.tell("worker", "state", "for all"); });
    for (Call& call : calls) {
        const auto events = read_events(call, 1);
        ASSERT_EQ(events.size(), 1U);
        EXPECT_THAT(events[0].data, HasSubstr("for all"));
    }
}

std::string page(RunningServer& server, const std::string& path, const std::string& host)
{
    const int fd = connect_to_port(server.port);
    send_all(fd, "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
    std::string answer = read_to_end(fd);
    ::close(fd);
    return answer;
}

TEST(Pages, ServeMetricsAndHealthAndNothingElse)
{
    RunningServer server;
    server.on_loop([&] { server.engine.put(test::unit_up("worker")); });
    EXPECT_THAT(page(server, "/metrics", "localhost"), HasSubstr("keel_build_info"));
    EXPECT_THAT(page(server, "/healthz", "127.0.0.1:9632"), HasSubstr("ok"));
    EXPECT_THAT(page(server, "/readyz", "localhost:9632"), HasSubstr("HTTP/1.1 200"));
    EXPECT_THAT(page(server, "/v1/units", "localhost"), HasSubstr("HTTP/1.1 401"));
    EXPECT_THAT(page(server, "/v1/units", "localhost"), Not(HasSubstr("worker")));
}

TEST(Pages, AreRefusedToAnotherHostsName)
{
    RunningServer server;
    EXPECT_THAT(page(server, "/metrics", "evil.example"), HasSubstr("HTTP/1.1 421"));
    EXPECT_THAT(page(server, "/metrics", "[::1]:9632"), HasSubstr("HTTP/1.1 200"));
}

TEST(Pages, NameTheUnitsThatAreNotReady)
{
    RunningServer server;
    server.on_loop([&] {
        auto unit = test::unit_up("worker");
        unit.ready = 0;
        unit.status = core::UnitStatus::down;
        server.engine.put(unit);
    });
    const std::string answer = page(server, "/readyz", "localhost");
    EXPECT_THAT(answer, HasSubstr("HTTP/1.1 503"));
    EXPECT_THAT(answer, HasSubstr("worker (down)"));
}

TEST(Pages, OfATakenPortAreAnErrorAndNothingMore)
{
    RunningServer server;
    server.on_loop([&] {
        const auto second =
            server.server->listen_for_pages("127.0.0.1:" + std::to_string(server.port));
        ASSERT_FALSE(second.ok());
        EXPECT_THAT(second.error().text(), HasSubstr("Address already in use"));
        EXPECT_FALSE(server.server->listen_for_pages("example.org:80").ok());
    });
    EXPECT_THAT(server.get("/healthz"), HasSubstr("ok"));
}

TEST(ControlSocket, IsReplacedIfNobodyListensOnIt)
{
    const std::string root =
        std::filesystem::temp_directory_path() / ("keel-stale-" + std::to_string(::getpid()));
    std::filesystem::create_directory(root);
    const std::string path = root + "/control.sock";
    auto first = control::listen_on_path(path, {});
    ASSERT_TRUE(first.ok()) << first.error().text();
    EXPECT_FALSE(control::listen_on_path(path, {}).ok()) << "somebody listens on it";
    ::close(*first);
    const auto second = control::listen_on_path(path, {});
    ASSERT_TRUE(second.ok()) << second.error().text();
    ::close(*second);
    std::filesystem::remove(path);
    std::ofstream(path) << "a file";
    EXPECT_FALSE(control::listen_on_path(path, {}).ok()) << "it is no socket";
    std::filesystem::remove_all(root);
}

TEST(ControlSocket, IsRemovedAtTheEndAndOpenToItsGroupOnly)
{
    std::string path;
    {
        RunningServer server;
        path = server.socket_path;
        struct stat file {};
        ASSERT_EQ(::lstat(path.c_str(), &file), 0);
        EXPECT_EQ(file.st_mode & 0777U, 0660U);
    }
    EXPECT_FALSE(std::filesystem::exists(path));
}

} // namespace
} // namespace keel
