#include "machines.hpp"

#include <gtest/gtest.h>

namespace keel::core {
namespace {

// ---- from rest to ready -------------------------------------------------------------------------

TEST(InstanceStart, SpawnsAtOnceAndIsReadyAsSoonAsTheProgramRuns)
{
    OneInstance i;
    i.apply(LaunchWanted{});
    ASSERT_TRUE(i.state<Starting>());
    ASSERT_TRUE(i.did<Spawn>());
    EXPECT_EQ(i.did<Spawn>()->spawn, SpawnId{1});
    EXPECT_EQ(i.did<Spawn>()->cause, StartCause::wanted);
    EXPECT_EQ(i.due(), i.now() + 30s);
    i.apply(Spawned{SpawnId{1}});
    EXPECT_TRUE(i.state<Ready>());
    EXPECT_EQ(i.it.restarts, 0U);
    EXPECT_FALSE(i.due());
}

TEST(InstanceStart, RemembersWhenItsLastStartBeganAndWasFirstReady)
{
    OneInstance i;
    EXPECT_FALSE(i.it.last_start.began);
    i.apply(LaunchWanted{});
    const WallTime began = i.in.now.wall;
    EXPECT_EQ(i.it.last_start.began, began);
    EXPECT_FALSE(i.it.last_start.ready);
    i.pass(3s);
    i.apply(Spawned{SpawnId{1}});
    EXPECT_EQ(i.it.last_start.ready, began + 3s);
    i.pass(1h);
    i.exits(exit_code(1));
    EXPECT_EQ(i.it.last_start.began, began + 3s + 1h) << "a new start";
    EXPECT_FALSE(i.it.last_start.ready);
}

TEST(InstanceStart, OfAOneshotWasReadyWhenItHadCompleted)
{
    OneInstance i;
    i.spec.type = units::UnitType::oneshot;
    i.spec.restart.policy = units::RestartWhen::on_failure;
    i.start();
    i.pass(5s);
    i.exits(exit_code(0));
    ASSERT_TRUE(i.state<Done>());
    EXPECT_EQ(*i.it.last_start.ready - *i.it.last_start.began, 5s);
}

TEST(InstanceStart, GivesAReasonForEveryStep)
{
    OneInstance i;
    EXPECT_FALSE(i.apply(Tick{}).reason.empty());
    EXPECT_FALSE(i.apply(LaunchWanted{}).reason.empty());
    EXPECT_FALSE(i.apply(Tick{}).reason.empty());
    EXPECT_FALSE(i.apply(ProcessExited{SpawnId{77}, exit_code(0), {}}).reason.empty());
}

TEST(InstanceStart, IsBlockedOnTheNamedThingAndStartsWhenThatIsGone)
{
    OneInstance i;
    i.in.gate = BlockedOn{BlockedOn::Kind::dependency, "backbone"};
    i.apply(LaunchWanted{});
    ASSERT_TRUE(i.state<Blocked>());
    EXPECT_EQ(i.last.reason, "blocked on backbone");
    EXPECT_FALSE(i.did<Spawn>());

    i.apply(GateChanged{});
    EXPECT_TRUE(i.state<Blocked>());
    i.in.gate = BlockedOn{BlockedOn::Kind::dependency, "database"};
    i.apply(GateChanged{});
    EXPECT_EQ(i.last.reason, "blocked on database");
    i.in.gate.reset();
    i.apply(GateChanged{});
    EXPECT_TRUE(i.state<Starting>());
    EXPECT_EQ(i.it.history.charged.size(), 0U);
}

TEST(InstanceStart, KeepsItsBlockedSinceWhileNothingChanges)
{
    OneInstance i;
    i.it.history.in_a_row = 5;
    i.it.state = Backoff{i.now(), StartCause::exit};
    i.in.brake = Inputs::Brake::on;
    i.apply(Tick{});
    ASSERT_TRUE(i.state<Blocked>());
    const Now since = i.it.since;
    i.pass(10s);
    i.apply(GateChanged{});
    EXPECT_EQ(i.it.since.mono, since.mono);
}

TEST(InstanceStart, StaysReadyWhenItsRequirementGoesAway)
{
    OneInstance i;
    i.start();
    i.in.gate = BlockedOn{BlockedOn::Kind::dependency, "backbone"};
    i.in.dependencies = Inputs::Dependencies::down;
    i.apply(GateChanged{});
    EXPECT_TRUE(i.state<Ready>());
    EXPECT_TRUE(i.last.actions.empty());
}

TEST(InstanceStart, SpawnedTwiceChangesNothingTheSecondTime)
{
    OneInstance i;
    i.spec.ready = units::ReadyBy::probe;
    i.spec.probes = {probe_named("tcp")};
    i.start();
    EXPECT_EQ(i.count<RunProbe>(), 1U);
    i.apply(Spawned{i.spawn()});
    EXPECT_EQ(i.count<RunProbe>(), 0U);
}

// ---- the start deadline -------------------------------------------------------------------------

struct SlowStart : testing::Test {
    OneInstance i;
    SlowStart()
    {
        i.spec.ready = units::ReadyBy::probe;
        i.spec.probes = {probe_named("tcp")};
        i.start();
    }
    void answer_until(MonoTime end, const ProbeAnswer& answer)
    {
        while (i.state<Starting>() && i.now() < end) {
            i.answers(answer);
            while (i.state<Starting>() && !i.it.probes[0].answer_by)
                i.tick();
        }
    }
};

TEST_F(SlowStart, FailsTheStartAtTheDeadlineAndSaysWhatTheProbeSaid)
{
    const MonoTime began = i.now();
    answer_until(began + 60s, fails());
    ASSERT_TRUE(i.state<Stopping>());
    EXPECT_EQ(i.now(), began + 30s);
    EXPECT_EQ(i.it.reason, "not ready within 30s; probe tcp: refused");
    ASSERT_TRUE(i.last.failure);
    EXPECT_EQ(i.last.failure->cause, StartCause::start_timeout);
    EXPECT_TRUE(i.did<Signal>());
}

TEST_F(SlowStart, IsExtendedWhileTheVerdictIsUnknownButAtMostToTwice)
{
    const MonoTime began = i.now();
    answer_until(began + 200s, unknown());
    ASSERT_TRUE(i.state<Stopping>());
    EXPECT_GE(i.now(), began + 60s);
    EXPECT_LE(i.now(), began + 61s);
}

TEST_F(SlowStart, EndsItsExtensionWithTheFirstFail)
{
    const MonoTime began = i.now();
    answer_until(began + 40s, unknown());
    ASSERT_TRUE(i.state<Starting>());
    i.answers(fails());
    EXPECT_TRUE(i.state<Stopping>());
}

TEST_F(SlowStart, IsExtendedByAnUnknownOnlyOfAProbeThatIsStillMissing)
{
    OneInstance two;
    two.spec.ready = units::ReadyBy::probe;
    two.spec.probes = {probe_named("a"), probe_named("b")};
    two.start();
    two.answers(passes(), 0);
    two.next_answer(unknown(), 0);
    const MonoTime began = std::get<Starting>(two.it.state).since;
    while (two.state<Starting>() && two.now() < began + 100s)
        if (two.it.probes[1].answer_by)
            two.answers(fails(), 1);
        else if (two.it.probes[0].answer_by)
            two.answers(unknown(), 0);
        else
            two.tick();
    EXPECT_EQ(two.now(), began + 30s);
}

TEST_F(SlowStart, IsNotFailedBeforeTheDeadlineHoweverOftenItTicks)
{
    for (int tick = 0; tick < 100; ++tick)
        i.apply(Tick{});
    EXPECT_TRUE(i.state<Starting>());
}

TEST_F(SlowStart, CountsAnAnswerThatNeverCameAsUnknown)
{
    const auto due = i.due();
    ASSERT_TRUE(due);
    EXPECT_EQ(*due, i.now() + 500ms + answer_slack);
    i.tick();
    EXPECT_EQ(i.it.probes[0].last->verdict, Verdict::unknown);
    EXPECT_TRUE(i.state<Starting>());
}

// ---- adoption -----------------------------------------------------------------------------------

TEST(InstanceAdopted, BeginsTheStartDeadlineAnew)
{
    OneInstance i;
    i.spec.ready = units::ReadyBy::probe;
    i.spec.probes = {probe_named("tcp")};
    i.start();
    i.pass(29s);
    i.apply(Adopted{i.spawn()});
    ASSERT_TRUE(i.state<Starting>());
    EXPECT_EQ(i.state<Starting>()->ready_by, i.now() + 30s);
    EXPECT_EQ(i.count<RunProbe>(), 1U);
}

TEST(InstanceAdopted, ReadyGoesOnBeingReadyWithItsReadyTimeAndFreshHealth)
{
    OneInstance i;
    i.spec.probes = {probe_named("tcp")};
    i.start();
    i.pass(100s);
    i.it.probes.clear(); // a new engine knows nothing of them
    i.apply(Adopted{i.spawn()});
    ASSERT_TRUE(i.state<Ready>());
    EXPECT_EQ(i.state<Ready>()->since, i.now() - 100s);
    ASSERT_EQ(i.it.probes.size(), 1U);
    EXPECT_TRUE(is_passing(i.spec.probes[0], i.it.probes[0]));
    EXPECT_GT(i.due(), i.now());
}

TEST(InstanceAdopted, AsksAStoppingProcessAgain)
{
    OneInstance i;
    i.start();
    i.apply(StopWanted{});
    i.pass(9s);
    i.apply(Adopted{i.spawn()});
    EXPECT_TRUE(i.did<Signal>());
    EXPECT_EQ(i.due(), i.now() + 10s);
    i.tick();
    EXPECT_TRUE(i.did<KillTree>());
    i.apply(Adopted{i.spawn()});
    EXPECT_TRUE(i.did<KillTree>());
}

TEST(InstanceAdopted, StartsAgainAtOnceIfTheSpawnWasLostWithTheEngine)
{
    OneInstance i;
    i.apply(LaunchWanted{});
    i.apply(SpawnFailed{i.spawn(), SetupStage::lost, 0});
    ASSERT_TRUE(i.state<Starting>());
    EXPECT_EQ(i.spawn(), SpawnId{2});
    EXPECT_FALSE(i.last.failure);
}

} // namespace
} // namespace keel::core
