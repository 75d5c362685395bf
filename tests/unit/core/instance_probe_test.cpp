#include "machines.hpp"

#include <gtest/gtest.h>

namespace keel::core {
namespace {

struct InstanceProbes : testing::Test {
    OneInstance i;
    units::ProbeSpec probe = probe_named("tcp");

    void begin(std::vector<units::ProbeSpec> probes)
    {
        i.spec.probes = std::move(probes);
        i.spec.ready = units::ReadyBy::probe;
        i.start();
    }
    /// A ready instance with one probe.
    void be_ready(const units::ProbeSpec& with)
    {
        begin({with});
        i.answers(passes());
        ASSERT_TRUE(i.state<Ready>());
    }
};

TEST_F(InstanceProbes, AreTriedAtOnceAndReadyNeedsEveryOneThatGatesReadiness)
{
    auto startup = probe_named("startup");
    startup.role = {true, false, false};
    auto liveness = probe_named("liveness");
    liveness.role = {false, false, true};
    begin({probe, startup, liveness});
    EXPECT_EQ(i.count<RunProbe>(), 2U) << "liveness has nothing to say while it starts";
    i.answers(passes(), 0);
    EXPECT_TRUE(i.state<Starting>());
    i.answers(passes(), 1);
    EXPECT_TRUE(i.state<Ready>());
}

TEST_F(InstanceProbes, WaitForTheirDelay)
{
    probe.delay = 3s;
    begin({probe});
    EXPECT_EQ(i.count<RunProbe>(), 0U);
    EXPECT_EQ(i.due(), i.now() + 3s);
    i.tick();
    EXPECT_EQ(i.count<RunProbe>(), 1U);
}

TEST_F(InstanceProbes, HaveTurnsThatAreNotTheEndOfPatience)
{
    begin({probe});
    const MonoTime ready_by = i.now() + i.spec.start.timeout;
    EXPECT_LT(i.due(), ready_by) << "the answer is due first";
    EXPECT_EQ(patience_end_of(i.spec, i.it), ready_by);
    i.answers(passes());
    EXPECT_EQ(patience_end_of(i.spec, i.it), std::nullopt) << "a ready one may stay so";
}

TEST_F(InstanceProbes, NeverHaveTwoAttemptsInFlight)
{
    begin({probe});
    for (int tick = 0; tick < 10; ++tick) {
        i.pass(100ms);
        i.apply(Tick{});
        EXPECT_EQ(i.count<RunProbe>(), 0U);
    }
}

TEST_F(InstanceProbes, AnAttemptInFlightWhenTheInstanceBecomesReadyIsAwaitedNotRepeated)
{
    auto other = probe_named("other");
    other.timeout = 5s;
    begin({probe, other});
    i.answers(passes(), 1);
    while (!i.it.probes[1].answer_by)
        i.tick();
    const auto attempt = i.it.probes[1].attempt;
    i.answers(passes(), 0);
    ASSERT_TRUE(i.state<Ready>());
    i.pass(2s);
    i.apply(Tick{});
    EXPECT_EQ(i.it.probes[1].attempt, attempt);
    i.answers(passes(), 1);
    EXPECT_EQ(i.it.probes[1].attempt, attempt + 1) << "the next one was overdue";
}

TEST_F(InstanceProbes, ALateAnswerOfAnEarlierAttemptIsDropped)
{
    be_ready(probe);
    i.tick();
    const auto attempt = i.it.probes[0].attempt;
    i.tick(); // the answer never came
    EXPECT_EQ(i.it.probes[0].last->verdict, Verdict::unknown);
    i.apply(ProbeAnswered{i.spawn(), 0, attempt, fails()});
    EXPECT_EQ(i.it.probes[0].last->verdict, Verdict::unknown);
    EXPECT_EQ(i.last.reason, "a late answer");
}

TEST_F(InstanceProbes, AnAnswerThatComesTwiceCountsOnce)
{
    probe.failures = 2;
    be_ready(probe);
    i.next_answer(fails());
    i.answers(fails());
    i.answers(fails());
    EXPECT_TRUE(i.state<Ready>());
}

TEST_F(InstanceProbes, AnAnswerForAProbeThatDoesNotExistIsDropped)
{
    be_ready(probe);
    i.apply(ProbeAnswered{i.spawn(), 7, 1, fails()});
    EXPECT_TRUE(i.state<Ready>());
}

TEST_F(InstanceProbes, FollowTheirIntervalFromAttemptToAttempt)
{
    be_ready(probe);
    i.tick();
    const MonoTime began = i.now();
    i.pass(300ms);
    i.answers(passes());
    EXPECT_EQ(i.due(), began + 1s);
}

TEST_F(InstanceProbes, AnAnswerSlowerThanTheIntervalIsFollowedAtOnce)
{
    probe.timeout = 3s;
    be_ready(probe);
    i.tick();
    i.pass(2s);
    i.answers(passes());
    EXPECT_EQ(i.count<RunProbe>(), 1U);
}

TEST_F(InstanceProbes, OfOneUnitAreSpreadOverTheInterval)
{
    auto other = probe_named("other");
    begin({probe, other});
    i.answers(passes(), 0);
    i.answers(passes(), 1);
    EXPECT_NE(i.it.probes[0].next_at, i.it.probes[1].next_at);
    for (const auto& health : i.it.probes) {
        EXPECT_GE(health.next_at, i.now() + 500ms);
        EXPECT_LE(health.next_at, i.now() + 1s);
    }
}

// ---- readiness ----------------------------------------------------------------------------------

TEST_F(InstanceProbes, MakeTheInstanceUnreadyAfterFailuresInARowAndReadyAgainAfterSuccesses)
{
    probe.role.liveness = false;
    probe.successes = 2;
    begin({probe});
    i.answers(passes());
    i.next_answer(passes());
    ASSERT_TRUE(i.state<Ready>());
    for (int k = 0; k < 3; ++k)
        i.next_answer(fails());
    ASSERT_TRUE(i.state<Unready>());
    EXPECT_EQ(i.it.reason, "probe tcp: refused");
    i.next_answer(passes());
    EXPECT_TRUE(i.state<Unready>());
    i.next_answer(passes());
    EXPECT_TRUE(i.state<Ready>());
}

TEST_F(InstanceProbes, UnknownVerdictsNeverCountAgainstTheUnit)
{
    be_ready(probe);
    for (int k = 0; k < 100; ++k)
        i.next_answer(unknown());
    EXPECT_TRUE(i.state<Ready>());
    EXPECT_EQ(i.it.probes[0].unknown_run, 100U);
}

TEST_F(InstanceProbes, StartOnlyProbesAreNotAskedAgainOnceItIsReady)
{
    probe.role = {true, false, false};
    be_ready(probe);
    EXPECT_FALSE(i.due());
}

TEST_F(InstanceProbes, CountersStartAfreshWithEachSpawn)
{
    be_ready(probe);
    i.next_answer(fails());
    i.next_answer(fails());
    i.exits(exit_code(1));
    i.apply(Spawned{i.spawn()});
    i.answers(passes());
    i.next_answer(fails());
    i.next_answer(fails());
    EXPECT_TRUE(i.state<Ready>());
}

// ---- liveness -----------------------------------------------------------------------------------

TEST_F(InstanceProbes, LivenessRestartsAfterFailuresInARow)
{
    be_ready(probe);
    i.next_answer(fails());
    const MonoTime first_sign = i.now();
    i.next_answer(fails());
    EXPECT_FALSE(i.state<Stopping>());
    i.next_answer(fails());
    ASSERT_TRUE(i.state<Stopping>());
    ASSERT_TRUE(i.last.failure);
    EXPECT_EQ(i.last.failure->cause, StartCause::liveness);
    EXPECT_EQ(i.last.failure->detection, i.now() - first_sign);
    EXPECT_TRUE(i.did<Signal>());
}

TEST_F(InstanceProbes, LivenessWithoutReadinessNeverMakesItUnready)
{
    probe.role = {false, false, true};
    i.spec.probes = {probe};
    i.start();
    ASSERT_TRUE(i.state<Ready>());
    i.next_answer(fails());
    i.next_answer(fails());
    EXPECT_TRUE(i.state<Ready>());
    i.next_answer(fails());
    EXPECT_TRUE(i.state<Stopping>());
}

TEST_F(InstanceProbes, LivenessIsSuspendedWhileARequirementIsDownAndCountsAfreshAfterwards)
{
    be_ready(probe);
    i.next_answer(fails());
    i.next_answer(fails());
    i.in.dependencies = Inputs::Dependencies::down;
    for (int k = 0; k < 50; ++k)
        i.next_answer(fails());
    EXPECT_TRUE(i.state<Unready>());
    i.in.dependencies = Inputs::Dependencies::ready;
    i.next_answer(fails());
    i.next_answer(fails());
    EXPECT_TRUE(i.state<Unready>());
    i.next_answer(fails());
    EXPECT_TRUE(i.state<Stopping>());
}

// ---- unready_limit ------------------------------------------------------------------------------

struct UnreadyLimit : InstanceProbes {
    UnreadyLimit()
    {
        probe.role.liveness = false;
        i.spec.unready_limit = 60s;
        be_ready(probe);
        for (int k = 0; k < 3; ++k)
            i.next_answer(fails());
    }
    void fail_for(Duration d)
    {
        const MonoTime end = i.now() + d;
        while (i.state<Unready>() && i.due() <= end)
            if (i.it.probes[0].answer_by)
                i.answers(fails());
            else
                i.tick();
        if (i.state<Unready>()) i.pass(end - i.now());
    }
};

TEST_F(UnreadyLimit, IsOneFailure)
{
    const MonoTime began = i.now();
    fail_for(100s);
    ASSERT_TRUE(i.state<Stopping>());
    EXPECT_EQ(i.now(), began + 60s);
    EXPECT_EQ(i.it.reason, "unready for 1m: probe tcp: refused");
}

TEST_F(UnreadyLimit, CountsOnlyTimeWithTheDependenciesReady)
{
    fail_for(50s);
    i.in.dependencies = Inputs::Dependencies::down;
    i.apply(GateChanged{});
    fail_for(500s);
    EXPECT_TRUE(i.state<Unready>());
    i.in.dependencies = Inputs::Dependencies::ready;
    i.apply(GateChanged{});
    fail_for(59s);
    EXPECT_TRUE(i.state<Unready>());
    fail_for(2s);
    EXPECT_TRUE(i.state<Stopping>());
}

TEST_F(UnreadyLimit, IsNotPutOffByChangesElsewhere)
{
    fail_for(50s);
    i.apply(GateChanged{});
    fail_for(11s);
    EXPECT_TRUE(i.state<Stopping>());
}

} // namespace
} // namespace keel::core
