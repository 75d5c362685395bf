// Logs over the control socket, and as the program `keel` prints them.
#include "tests/integration/control/running_server.hpp"

#include <gmock/gmock.h>

namespace keel {
namespace {

using namespace std::chrono_literals;
using control::Call;
using test::RunningServer;
using testing::HasSubstr;

/// Reads a stream until it holds `text`.
std::string read_until(Call& call, const std::string& text)
{
    std::string all;
    while (all.find(text) == std::string::npos) {
        const auto bytes = call.more(control::deadline_in(1min));
        if (control::trouble_of(bytes) != nullptr) return all + " (ended)";
        all += std::get<std::string>(bytes);
    }
    return all;
}

TEST(ControlLog, FollowsALogFromItsTail)
{
    RunningServer server;
    server.on_loop([&] {
        server.engine.put(test::unit_up("api"));
        server.logs->write("api", 1, "one\ntwo\nthree\n");
    });
    EXPECT_EQ(server.get("/v1/units/api/log?lines=2"), "two\nthree\n");
    {
        auto begun =
            control::open_stream(server.socket_path, "/v1/units/api/log?lines=1&follow=1", {});
        auto& call = std::get<Call>(begun);
        EXPECT_EQ(read_until(call, "three\n"), "three\n");
        server.on_loop([&] { server.logs->write("api", 1, "fo"); });
        server.on_loop([&] { server.logs->write("api", 1, "ur\n"); });
        EXPECT_EQ(read_until(call, "four\n"), "four\n");
    }
    // The client is gone, and with it what followed for it.
    std::size_t followers = 1;
    while (followers != 0)
        server.on_loop([&] { followers = server.logs->followers(); });
}

TEST(ControlLog, PutsTheInstanceBeforeEachLineOfSeveral)
{
    RunningServer server;
    server.on_loop([&] {
        server.engine.put(test::unit_up("worker", 2));
        server.logs->write("worker", 1, "a\nb\n");
        server.logs->write("worker", 2, "unfinished");
    });
    EXPECT_EQ(server.get("/v1/units/worker/log"),
              "worker.1 | a\nworker.1 | b\nworker.2 | unfinished\n");
    EXPECT_EQ(server.get("/v1/units/worker/log?instance=2"), "unfinished");
}

TEST(ControlLog, GivesALogSinceATimeInTheOrderOfItsTimes)
{
    RunningServer server;
    server.on_loop([&] {
        server.engine.put(test::unit_up("worker", 2));
        server.logs->write("worker", 1, "2025-01-31T09:00:01.000Z a\n2025-01-31T09:00:04.000Z d\n");
        server.logs->write("worker", 2, "2025-01-31T09:00:02.000Z b\n2025-01-31T09:00:03.000Z c\n");
    });
    const std::string path = "/v1/units/worker/log?since=2025-01-31T09:00:02Z";
    EXPECT_EQ(server.get(path), "worker.2 | 2025-01-31T09:00:02.000Z b\n"
                                "worker.2 | 2025-01-31T09:00:03.000Z c\n"
                                "worker.1 | 2025-01-31T09:00:04.000Z d\n");
    EXPECT_EQ(server.get(path + "&lines=1"), "worker.2 | 2025-01-31T09:00:03.000Z c\n"
                                             "worker.1 | 2025-01-31T09:00:04.000Z d\n");
    EXPECT_EQ(server.get(path + "&instance=1"), "2025-01-31T09:00:04.000Z d\n");
    EXPECT_EQ(server.call("GET", "/v1/units/worker/log?since=yesterday").status, 400);
}

TEST(ControlLog, FollowsALogFromATimeOn)
{
    RunningServer server;
    server.on_loop([&] {
        server.engine.put(test::unit_up("worker", 2));
        server.logs->write("worker", 1, "2025-01-31T09:00:01.000Z a\n2025-01-31T09:00:02.000Z b\n");
        server.logs->write("worker", 2, "2025-01-31T09:00:03.000Z unfin");
    });
    auto begun = control::open_stream(
        server.socket_path, "/v1/units/worker/log?since=2025-01-31T09:00:02Z&follow=1", {});
    auto& call = std::get<Call>(begun);
    EXPECT_EQ(read_until(call, "b\n"), "worker.1 | 2025-01-31T09:00:02.000Z b\n");
    server.on_loop([&] { server.logs->write("worker", 1, "c\n"); });
    server.on_loop([&] { server.logs->write("worker", 2, "ished\n"); });
    EXPECT_EQ(read_until(call, "ished\n"),
              "worker.1 | c\nworker.2 | 2025-01-31T09:00:03.000Z unfinished\n");
}

TEST(ControlLog, GivesALongLogNoFasterThanItIsRead)
{
    RunningServer server;
    std::string all;
    while (all.size() < (8U << 20))
        all += std::string(999, 'x') + "\n";
    server.on_loop([&] {
        server.engine.put(test::unit_up("api"));
        server.logs->write("api", 1, all);
    });
    auto begun = control::open_stream(server.socket_path,
                                      "/v1/units/api/log?since=2025-01-31T09:00:02Z", {});
    auto& call = std::get<Call>(begun);
    // Others are answered although nobody reads this.
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(server.call("GET", "/v1/version").status, 200);
    std::string read;
    for (;;) {
        const auto bytes = call.more(control::deadline_in(30s));
        ASSERT_EQ(control::trouble_of(bytes), nullptr);
        if (std::get<std::string>(bytes).empty()) break;
        read += std::get<std::string>(bytes);
    }
    EXPECT_TRUE(read == all);
}

TEST(ControlLog, TellsFromWhenALogMayBeThatHasNoTimes)
{
    RunningServer server;
    server.on_loop([&] {
        server.engine.put(test::unit_up("api"));
        server.logs->write("api", 1, "no time\n");
    });
    const auto told = [&] {
        const auto begun = control::open_stream(server.socket_path,
                                                "/v1/units/api/log?since=2025-01-31T09:00:02Z", {});
        return std::get<Call>(begun).known_head().untimed_since;
    };
    EXPECT_EQ(told(), "unknown");
    server.logs->begun = control::parse_rfc3339("2025-01-31T08:00:00Z");
    EXPECT_EQ(told(), "2025-01-31T08:00:00.000Z");
    server.on_loop([&] { server.engine.put(test::unit_up("timed")); });
    const auto begun = control::open_stream(server.socket_path,
                                            "/v1/units/timed/log?since=2025-01-31T09:00:02Z", {});
    EXPECT_FALSE(std::get<Call>(begun).known_head().untimed_since);
}

TEST(ControlLog, LeavesOutWhatASlowReaderOfALogCannotTake)
{
    RunningServer server;
    server.on_loop([&] { server.engine.put(test::unit_up("api")); });
    auto begun = control::open_stream(server.socket_path, "/v1/units/api/log?follow=1", {});
    auto& call = std::get<Call>(begun);
    std::size_t followers = 0;
    while (followers == 0)
        server.on_loop([&] { followers = server.logs->followers(); });
    server.on_loop([&] {
        for (int i = 0; i < 64; ++i)
            server.logs->write("api", 1, std::string(1U << 17, 'x'));
    });
    EXPECT_THAT(read_until(call, "they came faster than they were read"),
                HasSubstr("bytes left out"));
}

TEST(ControlLog, SaysWhenALogCannotBeRead)
{
    RunningServer server;
    server.on_loop([&] {
        server.engine.put(test::unit_up("api"));
        server.logs->failure = Error{"open", "/var/log/keel/api/1.log", EACCES};
    });
    const auto answer = server.call("GET", "/v1/units/api/log");
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.body, HasSubstr("Permission denied"));
}

TEST(ClientOfLogs, ShowsALogSinceATimeAndSaysWhenMoreThanThatIsShown)
{
    RunningServer server;
    const auto keel = [&](std::vector<std::string> words) {
        words.insert(words.end(), {"--root", server.root});
        return test::run_keel(words);
    };
    server.on_loop([&] {
        server.engine.put(test::unit_up("api-server"));
        server.engine.put(test::unit_up("worker", 3));
        server.logs->write("api-server", 1,
                           "2025-01-31T09:00:01.000Z old\n"
                           "2025-01-31T09:00:02.000Z new\n");
        server.logs->write("worker", 1, "no time\n");
    });
    auto ended = keel({"logs", "api-server", "--since", "2025-01-31 09:00:02"});
    EXPECT_EQ(ended.exit_code, 0);
    EXPECT_EQ(ended.out, "2025-01-31T09:00:02.000Z new\n");
    EXPECT_EQ(ended.err, "");
    EXPECT_EQ(keel({"logs", "api-server", "--since", "1h"}).out, "");

    ended = keel({"logs", "worker.1", "--since", "2025-01-31 09:00:02"});
    EXPECT_EQ(ended.out, "no time\n");
    EXPECT_THAT(ended.err, HasSubstr("the lines of worker.1 have no times"));
    server.on_loop([&] { server.logs->begun = control::parse_rfc3339("2025-01-31T08:12:44Z"); });
    ended = keel({"logs", "worker.1", "--since", "2025-01-31 09:00:02"});
    EXPECT_THAT(ended.err, HasSubstr("whole files are shown, from 2025-01-31 08:12:44.000 on"));
    EXPECT_EQ(keel({"logs", "worker.1", "--since", "2025-01-31"}).err, "") << "none is older";

    ended = keel({"logs", "worker", "--since", "yesterday"});
    EXPECT_EQ(ended.exit_code, 2);
    EXPECT_THAT(ended.err, HasSubstr("neither a duration nor a time"));
}

TEST(ControlLog, SaysWhereLinesGoThatDoNotComeHere)
{
    RunningServer server;
    server.on_loop([&] {
        core::UnitView unit = test::unit_up("api");
        unit.log_target = units::LogTarget::journal;
        server.engine.put(unit);
        server.logs->write("api", 1, "old\n");
    });
    auto begun = control::open_stream(server.socket_path, "/v1/units/api/log?lines=2", {});
    auto& call = std::get<Call>(begun);
    EXPECT_EQ(call.known_head().log_target, "journal");
    EXPECT_EQ(read_until(call, "old\n"), "old\n") << "from before it went there";
}

} // namespace
} // namespace keel
