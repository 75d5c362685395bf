// What is made from another recipe than is in force, and was not to be restarted at that moment.
#include "machines.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace keel::core {
namespace {

struct CatchUp : testing::Test {
    OneUnit u{3, 2};

    CatchUp()
    {
        u.spec.recipe = 1;
        u.start();
        u.spec.recipe = 2; // As an apply does.
        u.notes.clear();
    }
    void comes_back(Slot slot)
    {
        u.apply(slot, ProcessExited{u.spawn(slot), by_signal(SIGTERM), TreeState::empty});
        u.apply(slot, Spawned{u.spawn(slot)});
    }
    [[nodiscard]] std::size_t stopping() const
    {
        return static_cast<std::size_t>(std::ranges::count_if(u.it.instances, [](const auto& i) {
            return std::holds_alternative<Stopping>(i.state);
        }));
    }
};

TEST_F(CatchUp, RestartsOneInstanceAfterTheOtherAndIsThenOver)
{
    u.apply(CatchUpWanted{});
    EXPECT_EQ(u.state(1), "stopping");
    EXPECT_EQ(stopping(), 1U);
    comes_back(1);
    EXPECT_EQ(u.state(2), "stopping");
    EXPECT_EQ(stopping(), 1U);
    comes_back(2);
    comes_back(3);
    EXPECT_FALSE(has_outdated(u.spec, u.it));
    EXPECT_EQ(u.it.catches_up, Unit::CatchesUp::no);
}

TEST_F(CatchUp, TakesNothingFromServiceThatWouldHaveToWaitForADependency)
{
    u.in.gate = BlockedOn{BlockedOn::Kind::dependency, "backbone"};
    u.apply(CatchUpWanted{});
    EXPECT_EQ(ready_count(u.it), 3U);
    u.in.gate.reset();
    u.apply(UnitGateChanged{});
    EXPECT_EQ(u.state(1), "stopping");
}

TEST_F(CatchUp, WaitsForTheOperationThatIsUnderWay)
{
    u.spec.recipe = 1;
    u.exits(3);
    u.asks(Verb::start);
    u.spec.recipe = 2;
    ASSERT_EQ(u.state(3), "starting");
    u.apply(CatchUpWanted{});
    EXPECT_EQ(u.state(3), "starting") << "the start is not taken from whoever asked for it";
    u.apply(3, Spawned{u.spawn(3)});
    EXPECT_EQ(u.state(1), "stopping") << "the operation is over";
}

TEST_F(CatchUp, LeavesTheOthersInServiceWhileOneFailsThatIsMadeAnew)
{
    u.apply(CatchUpWanted{});
    u.apply(1, ProcessExited{u.spawn(1), by_signal(SIGTERM), TreeState::empty});
    u.apply(1, SpawnFailed{u.spawn(1), SetupStage::exec, ENOENT});
    u.apply(1, SpawnFailed{u.spawn(1), SetupStage::exec, ENOENT});
    EXPECT_EQ(u.state(1), "backoff");
    EXPECT_EQ(ready_count(u.it), 2U);
    EXPECT_EQ(u.it.catches_up, Unit::CatchesUp::yes);
}

TEST_F(CatchUp, DoesNotBringBackWhatWasGivenUp)
{
    u.spec.restart.policy = units::RestartWhen::never;
    u.spec.recipe = 1;
    u.apply(3, ProcessExited{u.spawn(3), exit_code(1), TreeState::empty});
    ASSERT_EQ(u.state(3), "failed");
    u.spec.recipe = 2;
    u.apply(CatchUpWanted{});
    EXPECT_EQ(u.state(3), "failed");
    EXPECT_EQ(ready_count(u.it), 2U);
}

TEST_F(CatchUp, ComesWithTheEndOfAHoldThatLeftTheProcessesRunning)
{
    u.spec.recipe = 1;
    Asked held{OperationId{1}, Verb::hold, "ann", "", {}};
    held.hold.process = Held::Process::left_running;
    u.apply(held);
    u.spec.recipe = 2;
    u.asks(Verb::start, {}, 2);
    EXPECT_EQ(u.state(1), "stopping");
    EXPECT_EQ(stopping(), 1U);
}

TEST_F(CatchUp, GoesOnWhereTheRestartThatEndedAHoldFailedAtTheFirstInstance)
{
    u.spec.recipe = 1;
    Asked held{OperationId{1}, Verb::hold, "ann", "", {}};
    held.hold.process = Held::Process::left_running;
    u.apply(held);
    u.spec.recipe = 2;
    u.asks(Verb::restart, {}, 2);
    u.apply(1, ProcessExited{u.spawn(1), by_signal(SIGTERM), TreeState::empty});
    u.apply(1, SpawnFailed{u.spawn(1), SetupStage::exec, ENOENT});
    ASSERT_FALSE(u.it.operation);
    EXPECT_EQ(u.state(2), "ready");
    u.apply(1, Spawned{u.spawn(1)});
    EXPECT_EQ(u.state(2), "stopping");
}

TEST_F(CatchUp, IsAPlannedOutageWhereTheUnitRunsShort)
{
    u.spec.min_ready = 3;
    u.apply(CatchUpWanted{});
    ASSERT_TRUE(u.noted<OutageOpened>());
    EXPECT_EQ(u.noted<OutageOpened>()->record.planned, Outage::Planned::yes);
}

} // namespace
} // namespace keel::core
