// keel deploy, rollback, releases, undeny from outside: what they ask for, print, and end with.
#include "tests/integration/control/running_server.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <unistd.h>

namespace keel {
namespace {

using namespace std::chrono_literals;
using test::run_keel;
using test::RunningKeel;
using test::RunningServer;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Outcome = core::OperationResult::Outcome;
using Status = core::DeployStep::Status;
using Asked = test::FakeSupervisor::Asked;

struct DeployClientTest : testing::Test {
    DeployClientTest()
    {
        server.on_loop([&] { server.engine.put(test::unit_up("web", 2)); });
        std::ofstream(server.root + "/web-1.4.tar.zst") << "an archive";
    }

    test::Ended keel(std::vector<std::string> words)
    {
        words.insert(words.end(), {"--root", server.root});
        return run_keel(words);
    }

    /// A deployment of v2 is under way as operation 1.
    void stand_at(Status fetch, Status roll, const std::string& step,
                  const std::string& failure = {})
    {
        server.on_loop([&] {
            auto unit = server.engine.at("web");
            unit.operation =
                core::OperationView{OperationId{first_operation}, core::Verb::deploy, "ann", step};
            auto& deployment = unit.deployment.emplace();
            deployment.release = "v2";
            deployment.from = "v1";
            deployment.steps = {{"fetch", fetch}, {"roll", roll}, {"commit", Status::todo}};
            deployment.step = step;
            deployment.failure = failure;
            server.engine.put(unit);
            server.engine.tell("web", "deploy", step + " begins");
        });
    }

    /// Waits until the engine was asked for the outcome, after it was asked to begin.
    void wait_for_requests(std::size_t count)
    {
        for (std::size_t seen = 0; seen < count;)
            server.on_loop([&] { seen = server.engine.requests.size(); });
    }

    void finish(Outcome outcome, const std::string& text)
    {
        server.on_loop([&] {
            server.engine.at("web").deployment.reset();
            // The engine knows by the key that both are one.
            Asked asked = server.engine.requests.back();
            asked.id = OperationId{first_operation};
            test::FakeSupervisor::finish(asked, outcome, text);
        });
    }

    ports::RequestSpec asked(std::size_t which = 0)
    {
        ports::RequestSpec spec;
        server.on_loop([&] { spec = server.engine.requests.at(which).spec; });
        return spec;
    }

    static constexpr std::uint64_t first_operation = 1; ///< of the fake
    RunningServer server;
};

TEST_F(DeployClientTest, ShowsEachStepAndTheOutcome)
{
    RunningKeel deploying({"deploy", "web", "v2", "--reason", "new", "--root", server.root});
    wait_for_requests(2);
    stand_at(Status::doing, Status::todo, "fetch");
    ASSERT_TRUE(deploying.wait_for("web: deploying v2 in the place of v1, operation 1\n"));
    stand_at(Status::done, Status::doing, "roll");
    ASSERT_TRUE(deploying.wait_for("  fetch   done in "));
    finish(Outcome::done, "v2 is the current release, after 3 s");
    const auto ended = deploying.finish();
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_THAT(ended.out, AllOf(HasSubstr("  roll    done in "), HasSubstr("  commit  done\n"),
                                 HasSubstr("\nweb: v2 is the current release, after 3 s\n"),
                                 Not(HasSubstr("\x1b"))));
    EXPECT_EQ(asked().deploy, (core::DeployTerms{"v2", ""}));
    EXPECT_EQ(asked().why, "new");
    EXPECT_EQ(asked(0).key, asked(1).key) << "or the second would begin another one";
}

TEST_F(DeployClientTest, EndsWith1WhenItIsUndoneAndSaysWhereToLook)
{
    RunningKeel deploying({"deploy", "web", "v2", "--root", server.root});
    wait_for_requests(2);
    stand_at(Status::done, Status::doing, "roll");
    ASSERT_TRUE(deploying.wait_for("  fetch   done\n"));
    stand_at(Status::done, Status::undoing, "undoing roll", "roll: exit 1");
    ASSERT_TRUE(deploying.wait_for("  roll: exit 1; what was done is being undone\n"));
    stand_at(Status::undoing, Status::undone, "undoing fetch", "roll: exit 1");
    ASSERT_TRUE(deploying.wait_for("  roll    undone in "));
    finish(Outcome::failed, "roll: exit 1; v1 is the current release");
    const auto ended = deploying.finish();
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_THAT(ended.err,
                AllOf(HasSubstr("web: deploy failed: roll: exit 1; v1 is the current release"),
                      HasSubstr("`keel logs web --deploy`")));
    EXPECT_THAT(ended.out, Not(HasSubstr("commit")));
}

TEST_F(DeployClientTest, GoesOnWaitingWhenTheEngineIsReplaced)
{
    RunningKeel deploying({"deploy", "web", "v2", "--root", server.root});
    wait_for_requests(2);
    stand_at(Status::doing, Status::todo, "fetch");
    ASSERT_TRUE(deploying.wait_for("operation 1\n"));
    server.replace_server();
    wait_for_requests(3);
    EXPECT_EQ(asked(0).key, asked(2).key);
    stand_at(Status::done, Status::doing, "roll");
    ASSERT_TRUE(deploying.wait_for("fetch   done"));
    finish(Outcome::done, "v2 is the current release");
    EXPECT_EQ(deploying.finish().exit_code, 0);
}

TEST_F(DeployClientTest, SaysWhenItIsInterruptedThatTheDeploymentGoesOn)
{
    RunningKeel deploying({"deploy", "web", "v2", "--root", server.root});
    wait_for_requests(2);
    stand_at(Status::doing, Status::todo, "fetch");
    ASSERT_TRUE(deploying.wait_for("operation 1\n"));
    deploying.signal(SIGINT);
    const auto ended = deploying.finish();
    EXPECT_EQ(ended.exit_code, -1) << "the shell is to see that it was interrupted";
    EXPECT_THAT(ended.err, AllOf(HasSubstr("web: the deploy goes on"),
                                 HasSubstr("`keel cancel 1` ends and undoes it")));
}

TEST_F(DeployClientTest, DoesNotWaitLongerThanItWasTold)
{
    const auto ended = keel({"deploy", "web", "v2", "--timeout", "50ms"});
    EXPECT_EQ(ended.exit_code, 7);
    EXPECT_THAT(ended.err, HasSubstr("the deploy is not finished yet"));
    EXPECT_EQ(keel({"deploy", "web", "v2", "--no-wait"}).out,
              "web: deploy accepted, operation 3\n");
}

TEST_F(DeployClientTest, EndsWith6WhenAnotherOneIsUnderWay)
{
    server.on_loop([&] {
        for (int i = 0; i < 6; ++i)
            server.engine.refusals.push_back(
                {ports::Refusal::Kind::conflict, "deployment of v3 by ann is under way", {}});
    });
    const auto ended = keel({"deploy", "web", "v2"});
    EXPECT_EQ(ended.exit_code, 6);
    EXPECT_THAT(ended.err, HasSubstr("deployment of v3 by ann"));
    server.on_loop([&] { EXPECT_TRUE(server.engine.refusals.empty()) << "it is asked again"; });
}

TEST_F(DeployClientTest, TellsTheOutcomeAloneAsJson)
{
    stand_at(Status::doing, Status::todo, "fetch");
    server.on_loop([&] {
        server.engine.on_request = [this](const Asked& asked) {
            auto later = std::make_shared<Asked>(asked);
            server.on_later(
                [later] { test::FakeSupervisor::finish(*later, Outcome::done, "v2 it is"); });
        };
    });
    const auto ended = keel({"rollback", "web", "--json"});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_THAT(ended.out, testing::StartsWith(R"({"operations":[{"id":)"));
    EXPECT_THAT(ended.out, HasSubstr(R"("verb":"rollback","unit":"web")"));
    EXPECT_EQ(asked().verb, core::Verb::rollback);
}

TEST_F(DeployClientTest, NamesAnArchiveByItsWholePath)
{
    const std::string archive = server.root + "/web-1.4.tar.zst";
    EXPECT_EQ(keel({"deploy", "web", "--file", archive, "--no-wait"}).exit_code, 0);
    EXPECT_EQ(asked(0).deploy, (core::DeployTerms{"web-1.4", archive}));
    EXPECT_EQ(keel({"deploy", "web", "v9", "--file", server.root, "--no-wait"}).exit_code, 0);
    EXPECT_EQ(asked(1).deploy, (core::DeployTerms{"v9", server.root}));
    const auto here = std::filesystem::current_path();
    const auto relative = std::filesystem::relative(archive, here);
    EXPECT_EQ(keel({"deploy", "web", "--file", relative, "--no-wait"}).exit_code, 0);
    EXPECT_EQ(asked(2).deploy.source, archive);
}

TEST_F(DeployClientTest, EndsWith2OnWhatCanBeNoRelease)
{
    const std::string blank = server.root + "/my app.tar";
    std::ofstream(blank) << "an archive";
    for (const auto& [words, told] : std::vector<std::pair<std::vector<std::string>, std::string>>{
             {{"deploy", "web"}, "deploy which release?"},
             {{"deploy"}, "deploy what?"},
             {{"deploy", "web", "../v2"}, "`../v2` is no ID of a release"},
             {{"deploy", "web", "v2", "v3"}, "one word too many"},
             {{"deploy", "web.1", "v2"}, "one instance alone"},
             {{"deploy", "web", "--file", "/nonexistent.tar"}, "No such file or directory"},
             {{"deploy", "web", "--file", "/dev/null"}, "neither a file nor a directory"},
             {{"deploy", "web", "--file", blank}, "keel deploy web RELEASE --file"},
             {{"deploy", "wbe", "v2"}, "did you mean `web`?"},
             {{"rollback", "web", "v1"}, "one word too many"},
             {{"undeny", "web", ".."}, "no ID of a release"},
             {{"logs", "web.1", "--deploy"}, "the whole unit's"}}) {
        const auto ended = keel(words);
        EXPECT_EQ(ended.exit_code, 2) << told;
        EXPECT_THAT(ended.err, HasSubstr(told));
    }
    server.on_loop([&] { EXPECT_TRUE(server.engine.requests.empty()); });
}

TEST_F(DeployClientTest, TellsWhatItWouldDo)
{
    server.on_loop([&] { server.engine.outline = {"", "v2", "v1", {"fetch", "migrate"}}; });
    const auto ended = keel({"deploy", "web", "v2", "--dry-run"});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_EQ(ended.out, "web: v2 would take the place of v1\n  1. fetch\n  2. migrate\n");
    server.on_loop([&] { server.engine.outline.objection = "v2 is denied: exit 1"; });
    const auto refused = keel({"rollback", "web", "--dry-run"});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.err, HasSubstr("web: the rollback would fail at once: v2 is denied"));
    server.on_loop([&] { EXPECT_TRUE(server.engine.requests.empty()); });
}

TEST_F(DeployClientTest, ListsReleasesAndAllowsWhatIsDenied)
{
    server.on_loop([&] {
        auto& releases = server.engine.releases_of["web"];
        releases.known = {{"v1", test::morning(), 1500, true, true, false, 2}};
        releases.denied = {{"v2", test::morning(), "rolled back from by ann"}};
    });
    const auto ended = keel({"releases", "web"});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_THAT(ended.out,
                AllOf(HasSubstr("current, good"), HasSubstr("denied: rolled back from by ann")));
    EXPECT_EQ(keel({"releases", "web", "--json"}).out, server.get("/v1/units/web/releases") + "\n");
    EXPECT_EQ(keel({"undeny", "web", "v2", "--no-wait"}).exit_code, 0);
    EXPECT_EQ(keel({"undeny", "web", "--no-wait"}).exit_code, 0);
    EXPECT_EQ(asked(0).deploy.release, "v2");
    EXPECT_EQ(asked(1).deploy.release, "");
    server.on_loop([&] { server.logs->write("web", whole_unit, "migrated\n"); });
    EXPECT_EQ(keel({"logs", "web", "--deploy"}).out, "migrated\n");
}

} // namespace
} // namespace keel
