#include "machines.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace keel::core {
namespace {

using Outcome = OperationResult::Outcome;

struct UnitOperation : testing::Test {
    OneUnit u;

    void expect_result(Outcome outcome, std::string_view text, std::uint64_t id = 1)
    {
        ASSERT_TRUE(u.noted<OperationEnded>());
        const auto& result = u.noted<OperationEnded>()->result;
        EXPECT_EQ(result.id, OperationId{id});
        EXPECT_EQ(result.outcome, outcome) << result.text;
        EXPECT_NE(result.text.find(text), std::string::npos) << result.text;
    }
    void stop_finishes(Slot slot)
    {
        u.apply(slot, ProcessExited{u.spawn(slot), by_signal(SIGTERM), TreeState::empty});
    }
};

TEST_F(UnitOperation, AStartIsDoneWhenAllAreReadyAndSaysHowLongItTook)
{
    u.spec.instances = 2;
    u.it = make_unit(u.spec);
    u.asks(Verb::start);
    EXPECT_TRUE(u.it.operation);
    u.pass(120ms);
    u.apply(1, Spawned{u.spawn(1)});
    EXPECT_TRUE(u.it.operation);
    u.run_all_started();
    expect_result(Outcome::done, "ready in 120 ms");
    EXPECT_FALSE(u.it.operation);
}

TEST_F(UnitOperation, AStartOfWhatIsUpIsDoneAtOnceAndTouchesNothing)
{
    u.start();
    u.asks(Verb::start);
    expect_result(Outcome::done, "ready");
    EXPECT_TRUE(u.last.actions.empty());
}

TEST_F(UnitOperation, AStartFailsWithTheFirstFailureOfItsTargetsAndKeelGoesOnTrying)
{
    u.asks(Verb::start);
    u.run_all_started();
    u.notes.clear();
    u.asks(Verb::restart, {}, 2);
    stop_finishes(1);
    u.apply(1, SpawnFailed{u.spawn(1), SetupStage::exec, ENOENT});
    expect_result(Outcome::failed, "exec: No such file", 2);
    EXPECT_EQ(u.state(), "starting") << "the first restart waits nothing";
}

TEST_F(UnitOperation, AStopIsDoneWhenNothingLivesAnyMore)
{
    u.start();
    u.asks(Verb::stop);
    EXPECT_TRUE(u.it.operation);
    u.pass(2s);
    stop_finishes(1);
    expect_result(Outcome::done, "stopped in 2");
}

TEST_F(UnitOperation, ALaterRequestSupersedesAnEarlierOne)
{
    u.start();
    u.asks(Verb::restart, {}, 1);
    u.asks(Verb::stop, {}, 2);
    expect_result(Outcome::failed, "superseded", 1);
    stop_finishes(1);
    expect_result(Outcome::done, "stopped", 2);
    EXPECT_EQ(u.state(), "stopped");
}

TEST_F(UnitOperation, AStopEndsWhenADependantWantsTheUnitUpAgain)
{
    u.start();
    u.asks(Verb::stop);
    u.apply(WantedByDependant{"bob", "panel"});
    expect_result(Outcome::failed, "bob wants it up for panel");
    EXPECT_FALSE(u.it.operation);
    stop_finishes(1);
    EXPECT_EQ(u.state(), "starting");
}

TEST_F(UnitOperation, ARestartEndsWhenItsTargetIsGivenUpBecauseOfAnother)
{
    u = OneUnit(2, 2);
    u.spec.escalation.failures = 1;
    u.spec.escalation.ladder = {units::Rung::restart, units::Rung::give_up};
    u.start();
    u.asks(Verb::restart, 1);
    u.in.gate = BlockedOn{BlockedOn::Kind::dependency, "backbone"};
    stop_finishes(1);
    ASSERT_EQ(u.state(1), "blocked");
    u.apply(2, ProcessExited{u.spawn(2), by_signal(SIGSEGV), TreeState::empty});
    EXPECT_EQ(u.state(1), "failed");
    expect_result(Outcome::failed, "given up");
    EXPECT_FALSE(u.it.operation);
}

TEST_F(UnitOperation, AStartEndsWhenKeeldIsStopped)
{
    u.asks(Verb::start);
    u.apply(ShutDown{});
    expect_result(Outcome::failed, "keeld is stopping");
    EXPECT_FALSE(u.it.operation);
}

TEST_F(UnitOperation, AStopGoesOnToItsEndWhenKeeldIsStopped)
{
    u.start();
    u.asks(Verb::stop);
    u.apply(ShutDown{});
    stop_finishes(1);
    expect_result(Outcome::done, "stopped");
}

TEST_F(UnitOperation, ARestartOfSeveralRollsAndKeepsAllButOneInService)
{
    u = OneUnit(3, 2);
    u.start();
    u.asks(Verb::restart);
    for (Slot slot = 1; slot <= 3; ++slot) {
        EXPECT_EQ(u.state(slot), "stopping");
        EXPECT_EQ(ready_count(u.it), 2);
        stop_finishes(slot);
        EXPECT_EQ(u.state(slot), "starting");
        EXPECT_EQ(ready_count(u.it), 2);
        u.apply(slot, Spawned{u.spawn(slot)});
    }
    expect_result(Outcome::done, "ready");
    EXPECT_EQ(u.noted_times<OutageOpened>(), 0U + u.noted_times<OutageClosed>() + 1U)
        << "one planned degradation, still settling";
    EXPECT_EQ(u.outage(), nullptr);
}

TEST_F(UnitOperation, ARestartBeginsWithWhatIsDownAnyway)
{
    u = OneUnit(2, 1);
    u.start();
    u.crash(2);
    u.exits(2);
    ASSERT_EQ(u.state(2), "backoff");
    u.asks(Verb::restart);
    EXPECT_EQ(u.state(2), "starting");
    EXPECT_EQ(u.state(1), "ready") << "it waits until the other one is in service";
    u.run_all_started();
    EXPECT_EQ(u.state(1), "stopping");
}

TEST_F(UnitOperation, ARollingRestartEndsAtTheFirstFailureAndLeavesTheRestRunning)
{
    u = OneUnit(3, 2);
    u.start();
    u.asks(Verb::restart);
    stop_finishes(1);
    u.apply(1, SpawnFailed{u.spawn(1), SetupStage::exec, ENOENT});
    expect_result(Outcome::failed, "exec");
    EXPECT_EQ(u.state(2), "ready");
    EXPECT_EQ(u.state(3), "ready");
    EXPECT_EQ(u.instance(2).restarts, 0U);
}

TEST_F(UnitOperation, AFailureOfAnInstanceThatItIsNotAboutDoesNotFailIt)
{
    u = OneUnit(2, 1);
    u.start();
    u.asks(Verb::restart, Slot{1});
    u.exits(2);
    ASSERT_TRUE(u.it.operation);
    stop_finishes(1);
    u.run_all_started();
    expect_result(Outcome::done, "ready");
}

TEST_F(UnitOperation, ARestartOfOneInstanceLeavesTheOthersAlone)
{
    u = OneUnit(3);
    u.start();
    u.asks(Verb::restart, Slot{2});
    EXPECT_EQ(u.state(1), "ready");
    EXPECT_EQ(u.state(2), "stopping");
    EXPECT_EQ(u.state(3), "ready");
}

TEST_F(UnitOperation, ARestartOfWhatIsHeldIsAStart)
{
    u.start();
    u.asks(Verb::stop);
    stop_finishes(1);
    u.asks(Verb::restart, {}, 2);
    EXPECT_EQ(wanted_name(u.it.wanted), "up");
    u.run_all_started();
    expect_result(Outcome::done, "ready", 2);
}

TEST_F(UnitOperation, TimeIsTakenFromTheMonotonicClock)
{
    u.asks(Verb::start);
    u.in.now.wall += 5h; // somebody sets the clock
    u.pass(120ms);
    u.run_all_started();
    expect_result(Outcome::done, "ready in 120 ms");
}

} // namespace
} // namespace keel::core
