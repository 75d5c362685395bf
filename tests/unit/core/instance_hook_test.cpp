// Hooks around starts and stops, as the instance machine sees them.
#include "machines.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace keel::core {
namespace {

using units::Hook;

struct InstanceHook : testing::Test {
    OneInstance i;

    [[nodiscard]] std::optional<Hook> running() const
    {
        return i.it.hook ? std::optional(i.it.hook->hook) : std::nullopt;
    }
    [[nodiscard]] std::optional<Hook> begun() const
    {
        const auto* run = i.did<RunHook>();
        return run != nullptr ? std::optional(run->hook) : std::nullopt;
    }
    [[nodiscard]] bool is_emptied() const
    {
        const auto* stopping = i.state<Stopping>();
        return stopping != nullptr && stopping->stage == KillStage::emptied;
    }
};

// ---- start.pre ----------------------------------------------------------------------------------

struct StartPre : InstanceHook {
    StartPre() { i.spec.start.pre = {"prepare"}; }
};

TEST_F(StartPre, RunsBeforeTheProcessWhichBeginsOnceItHasEndedWell)
{
    i.apply(LaunchWanted{});
    EXPECT_EQ(begun(), Hook::start_pre);
    EXPECT_FALSE(i.did<Spawn>());
    EXPECT_EQ(state_name(i.it.state), "starting");
    i.hook_exits(exit_code(0));
    ASSERT_TRUE(i.did<Spawn>());
    EXPECT_TRUE(i.did<Acknowledge>());
    EXPECT_TRUE(i.state<Starting>());
    EXPECT_FALSE(i.last.failure);
}

TEST_F(StartPre, LeavesTheProcessWhatItHasNotUsedOfTheTime)
{
    i.spec.ready = units::ReadyBy::notify;
    i.apply(LaunchWanted{});
    i.pass(12s);
    i.hook_exits(exit_code(0));
    EXPECT_EQ(i.state<Starting>()->ready_by, i.now() + 18s);
}

TEST_F(StartPre, ThatFailsIsAFailureOfTheStartNamedByItsStage)
{
    i.apply(LaunchWanted{});
    i.hook_exits(exit_code(3));
    EXPECT_FALSE(i.did<Spawn>());
    ASSERT_TRUE(i.last.failure);
    EXPECT_EQ(i.last.failure->what, "start.pre: exit 3");
    EXPECT_EQ(i.last.failure->charge, Failure::Charge::charged);
    EXPECT_EQ(i.it.history.in_a_row, 1U);
    EXPECT_EQ(running(), Hook::start_pre) << "the first restart in a row waits for nothing";
    i.hook_exits(exit_code(3));
    EXPECT_TRUE(i.state<Backoff>());
    EXPECT_TRUE(i.last.hook_failed.empty()) << "it is told as a failure already";
}

TEST_F(StartPre, ThatTakesLongerThanTheTimeoutIsKilledWithAllThatItStarted)
{
    i.spec.restart.policy = units::RestartWhen::never;
    i.apply(LaunchWanted{});
    EXPECT_EQ(i.due(), i.now() + 30s);
    const SpawnId hook = i.it.hook->spawn;
    i.tick();
    ASSERT_TRUE(i.did<KillTree>());
    EXPECT_EQ(i.did<KillTree>()->spawn, hook);
    i.tick();
    EXPECT_TRUE(i.did<KillTree>()) << "again and again";
    i.hook_exits(by_signal(SIGKILL), TreeState::alive);
    EXPECT_FALSE(i.state<Failed>()) << "not before nothing of it lives";
    i.apply(TreeEmptied{hook});
    ASSERT_TRUE(i.state<Failed>());
    EXPECT_NE(i.it.reason.find("start.pre: not over within 30s"), std::string::npos) << i.it.reason;
}

TEST_F(StartPre, ThatLeavesProcessesBehindIsOverOnceTheyAreEnded)
{
    i.apply(LaunchWanted{});
    i.hook_exits(exit_code(0), TreeState::alive);
    EXPECT_TRUE(i.did<KillTree>());
    EXPECT_FALSE(i.did<Spawn>());
    i.apply(TreeEmptied{i.it.hook->spawn});
    EXPECT_TRUE(i.did<Spawn>());
}

TEST_F(StartPre, IsAskedToEndByAStopAndKilledIfItDoesNot)
{
    i.apply(LaunchWanted{});
    i.apply(StopWanted{});
    ASSERT_TRUE(i.did<Signal>());
    EXPECT_EQ(i.did<Signal>()->signal_number, SIGTERM);
    EXPECT_EQ(i.due(), i.now() + 10s);
    i.tick();
    EXPECT_TRUE(i.did<KillTree>());
    i.hook_exits(by_signal(SIGKILL));
    EXPECT_TRUE(i.state<Stopped>());
    EXPECT_FALSE(i.last.failure);
    EXPECT_TRUE(i.last.hook_failed.empty()) << "nobody cares how it ended";
}

TEST_F(StartPre, IsNotFollowedByAProcessIfTheGateHasClosedMeanwhile)
{
    i.apply(LaunchWanted{});
    i.in.gate = BlockedOn{BlockedOn::Kind::dependency, "db"};
    i.hook_exits(exit_code(0));
    EXPECT_FALSE(i.did<Spawn>());
    EXPECT_TRUE(i.state<Blocked>());
    EXPECT_FALSE(i.last.failure);
}

TEST_F(StartPre, ThatCannotBeSpawnedFailsTheStart)
{
    i.apply(LaunchWanted{});
    i.apply(SpawnFailed{i.it.hook->spawn, SetupStage::exec, ENOENT});
    ASSERT_TRUE(i.last.failure);
    EXPECT_EQ(i.last.failure->what, "start.pre: exec: No such file or directory");
}

TEST_F(StartPre, ForWhichThereAreNoDescriptorsIsPutOff)
{
    i.apply(LaunchWanted{});
    i.apply(SpawnFailed{i.it.hook->spawn, SetupStage::descriptors, EMFILE});
    EXPECT_TRUE(i.state<Blocked>());
    EXPECT_FALSE(i.last.failure);
    i.tick();
    EXPECT_EQ(begun(), Hook::start_pre);
}

TEST_F(StartPre, ThatEndedUnseenRunsAgain)
{
    i.apply(LaunchWanted{});
    i.hook_exits({ExitStatus::Kind::unknown, 0, false}, TreeState::alive);
    const SpawnId first = i.it.hook->spawn;
    i.apply(TreeEmptied{first});
    EXPECT_EQ(begun(), Hook::start_pre);
    EXPECT_NE(i.it.hook->spawn, first);
    EXPECT_FALSE(i.last.failure);
}

TEST_F(StartPre, ThatANewEngineFindsHasItsWholeTimeAgain)
{
    i.apply(LaunchWanted{});
    i.pass(25s);
    i.apply(Adopted{i.it.hook->spawn});
    EXPECT_EQ(i.due(), i.now() + 30s);
    i.hook_exits(exit_code(0));
    EXPECT_TRUE(i.did<Spawn>());
}

TEST_F(StartPre, OfALaterTryHearsNothingOfAnEarlierOne)
{
    i.apply(LaunchWanted{});
    const SpawnId first = i.it.hook->spawn;
    i.hook_exits(exit_code(1));
    i.apply(ProcessExited{first, exit_code(0), TreeState::empty});
    EXPECT_FALSE(i.did<Spawn>());
    EXPECT_TRUE(i.did<Acknowledge>());
    EXPECT_EQ(running(), Hook::start_pre);
}

// ---- start.post ---------------------------------------------------------------------------------

struct StartPost : InstanceHook {
    StartPost()
    {
        i.spec.start.post = {"announce"};
        i.start();
    }
};

TEST_F(StartPost, RunsOnceTheInstanceIsReadyAndItsFailureIsToldAndChangesNothing)
{
    EXPECT_TRUE(i.state<Ready>());
    EXPECT_EQ(begun(), Hook::start_post);
    i.hook_exits(exit_code(1));
    EXPECT_TRUE(i.state<Ready>());
    EXPECT_EQ(i.last.hook_failed, "start.post: exit 1");
    EXPECT_FALSE(i.last.failure);
    EXPECT_FALSE(i.due());
}

TEST_F(StartPost, RunsOncePerStart)
{
    i.hook_exits(exit_code(0));
    EXPECT_TRUE(i.last.hook_failed.empty());
    i.apply(Adopted{i.spawn()});
    EXPECT_FALSE(begun());
}

TEST_F(StartPost, ThatHangsIsKilledAndTheProcessIsNot)
{
    const SpawnId own = i.spawn();
    i.tick();
    ASSERT_TRUE(i.did<KillTree>());
    EXPECT_NE(i.did<KillTree>()->spawn, own);
    i.hook_exits(by_signal(SIGKILL));
    EXPECT_EQ(i.last.hook_failed, "start.post: not over within 30s");
    EXPECT_TRUE(i.state<Ready>());
}

TEST_F(StartPost, IsBrokenOffByAStopWhichGoesOnWhenItIsGone)
{
    i.spec.stop.pre = {"drain"};
    i.apply(StopWanted{});
    ASSERT_TRUE(i.did<Signal>());
    EXPECT_EQ(i.did<Signal>()->spawn, i.it.hook->spawn);
    i.hook_exits(by_signal(SIGTERM));
    EXPECT_EQ(begun(), Hook::stop_pre);
    i.hook_exits(exit_code(0));
    ASSERT_TRUE(i.did<Signal>());
    EXPECT_EQ(i.did<Signal>()->spawn, i.spawn());
}

TEST_F(StartPost, IsBrokenOffWhenTheProcessEnds)
{
    i.exits(exit_code(1));
    EXPECT_TRUE(is_emptied());
    EXPECT_FALSE(i.did<Spawn>());
    i.hook_exits(by_signal(SIGTERM));
    EXPECT_TRUE(i.did<Spawn>());
}

// ---- stop.pre -----------------------------------------------------------------------------------

struct StopPre : InstanceHook {
    StopPre()
    {
        i.spec.stop.pre = {"drain"};
        i.start();
    }
};

TEST_F(StopPre, ComesBeforeTheSignal)
{
    i.apply(StopWanted{});
    EXPECT_EQ(begun(), Hook::stop_pre);
    EXPECT_FALSE(i.did<Signal>());
    EXPECT_TRUE(i.state<Stopping>());
    i.pass(4s);
    i.hook_exits(exit_code(0));
    ASSERT_TRUE(i.did<Signal>());
    EXPECT_EQ(i.did<Signal>()->spawn, i.spawn());
    EXPECT_EQ(i.due(), i.now() + 10s) << "the process has all of its time";
    i.exits(by_signal(SIGTERM));
    EXPECT_TRUE(i.state<Stopped>());
}

TEST_F(StopPre, ThatFailsIsToldAndTheStopGoesOn)
{
    i.apply(StopWanted{});
    i.hook_exits(exit_code(1));
    EXPECT_EQ(i.last.hook_failed, "stop.pre: exit 1");
    EXPECT_TRUE(i.did<Signal>());
}

TEST_F(StopPre, ThatHangsIsKilledAndTheStopGoesOnInTheSameMoment)
{
    i.apply(StopWanted{});
    const SpawnId hook = i.it.hook->spawn;
    EXPECT_EQ(i.due(), i.now() + 10s);
    i.tick();
    ASSERT_TRUE(i.did<KillTree>());
    EXPECT_EQ(i.did<KillTree>()->spawn, hook);
    ASSERT_TRUE(i.did<Signal>());
    EXPECT_EQ(i.did<Signal>()->spawn, i.spawn());
    i.exits(by_signal(SIGTERM));
    EXPECT_TRUE(is_emptied()) << "the hook is not gone yet";
    i.hook_exits(by_signal(SIGKILL));
    EXPECT_TRUE(i.state<Stopped>());
    EXPECT_EQ(i.last.hook_failed, "stop.pre: not over within 10s");
}

TEST_F(StopPre, GoesOnWhenTheProcessEndsMeanwhile)
{
    i.apply(StopWanted{});
    i.exits(exit_code(0));
    EXPECT_TRUE(is_emptied());
    EXPECT_EQ(running(), Hook::stop_pre);
    i.hook_exits(exit_code(0));
    EXPECT_TRUE(i.state<Stopped>());
}

TEST_F(StopPre, IsNotRunForAProcessThatHasEnded)
{
    i.exits(exit_code(1));
    EXPECT_FALSE(begun());
}

TEST_F(StopPre, RunsBeforeARestartToo)
{
    i.apply(RestartWanted{});
    EXPECT_EQ(begun(), Hook::stop_pre);
    i.hook_exits(exit_code(0));
    i.exits(by_signal(SIGTERM));
    EXPECT_TRUE(i.did<Spawn>());
}

TEST_F(StopPre, LeavesAProcessAloneThatAPersonHoldsMeanwhile)
{
    i.apply(StopWanted{});
    i.in.hands = Inputs::Hands::off;
    i.hook_exits(exit_code(0));
    EXPECT_FALSE(i.did<Signal>());
    i.in.hands = Inputs::Hands::on;
    i.apply(HandedBack{});
    EXPECT_TRUE(i.did<Signal>());
}

TEST_F(StopPre, ThatOutlivesItsEngineIsWaitedForAndOneThatIsLostRunsAgain)
{
    i.apply(StopWanted{});
    i.apply(Adopted{i.spawn()});
    EXPECT_FALSE(i.did<Signal>());
    i.hook_exits({ExitStatus::Kind::unknown, 0, false});
    EXPECT_EQ(begun(), Hook::stop_pre);
    i.hook_exits(exit_code(0));
    EXPECT_TRUE(i.did<Signal>());
}

// ---- stop.post ----------------------------------------------------------------------------------

struct StopPost : InstanceHook {
    StopPost()
    {
        i.spec.stop.post = {"clean-up"};
        i.start();
    }
};

TEST_F(StopPost, RunsOnceNothingLivesAndTheInstanceIsStoppedAfterIt)
{
    i.apply(StopWanted{});
    i.exits(exit_code(0), TreeState::alive);
    EXPECT_FALSE(begun());
    i.apply(TreeEmptied{i.spawn()});
    EXPECT_EQ(begun(), Hook::stop_post);
    EXPECT_TRUE(i.state<Stopping>());
    i.hook_exits(exit_code(0));
    EXPECT_TRUE(i.state<Stopped>());
    EXPECT_FALSE(i.due());
}

TEST_F(StopPost, RunsAfterACrashAndTheNextStartWaitsForIt)
{
    i.exits(exit_code(1));
    EXPECT_EQ(begun(), Hook::stop_post);
    EXPECT_FALSE(i.did<Spawn>());
    EXPECT_TRUE(i.last.failure);
    i.hook_exits(exit_code(7));
    EXPECT_EQ(i.last.hook_failed, "stop.post: exit 7");
    EXPECT_TRUE(i.did<Spawn>());
}

TEST_F(StopPost, RunsAfterAStartThatFailedToPrepare)
{
    i.spec.start.pre = {"prepare"};
    i.exits(exit_code(1));
    i.hook_exits(exit_code(0));
    ASSERT_EQ(begun(), Hook::start_pre);
    i.hook_exits(exit_code(1));
    EXPECT_EQ(begun(), Hook::stop_post);
    i.hook_exits(exit_code(0));
    EXPECT_TRUE(i.state<Backoff>());
}

TEST_F(StopPost, ThatHangsIsKilledAndTold)
{
    i.apply(StopWanted{});
    i.exits(exit_code(0));
    i.tick();
    EXPECT_TRUE(i.did<KillTree>());
    EXPECT_FALSE(i.state<Stopped>());
    i.hook_exits(by_signal(SIGKILL));
    EXPECT_TRUE(i.state<Stopped>());
    EXPECT_EQ(i.last.hook_failed, "stop.post: not over within 10s");
}

TEST_F(StopPost, AStartThatIsWantedMeanwhileComesAfterIt)
{
    i.apply(StopWanted{});
    i.exits(exit_code(0));
    i.apply(LaunchWanted{});
    EXPECT_FALSE(i.did<Spawn>());
    i.hook_exits(exit_code(0));
    EXPECT_TRUE(i.did<Spawn>());
}

TEST_F(StopPost, IsLeftOutWhileAPersonHoldsWhatIsLeftAsItIs)
{
    i.in.hands = Inputs::Hands::off;
    i.in.gate = BlockedOn{BlockedOn::Kind::hold, "ann"};
    i.exits(exit_code(1));
    EXPECT_FALSE(begun());
    EXPECT_TRUE(i.state<Blocked>());
}

TEST_F(StopPost, ALateWordOfTheProcessDoesNotEndIt)
{
    i.apply(StopWanted{});
    i.exits(exit_code(0));
    const SpawnId own = i.spawn();
    i.apply(TreeEmptied{own});
    i.apply(ProcessExited{own, exit_code(0), TreeState::empty});
    EXPECT_TRUE(is_emptied());
    EXPECT_EQ(i.count<Acknowledge>(), 1U);
}

} // namespace
} // namespace keel::core
