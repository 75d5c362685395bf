// An apply over the control API and by the client: what is asked for, and the kinds of answers.
#include "tests/integration/control/running_server.hpp"

#include <gmock/gmock.h>

namespace keel {
namespace {

using core::ApplyView;
using ports::ApplySpec;
using test::RunningServer;
using testing::HasSubstr;

constexpr const char* path = "/v1/config/apply";

TEST(ControlApiApply, HandsOnWhatIsAskedForAndByWhom)
{
    RunningServer server;
    EXPECT_EQ(server.call("POST", path).status, 200);
    EXPECT_EQ(server.call("POST", path, R"({"keep":true,"why":"a drill"})").status, 200);
    EXPECT_EQ(server.call("POST", path, R"({"revert":"former"})").status, 200);
    EXPECT_EQ(server.call("POST", path, R"({"revert":12})").status, 200);
    EXPECT_EQ(server.call("POST", path, R"({"revret":12})").status, 400);
    server.on_loop([&] {
        const auto& asked = server.configurer.asked;
        ASSERT_EQ(asked.size(), 4U);
        EXPECT_THAT(asked[0].by, HasSubstr("uid"));
        EXPECT_EQ(asked[0].from, ApplySpec::From::directory);
        EXPECT_EQ(asked[0].if_it_fails, ApplySpec::IfItFails::revert);
        EXPECT_EQ(asked[1].if_it_fails, ApplySpec::IfItFails::stay);
        EXPECT_EQ(asked[1].why, "a drill");
        EXPECT_EQ(asked[2].from, ApplySpec::From::former);
        EXPECT_EQ(asked[3].from, ApplySpec::From::numbered);
        EXPECT_EQ(asked[3].generation, 12U);
    });
}

TEST(ControlApiApply, TellsWhatBecameOfIt)
{
    RunningServer server;
    server.on_loop([&] {
        server.configurer.answer =
            ApplyView{ApplyView::Outcome::reverted, {}, "api", "exit 3", {{"api", "restart"}}};
    });
    const auto answer = server.call("POST", path);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, R"({"outcome":"reverted","generation":null,"unit":"api",)"
                           R"("why":"exit 3","changes":[{"unit":"api","effect":"restart"}]})");
}

TEST(ControlApiApply, TellsEveryProblemOfAConfigurationThatItRefuses)
{
    RunningServer server;
    server.on_loop([&] {
        server.configurer.answer = std::vector<units::Problem>{
            {"a.toml", 3, 1, "comand", "unknown", ""}, {"b.toml", 0, 0, "", "cannot be read", ""}};
    });
    const auto answer = server.call("POST", path);
    EXPECT_EQ(answer.status, 422);
    const auto problems = control::decode_check_problems(answer.body);
    ASSERT_TRUE(problems);
    ASSERT_EQ(problems->size(), 2U);
    EXPECT_EQ(problems->at(0).file, "a.toml");
    EXPECT_THAT(answer.body, HasSubstr("2 problems"));
}

TEST(ControlApiApply, NamesWhatIsInTheWay)
{
    RunningServer server;
    server.on_loop([&] {
        server.configurer.answer =
            ports::Refusal{ports::Refusal::Kind::conflict, "stop by ann is under way on `api`", {}};
    });
    const auto answer = server.call("POST", path);
    EXPECT_EQ(answer.status, 409);
    EXPECT_THAT(answer.body, HasSubstr("stop by ann"));
}

} // namespace
} // namespace keel
