#include "machines.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace keel::core {
namespace {

struct InstanceStop : testing::Test {
    OneInstance i;
    InstanceStop() { i.start(); }
};

TEST_F(InstanceStop, AsksFirstAndIsStoppedOnlyWhenTheProcessIsGone)
{
    i.apply(StopWanted{});
    ASSERT_TRUE(i.state<Stopping>());
    ASSERT_TRUE(i.did<Signal>());
    EXPECT_EQ(i.did<Signal>()->signal_number, SIGTERM);
    EXPECT_FALSE(i.did<KillTree>());
    i.exits(by_signal(SIGTERM));
    EXPECT_TRUE(i.state<Stopped>());
    EXPECT_TRUE(i.did<Acknowledge>());
    EXPECT_FALSE(i.last.failure);
    EXPECT_FALSE(i.due());
}

TEST_F(InstanceStop, SendsTheSignalOfTheSpec)
{
    i.spec.stop.signal = SIGQUIT;
    i.apply(StopWanted{});
    EXPECT_EQ(i.did<Signal>()->signal_number, SIGQUIT);
}

TEST_F(InstanceStop, KillsTheWholeTreeOfAProcessThatIgnoresTheSignalAndRepeatsIt)
{
    i.apply(StopWanted{});
    i.pass(9s);
    i.apply(Tick{});
    EXPECT_FALSE(i.did<KillTree>());
    i.tick();
    EXPECT_TRUE(i.did<KillTree>());
    EXPECT_NE(i.last.reason.find("did not end within 10s of SIGTERM"), std::string::npos);
    i.tick();
    EXPECT_TRUE(i.did<KillTree>());
    EXPECT_EQ(i.due(), i.now() + kill_patience);
}

TEST_F(InstanceStop, SweepsWhatTheProcessLeftBehindBeforeItIsStopped)
{
    i.apply(StopWanted{});
    i.exits(exit_code(0), TreeState::alive);
    ASSERT_TRUE(i.state<Stopping>());
    EXPECT_TRUE(i.did<KillTree>());
    EXPECT_TRUE(i.did<Acknowledge>());
    i.apply(TreeEmptied{i.spawn()});
    EXPECT_TRUE(i.state<Stopped>());
}

TEST_F(InstanceStop, ACrashIsSweptTooAndTheNextSpawnWaitsForTheEmptyTree)
{
    i.exits(exit_code(1), TreeState::alive);
    ASSERT_TRUE(i.state<Stopping>());
    EXPECT_FALSE(i.did<Spawn>());
    i.tick();
    EXPECT_FALSE(i.did<Spawn>());
    i.apply(TreeEmptied{i.spawn()});
    EXPECT_TRUE(i.did<Spawn>());
}

TEST_F(InstanceStop, StillSaysWhatHappenedAfterTheSweep)
{
    i.spec.restart.policy = units::RestartWhen::never;
    i.exits(exit_code(3), TreeState::alive);
    i.apply(TreeEmptied{i.spawn()});
    ASSERT_TRUE(i.state<Failed>());
    EXPECT_NE(i.state<Failed>()->why.find("exit 3"), std::string::npos) << i.state<Failed>()->why;
}

TEST_F(InstanceStop, TheDelayBeginsWhenTheTreeIsEmpty)
{
    i.it.history.in_a_row = 3;
    i.exits(exit_code(1), TreeState::alive);
    i.pass(5s);
    i.apply(TreeEmptied{i.spawn()});
    ASSERT_TRUE(i.state<Backoff>());
    EXPECT_GT(i.state<Backoff>()->retry_at, i.now() + 700ms);
}

TEST_F(InstanceStop, AStopDuringARestartWins)
{
    i.apply(RestartWanted{});
    i.apply(StopWanted{});
    i.exits(by_signal(SIGTERM));
    EXPECT_TRUE(i.state<Stopped>());
}

TEST_F(InstanceStop, AStartDuringAStopWins)
{
    i.apply(StopWanted{});
    i.apply(LaunchWanted{});
    EXPECT_TRUE(i.state<Stopping>());
    i.exits(by_signal(SIGTERM));
    EXPECT_TRUE(i.state<Starting>());
}

TEST_F(InstanceStop, ARestartIsAStopAndAFreeStart)
{
    i.it.history.in_a_row = 9;
    i.it.history.charged = {i.now()};
    i.apply(RestartWanted{});
    i.exits(by_signal(SIGTERM));
    ASSERT_TRUE(i.did<Spawn>());
    EXPECT_EQ(i.did<Spawn>()->cause, StartCause::operator_restart);
    EXPECT_EQ(i.did<Spawn>()->brake, Spawn::Brake::free);
    EXPECT_EQ(i.it.history.in_a_row, 0U);
    EXPECT_TRUE(i.it.history.charged.empty());
    EXPECT_FALSE(i.last.failure);
    i.apply(Spawned{i.spawn()});
    EXPECT_EQ(i.it.restarts, 1U);
}

TEST_F(InstanceStop, AStopWantedInBackoffOrBlockedOrFailedOrDoneIsAtOnceStopped)
{
    for (const InstanceState& state :
         {InstanceState{Backoff{i.now() + 5s, StartCause::exit}},
          InstanceState{Blocked{{BlockedOn::Kind::dependency, "x"}, StartCause::exit, {}}},
          InstanceState{Failed{"why"}}, InstanceState{Done{}}}) {
        i.it.state = state;
        i.apply(StopWanted{});
        EXPECT_TRUE(i.state<Stopped>());
    }
}

// ---- events of other spawns ---------------------------------------------------------------------

TEST_F(InstanceStop, AnExitOfAnEarlierSpawnChangesNothingButIsAcknowledged)
{
    i.exits(exit_code(1));
    i.apply(Spawned{i.spawn()});
    ASSERT_EQ(i.spawn(), SpawnId{2});
    i.apply(ProcessExited{SpawnId{1}, exit_code(1), TreeState::empty});
    EXPECT_TRUE(i.state<Ready>());
    ASSERT_TRUE(i.did<Acknowledge>());
    EXPECT_EQ(i.did<Acknowledge>()->spawn, SpawnId{1});
}

TEST_F(InstanceStop, NothingOfAnEarlierSpawnMovesTheLaterOne)
{
    i.exits(exit_code(1));
    const SpawnId stale{1};
    i.apply(SpawnFailed{stale, SetupStage::exec, 2});
    i.apply(Spawned{stale});
    i.apply(TreeEmptied{stale});
    i.apply(Adopted{stale});
    i.apply(ProbeAnswered{stale, 0, 1, passes()});
    ASSERT_TRUE(i.state<Starting>());
    EXPECT_EQ(i.state<Starting>()->running, Starting::Running::no);
}

TEST_F(InstanceStop, AnExitThatComesAfterTheEndIsAcknowledgedInEveryRestingState)
{
    for (const InstanceState& state :
         {InstanceState{Stopped{}}, InstanceState{Done{}}, InstanceState{Failed{"x"}},
          InstanceState{Backoff{i.now() + 1s, StartCause::exit}},
          InstanceState{Blocked{{}, StartCause::exit, {}}}}) {
        i.it.state = state;
        i.apply(ProcessExited{SpawnId{1}, exit_code(0), TreeState::empty});
        EXPECT_EQ(i.count<Acknowledge>(), 1U);
        EXPECT_EQ(i.it.state.index(), state.index());
    }
}

} // namespace
} // namespace keel::core
