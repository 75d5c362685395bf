#include "machines.hpp"

#include <cerrno>
#include <csignal>
#include <gtest/gtest.h>

namespace keel::core {
namespace {

struct InstanceFailure : testing::Test {
    OneInstance i;
    InstanceFailure() { i.spec.restart.jitter = 0; }

    /// Crashes and returns the delay before the next start, which has begun afterwards.
    Duration crash(int code = 1)
    {
        i.exits(exit_code(code));
        const MonoTime at = i.now();
        if (i.state<Backoff>()) i.tick();
        EXPECT_TRUE(i.state<Starting>());
        const Duration waited = i.now() - at;
        i.apply(Spawned{i.spawn()});
        return waited;
    }
};

TEST_F(InstanceFailure, WaitsNothingAfterAStableRunThenDoublesEachTime)
{
    i.start();
    i.pass(30s);
    EXPECT_EQ(crash(), 0s);
    EXPECT_EQ(crash(), 200ms);
    EXPECT_EQ(crash(), 400ms);
    EXPECT_EQ(crash(), 800ms);
}

TEST_F(InstanceFailure, AStableRunSetsTheDelayBackButNotTheBudget)
{
    i.start();
    for (int k = 0; k < 4; ++k)
        crash();
    EXPECT_EQ(i.it.history.charged.size(), 4U);
    i.pass(30s);
    EXPECT_EQ(crash(), 0s);
    EXPECT_EQ(i.it.history.charged.size(), 5U);
}

TEST_F(InstanceFailure, TheReadyTimeOfOneSpawnIsNotTheNextOnes)
{
    i.start();
    i.pass(1h);
    i.exits(exit_code(1));
    ASSERT_TRUE(i.state<Starting>());
    EXPECT_EQ(i.it.ready_for, std::nullopt);
    i.apply(Spawned{i.spawn()});
    EXPECT_EQ(crash(), 200ms);
}

TEST_F(InstanceFailure, ReadyTimeAddsUpOverSpellsOfUnreadiness)
{
    auto probe = probe_named("tcp");
    probe.failures = 1;
    probe.role.liveness = false;
    i.spec.probes = {probe};
    i.it.history.in_a_row = 4;
    i.start();
    i.pass(20s);
    i.apply(Tick{});
    i.answers(fails());
    ASSERT_TRUE(i.state<Unready>());
    i.pass(20s);
    i.apply(Tick{});
    i.answers(passes());
    ASSERT_TRUE(i.state<Ready>());
    i.pass(10s);
    i.exits(exit_code(1));
    EXPECT_TRUE(i.state<Starting>()) << "30 s of ready time set the delay back";
}

TEST_F(InstanceFailure, AnExitIsToldUpwardsWithItsCauseAndText)
{
    i.start();
    i.exits(exit_code(3));
    ASSERT_TRUE(i.last.failure);
    EXPECT_EQ(i.last.failure->cause, StartCause::exit);
    EXPECT_EQ(i.last.failure->what, "exit 3");
    EXPECT_EQ(i.last.failure->charge, Failure::Charge::charged);
}

TEST_F(InstanceFailure, ARestartCountsOnceItsProcessRuns)
{
    i.start();
    i.exits(exit_code(3));
    EXPECT_EQ(i.it.restarts, 0U) << "decided on, not yet carried out";
    i.apply(SpawnFailed{i.spawn(), SetupStage::lost, 0});
    EXPECT_EQ(i.it.restarts, 0U) << "a spawn that was lost with the engine never ran";
    i.apply(Spawned{i.spawn()});
    EXPECT_EQ(i.it.restarts, 1U);
    EXPECT_EQ(i.last.started, StartCause::exit);
    i.apply(Adopted{i.spawn()});
    EXPECT_EQ(i.it.restarts, 1U);
}

TEST_F(InstanceFailure, ACleanExitAfterAStableRunIsNoFailureAndStartsAgainAtOnce)
{
    i.start();
    i.pass(30s);
    i.exits(exit_code(0));
    EXPECT_FALSE(i.last.failure);
    EXPECT_TRUE(i.state<Starting>());
    EXPECT_TRUE(i.it.history.charged.empty());
    i.apply(Spawned{i.spawn()});
    EXPECT_EQ(crash(0), 200ms) << "the next short run is the second restart in a row";
    EXPECT_EQ(i.it.history.charged.size(), 1U);
}

TEST_F(InstanceFailure, ACleanExitThatPolicyDoesNotRestartIsDone)
{
    i.spec.restart.policy = units::RestartWhen::on_failure;
    i.start();
    i.exits(exit_code(0));
    EXPECT_TRUE(i.state<Done>());
    EXPECT_FALSE(i.last.failure);
    EXPECT_FALSE(i.due());
}

TEST_F(InstanceFailure, AFailureThatPolicyForbidsToRestartIsFailed)
{
    i.spec.restart.policy = units::RestartWhen::never;
    i.start();
    i.exits(by_signal(SIGSEGV));
    ASSERT_TRUE(i.state<Failed>());
    ASSERT_TRUE(i.last.failure);
    EXPECT_EQ(i.last.failure->cause, StartCause::signal);
}

TEST_F(InstanceFailure, AFailedSpawnNamesItsStageAndBacksOff)
{
    i.it.history.in_a_row = 1;
    i.apply(LaunchWanted{});
    i.it.history.in_a_row = 1;
    i.apply(SpawnFailed{i.spawn(), SetupStage::exec, ENOENT});
    EXPECT_TRUE(i.state<Backoff>());
    ASSERT_TRUE(i.last.failure);
    EXPECT_EQ(i.last.failure->what, "exec: No such file or directory");
    EXPECT_FALSE(i.did<Acknowledge>());
}

TEST_F(InstanceFailure, ALackOfDescriptorsIsNoFailureOfTheUnit)
{
    i.apply(LaunchWanted{});
    i.apply(SpawnFailed{i.spawn(), SetupStage::descriptors, EMFILE});
    ASSERT_TRUE(i.state<Blocked>());
    EXPECT_EQ(i.last.reason, "blocked (descriptors)");
    EXPECT_FALSE(i.last.failure);
    EXPECT_EQ(i.due(), i.now() + 1s);
    i.apply(GateChanged{});
    EXPECT_TRUE(i.state<Blocked>()) << "a neighbour that moved brings no descriptors";
    i.tick();
    EXPECT_TRUE(i.state<Starting>());
}

TEST_F(InstanceFailure, ALackOfDescriptorsLeavesAFirstStartAFirstStart)
{
    i.apply(LaunchWanted{});
    i.apply(SpawnFailed{i.spawn(), SetupStage::descriptors, EMFILE});
    i.tick();
    i.apply(Spawned{i.spawn()});
    EXPECT_EQ(i.it.restarts, 0U);
}

TEST_F(InstanceFailure, WhoIsAwayForItsLivenessStaysSoWhereDescriptorsLack)
{
    i.it.state = Backoff{i.now(), StartCause::liveness};
    i.tick();
    i.apply(SpawnFailed{i.spawn(), SetupStage::processes, EAGAIN});
    ASSERT_TRUE(i.state<Blocked>());
    EXPECT_TRUE(is_away_for_liveness(i.it.state)) << "or its neighbours are killed beside it";
}

TEST_F(InstanceFailure, IsFreeWhileARequirementIsDownThoughTheDelayGrows)
{
    i.start();
    i.in.dependencies = Inputs::Dependencies::down;
    EXPECT_EQ(crash(), 0s);
    EXPECT_EQ(crash(), 200ms);
    EXPECT_EQ(i.last.failure.has_value(), false);
    EXPECT_TRUE(i.it.history.charged.empty());
    EXPECT_EQ(i.it.history.in_a_row, 2U);
}

TEST_F(InstanceFailure, IsGivenUpWhereTheLadderSaysSo)
{
    i.start();
    i.in.after_failure = Inputs::AfterFailure::give_up;
    i.exits(exit_code(1));
    ASSERT_TRUE(i.state<Failed>());
    EXPECT_NE(i.state<Failed>()->why.find("exit 1"), std::string::npos);
}

TEST_F(InstanceFailure, IsNotGivenUpForWhatItIsNotChargedFor)
{
    i.start();
    i.in.after_failure = Inputs::AfterFailure::give_up;
    i.in.dependencies = Inputs::Dependencies::down;
    i.exits(exit_code(1));
    EXPECT_FALSE(i.state<Failed>());
}

TEST_F(InstanceFailure, GiveUpWantedEndsWaitingAndLeavesARunningProcessAlone)
{
    i.start();
    i.apply(GiveUpWanted{});
    EXPECT_TRUE(i.state<Ready>());
    i.it.history.in_a_row = 3;
    i.exits(exit_code(1));
    ASSERT_TRUE(i.state<Backoff>());
    i.apply(GiveUpWanted{});
    ASSERT_TRUE(i.state<Failed>());
}

// ---- a person's word ----------------------------------------------------------------------------

TEST_F(InstanceFailure, AStartClearsBudgetAndDelayWhereverTheInstanceIs)
{
    const RestartHistory worn{7, {i.now(), i.now()}};
    const Blocked stormy{{BlockedOn::Kind::storm, {}}, StartCause::exit, {}};
    const Blocked poor{
        {BlockedOn::Kind::descriptors, "descriptors"}, StartCause::exit, i.now() + 1s};
    for (const InstanceState& state :
         {InstanceState{Stopped{}}, InstanceState{Backoff{i.now() + 5s, StartCause::exit}},
          InstanceState{Failed{"x"}}, InstanceState{Done{}}, InstanceState{stormy},
          InstanceState{poor}}) {
        for (const InstanceEvent& event :
             {InstanceEvent{LaunchWanted{}}, InstanceEvent{RestartWanted{}}}) {
            i.it.state = state;
            i.it.history = worn;
            i.in.brake = Inputs::Brake::on;
            i.apply(event);
            EXPECT_TRUE(i.state<Starting>()) << state_name(state);
            EXPECT_EQ(i.it.history.in_a_row, 0U);
            EXPECT_TRUE(i.it.history.charged.empty());
        }
    }
}

TEST_F(InstanceFailure, AStartOfWhatRunsAlreadyClearsBudgetAndDelayAndTouchesNothingElse)
{
    i.start();
    const SpawnId spawn = i.spawn();
    for (int turn = 0; turn < 2; ++turn) {
        i.it.history = {7, {i.now()}};
        i.apply(LaunchWanted{});
        EXPECT_EQ(i.spawn(), spawn);
        EXPECT_TRUE(i.last.actions.empty());
        EXPECT_EQ(i.it.history.in_a_row, 0U);
        i.it.state = Starting{spawn, i.now(), i.now() + 30s};
    }
}

TEST_F(InstanceFailure, AStartOfWhatIsBlockedClearsBudgetAndDelayAndItStaysBlocked)
{
    i.in.gate = BlockedOn{BlockedOn::Kind::dependency, "backbone"};
    i.apply(LaunchWanted{});
    i.it.history = {7, {i.now()}};
    i.apply(LaunchWanted{});
    EXPECT_TRUE(i.state<Blocked>());
    EXPECT_EQ(i.it.history.in_a_row, 0U);
}

// ---- the storm brake ----------------------------------------------------------------------------

TEST_F(InstanceFailure, FirstStartsAndFirstRestartsAreFreeOfTheStormBrakeLaterOnesAreCharged)
{
    i.in.brake = Inputs::Brake::on;
    i.start();
    i.exits(exit_code(1));
    ASSERT_TRUE(i.did<Spawn>());
    EXPECT_EQ(i.did<Spawn>()->brake, Spawn::Brake::free);
    i.apply(Spawned{i.spawn()});
    i.exits(exit_code(1));
    i.tick();
    ASSERT_TRUE(i.state<Blocked>());
    EXPECT_EQ(i.last.reason, "blocked by the storm brake");
    i.in.brake = Inputs::Brake::open;
    i.apply(GateChanged{});
    ASSERT_TRUE(i.did<Spawn>());
    EXPECT_EQ(i.did<Spawn>()->brake, Spawn::Brake::charged);
}

} // namespace
} // namespace keel::core
