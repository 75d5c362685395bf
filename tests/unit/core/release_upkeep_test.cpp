// What is seen to of releases beside the course of a deployment: the link for people, removals that
// were cut short, deployments that are found as keeld begins, and processes that were prepared for
// another release.
#include "core/rollout.hpp"
#include "deploy_bench.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keel::core {
namespace {

using testing::HasSubstr;
using Link = Releases::Link;
using Outcome = CloseDeployment::Outcome;

struct ReleaseUpkeepTest : testing::Test {
    DeployBench u;

    void runs_v1()
    {
        u.has("v1");
        u.start();
        u.live_through(1min);
    }
    /// As the next keeld finds it on record.
    void is_found()
    {
        u.it.deployment.value().course.stage = DeployWriting{};
        u.it.deploy_effect.reset();
        u.it.operation.reset();
        u.it.wanted = Down{};
        u.it.begun = Unit::Begun::no;
    }
    void deploys_v2_without_a_link()
    {
        u.deploys("v2");
        u.goes_to("roll");
        u.gives_way();
        u.is_proved();
        for (int tries = 0; tries < 3; ++tries) {
            ASSERT_EQ(u.at_work(), "commit");
            u.works(5);
            if (u.it.deployment) u.live_through(1min);
            u.settle();
        }
    }
};

TEST_F(ReleaseUpkeepTest, ALinkThatCannotBeSetIsTriedUntilItIs)
{
    runs_v1();
    deploys_v2_without_a_link();
    ASSERT_FALSE(u.it.deployment);
    EXPECT_EQ(u.it.releases.current, "v2") << "the link is for people's eyes";
    EXPECT_EQ(u.it.releases.link, Link::behind);
    EXPECT_FALSE(u.is_at_work());
    u.live_through(1min);
    EXPECT_EQ(u.at_work(), "link v2");
    u.works(5);
    EXPECT_EQ(u.it.releases.link, Link::behind);
    u.live_through(1min);
    ASSERT_EQ(u.at_work(), "link v2");
    u.works();
    EXPECT_EQ(u.it.releases.link, Link::right);
    u.live_through(10min);
    EXPECT_FALSE(u.is_at_work());
}

TEST_F(ReleaseUpkeepTest, ALinkIsSetByTheNextCommitAsWell)
{
    runs_v1();
    deploys_v2_without_a_link();
    u.deploys("v3", 8);
    u.goes_to("roll");
    u.gives_way();
    u.is_proved();
    ASSERT_EQ(u.at_work(), "commit");
    u.works();
    EXPECT_EQ(u.it.releases.link, Link::right);
}

TEST_F(ReleaseUpkeepTest, ALinkIsNotSeenToWhileKeeldEnds)
{
    runs_v1();
    u.it.releases.link = Link::behind;
    u.in.gate = BlockedOn{BlockedOn::Kind::shutdown, {}};
    u.apply(UnitTick{});
    EXPECT_FALSE(u.is_at_work());
    EXPECT_FALSE(u.due() && *u.due() <= u.now()) << "no timer runs hot";
}

TEST_F(ReleaseUpkeepTest, ARemovalThatHasNotBegunAsKeeldEndsIsStillToBeDone)
{
    runs_v1();
    u.it.surplus = {"v0"};
    u.apply(UnitTick{});
    ASSERT_EQ(u.at_work(), "the record");
    u.in.gate = BlockedOn{BlockedOn::Kind::shutdown, {}};
    u.apply(ShutDown{});
    EXPECT_FALSE(u.is_at_work());
    EXPECT_EQ(u.it.surplus, std::vector<std::string>{"v0"});
}

TEST_F(ReleaseUpkeepTest, WhatServesKeepsTheFilesThatItRunsFromThoughTheyWereUnpackedAfresh)
{
    DeployBench two(2);
    two.has("v1");
    two.start();
    two.it.releases.formers = {"v1"};
    two.it.releases.making = 1;
    two.it.instances[0].release.making = 1;
    two.apply(UnitTick{});
    EXPECT_FALSE(two.is_at_work()) << "the other one runs from the former tree";
    two.it.instances[1].release.making = 1;
    two.apply(UnitTick{});
    ASSERT_EQ(two.at_work(), "formers of v1");
    two.works();
    EXPECT_TRUE(two.it.releases.formers.empty());
}

TEST_F(ReleaseUpkeepTest, WhatIsUnpackedAfreshWhileFormersAreRemovedHasOthers)
{
    u.spec.escalation.ladder = {units::Rung::restart, units::Rung::redeploy, units::Rung::retry};
    u.spec.escalation.failures = 1;
    u.has("v1");
    u.it.releases.formers = {"v1"};
    u.start();
    ASSERT_EQ(u.at_work(), "formers of v1");
    u.exits();
    ASSERT_TRUE(u.it.deployment);
    u.works();
    EXPECT_EQ(u.at_work(), "unpack");
    u.works();
    EXPECT_EQ(u.it.releases.formers, std::vector<std::string>{"v1"});
}

TEST_F(ReleaseUpkeepTest, AfterAnUnpackingThatFailedWhatRunsMayRunFromAFormerTree)
{
    u.spec.escalation.ladder = {units::Rung::restart, units::Rung::redeploy, units::Rung::retry};
    u.spec.escalation.failures = 1;
    u.has("v1");
    u.start();
    u.exits();
    u.settle();
    ASSERT_EQ(u.at_work(), "unpack");
    ASSERT_EQ(u.state(), "ready");
    u.works(1);
    ASSERT_FALSE(u.it.deployment);
    EXPECT_FALSE(u.is_at_work());
    EXPECT_EQ(u.state(), "ready") << "it is not restarted for that";
    u.exits();
    EXPECT_EQ(u.at_work(), "formers of v1");
}

TEST_F(ReleaseUpkeepTest, AWaitingDeploymentIsNotInTheLaddersWay)
{
    u.has("v0");
    u.has("v1", Release::Good::no);
    u.spec.escalation.ladder = {units::Rung::restart, units::Rung::rollback, units::Rung::retry};
    u.spec.escalation.failures = 1;
    u.start();
    u.deploys("v2");
    u.settle();
    u.apply(DeployReported{u.it.deploy_effect.value().spawn, DeployFault::source, "no route"});
    u.works(3);
    ASSERT_TRUE(awaits_source(u.it.deployment.value()));
    u.exits();
    EXPECT_THAT(u.it.deployment.value().course.failure, HasSubstr("keeps failing"));
    u.settle();
    u.works();
    ASSERT_FALSE(u.it.deployment);
    u.tick();
    u.run_all_started();
    u.exits();
    ASSERT_TRUE(u.it.deployment);
    EXPECT_EQ(u.it.deployment->release, "v0");
}

TEST_F(ReleaseUpkeepTest, WhatRunsWithoutAReleaseIsNotStoppedForARestart)
{
    u.start();
    u.it.instances[0].state = Ready{SpawnId{1}, u.now()};
    u.asks(Verb::restart);
    EXPECT_EQ(u.answer().outcome, OperationResult::Outcome::failed);
    EXPECT_THAT(u.answer().text, HasSubstr("keel deploy unit RELEASE"));
    EXPECT_EQ(u.state(), "ready");
}

TEST_F(ReleaseUpkeepTest, OnTheWayBackNothingStartsOnTheReleaseAnyMore)
{
    runs_v1();
    u.deploys("v2");
    u.goes_to("roll");
    u.apply(CancelAsked{OperationId{7}, "bob"});
    u.gives_way();
    EXPECT_EQ(u.on(), "v1") << "before it is on record that it goes back";
}

TEST_F(ReleaseUpkeepTest, AFileForAReleaseThatIsThereIsRefused)
{
    u.has("v0");
    runs_v1();
    Asked asked{OperationId{7}, Verb::deploy, "ann", "testing"};
    asked.deploy.release = "v0";
    asked.deploy.source = "/new/v0.tar";
    u.apply(asked);
    EXPECT_THAT(u.answer().text, HasSubstr("v0 is on the disk already"));
}

TEST_F(ReleaseUpkeepTest, WhatWasDeployedAgainIsNotRemoved)
{
    runs_v1();
    u.has("v2");
    add_known(u.it.releases, "v0", u.in.now.wall, 0);
    u.it.surplus = {"v0", "v1", "v2"};
    u.apply(UnitTick{});
    EXPECT_FALSE(u.is_at_work());
}

TEST_F(ReleaseUpkeepTest, OneThatIsFoundWaitsUntilItIsSaidWhatIsWanted)
{
    runs_v1();
    u.deploys("v2");
    u.settle();
    is_found();
    u.apply(UnitGateChanged{});
    ASSERT_TRUE(u.it.deployment);
    EXPECT_EQ(u.it.deployment->course.course, Deployment::Course::forward);
    u.apply(Booted{});
    u.settle();
    EXPECT_EQ(u.at_work(), "fetch");
}

TEST_F(ReleaseUpkeepTest, OneThatIsFoundInADisabledUnitIsUndone)
{
    runs_v1();
    u.deploys("v2");
    u.settle();
    is_found();
    u.spec.enabled = false;
    u.apply(Booted{});
    u.settle();
    EXPECT_EQ(u.at_work(), "undo fetch");
}

TEST_F(ReleaseUpkeepTest, DenialsStandUntilSomethingNewArrives)
{
    u.has("v0");
    runs_v1();
    deny(u.it.releases, "v2", u.in.now.wall, "rolled back from");
    u.deploys("v0");
    u.goes_to("roll");
    u.gives_way();
    u.is_proved();
    u.works();
    ASSERT_EQ(u.it.releases.current, "v0");
    EXPECT_TRUE(find_denied(u.it.releases, "v2"));
}

TEST_F(ReleaseUpkeepTest, WhatWasPreparedForAnotherReleaseIsPreparedAnew)
{
    u.spec.start.pre = {"{release}/bin/prepare"};
    u.start();
    u.deploys("v1");
    u.goes_to("roll");
    ASSERT_TRUE(std::holds_alternative<Preparing>(u.instance(1).state));
    u.apply(CancelAsked{OperationId{7}, "bob"});
    u.settle();
    u.apply(1, ProcessExited{u.instance(1).hook.value().spawn, exit_code(0), TreeState::empty});
    EXPECT_EQ(u.instance(1).reason, "blocked (no release)") << "nothing may run without one";
}

TEST_F(ReleaseUpkeepTest, AFailureOnTrialSaysThatItWasOne)
{
    runs_v1();
    u.deploys("v2");
    u.goes_to("roll");
    u.gives_way();
    u.exits();
    ASSERT_TRUE(u.noted<AttemptFailed>());
    EXPECT_EQ(u.noted<AttemptFailed>()->on_trial, AttemptFailed::OnTrial::yes);
    u.notes.clear();
    u.settle();
    u.exits();
    ASSERT_TRUE(u.noted<AttemptFailed>());
    EXPECT_EQ(u.noted<AttemptFailed>()->on_trial, AttemptFailed::OnTrial::no);
}

} // namespace
} // namespace keel::core
