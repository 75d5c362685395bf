// The rungs `redeploy` and `rollback`, and a person's rollback.
#include "deploy_bench.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keel::core {
namespace {

using testing::HasSubstr;
using units::Rung;
using Outcome = CloseDeployment::Outcome;

struct ReleaseRungTest : testing::Test {
    DeployBench u;

    ReleaseRungTest()
    {
        u.spec.escalation.ladder = {Rung::restart, Rung::redeploy, Rung::rollback, Rung::retry};
    }
    /// Until the budget is spent.
    void spend(Slot slot = 1)
    {
        const auto climbs = u.noted_times<Climbed>();
        for (int k = 0; k < 10 && u.noted_times<Climbed>() == climbs; ++k) {
            u.exits(slot);
            u.settle();
            if (u.noted_times<Climbed>() > climbs) return;
            while (u.state(slot) == "backoff")
                u.tick();
            u.run_all_started();
        }
    }
    std::string rung() { return to_text(rung_of(u.spec, u.it)); }
};

TEST_F(ReleaseRungTest, AGoodReleaseThatKeepsFailingIsUnpackedAfresh)
{
    u.has("v1");
    u.start();
    spend();
    EXPECT_EQ(rung(), "redeploy");
    EXPECT_EQ(u.at_work(), "unpack");
    EXPECT_EQ(u.it.deployment->release, "v1");
    u.works();
    EXPECT_EQ(u.ended().outcome, Outcome::committed);
    EXPECT_EQ(u.state(), "ready") << "at once, whatever its backoff was";
    EXPECT_EQ(u.instance(1).release, (ReleasePin{"v1", 1}));
    EXPECT_EQ(u.noted<Started>()->cause, StartCause::deploy);
    const auto& tried = u.outage()->actions;
    const auto redeploy = std::ranges::find(tried, "redeploy", &ActionTaken::action);
    ASSERT_NE(redeploy, tried.end());
    EXPECT_EQ(redeploy->result, "v1 is current");
}

TEST_F(ReleaseRungTest, OneThatIsNotGoodYetIsRolledBackFromInstead)
{
    u.has("v1");
    u.has("v2", Release::Good::no);
    u.start();
    spend();
    EXPECT_EQ(rung(), "rollback");
    ASSERT_TRUE(u.noted<RungSkipped>());
    EXPECT_EQ(u.noted<RungSkipped>()->why, "v2 is not good yet");
    EXPECT_EQ(u.at_work(), "commit");
    u.works();
    EXPECT_EQ(u.it.releases.current, "v1");
    EXPECT_EQ(u.on(), "v1");
    EXPECT_EQ(u.state(), "ready");
    ASSERT_TRUE(find_denied(u.it.releases, "v2"));
    EXPECT_THAT(find_denied(u.it.releases, "v2")->why, HasSubstr("exit 1"));
}

TEST_F(ReleaseRungTest, ThereIsNoPingPong)
{
    u.has("v1");
    u.has("v2", Release::Good::no);
    u.start();
    spend();
    u.works();
    spend();
    EXPECT_EQ(rung(), "retry");
    spend();
    spend();
    EXPECT_EQ(u.it.releases.current, "v1");
    EXPECT_FALSE(u.it.deployment);
}

TEST_F(ReleaseRungTest, WithoutAnythingToGoBackToBothAreSkipped)
{
    u.has("v1", Release::Good::no);
    u.start();
    spend();
    EXPECT_EQ(rung(), "retry");
    EXPECT_EQ(u.noted_times<RungSkipped>(), 2U);
    EXPECT_EQ(u.noted<RungSkipped>()->why, "there is no other good release");
}

TEST_F(ReleaseRungTest, ARedeploymentThatFailsClimbsOnAtOnce)
{
    u.has("v0");
    u.has("v1");
    u.start();
    spend();
    u.works(5);
    EXPECT_EQ(rung(), "rollback");
    EXPECT_EQ(u.at_work(), "commit");
    EXPECT_THAT(u.noted<Climbed>()->reason, HasSubstr("redeploy: unpack: exit 5"));
    u.works();
    EXPECT_EQ(u.it.releases.current, "v0");
}

TEST_F(ReleaseRungTest, AStopEndsARedeployment)
{
    u.has("v1");
    u.start();
    spend();
    u.asks(Verb::stop);
    EXPECT_EQ(u.it.deploy_effect.value().stage, DeployEffect::Stage::asked);
    u.works(1);
    EXPECT_EQ(u.ended().outcome, Outcome::undone);
    EXPECT_EQ(u.at_work(), "formers of v1") << "and what it has half unpacked";
    EXPECT_EQ(u.it.releases.current, "v1");
}

TEST_F(ReleaseRungTest, NothingClimbsWhileOneIsUnderWay)
{
    u.has("v1");
    u.start();
    spend();
    while (u.state() == "backoff")
        u.tick();
    u.run_all_started();
    spend();
    EXPECT_EQ(rung(), "redeploy");
}

TEST_F(ReleaseRungTest, HealthyInstancesAreNotStoppedAndFollowLater)
{
    DeployBench many(3, 2);
    many.spec.escalation.ladder = u.spec.escalation.ladder;
    u = many;
    u.has("v1");
    u.has("v2", Release::Good::no);
    u.spec.min_ready = 3; // One that has spent its budget is enough.
    u.start();
    spend(2);
    EXPECT_EQ(rung(), "rollback");
    ASSERT_EQ(u.state(2), "backoff");
    u.works();
    EXPECT_EQ(u.state(1), "stopping") << "once all serve, the healthy ones follow";
    EXPECT_EQ(u.on(2), "v1");
    EXPECT_EQ(u.state(3), "ready");
    u.gives_way(1);
    EXPECT_EQ(u.state(3), "stopping");
    u.gives_way(3);
    EXPECT_EQ(u.on(1), "v1");
    EXPECT_EQ(u.on(3), "v1");
}

TEST_F(ReleaseRungTest, APersonsRollbackIsProvedAsADeploymentIs)
{
    u.has("v1");
    u.has("v2");
    u.start();
    u.asks(Verb::rollback);
    u.settle();
    u.gives_way();
    EXPECT_EQ(u.on(), "v1");
    u.is_proved();
    u.works();
    EXPECT_EQ(u.answer().text, "v1 is the current release, after 10 s");
    EXPECT_EQ(find_denied(u.it.releases, "v2")->why, "rolled back from by ann");
}

TEST_F(ReleaseRungTest, APersonsRollbackThatFailsLeavesTheCurrentOne)
{
    u.has("v1");
    u.has("v2");
    u.start();
    u.asks(Verb::rollback);
    u.settle();
    u.gives_way();
    u.exits();
    u.settle();
    EXPECT_EQ(u.on(), "v2");
    EXPECT_EQ(u.it.releases.current, "v2");
    EXPECT_EQ(u.ended().outcome, Outcome::undone);
    EXPECT_FALSE(find_denied(u.it.releases, "v2"));
}

TEST_F(ReleaseRungTest, ANewerReleaseBeginsAtTheBottomAndClearsDenials)
{
    u.has("v1");
    u.has("v2", Release::Good::no);
    u.start();
    spend();
    u.works();
    u.deploys("v3");
    u.goes_to("roll");
    u.gives_way();
    u.is_proved();
    u.works();
    EXPECT_EQ(u.it.releases.current, "v3");
    EXPECT_EQ(rung(), "restart");
    EXPECT_TRUE(u.it.releases.denied.empty());
}

} // namespace
} // namespace keel::core
