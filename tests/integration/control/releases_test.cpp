// What the control API does about releases: what it takes, passes on, refuses and tells.
#include "tests/integration/control/running_server.hpp"

#include <gmock/gmock.h>

namespace keel {
namespace {

using test::RunningServer;
using testing::HasSubstr;

struct ReleasesTest : testing::Test {
    ReleasesTest()
    {
        server.on_loop([&] { server.engine.put(test::unit_up("web", 2)); });
    }

    control::Response post(const std::string& verb, const std::string& body)
    {
        return server.call("POST", "/v1/units/web/" + verb + "?wait=0", body);
    }

    ports::RequestSpec asked()
    {
        ports::RequestSpec spec;
        server.on_loop([&] { spec = server.engine.requests.at(0).spec; });
        return spec;
    }

    RunningServer server;
};

TEST_F(ReleasesTest, PassesOnADeployWithItsTerms)
{
    const auto answer =
        post("deploy", R"({"release":"v2","file":"/srv/a.tar.zst","why":"new panel"})");
    EXPECT_EQ(answer.status, 202) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr(R"("verb":"deploy","unit":"web")"));
    EXPECT_EQ(asked().verb, core::Verb::deploy);
    EXPECT_EQ(asked().deploy, (core::DeployTerms{"v2", "/srv/a.tar.zst"}));
    EXPECT_EQ(asked().why, "new panel");
    EXPECT_THAT(asked().by, HasSubstr("(uid "));
}

TEST_F(ReleasesTest, CallsAReleaseAsItsFileWhereNothingElseIsSaid)
{
    EXPECT_EQ(post("deploy", R"({"file":"/srv/app-1.4.tar.zst"})").status, 202);
    EXPECT_EQ(asked().deploy, (core::DeployTerms{"app-1.4", "/srv/app-1.4.tar.zst"}));
    const auto unnamed = post("deploy", R"({"file":"/srv/my app.tar"})");
    EXPECT_EQ(unnamed.status, 400);
    EXPECT_THAT(unnamed.body, HasSubstr("say one in `release`"));
}

TEST_F(ReleasesTest, RefusesWhatTheVerbHasNoUseFor)
{
    for (const auto& [verb, body] : std::vector<std::pair<std::string, std::string>>{
             {"deploy", "{}"},
             {"deploy", R"({"release":"../etc"})"},
             {"deploy", R"({"release":"v2","instance":1})"},
             {"rollback", R"({"release":"v2"})"},
             {"rollback", R"({"file":"/a.tar"})"},
             {"undeny", R"({"file":"/a.tar"})"},
             {"undeny", R"({"dry_run":true})"},
             {"restart", R"({"release":"v2"})"},
             {"restart", R"({"dry_run":true})"}}) {
        const auto answer = post(verb, body);
        EXPECT_EQ(answer.status, 400) << verb << body;
        EXPECT_THAT(answer.body, HasSubstr("bad-request"));
    }
    EXPECT_EQ(server.call("POST", "/v1/units/wbe/deploy", R"({"release":"v2"})").status, 404);
    server.on_loop([&] { EXPECT_TRUE(server.engine.requests.empty()); });
}

TEST_F(ReleasesTest, PassesOnARollbackAndAnUndeny)
{
    EXPECT_EQ(post("rollback", R"({"why":"slow"})").status, 202);
    EXPECT_EQ(asked().verb, core::Verb::rollback);
    EXPECT_EQ(post("undeny", "").status, 202);
    EXPECT_EQ(post("undeny", R"({"release":"v2"})").status, 202);
    server.on_loop([&] {
        EXPECT_EQ(server.engine.requests.at(1).spec.deploy, core::DeployTerms{});
        EXPECT_EQ(server.engine.requests.at(2).spec.deploy.release, "v2");
    });
}

TEST_F(ReleasesTest, TellsWhatADeploymentWouldDoAndDoesNotDoIt)
{
    server.on_loop([&] { server.engine.outline = {"", "v2", "v1", {"fetch", "commit"}}; });
    for (const char* wait : {"", "?wait=0"}) {
        const auto answer = server.call("POST", std::string("/v1/units/web/deploy") + wait,
                                        R"({"release":"v2","dry_run":true})");
        EXPECT_EQ(answer.status, 200);
        EXPECT_EQ(answer.body, R"({"release":"v2","former":"v1","steps":["fetch","commit"],)"
                               R"("objection":null})");
    }
    server.on_loop([&] { EXPECT_TRUE(server.engine.requests.empty()); });
}

TEST_F(ReleasesTest, TellsOfReleases)
{
    server.on_loop([&] {
        server.engine.releases_of["web"].known = {{"v1", test::morning(), 7, true, true, false, 2}};
    });
    const auto releases = control::decode_releases(server.get("/v1/units/web/releases"));
    ASSERT_TRUE(releases.ok()) << releases.error().text();
    EXPECT_EQ(releases->known.at(0).id, "v1");
    const auto misspelt = server.call("GET", "/v1/units/wbe/releases");
    EXPECT_EQ(misspelt.status, 404);
    EXPECT_THAT(misspelt.body, HasSubstr("did you mean `web`?"));
}

TEST_F(ReleasesTest, GivesTheLogOfDeploymentsApartFromThatOfInstances)
{
    server.on_loop([&] {
        auto unit = test::unit_up("web", 2);
        unit.log_target = units::LogTarget::journal;
        server.engine.put(unit);
        server.logs->write("web", whole_unit, "migrated\n");
        server.logs->write("web", 1, "served\n");
    });
    EXPECT_EQ(server.get("/v1/units/web/log?deploy=1"), "migrated\n");
    EXPECT_EQ(server.get("/v1/units/web/log?instance=1"), "served\n");
    EXPECT_EQ(server.call("GET", "/v1/units/web/log?deploy=1&instance=1").status, 400);
    EXPECT_EQ(server.call("GET", "/v1/units/web/log?deploy=2").status, 400);
}

} // namespace
} // namespace keel
