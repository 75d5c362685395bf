#include "machines.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace keel::core {
namespace {

struct UnitOutage : testing::Test {
    OneUnit u;
    void stop_finishes(Slot slot = 1)
    {
        u.apply(slot, ProcessExited{u.spawn(slot), by_signal(SIGTERM), TreeState::empty});
    }
    [[nodiscard]] bool is_planned() const
    {
        return u.outage() != nullptr && u.outage()->planned == Outage::Planned::yes;
    }
};

TEST_F(UnitOutage, OpensAtTheCrashAndClosesAtTheBeginningOfTheSettledSpan)
{
    u.start();
    u.pass(1h);
    u.exits();
    ASSERT_NE(u.outage(), nullptr);
    EXPECT_EQ(u.outage()->cause, OutageCause::exit);
    EXPECT_EQ(u.outage()->cause_text, "exit 1");
    EXPECT_EQ(u.outage()->detected_by, "exit");
    u.pass(300ms);
    u.run_all_started();
    u.live_through(10s);
    EXPECT_EQ(u.outage(), nullptr);
    ASSERT_TRUE(u.noted<OutageClosed>());
    EXPECT_EQ(length_of(u.noted<OutageClosed>()->record, u.now()), 300ms);
    ASSERT_EQ(u.noted<OutageClosed>()->record.actions.size(), 1U);
    EXPECT_EQ(u.noted<OutageClosed>()->record.actions[0].action, "start");
    EXPECT_EQ(u.noted<OutageClosed>()->record.actions[0].result, "ready");
}

TEST_F(UnitOutage, OfACleanExitHasTheExitAsItsCause)
{
    u.start();
    u.pass(1h);
    u.exits(1, 0);
    ASSERT_NE(u.outage(), nullptr);
    EXPECT_EQ(u.outage()->cause, OutageCause::exit);
    EXPECT_EQ(u.outage()->cause_text, "exit 0");
    EXPECT_EQ(u.outage()->detected_by, "exit");
}

TEST_F(UnitOutage, AFirstStartCountsOnlyAfterItsTimeout)
{
    u.apply(Booted{});
    EXPECT_EQ(u.due(), u.now() + 30s);
    u.exits();
    u.pass(29s);
    u.apply(UnitTick{});
    EXPECT_EQ(u.outage(), nullptr);
    u.exits();
    u.pass(1s);
    u.apply(UnitTick{});
    ASSERT_NE(u.outage(), nullptr);
    EXPECT_EQ(u.outage()->opened.mono, u.now());
}

TEST_F(UnitOutage, OfAStartThatHangsSaysSo)
{
    u.spec.start.timeout = 20s;
    u.apply(Booted{});
    u.pass(20s);
    u.apply(UnitTick{});
    ASSERT_NE(u.outage(), nullptr);
    EXPECT_EQ(u.outage()->cause, OutageCause::start_timeout);
}

TEST_F(UnitOutage, AStartByHandOfWhatIsWantedUpAlreadyGivesNoFurtherExcuse)
{
    u.in.gate = BlockedOn{BlockedOn::Kind::dependency, "backbone"};
    u.apply(Booted{});
    u.pass(20s);
    u.asks(Verb::start);
    u.pass(10s);
    u.apply(UnitTick{});
    EXPECT_NE(u.outage(), nullptr);
}

TEST_F(UnitOutage, OfBlockedTimeHasCauseDependencyAndTheOutageThatCausedIt)
{
    u.in.gate = BlockedOn{BlockedOn::Kind::dependency, "backbone"};
    u.in.dependencies = Inputs::Dependencies::down;
    u.in.gate_outage = OutageId{77};
    u.apply(Booted{});
    EXPECT_EQ(u.status(), UnitStatus::blocked);
    u.tick();
    ASSERT_NE(u.outage(), nullptr);
    EXPECT_EQ(u.outage()->cause, OutageCause::dependency);
    EXPECT_EQ(u.outage()->cause_text, "dependency backbone");
    EXPECT_EQ(u.outage()->caused_by, OutageId{77});
    EXPECT_FALSE(is_planned());
}

TEST_F(UnitOutage, OfWhatIsBlockedOnAHeldUnitIsPlanned)
{
    u.in.gate = BlockedOn{BlockedOn::Kind::dependency, "backbone"};
    u.in.gate_planned = Outage::Planned::yes;
    u.apply(Booted{});
    u.tick();
    EXPECT_TRUE(is_planned());
}

TEST_F(UnitOutage, OfWhatIsBlockedOnAHeldUnitIsNotPlannedOnceThatIsDownForAnotherReason)
{
    u.in.gate = BlockedOn{BlockedOn::Kind::dependency, "backbone"};
    u.in.gate_planned = Outage::Planned::yes;
    u.apply(Booted{});
    u.tick();
    const OutageId planned = u.outage()->id;
    u.in.gate_planned = Outage::Planned::no;
    u.in.gate_starts = UnitInputs::GateStarts::yes;
    u.apply(UnitGateChanged{});
    EXPECT_TRUE(is_planned()) << "it is on its way";
    u.in.gate_starts = UnitInputs::GateStarts::no;
    u.in.gate_outage = OutageId{77};
    u.apply(UnitGateChanged{});
    ASSERT_NE(u.outage(), nullptr);
    EXPECT_NE(u.outage()->id, planned);
    EXPECT_EQ(u.outage()->caused_by, OutageId{77});
    EXPECT_FALSE(is_planned());
}

TEST_F(UnitOutage, OfWhatWasBlockedOnAHeldUnitIsNotPlannedOnceItFailsByItself)
{
    u.in.gate = BlockedOn{BlockedOn::Kind::dependency, "backbone"};
    u.in.gate_planned = Outage::Planned::yes;
    u.apply(Booted{});
    u.tick();
    u.in.gate.reset();
    u.in.gate_planned = Outage::Planned::no;
    u.apply(UnitGateChanged{});
    u.run_all_started();
    EXPECT_TRUE(is_planned()) << "it is on its way up";
    u.exits();
    EXPECT_FALSE(is_planned());
    EXPECT_EQ(u.outage()->cause, OutageCause::exit);
}

TEST_F(UnitOutage, NeverOpensForAHeldUnitAndEndsWhenOneIsHeld)
{
    u.start();
    u.asks(Verb::stop);
    EXPECT_EQ(u.outage(), nullptr);
    stop_finishes();
    u.live_through(1h);
    EXPECT_EQ(u.noted_times<OutageOpened>(), 0U);

    u.asks(Verb::start, {}, 2);
    u.run_all_started();
    u.exits();
    ASSERT_NE(u.outage(), nullptr);
    u.asks(Verb::stop, {}, 3);
    EXPECT_EQ(u.outage(), nullptr);
}

TEST_F(UnitOutage, OfAShutdownIsNone)
{
    u.start();
    u.in.gate = BlockedOn{BlockedOn::Kind::shutdown, {}};
    u.apply(ShutDown{});
    stop_finishes();
    EXPECT_EQ(u.noted_times<OutageOpened>(), 0U);
}

TEST_F(UnitOutage, WithMinReadyZeroThereIsNone)
{
    u = OneUnit(1, 0);
    u.start();
    u.crash();
    u.exits();
    EXPECT_EQ(u.outage(), nullptr);
    EXPECT_NE(open_outage(u.it.degradation), nullptr);
}

// ---- degradations -------------------------------------------------------------------------------

TEST_F(UnitOutage, WithFewerThanAllButEnoughIsADegradationOfItsOwnKind)
{
    u = OneUnit(2, 1);
    u.start();
    u.exits(2);
    EXPECT_EQ(u.outage(), nullptr);
    const Outage* degraded = open_outage(u.it.degradation);
    ASSERT_NE(degraded, nullptr);
    EXPECT_EQ(degraded->kind, OutageKind::degraded);
    u.exits(1);
    EXPECT_NE(u.outage(), nullptr);
    EXPECT_EQ(open_outage(u.it.degradation), nullptr) << "from here on it is an outage";
}

TEST_F(UnitOutage, IsNoDegradationWhileAFirstStartIsUnderWay)
{
    u = OneUnit(2, 1);
    u.apply(Booted{});
    u.apply(1, Spawned{u.spawn(1)});
    EXPECT_EQ(open_outage(u.it.degradation), nullptr);
    u.exits(2);
    EXPECT_NE(open_outage(u.it.degradation), nullptr);
}

TEST_F(UnitOutage, IsADegradationOnceAFirstStartHasHadItsTime)
{
    u = OneUnit(2, 1);
    u.spec.ready = units::ReadyBy::probe;
    u.spec.probes = {probe_named("tcp")};
    u.apply(Booted{});
    u.run_all_started();
    u.apply(1, ProbeAnswered{u.spawn(1), 0, 1, passes()});
    u.in.dependencies = Inputs::Dependencies::ready;
    u.pass(31s);
    u.apply(UnitTick{});
    EXPECT_NE(open_outage(u.it.degradation), nullptr);
}

// ---- planned ------------------------------------------------------------------------------------

TEST_F(UnitOutage, ByAPersonsRestartIsPlanned)
{
    u.start();
    u.asks(Verb::restart);
    ASSERT_TRUE(is_planned());
    EXPECT_EQ(u.outage()->cause, OutageCause::operation);
    EXPECT_EQ(u.outage()->cause_text, "restart by ann");
    stop_finishes();
    u.run_all_started();
    u.live_through(10s);
    EXPECT_EQ(u.outage(), nullptr);
    EXPECT_EQ(u.noted<OutageClosed>()->record.planned, Outage::Planned::yes);
}

TEST_F(UnitOutage, IsUnplannedFromTheEndOfAnOperationThatFailed)
{
    u.start();
    u.asks(Verb::restart);
    stop_finishes();
    u.pass(5s);
    u.exits();
    ASSERT_NE(u.outage(), nullptr);
    EXPECT_FALSE(is_planned());
    EXPECT_EQ(u.outage()->opened.mono, u.now());
    EXPECT_EQ(u.outage()->cause, OutageCause::exit);
    ASSERT_TRUE(u.noted<OutageClosed>());
    EXPECT_EQ(u.noted<OutageClosed>()->record.planned, Outage::Planned::yes);
    EXPECT_EQ(u.noted<OutageClosed>()->record.closed->mono, u.now());
}

TEST_F(UnitOutage, IsUnplannedWhenARestartedUnitIsDownForAnotherReasonAtTheOperationsEnd)
{
    u = OneUnit(2, 2);
    u.start();
    u.asks(Verb::restart, Slot{1});
    ASSERT_TRUE(is_planned());
    u.crash(2);
    u.exits(2);
    stop_finishes(1);
    u.apply(1, Spawned{u.spawn(1)});
    ASSERT_FALSE(u.it.operation);
    ASSERT_NE(u.outage(), nullptr);
    EXPECT_FALSE(is_planned());
}

TEST_F(UnitOutage, ByACrashDuringAnOperationOnAnotherInstanceIsUnplanned)
{
    u = OneUnit(3, 2);
    u.start();
    u.asks(Verb::restart, Slot{1});
    EXPECT_EQ(u.outage(), nullptr);
    u.exits(2);
    ASSERT_NE(u.outage(), nullptr);
    EXPECT_FALSE(is_planned());
}

TEST_F(UnitOutage, GoesOnPlannedWhenOneRestartSupersedesAnother)
{
    u.start();
    u.asks(Verb::restart, {}, 1);
    u.asks(Verb::restart, {}, 2);
    EXPECT_EQ(u.noted_times<OutageOpened>(), 1U);
    EXPECT_TRUE(is_planned());
}

TEST_F(UnitOutage, OfACrashSoonAfterAPlannedRestartIsNotHiddenInThePlannedOne)
{
    u.start();
    u.asks(Verb::restart);
    stop_finishes();
    u.run_all_started();
    u.pass(3s);
    u.exits();
    EXPECT_FALSE(is_planned());
    EXPECT_EQ(u.noted_times<OutageOpened>(), 2U);
    EXPECT_EQ(u.noted<OutageClosed>()->record.planned, Outage::Planned::yes);
}

TEST_F(UnitOutage, ByAPersonsStartOfWhatWasDoneIsPlanned)
{
    u.spec.restart.policy = units::RestartWhen::on_failure;
    u.start();
    u.exits(1, 0);
    ASSERT_EQ(u.status(), UnitStatus::done);
    u.pass(1h);
    u.asks(Verb::start);
    ASSERT_TRUE(is_planned());
    EXPECT_EQ(u.outage()->cause_text, "start by ann");
}

TEST_F(UnitOutage, ThatWasOpenBeforeAnOperationStaysUnplanned)
{
    u.start();
    u.crash();
    u.exits();
    u.asks(Verb::restart);
    EXPECT_FALSE(is_planned());
    EXPECT_EQ(u.noted_times<OutageOpened>(), 1U);
}

} // namespace
} // namespace keel::core
