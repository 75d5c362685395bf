// An instance whose process speaks for itself: readiness by its word, a watchdog, more time.
#include "machines.hpp"

#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keel::core {
namespace {

using testing::HasSubstr;

class Speaking : public testing::Test, protected OneInstance {
protected:
    Speaking()
    {
        spec.ready = units::ReadyBy::notify;
        spec.start.timeout = 30s;
        spec.stop.timeout = 10s;
    }
    void says(std::string_view text) { apply(Notified{spawn(), parse_notice(text)}); }
    void watched(Duration interval)
    {
        spec.watchdog = interval;
        start();
        says("READY=1");
    }
    /// All that it has said was told.
    void is_heard_out() { apply(HeardOut{spawn()}); }
};

TEST_F(Speaking, IsReadyWhenItSaysSo)
{
    start();
    EXPECT_TRUE(state<Starting>());
    EXPECT_EQ(last.reason, "runs; ready once it says READY=1");
    pass(2s);
    says("READY=1\nSTATUS=up");
    ASSERT_TRUE(state<Ready>());
    EXPECT_EQ(last.reason, "said READY=1, \"up\"");
    EXPECT_EQ(it.said.status, "up");
}

TEST_F(Speaking, IsCountedAsStartedByItsWordEvenIfThatOvertakesTheSpawn)
{
    apply(LaunchWanted{});
    says("READY=1");
    EXPECT_TRUE(state<Ready>());
    EXPECT_TRUE(last.started);
    apply(Spawned{spawn()});
    EXPECT_TRUE(state<Ready>());
    EXPECT_FALSE(last.started);
}

TEST_F(Speaking, IsNotReadyByTheWordOfAnEarlierSpawn)
{
    start();
    const SpawnId first = spawn();
    exits(exit_code(1));
    apply(Spawned{spawn()});
    ASSERT_NE(spawn(), first);
    apply(Notified{first, parse_notice("READY=1\nSTATUS=old")});
    EXPECT_TRUE(state<Starting>());
    EXPECT_EQ(it.said.status, "");
}

TEST_F(Speaking, DoesNotBecomeReadyByAWordWhereProbesDecide)
{
    spec.ready = units::ReadyBy::probe;
    spec.probes = {probe_named("tcp")};
    start();
    says("READY=1");
    EXPECT_TRUE(state<Starting>());
    answers(passes());
    EXPECT_TRUE(state<Ready>());
}

TEST_F(Speaking, StillBecomesUnreadyByItsProbes)
{
    spec.probes = {probe_named("tcp")};
    spec.probes[0].failures = 1;
    spec.probes[0].role = {false, true, false};
    start();
    EXPECT_EQ(count<RunProbe>(), 0U) << "probes wait for its word";
    says("READY=1");
    next_answer(fails());
    EXPECT_TRUE(state<Unready>());
    says("READY=1");
    EXPECT_TRUE(state<Unready>()) << "it never took its word back; the probe decides";
    next_answer(passes());
    EXPECT_TRUE(state<Ready>());
}

TEST_F(Speaking, FailsItsStartOnlyAfterItWasHeardOut)
{
    start();
    says("STATUS=loading");
    tick();
    EXPECT_TRUE(state<Starting>());
    EXPECT_TRUE(did<HearOut>());
    apply(Tick{});
    EXPECT_FALSE(did<HearOut>()) << "once is enough";
    is_heard_out();
    ASSERT_TRUE(state<Stopping>());
    EXPECT_EQ(last.failure->what,
              "not ready within 30s; it did not say READY=1; its status: loading");
}

TEST_F(Speaking, IsReadyByAWordThatLayUnreadAtTheDeadline)
{
    start();
    tick();
    says("READY=1");
    is_heard_out();
    EXPECT_TRUE(state<Ready>());
}

TEST_F(Speaking, FailsItsStartAlsoIfNobodyTellsThatAllWasHeard)
{
    start();
    tick();
    EXPECT_EQ(due(), now() + hearing_patience);
    tick();
    EXPECT_TRUE(state<Stopping>());
}

TEST_F(Speaking, MayAskForMoreTimeToStartUpToALimit)
{
    start();
    const MonoTime began = now();
    says("EXTEND_TIMEOUT_USEC=1000000");
    EXPECT_EQ(state<Starting>()->ready_by, began + 30s) << "it gets no less";
    pass(20s);
    says("EXTEND_TIMEOUT_USEC=60000000");
    EXPECT_EQ(state<Starting>()->ready_by, began + 80s);
    says("EXTEND_TIMEOUT_USEC=99999999999999");
    EXPECT_EQ(state<Starting>()->ready_by, began + 10 * 30s);
}

TEST_F(Speaking, MayAskForMoreTimeToStopUpToALimit)
{
    start();
    says("READY=1");
    apply(StopWanted{});
    const MonoTime asked = now();
    pass(5s);
    says("STOPPING=1\nSTATUS=saving\nEXTEND_TIMEOUT_USEC=20000000");
    EXPECT_EQ(state<Stopping>()->escalate_at, asked + 25s);
    says("EXTEND_TIMEOUT_USEC=99999999999999");
    EXPECT_EQ(state<Stopping>()->escalate_at, asked + 10 * 10s);
    EXPECT_EQ(it.said.status, "saving");
    tick();
    EXPECT_TRUE(did<KillTree>());
    says("EXTEND_TIMEOUT_USEC=20000000");
    EXPECT_EQ(due(), now() + kill_patience) << "too late";
}

TEST_F(Speaking, IsUnreadyOnceItSaysThatItStopsUntilItIsReadyAgain)
{
    spec.probes = {probe_named("tcp")};
    start();
    says("READY=1");
    says("STOPPING=1");
    ASSERT_TRUE(state<Unready>());
    EXPECT_EQ(last.reason, "said STOPPING=1");
    next_answer(passes());
    EXPECT_TRUE(state<Unready>()) << "its word counts for more than a probe that still passes";
    says("READY=1");
    EXPECT_TRUE(state<Ready>());
}

TEST_F(Speaking, StaysReadyWhileItReloads)
{
    start();
    says("READY=1");
    says("RELOADING=1\nMONOTONIC_USEC=1");
    EXPECT_TRUE(state<Ready>());
    EXPECT_EQ(it.said.phase, Phase::reloading);
    says("READY=1");
    EXPECT_TRUE(state<Ready>());
    EXPECT_EQ(it.said.phase, Phase::ready);
}

TEST_F(Speaking, IsReadyWhenItsOutputShowsIt)
{
    spec.ready = units::ReadyBy::log;
    spec.ready_line = "up in";
    start();
    EXPECT_EQ(last.reason, "runs; ready once a line of its output matches `up in`");
    says("READY=1");
    EXPECT_TRUE(state<Starting>());
    apply(ShownReady{SpawnId{number(spawn()) - 1}, "wrote \"old\""});
    EXPECT_TRUE(state<Starting>()) << "by an earlier spawn";
    tick();
    EXPECT_TRUE(did<HearOut>());
    apply(ShownReady{spawn(), "wrote \"up in 3 s\""});
    ASSERT_TRUE(state<Ready>());
    EXPECT_EQ(last.reason, "wrote \"up in 3 s\"");
}

TEST_F(Speaking, FailsItsStartIfNoLineOfItsOutputMatches)
{
    spec.ready = units::ReadyBy::log;
    spec.ready_line = "up in";
    start();
    tick();
    is_heard_out();
    ASSERT_TRUE(state<Stopping>());
    EXPECT_EQ(last.failure->what, "not ready within 30s; no line of its output matched `up in`");
}

TEST_F(Speaking, IsReadyWhenItWritesANewlineToItsDescriptor)
{
    spec.ready = units::ReadyBy::descriptor;
    spec.ready_fd = 3;
    start();
    EXPECT_EQ(last.reason, "runs; ready once it writes a newline to descriptor 3");
    apply(ShownReady{spawn(), "wrote \"up\"", units::ReadyBy::log});
    EXPECT_TRUE(state<Starting>()) << "that was awaited before the unit changed";
    apply(ShownReady{spawn(), "wrote a newline", units::ReadyBy::descriptor});
    ASSERT_TRUE(state<Ready>());
    EXPECT_EQ(last.reason, "wrote a newline");
}

TEST_F(Speaking, FailsItsStartIfThereIsNoNewline)
{
    spec.ready = units::ReadyBy::descriptor;
    spec.ready_fd = 3;
    start();
    tick();
    EXPECT_TRUE(did<HearOut>()) << "first what nobody has read yet";
    is_heard_out();
    ASSERT_TRUE(state<Stopping>());
    EXPECT_EQ(last.failure->what, "not ready within 30s; it wrote no newline to descriptor 3");
}

// ---- the watchdog -------------------------------------------------------------------------------

TEST_F(Speaking, MayBeSilentForNoLongerThanItsWatchdog)
{
    watched(10s);
    EXPECT_EQ(due(), now() + 10s);
    for (int i = 0; i < 5; ++i) {
        pass(9s);
        says("WATCHDOG=1");
        EXPECT_EQ(due(), now() + 10s);
    }
    tick();
    EXPECT_TRUE(state<Ready>());
    EXPECT_TRUE(did<HearOut>());
    is_heard_out();
    ASSERT_TRUE(state<Stopping>());
    EXPECT_EQ(did<Signal>()->signal_number, SIGABRT);
    ASSERT_TRUE(last.failure);
    EXPECT_EQ(last.failure->cause, StartCause::watchdog);
    EXPECT_EQ(last.failure->what, "watchdog: no WATCHDOG=1 for 10s");
    EXPECT_EQ(last.failure->detection, 10s);
    EXPECT_EQ(due(), now() + 10s) << "of stop.timeout";
    tick();
    EXPECT_TRUE(did<KillTree>());
    EXPECT_THAT(last.reason, HasSubstr("of SIGABRT"));
}

TEST_F(Speaking, IsSparedByASignOfLifeThatLayUnread)
{
    watched(10s);
    tick();
    says("WATCHDOG=1");
    is_heard_out();
    EXPECT_TRUE(state<Ready>());
    EXPECT_EQ(due(), now() + 10s);
}

TEST_F(Speaking, IsWatchedFromItsFirstSignOfLifeWhileItStarts)
{
    spec.watchdog = 5s;
    start();
    EXPECT_EQ(due(), now() + 30s);
    says("WATCHDOG=1");
    EXPECT_EQ(due(), now() + 5s);
    tick();
    is_heard_out();
    EXPECT_EQ(last.failure->cause, StartCause::watchdog);
}

TEST_F(Speaking, MaySetItsIntervalButNotWishItAway)
{
    watched(10s);
    says("WATCHDOG_USEC=60000000");
    EXPECT_EQ(due(), now() + 60s);
    says("WATCHDOG_USEC=0");
    EXPECT_EQ(due(), now() + 60s);
    exits(exit_code(1));
    apply(Spawned{spawn()});
    says("READY=1");
    EXPECT_EQ(due(), now() + 10s) << "the next spawn begins with the unit's own";
}

TEST_F(Speaking, GetsNoWatchdogThatItsUnitDoesNotHave)
{
    start();
    says("READY=1\nWATCHDOG=1\nWATCHDOG_USEC=1000000");
    EXPECT_FALSE(due());
}

TEST_F(Speaking, IsReplacedAtOnceIfItFindsItselfBroken)
{
    start();
    says("READY=1");
    says("WATCHDOG=trigger");
    ASSERT_TRUE(state<Stopping>());
    EXPECT_EQ(did<Signal>()->signal_number, SIGABRT);
    EXPECT_EQ(last.failure->what, "watchdog: it said WATCHDOG=trigger");
}

TEST_F(Speaking, HasItsWholeIntervalAgainUnderANewEngine)
{
    watched(10s);
    pass(9s);
    apply(Adopted{spawn()});
    EXPECT_EQ(due(), now() + 10s);
    tick();
    apply(Adopted{spawn()});
    EXPECT_EQ(due(), now() + 10s) << "what the last engine was about to hear out is begun anew";
}

TEST_F(Speaking, IsNotEndedForSilenceWhileAPersonHoldsItAsItIs)
{
    watched(10s);
    in.hands = Inputs::Hands::off;
    tick();
    EXPECT_TRUE(state<Ready>());
    EXPECT_TRUE(last.actions.empty());
    says("WATCHDOG=trigger");
    EXPECT_TRUE(state<Ready>());
    in.hands = Inputs::Hands::on;
    pass(8s);
    apply(HandedBack{});
    EXPECT_EQ(due(), now() + 10s);
}

TEST_F(Speaking, IsNotAwaitedAnyMoreOnceItStops)
{
    watched(10s);
    spec.stop.timeout = 60s;
    apply(StopWanted{});
    EXPECT_EQ(due(), now() + 60s);
    says("WATCHDOG=1");
    EXPECT_EQ(due(), now() + 60s);
}

} // namespace
} // namespace keel::core
