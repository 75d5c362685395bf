// The program `keel` from outside: what it prints, and how it ends.
#include "control/listeners.hpp"
#include "tests/integration/control/running_server.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace keel {
namespace {

using test::As;
using test::run_keel;
using test::RunningKeel;
using test::RunningServer;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Outcome = core::OperationResult::Outcome;

constexpr uid_t stranger = 65534; // nobody
constexpr gid_t operators = 4321;
constexpr gid_t readers = 4322;

struct ClientTest : testing::Test {
    explicit ClientTest(RunningServer::Options options = {.version = "1.2.3"})
        : server(std::move(options))
    {
        server.on_loop([&] {
            server.engine.put(test::unit_up("api-server"));
            server.engine.put(test::unit_up("worker", 3));
        });
    }

    test::Ended keel(std::vector<std::string> words, std::optional<As> as = {})
    {
        words.insert(words.end(), {"--root", server.root});
        return run_keel(words, {}, std::move(as));
    }

    /// Every request ends so, at once.
    void answer_requests(Outcome outcome, const std::string& text)
    {
        server.on_loop([&] {
            server.engine.on_request = [this, outcome, text](const auto& asked) {
                auto later = std::make_shared<test::FakeSupervisor::Asked>(asked);
                server.on_later([later, outcome, text] {
                    test::FakeSupervisor::finish(*later, outcome, text);
                });
            };
        });
    }

    void set_status(const std::string& unit, core::UnitStatus status)
    {
        server.on_loop([&] {
            auto view = server.engine.at(unit);
            view.status = status;
            if (status == core::UnitStatus::down) view.ready = 0;
            server.engine.put(view);
        });
    }

    /// Waits until the engine has seen `count` requests.
    void wait_for_requests(std::size_t count)
    {
        for (std::size_t seen = 0; seen < count;)
            server.on_loop([&] { seen = server.engine.requests.size(); });
    }

    RunningServer server;
};

// ---- exit 0 and what is printed ---------------------------------------------------------------

TEST_F(ClientTest, ShowsAllUnitsAndEndsWithSuccess)
{
    const auto ended = keel({"status"});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_THAT(ended.out, AllOf(HasSubstr("api-server"), HasSubstr("worker"), HasSubstr("3/3")));
    EXPECT_THAT(ended.out, Not(HasSubstr("\x1b["))) << "no colours in a pipe";
}

TEST_F(ClientTest, ShowsOneUnitInDetail)
{
    const auto ended = keel({"status", "worker"});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_THAT(ended.out,
                AllOf(HasSubstr("worker is up"), HasSubstr("worker.2"), HasSubstr("1003")));
}

TEST_F(ClientTest, PrintsTheDaemonsOwnJson)
{
    const auto ended = keel({"status", "--json"});
    EXPECT_EQ(ended.exit_code, 0);
    EXPECT_EQ(ended.out, server.get("/v1/units") + "\n");
    EXPECT_THAT(keel({"status", "worker", "--json"}).out,
                StartsWith(R"({"units":[{"name":"worker")"));
}

TEST_F(ClientTest, TellsTheStoryOfAUnit)
{
    server.on_loop([&] {
        server.engine.tell("worker", "state", "starting -> ready (exec)");
        server.engine.stories["worker"] = {server.engine.at("worker"),
                                           server.engine.events_after(0, 10),
                                           {"worker.2 waits for api-server"},
                                           {"worker.2 starts again in 3 s"}};
    });
    const auto ended = keel({"why", "worker"});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_THAT(ended.out, AllOf(HasSubstr("starting -> ready (exec)"),
                                 HasSubstr("worker.2 waits for api-server"),
                                 HasSubstr("worker.2 starts again in 3 s")));
}

TEST_F(ClientTest, RestartsAndTellsTheOutcome)
{
    answer_requests(Outcome::done, "ready in 120 ms");
    const auto ended = keel({"restart", "worker.3", "api-server", "--reason", "new library"});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_EQ(ended.out, "worker.3: ready in 120 ms\napi-server: ready in 120 ms\n");
    server.on_loop([&] {
        ASSERT_EQ(server.engine.requests.size(), 2U);
        for (const auto& asked : server.engine.requests) {
            EXPECT_EQ(asked.spec.why, "new library");
            EXPECT_EQ(asked.spec.slot,
                      asked.spec.unit == "worker" ? std::optional<Slot>(3) : std::nullopt);
        }
    });
}

TEST_F(ClientTest, AsksForAllUnitsThatAreWanted)
{
    answer_requests(Outcome::done, "stopped in 3 ms");
    server.on_loop([&] {
        auto held = test::unit_up("held-one");
        held.wanted = "held";
        server.engine.put(held);
    });
    const auto ended = keel({"stop", "--all", "--json"});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    server.on_loop([&] { EXPECT_EQ(server.engine.requests.size(), 2U); });
    EXPECT_THAT(ended.out,
                AllOf(StartsWith(R"({"operations":[{"id":)"), HasSubstr(R"("outcome":"done")")));
}

TEST_F(ClientTest, AsksForMoreUnitsThanTheServerTakesConnections)
{
    answer_requests(Outcome::done, "ready in 1 ms");
    server.on_loop([&] {
        for (int i = 0; i < 300; ++i)
            server.engine.put(test::unit_up("many-" + std::to_string(i)));
    });
    const auto ended = keel({"restart", "--all"});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_EQ(std::ranges::count(ended.out, '\n'), 302);
}

TEST_F(ClientTest, DoesNotWaitWhenAskedNotTo)
{
    const auto ended = keel({"stop", "worker", "--no-wait"});
    EXPECT_EQ(ended.exit_code, 0);
    EXPECT_EQ(ended.out, "worker: stop accepted, operation 1\n");
}

TEST_F(ClientTest, PrintsLogsAndFollowsThem)
{
    server.on_loop([&] { server.logs->write("api-server", 1, "one\ntwo\n"); });
    EXPECT_EQ(keel({"logs", "api-server", "-n", "1"}).out, "two\n");
    RunningKeel follower({"logs", "api-server", "-f", "--root", server.root});
    ASSERT_TRUE(follower.wait_for("two\n"));
    server.on_loop([&] { server.logs->write("api-server", 1, "three\n"); });
    EXPECT_TRUE(follower.wait_for("three\n"));
}

TEST_F(ClientTest, PrintsEventsAndFollowsThem)
{
    server.on_loop([&] { server.engine.tell("worker", "failure", "exit 1"); });
    EXPECT_THAT(keel({"events"}).out, HasSubstr("exit 1"));
    RunningKeel follower({"events", "-f", "--json", "--unit", "worker", "--root", server.root});
    ASSERT_TRUE(follower.wait_for("exit 1"));
    server.on_loop([&] { server.engine.tell("worker", "state", "backoff -> starting"); });
    EXPECT_TRUE(follower.wait_for("backoff -> starting"));
}

TEST_F(ClientTest, ShowsTheUnitsAnewWhenSomethingHappens)
{
    RunningKeel watching({"status", "--watch", "--root", server.root});
    ASSERT_TRUE(watching.wait_for("worker"));
    set_status("worker", core::UnitStatus::down);
    server.on_loop([&] { server.engine.tell("worker", "state", "ready -> backoff"); });
    EXPECT_TRUE(watching.wait_for("down"));
}

TEST_F(ClientTest, PrintsBothVersions)
{
    EXPECT_THAT(keel({"version"}).out, HasSubstr("keeld 1.2.3"));
    EXPECT_THAT(keel({"--version", "--json"}).out, HasSubstr(R"("keeld":"1.2.3")"));
}

// ---- the other exit codes ---------------------------------------------------------------------

TEST_F(ClientTest, EndsWith1WhenAnOperationFails)
{
    answer_requests(Outcome::failed, "exit 1");
    const auto ended = keel({"start", "worker"});
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("start failed: exit 1"), HasSubstr("keel why worker")));
}

TEST_F(ClientTest, EndsWith2OnWrongUsage)
{
    const auto misspelt = keel({"statsu"});
    EXPECT_EQ(misspelt.exit_code, 2);
    EXPECT_THAT(misspelt.err, HasSubstr("did you mean `status`?"));
    EXPECT_EQ(keel({}).exit_code, 2);
    EXPECT_EQ(keel({"restart"}).exit_code, 2);
    EXPECT_EQ(keel({"restart", "--all", "worker"}).exit_code, 2);
    EXPECT_EQ(keel({"restart", "worker", "--timeout", "5"}).exit_code, 2);
    EXPECT_EQ(keel({"restart", "worker", "--nowait"}).exit_code, 2);
    EXPECT_EQ(keel({"stop", "worker.1"}).exit_code, 2);
    EXPECT_EQ(keel({"hold", "worker"}).exit_code, 2);
    EXPECT_EQ(keel({"hold", "worker.1", "--reason", "gdb"}).exit_code, 2);
    EXPECT_EQ(keel({"hold", "worker", "--reason", "gdb", "--for", "30"}).exit_code, 2);
    EXPECT_EQ(keel({"hold", "worker", "--reason", "gdb", "--for", "0s"}).exit_code, 2);
    EXPECT_EQ(keel({"stop", "worker", "--for", "30m"}).exit_code, 2);
    EXPECT_EQ(keel({"restart", "worker."}).exit_code, 2);
    EXPECT_EQ(keel({"logs"}).exit_code, 2);
    EXPECT_EQ(keel({"wait", "worker", "--for", "redy"}).exit_code, 2);
}

TEST_F(ClientTest, EndsWith2ForANameThatDoesNotExistAndNamesTheNearest)
{
    for (const char* command : {"status", "why", "start", "stop", "restart", "logs", "wait"}) {
        const auto ended = keel({command, "wroker"});
        EXPECT_EQ(ended.exit_code, 2) << command;
        EXPECT_THAT(ended.err, HasSubstr("did you mean `worker`?")) << command;
    }
    EXPECT_EQ(keel({"restart", "worker.4"}).exit_code, 2);
}

TEST_F(ClientTest, EndsWith3WhenAUnitIsNotUp)
{
    set_status("worker", core::UnitStatus::down);
    EXPECT_EQ(keel({"status"}).exit_code, 3);
    EXPECT_EQ(keel({"status", "worker"}).exit_code, 3);
    EXPECT_EQ(keel({"status", "api-server"}).exit_code, 0);
}

TEST_F(ClientTest, HoldsAUnitWithTheTermsThatWereAskedFor)
{
    answer_requests(Outcome::done, "held, its process left running");
    const auto ended = keel({"hold", "worker", "--reason", "gdb", "--for", "1m30s", "--running"});
    EXPECT_EQ(ended.exit_code, 0);
    EXPECT_EQ(ended.out, "worker: held, its process left running\n");
    server.on_loop([&] {
        const auto& spec = server.engine.requests.back().spec;
        EXPECT_EQ(spec.verb, core::Verb::hold);
        EXPECT_EQ(spec.hold.span, Duration(std::chrono::seconds(90)));
        EXPECT_EQ(spec.hold.process, core::Held::Process::left_running);
    });
}

TEST_F(ClientTest, CountsAHeldUnitAsDownOnlyForThoseWhoAskForIt)
{
    server.on_loop([&] {
        auto unit = test::unit_up("worker");
        unit.wanted = "held";
        unit.held = core::Held{"root (uid 0)", "gdb", test::morning()};
        unit.status = core::UnitStatus::held;
        server.engine.put(unit);
    });
    const auto all = keel({"status"});
    EXPECT_EQ(all.exit_code, 0);
    EXPECT_THAT(all.out, HasSubstr("held by root (uid 0): gdb"));
    EXPECT_EQ(keel({"status", "worker"}).exit_code, 3);
}

TEST_F(ClientTest, OffersNoNameThatAShellWouldExpand)
{
    server.on_loop([&] {
        auto named = test::unit_up("named");
        named.release = "v1";
        server.engine.put(named);
        for (const char* hostile : {"$(touch x)", "`x`", "two words", "*"}) {
            named.name = hostile;
            named.wanted_instances = 2;
            server.engine.put(named);
        }
    });
    EXPECT_EQ(keel({"completion", "units"}).out, "api-server\nnamed\nworker\n");
    EXPECT_EQ(keel({"completion", "instances"}).out,
              "api-server\nnamed\nworker\nworker.1\nworker.2\nworker.3\n");
    EXPECT_EQ(keel({"completion", "deployed"}).out, "named\n");
}

TEST_F(ClientTest, EndsWith5WhenNobodyListens)
{
    const auto absent = run_keel({"status", "--root", "/nonexistent"});
    EXPECT_EQ(absent.exit_code, 5);
    EXPECT_THAT(absent.err,
                AllOf(HasSubstr("keeld is not running"), HasSubstr("systemctl start keel")));
    const auto by_environment = run_keel({"status"}, {"KEEL_ROOT=/nonexistent"});
    EXPECT_THAT(by_environment.err, HasSubstr("/nonexistent/run/keel/control.sock"));
}

TEST_F(ClientTest, EndsWith6AfterFiveRetries)
{
    server.on_loop([&] {
        for (int i = 0; i < 6; ++i)
            server.engine.refusals.push_back(
                {ports::Refusal::Kind::conflict, "a restart by root (uid 0) is under way", {}});
    });
    const auto ended = keel({"start", "worker"});
    EXPECT_EQ(ended.exit_code, 6);
    EXPECT_THAT(ended.err, HasSubstr("restart by root"));
    server.on_loop([&] { EXPECT_TRUE(server.engine.refusals.empty()); });
}

TEST_F(ClientTest, SucceedsOnceWhatWasInTheWayIsOver)
{
    answer_requests(Outcome::done, "ready in 1 ms");
    server.on_loop([&] {
        server.engine.refusals.push_back({ports::Refusal::Kind::conflict, "busy", {}});
        server.engine.refusals.push_back({ports::Refusal::Kind::conflict, "busy", {}});
    });
    EXPECT_EQ(keel({"start", "worker"}).exit_code, 0);
}

TEST_F(ClientTest, EndsWith7WhenItTakesTooLong)
{
    const auto ended = keel({"restart", "worker", "--timeout", "50ms"});
    EXPECT_EQ(ended.exit_code, 7);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("not finished yet"), HasSubstr("it goes on")));
}

// ---- wait -------------------------------------------------------------------------------------

TEST_F(ClientTest, WaitsUntilAnEventSaysThatTheUnitIsReady)
{
    EXPECT_EQ(keel({"wait", "worker"}).exit_code, 0);
    set_status("worker", core::UnitStatus::down);
    RunningKeel waiting({"wait", "worker", "api-server", "--root", server.root});
    for (unsigned open = 0; open == 0;)
        server.on_loop([&] { open = server.server->connections(); });
    set_status("worker", core::UnitStatus::up);
    server.on_loop([&] { server.engine.tell("worker", "state", "starting -> ready"); });
    const auto ended = waiting.finish();
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_EQ(ended.out, "worker is ready\napi-server is ready\n");
}

TEST_F(ClientTest, WaitsUntilNoProcessLives)
{
    EXPECT_EQ(keel({"wait", "worker", "--for", "stopped", "--timeout", "20ms"}).exit_code, 7);
    server.on_loop([&] {
        auto unit = test::unit_up("worker", 2);
        for (auto& instance : unit.instances)
            instance.state = "stopped";
        server.engine.put(unit);
    });
    EXPECT_EQ(keel({"wait", "worker", "--for", "stopped"}).exit_code, 0);
}

TEST_F(ClientTest, GivesUpWaitingForAUnitThatHasFailed)
{
    set_status("worker", core::UnitStatus::failed);
    const auto ended = keel({"wait", "worker"});
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_THAT(ended.err, HasSubstr("keel start worker"));
}

TEST_F(ClientTest, GoesOnWaitingWhenTheEngineIsReplaced)
{
    set_status("worker", core::UnitStatus::down);
    RunningKeel waiting({"wait", "worker", "--root", server.root});
    for (unsigned open = 0; open == 0;)
        server.on_loop([&] { open = server.server->connections(); });
    server.replace_server();
    set_status("worker", core::UnitStatus::up);
    EXPECT_EQ(waiting.finish().exit_code, 0);
}

TEST_F(ClientTest, GoesOnFollowingEventsWhenTheEngineIsReplaced)
{
    server.on_loop([&] { server.engine.tell("worker", "state", "before"); });
    RunningKeel follower({"events", "-f", "--root", server.root});
    ASSERT_TRUE(follower.wait_for("before"));
    server.replace_server();
    server.on_loop([&] { server.engine.tell("worker", "state", "after"); });
    EXPECT_TRUE(follower.wait_for("after"));
}

TEST_F(ClientTest, GoesOnFollowingALogWhenTheEngineIsReplaced)
{
    server.on_loop([&] { server.logs->write("api-server", 1, "before\n"); });
    RunningKeel follower({"logs", "api-server", "-f", "--root", server.root});
    ASSERT_TRUE(follower.wait_for("before\n"));
    server.replace_server();
    for (std::size_t followers = 0; followers == 0;)
        server.on_loop([&] { followers = server.logs->followers(); });
    server.on_loop([&] { server.logs->write("api-server", 1, "after\n"); });
    EXPECT_TRUE(follower.wait_for("after\n"));
}

TEST_F(ClientTest, WaitsAMomentForAnEngineThatIsJustBeingReplaced)
{
    server.on_loop([&] { server.server.reset(); });
    // What a killed engine leaves: a socket on which nobody listens.
    ::close(*control::listen_on_path(server.socket_path, {}));
    RunningKeel asking({"status", "--root", server.root});
    server.replace_server();
    const auto ended = asking.finish();
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
}

TEST_F(ClientTest, AsksAgainWhenTheEngineIsReplacedBeforeItAnswers)
{
    server.on_loop([&] { server.server.reset(); });
    // An engine that takes the question and dies.
    const int dying = *control::listen_on_path(server.socket_path, {});
    RunningKeel asking({"status", "--root", server.root});
    pollfd asked{dying, POLLIN, 0};
    ASSERT_EQ(::poll(&asked, 1, 60'000), 1);
    ::close(::accept(dying, nullptr, nullptr));
    ::close(dying);
    server.replace_server();
    const auto ended = asking.finish();
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
}

TEST_F(ClientTest, DoesNotWaitForLongForAnEngineThatDoesNotCome)
{
    server.on_loop([&] { server.server.reset(); });
    ::close(*control::listen_on_path(server.socket_path, {}));
    const auto ended = keel({"status"});
    EXPECT_EQ(ended.exit_code, 5);
    EXPECT_THAT(ended.err, HasSubstr("nobody listens"));
}

// ---- roles --------------------------------------------------------------------------------------

struct RolesTest : ClientTest {
    RolesTest()
        : ClientTest({.version = "1", .groups = {.operators = operators, .readers = readers}})
    {}
    void SetUp() override
    {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root, to act as somebody else";
    }
};

TEST_F(RolesTest, OperatorsMayChangeThings)
{
    answer_requests(Outcome::done, "ready in 1 ms");
    const auto ended = keel({"restart", "worker"}, As{stranger, {operators}});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    server.on_loop(
        [&] { EXPECT_THAT(server.engine.requests.at(0).spec.by, HasSubstr("(uid 65534)")); });
}

TEST_F(RolesTest, ReadersMayReadAndNothingElse)
{
    EXPECT_EQ(keel({"status"}, As{stranger, {readers}}).exit_code, 0);
    const auto ended = keel({"restart", "worker"}, As{stranger, {7, 8, readers}});
    EXPECT_EQ(ended.exit_code, 4);
    EXPECT_THAT(ended.err, HasSubstr("operators_group"));
    server.on_loop([&] { EXPECT_TRUE(server.engine.requests.empty()); });
}

TEST_F(RolesTest, StrangersMayDoNothing)
{
    EXPECT_EQ(keel({"status"}, As{stranger, {7, 8}}).exit_code, 4);
    EXPECT_EQ(keel({"version", "--json"}, As{stranger, {}}).out.find("\"keeld\":null") !=
                  std::string::npos,
              true);
}

struct OperatorsOnlyTest : ClientTest {
    OperatorsOnlyTest() : ClientTest({.version = "1", .groups = {.operators = operators}}) {}
};

TEST_F(OperatorsOnlyTest, StrangersCannotEvenConnect)
{
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to act as somebody else";
    const auto ended = keel({"status"}, As{stranger, {readers}});
    EXPECT_EQ(ended.exit_code, 4);
    EXPECT_THAT(ended.err, HasSubstr("not allowed to connect"));
    EXPECT_EQ(keel({"status"}, As{stranger, {operators}}).exit_code, 0);
}

// ---- check --------------------------------------------------------------------------------------

struct CheckTest : testing::Test {
    CheckTest()
    {
        std::string pattern = "/tmp/keel-check-XXXXXX";
        folder = ::mkdtemp(pattern.data());
    }
    ~CheckTest() override { std::filesystem::remove_all(folder); }

    std::string write(const std::string& name, const std::string& text) const
    {
        std::ofstream(folder + "/" + name) << text;
        return folder + "/" + name;
    }
    std::string folder;
};

TEST_F(CheckTest, FindsAllProblemsWithoutADaemon)
{
    write("a.toml", "comand = \"/bin/true\"\n");
    write("b.toml", "command = \"/bin/true\"\nrequires = [\"nowhere\"]\n");
    const auto ended = run_keel({"check", folder});
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_THAT(ended.out,
                AllOf(HasSubstr("a.toml:1:1"), HasSubstr("command"), HasSubstr("b.toml:2:"),
                      HasSubstr("nowhere"), HasSubstr("in 2 units")));
    EXPECT_THAT(run_keel({"check", folder, "--json"}).out,
                StartsWith(R"({"checked":2,"problems":[{)"));
}

TEST_F(CheckTest, ChecksAFileTogetherWithItsNeighbours)
{
    write("backbone.toml", "command = \"/bin/true\"\n");
    write("broken.toml", "command = 7\n");
    const auto api = write("api.toml", "command = \"/bin/true\"\nrequires = [\"backbone\"]\n");
    const auto ended = run_keel({"check", api});
    EXPECT_EQ(ended.exit_code, 0) << ended.out;
    EXPECT_EQ(ended.out, "1 unit: no problem\n");
}

TEST_F(CheckTest, SaysThatAFileIsMissing)
{
    const auto ended = run_keel({"check", folder + "/none.toml"});
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_THAT(ended.out, HasSubstr("No such file"));
}

TEST_F(CheckTest, LooksAtTheHostsOwnUnitsByDefault)
{
    std::filesystem::create_directories(folder + "/etc/keel/units");
    write("etc/keel/units/a.toml", "command = \"/bin/true\"\n");
    EXPECT_EQ(run_keel({"check", "--root", folder}).out, "1 unit: no problem\n");
}

TEST_F(CheckTest, TellsADropInsProblemsWhereverItIsAskedFor)
{
    std::filesystem::create_directories(folder + "/a.toml.d");
    const auto unit = write("a.toml", "command = \"/bin/true\"\n");
    const auto drop_in = write("a.toml.d/10.toml", "nise = 1\n");
    for (const std::string& asked : {folder, unit, drop_in}) {
        const auto ended = run_keel({"check", asked});
        EXPECT_EQ(ended.exit_code, 1) << asked;
        EXPECT_THAT(ended.out, HasSubstr("a.toml.d/10.toml:1:1: nise: unknown key")) << asked;
    }
}

TEST_F(CheckTest, ChecksTheDaemonsFile)
{
    const auto file = write("keel.toml", "[log]\nlevl = \"info\"\n");
    const auto ended = run_keel({"check", file});
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_THAT(ended.out, AllOf(HasSubstr("keel.toml:2:1: log.levl"), HasSubstr("\n1 problem\n")));
}

TEST_F(CheckTest, PlansWhatWouldChange)
{
    const std::string current = folder + "/var/lib/keel/generations/current/units";
    std::filesystem::create_directories(folder + "/etc/keel/units");
    write("etc/keel/units/a.toml", "command = \"/bin/true\"\nnice = 1\n");
    EXPECT_EQ(run_keel({"plan", "--root", folder}).exit_code, 1) << "nothing is in force";

    std::filesystem::create_directories(current);
    write("var/lib/keel/generations/current/units/a.toml", "command = \"/bin/true\"\n");
    EXPECT_EQ(run_keel({"plan", "--root", folder}).out,
              "a (changed)\n  nice: 0 -> 1   [restart]\nin this order\n  1. restart a\n");
    EXPECT_THAT(
        run_keel({"plan", "--json", "--root", folder}).out,
        AllOf(
            HasSubstr(R"({"key":"nice","before":"0","after":"1","takes_effect":"restart"})"),
            HasSubstr(R"("order":[{"step":1,"action":"restart","unit":"a","because_of":null}])")));
    write("etc/keel/units/a.toml", "command = \"/bin/true\"\ninstances = 2\n");
    EXPECT_THAT(run_keel({"plan", "--root", folder}).out, HasSubstr("\nno process is touched\n"));
    write("etc/keel/units/a.toml", "command = [\"/bin/true\"]\n");
    EXPECT_EQ(run_keel({"plan", "--root", folder}).out, "nothing changes\n");
    write("etc/keel/units/a.toml", "command = 5\n");
    EXPECT_EQ(run_keel({"plan", "--root", folder}).exit_code, 1);
}

} // namespace
} // namespace keel
