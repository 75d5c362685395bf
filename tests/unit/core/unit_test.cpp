#include "machines.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace keel::core {
namespace {

// ---- wanted and status --------------------------------------------------------------------------

TEST(Unit, BootsIfItIsEnabledAndOnlyThen)
{
    OneUnit u(2);
    u.start();
    EXPECT_EQ(wanted_name(u.it.wanted), "up");
    EXPECT_EQ(u.status(), UnitStatus::up);
    EXPECT_EQ(u.spawn(1), SpawnId{1});
    EXPECT_EQ(u.spawn(2), SpawnId{2});

    OneUnit disabled;
    disabled.spec.enabled = false;
    disabled.start();
    EXPECT_EQ(wanted_name(disabled.it.wanted), "down");
    EXPECT_EQ(disabled.status(), UnitStatus::stopped);
    EXPECT_EQ(disabled.outage(), nullptr);
}

TEST(Unit, WithAnUnusableFileIsFailedAndIsNeverStarted)
{
    OneUnit u;
    u.it.config_problem = "api.toml:3:1: unknown key";
    u.start();
    u.apply(WantedByDependant{"ann", "web"});
    EXPECT_EQ(u.state(), "stopped");
    u.asks(Verb::start);
    EXPECT_EQ(u.state(), "stopped");
    ASSERT_TRUE(u.noted<OperationEnded>());
    EXPECT_EQ(u.noted<OperationEnded>()->result.outcome, OperationResult::Outcome::failed);
    EXPECT_EQ(u.status(), UnitStatus::failed);
}

TEST(Unit, StopHoldsItByNameAndStartLetsItGo)
{
    OneUnit u;
    u.start();
    u.asks(Verb::stop);
    const auto* held = std::get_if<Held>(&u.it.wanted);
    ASSERT_TRUE(held);
    EXPECT_EQ(held->by, "ann");
    EXPECT_EQ(held->why, "testing");
    u.exits(1, 0);
    EXPECT_EQ(u.state(), "stopped");
    EXPECT_EQ(u.status(), UnitStatus::held);
    u.asks(Verb::start);
    EXPECT_EQ(wanted_name(u.it.wanted), "up");
    EXPECT_EQ(u.state(), "starting");
}

TEST(Unit, HasTheStatusOfItsInstances)
{
    OneUnit u(2);
    u.apply(Booted{});
    EXPECT_EQ(u.status(), UnitStatus::starting);
    u.apply(1, Spawned{u.spawn(1)});
    EXPECT_EQ(u.status(), UnitStatus::degraded);
    u.run_all_started();
    EXPECT_EQ(u.status(), UnitStatus::up);
    u.spec.min_ready = 2;
    u.crash(1);
    u.exits(1);
    EXPECT_EQ(u.status(), UnitStatus::down);
}

TEST(Unit, OfCompletedInstancesIsDoneAndReadyForItsDependants)
{
    OneUnit u(2, 2);
    u.spec.restart.policy = units::RestartWhen::on_failure;
    u.start();
    u.exits(1, 0);
    u.exits(2, 0);
    EXPECT_EQ(u.status(), UnitStatus::done);
    EXPECT_TRUE(is_ready(u.spec, u.it));
    EXPECT_EQ(u.outage(), nullptr);
}

TEST(Unit, WantedByADependantStartsWhatHasFailedAndLeavesWhatIsDoneAlone)
{
    OneUnit u(2, 1);
    u.spec.restart.policy = units::RestartWhen::never;
    u.start();
    u.exits(1, 0);
    u.exits(2, 1);
    ASSERT_EQ(u.state(1), "done");
    ASSERT_EQ(u.state(2), "failed");
    u.apply(WantedByDependant{"ann", "web"});
    EXPECT_EQ(u.state(1), "done");
    EXPECT_EQ(u.state(2), "starting");
}

TEST(Unit, GivesEachInstanceAJitterOfItsOwn)
{
    OneUnit u(2);
    u.spec.restart.jitter = 1.0;
    u.start();
    for (const Slot slot : {Slot{1}, Slot{2}})
        u.crash(slot);
    u.exits(1);
    u.exits(2);
    const auto retry_at = [&](Slot s) { return std::get<Backoff>(u.instance(s).state).retry_at; };
    EXPECT_NE(retry_at(1), retry_at(2));
}

TEST(Unit, TakesBrakeTokensOneByOneAndBlocksTheRest)
{
    OneUnit u(3);
    u.start();
    for (Slot slot = 1; slot <= 3; ++slot)
        u.crash(slot);
    for (Slot slot = 1; slot <= 3; ++slot)
        u.exits(slot);
    u.in.brake_tokens = 2;
    u.pass(1s);
    u.apply(UnitTick{});
    EXPECT_EQ(u.last.brake_tokens, 2U);
    EXPECT_EQ(u.last.spawns, 2U);
    EXPECT_EQ(u.state(3), "blocked");
}

// ---- the ladder ---------------------------------------------------------------------------------

struct Ladder : testing::Test {
    OneUnit u;
    void spend(Slot slot = 1)
    {
        for (int k = 0; k < 5; ++k)
            u.crash(slot);
    }
};

TEST_F(Ladder, IsClimbedOnceWhenTheBudgetIsSpentAndAllBudgetsStartAnew)
{
    u.start();
    for (int k = 0; k < 4; ++k)
        u.crash();
    EXPECT_EQ(u.it.rung, 0);
    u.crash();
    EXPECT_EQ(u.it.rung, 1);
    EXPECT_EQ(u.noted_times<Climbed>(), 1U);
    EXPECT_TRUE(u.instance(1).history.charged.empty());
    EXPECT_EQ(delay_cap(u.spec, u.it), 1min);
    ASSERT_TRUE(u.noted<Climbed>());
    EXPECT_EQ(u.noted<Climbed>()->reason, "5 failures within 10m, the last one: exit 1");
}

TEST_F(Ladder, StaysOnRetryForEver)
{
    u.start();
    for (int k = 0; k < 100; ++k)
        u.crash();
    EXPECT_EQ(u.it.rung, 1);
    EXPECT_EQ(u.state(), "ready");
}

TEST_F(Ladder, IsNotClimbedWhileTheUnitIsReadyAndLessThanHalfHaveSpentTheirs)
{
    u = OneUnit(3, 1);
    u.start();
    spend(1);
    spend(1);
    EXPECT_EQ(u.it.rung, 0);
    spend(2);
    EXPECT_EQ(u.it.rung, 1) << "two of three are at least half";
}

TEST_F(Ladder, IsClimbedWhenOneHasSpentItsBudgetAndTheUnitIsBelowMinReady)
{
    u = OneUnit(3, 3);
    u.start();
    spend(1);
    EXPECT_EQ(u.it.rung, 1);
}

TEST_F(Ladder, IsClimbedAlsoWhenAnotherInstancesFailureBringsTheUnitBelowMinReady)
{
    u = OneUnit(3, 2);
    u.start();
    u.spec.restart.prevent_exit = {{units::ExitMatch::Kind::code, 78}};
    for (int k = 0; k < 4; ++k)
        u.crash(1);
    u.exits(1, 78);
    EXPECT_EQ(u.state(1), "failed");
    EXPECT_EQ(u.it.rung, 0);
    u.exits(2);
    EXPECT_EQ(u.it.rung, 1);
}

TEST_F(Ladder, IsNotClimbedForFailuresWhileARequirementIsDown)
{
    u.start();
    u.in.dependencies = Inputs::Dependencies::down;
    for (int k = 0; k < 20; ++k)
        u.crash();
    EXPECT_EQ(u.it.rung, 0);
}

TEST_F(Ladder, IsNeverClimbedWithABudgetOfZero)
{
    u.spec.escalation.failures = 0;
    u.start();
    for (int k = 0; k < 50; ++k)
        u.crash();
    EXPECT_EQ(u.it.rung, 0);
}

TEST_F(Ladder, GiveUpFailsWhatIsDownAndNeverStopsWhatRuns)
{
    u = OneUnit(2, 2);
    u.spec.escalation.ladder = {units::Rung::restart, units::Rung::give_up};
    u.start();
    for (int k = 0; k < 4; ++k)
        u.crash(1);
    u.exits(1);
    EXPECT_EQ(u.state(1), "failed");
    EXPECT_EQ(u.state(2), "ready");
    EXPECT_NE(u.outage(), nullptr);
    EXPECT_EQ(u.did<Signal>() + u.did<KillTree>(), 0U);
    u.exits(2);
    EXPECT_EQ(u.state(2), "failed");
    EXPECT_EQ(u.status(), UnitStatus::failed);
    u.live_through(24h);
    EXPECT_EQ(u.state(1), "failed") << "until a person acts";
    EXPECT_NE(u.outage(), nullptr) << "with its outage open";
    EXPECT_FALSE(u.due());
    u.asks(Verb::start);
    EXPECT_EQ(u.state(1), "starting");
    EXPECT_EQ(u.it.rung, 0);
}

TEST_F(Ladder, ExitAsksTheHostToEnd)
{
    u.spec.escalation.ladder = {units::Rung::restart, units::Rung::exit};
    u.start();
    spend();
    EXPECT_EQ(u.noted_times<ExitWanted>(), 1U);
}

TEST_F(Ladder, IsDescendedAfterOneFailureFreeWindowOfReadyTime)
{
    u.start();
    spend();
    ASSERT_EQ(u.it.rung, 1);
    ASSERT_EQ(u.state(), "ready");
    u.live_through(10min - 1s);
    EXPECT_EQ(u.it.rung, 1);
    u.live_through(2s);
    EXPECT_EQ(u.it.rung, 0);
    EXPECT_EQ(u.noted_times<BackToBottom>(), 1U);
}

TEST_F(Ladder, AFailureBeginsTheCalmWindowAnewAlsoIfTheUnitStaysReady)
{
    u = OneUnit(3, 1);
    u.start();
    spend(1);
    spend(2);
    ASSERT_EQ(u.it.rung, 1);
    u.live_through(9min);
    u.crash(3);
    u.live_through(9min);
    EXPECT_EQ(u.it.rung, 1);
    u.live_through(2min);
    EXPECT_EQ(u.it.rung, 0);
}

TEST_F(Ladder, APersonsStartGoesBackToTheBottomWithFullBudgets)
{
    u.start();
    spend();
    for (int k = 0; k < 3; ++k)
        u.crash();
    u.asks(Verb::start);
    EXPECT_EQ(u.it.rung, 0);
    EXPECT_TRUE(u.instance(1).history.charged.empty());
    EXPECT_EQ(u.instance(1).history.in_a_row, 0U);
}

// ---- a mistake of Keel's own --------------------------------------------------------------------

TEST(UnitDeathTest, AnEventForASlotThatDoesNotExistIsOurMistake)
{
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    OneUnit u;
    EXPECT_DEATH(u.apply(Slot{2}, Tick{}), "slot that exists");
}

} // namespace
} // namespace keel::core
