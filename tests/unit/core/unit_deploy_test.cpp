// A person's deployments of a unit: fetched, rolled out instance by instance, proved; or undone.
#include "deploy_bench.hpp"

#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keel::core {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Outcome = CloseDeployment::Outcome;

struct UnitDeployTest : testing::Test {
    DeployBench u;

    void runs_v1()
    {
        u.has("v1");
        u.start();
        u.live_through(1min);
    }
};

TEST_F(UnitDeployTest, WithoutAReleaseItIsBlockedAndSaysSo)
{
    u.start();
    EXPECT_EQ(u.state(), "blocked");
    EXPECT_EQ(u.instance(1).reason, "blocked (no release)");
    EXPECT_EQ(u.status(), UnitStatus::blocked);
    u.live_through(1min);
    ASSERT_TRUE(u.outage());
    EXPECT_EQ(u.outage()->cause_text, "it has no release yet");
}

TEST_F(UnitDeployTest, AStartWithoutAReleaseSaysWhatIsMissing)
{
    u.asks(Verb::start);
    EXPECT_EQ(u.answer().outcome, OperationResult::Outcome::failed);
    EXPECT_THAT(u.answer().text, HasSubstr("keel deploy unit RELEASE"));
    EXPECT_TRUE(is_wanted_up(u.it));
}

TEST_F(UnitDeployTest, TheFirstReleaseBringsItUp)
{
    u.start();
    u.deploys("v1");
    EXPECT_FALSE(u.is_at_work()) << "nothing begins that is not on record";
    u.settle();
    EXPECT_EQ(u.at_work(), "fetch");
    u.works();
    EXPECT_EQ(u.at_work(), "unpack");
    u.works();
    EXPECT_EQ(u.state(), "ready");
    EXPECT_EQ(u.on(), "v1");
    EXPECT_EQ(u.it.releases.current, "") << "it has not proved itself";
    EXPECT_EQ(u.instance(1).restarts, 0U) << "a first start is none";
    u.is_proved();
    EXPECT_EQ(u.at_work(), "commit");
    u.works();
    EXPECT_EQ(u.it.releases.current, "v1");
    EXPECT_EQ(u.answer().outcome, OperationResult::Outcome::done);
    EXPECT_EQ(u.answer().text, "v1 is the current release, after 10 s");
    EXPECT_EQ(u.ended().outcome, Outcome::committed);
    EXPECT_FALSE(u.it.deployment || u.it.operation);
}

TEST_F(UnitDeployTest, AnotherReleaseTakesThePlaceOfTheFirst)
{
    runs_v1();
    u.deploys("v2");
    u.goes_to("roll");
    EXPECT_EQ(u.state(), "stopping");
    u.gives_way();
    EXPECT_EQ(u.state(), "ready");
    EXPECT_EQ(u.on(), "v2");
    ASSERT_TRUE(u.outage());
    EXPECT_EQ(u.outage()->planned, Outage::Planned::yes);
    u.is_proved();
    u.works();
    EXPECT_EQ(u.it.releases.current, "v2");
    EXPECT_EQ(u.instance(1).restarts, 1U);
    EXPECT_EQ(last_good(u.it.releases), "v1");
}

TEST_F(UnitDeployTest, OneThatCrashesOnTrialIsUndoneAndTheFormerOneRunsAtOnce)
{
    runs_v1();
    u.deploys("v2");
    u.goes_to("roll");
    u.gives_way();
    u.exits(1, 3);
    EXPECT_EQ(u.state(), "starting") << "no delay after a first failure";
    EXPECT_EQ(u.on(), "v1");
    u.settle();
    EXPECT_EQ(u.at_work(), "undo unpack");
    u.works();
    EXPECT_EQ(u.at_work(), "undo fetch");
    u.works();
    EXPECT_EQ(u.ended().outcome, Outcome::undone);
    EXPECT_EQ(u.it.releases.current, "v1");
    EXPECT_EQ(u.answer().outcome, OperationResult::Outcome::failed);
    EXPECT_EQ(u.answer().text, "roll: exit 3; v1 is the current release");
    ASSERT_TRUE(find_denied(u.it.releases, "v2"));
    EXPECT_EQ(find_denied(u.it.releases, "v2")->why, "roll: exit 3");
}

TEST_F(UnitDeployTest, AReleaseThatFailedIsDeniedUntilAPersonAllowsIt)
{
    runs_v1();
    deny(u.it.releases, "v2", u.in.now.wall, "roll: exit 3");
    u.deploys("v2");
    EXPECT_FALSE(u.it.deployment);
    EXPECT_THAT(u.answer().text, HasSubstr("keel undeny unit v2"));
    Asked undeny{OperationId{9}, Verb::undeny, "ann", ""};
    undeny.deploy.release = "v2";
    u.apply(undeny);
    EXPECT_EQ(u.answer().outcome, OperationResult::Outcome::done);
    u.deploys("v2");
    EXPECT_TRUE(u.it.deployment);
}

TEST_F(UnitDeployTest, TheFirstOneThatFailsLeavesItWithoutARelease)
{
    u.start();
    u.deploys("v1");
    u.goes_to("roll");
    u.exits(1, 3);
    EXPECT_EQ(u.state(), "blocked");
    u.settle();
    u.works();
    u.works();
    EXPECT_EQ(u.answer().text, "roll: exit 3; there is no release, as before");
}

TEST_F(UnitDeployTest, OneThatIsNotReadyInTimeIsUndone)
{
    u.spec.probes = {probe_named("tcp")};
    u.spec.ready = units::ReadyBy::probe;
    u.spec.start.timeout = 20min; // So that the start itself does not fail first.
    u.has("v1");
    u.start();
    u.apply(1, ProbeAnswered{u.spawn(1), 0, u.instance(1).probes.at(0).attempt, passes()});
    ASSERT_EQ(u.state(), "ready");
    u.deploys("v2");
    u.goes_to("roll");
    u.gives_way();
    u.live_through(5min);
    u.settle();
    EXPECT_EQ(u.state(), "stopping") << "back onto v1";
    u.gives_way();
    EXPECT_EQ(u.on(), "v1");
    u.works();
    u.works();
    EXPECT_EQ(u.answer().text, "roll: not over within 5m; v1 is the current release");
    EXPECT_TRUE(find_denied(u.it.releases, "v2"));
}

TEST_F(UnitDeployTest, WhatWaitsForADependencyIsNotTheReleasesFault)
{
    runs_v1();
    u.deploys("v2");
    u.goes_to("roll");
    u.in.gate = BlockedOn{BlockedOn::Kind::dependency, "backbone"};
    u.in.dependencies = Inputs::Dependencies::down;
    u.gives_way();
    ASSERT_EQ(u.state(), "blocked");
    u.live_through(5min);
    u.settle();
    ASSERT_TRUE(u.it.deployment);
    EXPECT_EQ(u.it.deployment->course.failure, "roll: blocked on backbone");
    u.works();
    u.works();
    EXPECT_FALSE(find_denied(u.it.releases, "v2"));
}

TEST_F(UnitDeployTest, TheUnitsOwnStepsRunBetweenAndAreTakenBackInReverse)
{
    using Step = units::DeployStepSpec;
    u.spec.deploy.steps = {Step{"migrate", {"/bin/up"}, {"/bin/down"}, 1min},
                           Step{"warm", {"/bin/warm"}, {}, 1min}};
    runs_v1();
    u.deploys("v2");
    std::vector<std::string> seen;
    u.settle();
    while (u.is_at_work() && u.at_work() != "warm") {
        seen.push_back(u.at_work());
        u.works();
    }
    EXPECT_THAT(seen, ElementsAre("fetch", "unpack", "migrate"));
    u.works(9);
    EXPECT_EQ(u.at_work(), "undo migrate");
    EXPECT_EQ(u.on(), "v1");
    EXPECT_EQ(u.state(), "ready") << "it was never touched";
    u.works();
    u.works();
    u.works();
    EXPECT_EQ(u.answer().text, "warm: exit 9; v1 is the current release");
    EXPECT_FALSE(find_denied(u.it.releases, "v2")) << "it never ran";
}

TEST_F(UnitDeployTest, WhatCannotBeUndoneIsSaid)
{
    using Step = units::DeployStepSpec;
    u.spec.deploy.steps = {Step{"migrate", {"/bin/up"}, {"/bin/down"}, 1min}};
    runs_v1();
    u.deploys("v2");
    u.goes_to("migrate");
    u.works(1);
    for (int k = 0; k < 3; ++k) {
        EXPECT_EQ(u.at_work(), "undo migrate");
        u.works(2);
        u.live_through(1min);
        u.settle();
    }
    u.works();
    u.works();
    EXPECT_EQ(u.ended().outcome, Outcome::stuck);
    EXPECT_THAT(u.answer().text, HasSubstr("migrate could not be undone: see to it by hand"));
}

TEST_F(UnitDeployTest, AnUnreachableSourceIsWaitedForAndNobodysFault)
{
    runs_v1();
    u.deploys("v2");
    u.settle();
    const SpawnId spawn = u.it.deploy_effect.value().spawn;
    u.apply(DeployReported{spawn, DeployFault::source, "no route to host"});
    u.works(3);
    ASSERT_TRUE(u.it.deployment);
    EXPECT_TRUE(awaits_source(*u.it.deployment));
    u.tick();
    EXPECT_EQ(u.at_work(), "fetch");
}

TEST_F(UnitDeployTest, AStopUndoesItAndThenStops)
{
    runs_v1();
    u.deploys("v2");
    u.goes_to("roll");
    u.gives_way();
    u.asks(Verb::stop, {}, 8);
    EXPECT_EQ(u.state(), "stopping");
    u.settle();
    EXPECT_FALSE(u.is_at_work()) << "v2 still runs";
    u.gives_way();
    EXPECT_EQ(u.state(), "stopped");
    EXPECT_EQ(u.at_work(), "undo unpack");
    u.works();
    u.works();
    EXPECT_EQ(u.ended().outcome, Outcome::undone);
    EXPECT_EQ(u.it.releases.current, "v1");
    EXPECT_FALSE(find_denied(u.it.releases, "v2"));
    EXPECT_EQ(u.noted_times<OperationEnded>(), 2U);
}

TEST_F(UnitDeployTest, WhatRunsUnderAPersonsHandIsNotRemoved)
{
    runs_v1();
    u.deploys("v2");
    u.goes_to("roll");
    u.gives_way();
    Asked hold{OperationId{8}, Verb::hold, "bob", "gdb"};
    hold.hold.process = Held::Process::left_running;
    u.apply(hold);
    u.settle();
    u.live_through(10min);
    u.settle();
    for (int k = 0; k < 20 && u.it.deployment; ++k) {
        u.live_through(10min);
        u.settle();
    }
    EXPECT_EQ(u.on(), "v2");
    EXPECT_EQ(u.state(), "ready");
    EXPECT_EQ(u.ended().outcome, Outcome::stuck);
    EXPECT_FALSE(u.is_at_work());
    u.asks(Verb::restart, {}, 9);
    u.gives_way();
    EXPECT_EQ(u.on(), "v1");
    EXPECT_EQ(u.at_work(), "remove v2") << "as soon as nothing runs from it any more";
}

TEST_F(UnitDeployTest, ACancelUndoesIt)
{
    runs_v1();
    u.deploys("v2");
    u.settle();
    u.apply(CancelAsked{OperationId{7}, "bob"});
    EXPECT_EQ(u.did<Signal>(), 1U) << "the helper is asked to end";
    u.apply(whole_unit,
            ProcessExited{u.it.deploy_effect.value().spawn, by_signal(SIGTERM), TreeState::empty});
    u.settle();
    EXPECT_EQ(u.at_work(), "undo fetch");
    u.works();
    EXPECT_EQ(u.answer().outcome, OperationResult::Outcome::cancelled);
    EXPECT_EQ(u.state(), "ready");
}

TEST_F(UnitDeployTest, ACancelOutlivesTheEngineThatHeardIt)
{
    runs_v1();
    u.deploys("v2");
    u.settle();
    u.apply(CancelAsked{OperationId{7}, "bob"});
    const SpawnId spawn = u.it.deploy_effect.value().spawn;
    u.it.deployment->course.stage = DeployWriting{};
    u.it.deploy_effect->stage = DeployEffect::Stage::left;
    u.apply(whole_unit, ProcessExited{spawn, by_signal(SIGTERM), TreeState::empty});
    u.settle();
    EXPECT_EQ(u.at_work(), "undo fetch");
}

TEST_F(UnitDeployTest, ARemovalThatHangsIsEndedAndDoesNotHoldUpTheNextDeploymentForEver)
{
    runs_v1();
    add_known(u.it.releases, "v0", u.in.now.wall, 0);
    u.spec.deploy.keep = 1;
    u.it.surplus = {"v0"};
    u.apply(UnitTick{});
    EXPECT_EQ(u.at_work(), "the record") << "of which v0 is no part any more";
    u.settle();
    ASSERT_EQ(u.at_work(), "remove v0");
    EXPECT_FALSE(find_release(u.it.releases, "v0")) << "nobody is to count on it any more";
    u.deploys("v2");
    u.settle();
    u.live_through(10min);
    EXPECT_EQ(u.did<KillTree>(), 1U);
    u.apply(whole_unit,
            ProcessExited{u.it.deploy_effect->spawn, by_signal(SIGKILL), TreeState::empty});
    u.settle();
    EXPECT_EQ(u.at_work(), "fetch");
}

TEST_F(UnitDeployTest, NoTimerRunsHotWhileKeeldEnds)
{
    runs_v1();
    u.deploys("v2");
    u.goes_to("roll");
    u.gives_way();
    u.in.gate = BlockedOn{BlockedOn::Kind::shutdown, {}};
    u.pass(20min);
    u.apply(UnitTick{});
    EXPECT_FALSE(u.due() && *u.due() <= u.now());
}

TEST_F(UnitDeployTest, AHelperThatIsLeftIsKilledAndItsStepDoneAgain)
{
    runs_v1();
    u.deploys("v2");
    u.settle();
    const SpawnId spawn = u.it.deploy_effect.value().spawn;
    // A new engine finds both on record.
    u.it.deployment->course.stage = DeployWriting{};
    u.it.deploy_effect->stage = DeployEffect::Stage::left;
    u.apply(whole_unit, Adopted{spawn});
    EXPECT_EQ(u.did<KillTree>(), 1U);
    u.apply(UnitTick{});
    EXPECT_EQ(u.did<RunDeployStep>(), 0U) << "never two of them at a time";
    u.apply(whole_unit, ProcessExited{spawn, by_signal(SIGKILL), TreeState::empty});
    u.settle();
    EXPECT_EQ(u.at_work(), "fetch");
    EXPECT_NE(u.it.deploy_effect->spawn, spawn);
}

TEST_F(UnitDeployTest, ItsHelperIsAskedToEndWhenKeeldEndsAndNothingElseBegins)
{
    runs_v1();
    u.deploys("v2");
    u.settle();
    const SpawnId spawn = u.it.deploy_effect.value().spawn;
    u.in.gate = BlockedOn{BlockedOn::Kind::shutdown, {}};
    u.apply(ShutDown{});
    u.exits(1, 0);
    EXPECT_TRUE(has_spawn(u.it));
    u.apply(whole_unit, ProcessExited{spawn, by_signal(SIGTERM), TreeState::empty});
    EXPECT_FALSE(has_spawn(u.it));
    EXPECT_TRUE(u.it.deployment) << "the next keeld goes on with it";
    EXPECT_FALSE(u.due() && *u.due() <= u.now());
}

TEST_F(UnitDeployTest, WhatIsThereAlreadyIsNotFetchedAgain)
{
    runs_v1();
    u.has("v2");
    u.has("v1");
    u.deploys("v2");
    u.settle();
    EXPECT_EQ(u.state(), "stopping") << "straight to the roll";
}

TEST_F(UnitDeployTest, ReleasesThatNobodyNeedsAreRemoved)
{
    u.spec.deploy.keep = 2;
    for (const char* id : {"v1", "v2", "v3", "v4"})
        u.has(id, Release::Good::no);
    u.it.releases.known[0].good = Release::Good::yes;
    u.start();
    u.deploys("v5");
    u.goes_to("roll");
    u.gives_way();
    u.is_proved();
    u.works();
    EXPECT_EQ(u.at_work(), "remove v2") << "v1 is the last good one";
    u.works();
    EXPECT_EQ(u.at_work(), "remove v3");
    u.works();
    EXPECT_FALSE(u.is_at_work());
    EXPECT_FALSE(find_release(u.it.releases, "v2"));
    EXPECT_TRUE(find_release(u.it.releases, "v4"));
}

TEST_F(UnitDeployTest, ARemovalThatIsUnderWayIsWaitedForByTheNextDeployment)
{
    runs_v1();
    u.it.surplus = {"v0"};
    u.apply(UnitTick{});
    EXPECT_EQ(u.at_work(), "the record") << "of which v0 is no part any more";
    u.settle();
    ASSERT_EQ(u.at_work(), "remove v0");
    u.deploys("v2");
    u.settle();
    EXPECT_EQ(u.at_work(), "remove v0");
    u.works();
    EXPECT_EQ(u.at_work(), "fetch");
}

TEST_F(UnitDeployTest, AReleaseIsGoodOnceItHasKeptTheUnitReadyForLongEnough)
{
    u.has("v1", Release::Good::no);
    u.start();
    u.live_through(9min);
    EXPECT_FALSE(is_current_good(u.it.releases));
    u.exits();
    u.run_all_started();
    u.live_through(9min);
    EXPECT_FALSE(is_current_good(u.it.releases)) << "the break made it begin anew";
    u.live_through(1min);
    EXPECT_TRUE(is_current_good(u.it.releases));
    EXPECT_EQ(u.noted_times<ReleaseProved>(), 1U);
}

TEST_F(UnitDeployTest, WhereNoneHasToBeReadyAReleaseProvesItselfByAllOfThem)
{
    u.spec.min_ready = 0;
    u.has("v1", Release::Good::no);
    u.start();
    for (int k = 0; k < 30; ++k) {
        u.live_through(1min);
        u.crash();
    }
    EXPECT_FALSE(is_current_good(u.it.releases));
    u.live_through(10min);
    EXPECT_TRUE(is_current_good(u.it.releases));
}

TEST_F(UnitDeployTest, WhatIsNotWantedUpCannotProveARelease)
{
    u.has("v1");
    u.deploys("v2");
    EXPECT_EQ(u.answer().outcome, OperationResult::Outcome::failed);
    EXPECT_THAT(u.answer().text, HasSubstr("not wanted up"));
}

TEST_F(UnitDeployTest, AnythingElseAgainstItIsSaid)
{
    runs_v1();
    u.deploys("v1");
    EXPECT_THAT(u.answer().text, HasSubstr("v1 is the current release already"));
    u.asks(Verb::rollback);
    EXPECT_THAT(u.answer().text, HasSubstr("no other good release"));
    u.spec.deploy.source.clear();
    u.deploys("v2");
    EXPECT_THAT(u.answer().text, HasSubstr("where to get it from"));
}

// ---- several instances --------------------------------------------------------------------------

struct RollTest : testing::Test {
    DeployBench u{3, 2};

    void rolls_v2()
    {
        u.has("v1");
        u.start();
        u.live_through(1min);
        u.deploys("v2");
        u.goes_to("roll");
    }
    std::vector<std::string> releases() { return {u.on(1), u.on(2), u.on(3)}; }
};

TEST_F(RollTest, OneProvesItselfThenTheOthersFollowOneByOne)
{
    rolls_v2();
    EXPECT_EQ(u.state(1), "stopping");
    EXPECT_EQ(u.state(2), "ready");
    u.gives_way(1);
    u.live_through(9s);
    EXPECT_THAT(releases(), ElementsAre("v2", "v1", "v1"));
    u.live_through(1s);
    EXPECT_EQ(u.state(2), "stopping");
    EXPECT_EQ(u.state(3), "ready");
    u.gives_way(2);
    EXPECT_EQ(u.state(3), "stopping");
    u.gives_way(3);
    EXPECT_THAT(releases(), ElementsAre("v2", "v2", "v2"));
    EXPECT_FALSE(u.is_at_work()) << "all of them prove themselves together";
    u.is_proved();
    u.works();
    EXPECT_EQ(u.ended().outcome, Outcome::committed);
    EXPECT_FALSE(u.outage()) << "min_ready was kept throughout";
}

TEST_F(RollTest, OneThatIsNotRolledYetRestartsOnTheFormerRelease)
{
    rolls_v2();
    u.gives_way(1);
    u.exits(3, 1);
    u.settle();
    EXPECT_THAT(releases(), ElementsAre("v2", "v1", "v1"));
    EXPECT_TRUE(u.it.deployment->course.failure.empty());
}

TEST_F(RollTest, InstancesThatAreGoneAreNotWaitedFor)
{
    rolls_v2();
    u.gives_way(1);
    u.is_proved();
    u.gives_way(2);
    u.gives_way(3);
    u.spec.instances = 2; // As a keeld has it that begins with other files.
    u.it.instances.resize(2);
    u.is_proved();
    EXPECT_EQ(u.at_work(), "commit");
}

TEST_F(RollTest, OneThatIsDownAlreadyIsTriedFirst)
{
    u.has("v1");
    u.start();
    u.live_through(1min);
    u.exits(3, 1);
    u.run_all_started();
    u.exits(3, 1);
    ASSERT_EQ(u.state(3), "backoff");
    u.deploys("v2");
    u.goes_to("roll");
    EXPECT_EQ(u.on(3), "v2");
    EXPECT_EQ(u.state(1), "ready");
    EXPECT_EQ(u.state(2), "ready");
}

TEST_F(RollTest, AFailureTakesBackWhatHealthyOnesHaveOneByOne)
{
    rolls_v2();
    u.gives_way(1);
    u.is_proved();
    u.gives_way(2);
    u.gives_way(3);
    ASSERT_THAT(releases(), ElementsAre("v2", "v2", "v2"));
    u.exits(2, 1);
    EXPECT_EQ(u.on(2), "v1");
    u.settle();
    EXPECT_EQ(u.state(2), "ready");
    EXPECT_EQ(u.state(1), "stopping");
    EXPECT_EQ(u.state(3), "ready") << "never more than one healthy one at a time";
    u.gives_way(1);
    EXPECT_EQ(u.state(3), "stopping");
    EXPECT_FALSE(u.is_at_work());
    u.gives_way(3);
    EXPECT_THAT(releases(), ElementsAre("v1", "v1", "v1"));
    EXPECT_EQ(u.at_work(), "undo unpack");
}

TEST_F(RollTest, HealthyOnesAreTakenBackInTheEndThoughOthersDoNotServe)
{
    rolls_v2();
    u.gives_way(1);
    u.is_proved();
    u.gives_way(2);
    u.apply(CancelAsked{OperationId{7}, "bob"});
    u.exits(3, 1); // v1 fails as well
    u.settle();
    u.in.gate = BlockedOn{BlockedOn::Kind::dependency, "backbone"};
    for (int k = 0; k < 10 && u.it.deployment; ++k) {
        u.live_through(1min);
        u.settle();
        u.all_give_way();
        if (u.is_at_work()) u.works();
    }
    EXPECT_EQ(u.ended().outcome, Outcome::undone);
}

} // namespace
} // namespace keel::core
