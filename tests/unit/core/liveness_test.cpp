// What holds a kill for liveness back, for how long, and who is told.
#include "core/views.hpp"
#include "host_bench.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keel::core {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

// ---- how late the loop was ----------------------------------------------------------------------

MonoTime at(Duration since) { return MonoTime{1000s} + since; }

TEST(LateTurns, TellTheWorstSinceAMoment)
{
    LateTurns late;
    EXPECT_EQ(late.worst_since(at(0s)), 0s);
    late.note(at(1s), 3s);
    late.note(at(5s), 1s);
    late.note(at(6s), 2s);
    EXPECT_EQ(late.worst_since(at(0s)), 3s);
    EXPECT_EQ(late.worst_since(at(1s)), 3s);
    EXPECT_EQ(late.worst_since(at(2s)), 2s);
    EXPECT_EQ(late.worst_since(at(6s)), 2s);
    EXPECT_EQ(late.worst_since(at(7s)), 0s);
    late.note(at(8s), 0s);
    EXPECT_EQ(late.worst_since(at(7s)), 0s) << "on time";
}

TEST(LateTurns, AreKeptInBoundsAndNoneIsForgottenForALesserOne)
{
    LateTurns late;
    for (int i = 0; i < 1000; ++i)
        late.note(at(i * 1s), (2000 - i) * 1ms);
    EXPECT_EQ(late.worst_since(at(0s)), 2000ms);
    EXPECT_GE(late.worst_since(at(999s)), 1001ms);
    EXPECT_EQ(late.worst_since(at(1000s)), 0s);
}

// ---- one instance -------------------------------------------------------------------------------

struct Liveness : testing::Test {
    OneInstance i;
    LateTurns late;

    Liveness()
    {
        units::ProbeSpec probe = probe_named("alive");
        probe.role = {false, false, true};
        i.spec.probes = {probe};
        i.in.late_turns = &late;
        i.start();
        fail();
        fail();
    }
    void fail() { i.next_answer(fails()); }
    [[nodiscard]] const HeldBack* held() const
    {
        const auto& health = i.it.probes.at(0);
        return health.held_back ? &*health.held_back : nullptr;
    }
    /// The next attempt begins, and the loop is late while it is in flight.
    void fail_late(Duration by)
    {
        while (!i.it.probes.at(0).answer_by)
            i.tick();
        i.pass(100ms);
        late.note(i.now(), by);
        i.answers(fails());
    }
};

TEST_F(Liveness, TakesATokenOfTheStormBrakeForTheKill)
{
    fail();
    EXPECT_TRUE(i.state<Stopping>());
    EXPECT_EQ(i.last.tokens, 1U);
    EXPECT_FALSE(i.last.restrained);
}

TEST_F(Liveness, DoesNotKillWhileTheLoopItselfWasLateByMoreThanTheTimeout)
{
    fail_late(501ms);
    EXPECT_TRUE(i.state<Ready>());
    ASSERT_TRUE(held());
    EXPECT_EQ(held()->by, Restraint::late_loop);
    ASSERT_TRUE(i.last.restrained);
    EXPECT_EQ(i.last.restrained->text,
              "alive (keeld itself was late, and may have asked too late): not killed yet, for at "
              "most 1 min");
    EXPECT_EQ(i.last.tokens, 0U);
    fail();
    EXPECT_TRUE(i.state<Stopping>()) << "asked in time, it fails all the same";
}

TEST_F(Liveness, KillsWhereTheLoopWasLateByLessOrBeforeItAsked)
{
    late.note(i.now(), 1h);
    i.pass(1ns);
    fail_late(500ms);
    EXPECT_TRUE(i.state<Stopping>());
}

TEST_F(Liveness, KillsAtMostHalfOfTheInstancesAtOnce)
{
    i.spec.instances = 4;
    i.in.away_for_liveness = 2;
    fail();
    ASSERT_TRUE(held());
    EXPECT_EQ(held()->by, Restraint::others);
    EXPECT_THAT(held()->why, HasSubstr("2 of its 4 instances are being replaced"));
    i.in.away_for_liveness = 1;
    fail();
    EXPECT_TRUE(i.state<Stopping>());
}

TEST_F(Liveness, KillsOneAtATimeWhereHalfOfThemIsNone)
{
    i.spec.instances = 1;
    i.in.away_for_liveness = 0;
    fail();
    EXPECT_TRUE(i.state<Stopping>());
}

TEST_F(Liveness, DoesNotKillWhileTheStormBrakeHasNoToken)
{
    i.in.brake = Inputs::Brake::on;
    fail();
    ASSERT_TRUE(held());
    EXPECT_EQ(held()->by, Restraint::storm);
    EXPECT_EQ(held()->until, i.now() + 60s);
}

TEST_F(Liveness, KillsAfterAMinuteAtTheLatest)
{
    i.in.brake = Inputs::Brake::on;
    fail();
    const MonoTime until = held()->until;
    while (i.state<Ready>() && i.now() < until)
        i.it.probes.at(0).answer_by ? i.answers(fails()) : i.tick();
    EXPECT_EQ(i.now(), until);
    ASSERT_TRUE(i.state<Stopping>());
    EXPECT_EQ(i.last.failure->cause, StartCause::liveness);
    EXPECT_EQ(i.it.reason, "probe alive: refused; held back for long enough");
}

TEST_F(Liveness, TellsOfARestraintOnceAndOfAnotherOneWithoutMoreTime)
{
    i.in.brake = Inputs::Brake::on;
    fail();
    EXPECT_TRUE(i.last.restrained);
    const MonoTime until = held()->until;
    fail();
    EXPECT_FALSE(i.last.restrained);
    i.spec.instances = 2;
    i.in.away_for_liveness = 1;
    fail();
    EXPECT_TRUE(i.last.restrained);
    EXPECT_EQ(held()->by, Restraint::others);
    EXPECT_EQ(held()->until, until);
}

TEST_F(Liveness, ForgetsTheKillOnceTheProbePasses)
{
    i.in.brake = Inputs::Brake::on;
    fail();
    i.next_answer(passes());
    EXPECT_FALSE(held());
    for (int k = 0; k < 100; ++k)
        i.next_answer(passes());
    EXPECT_TRUE(i.state<Ready>());
}

TEST_F(Liveness, IsNotDecidedByAnUnknownVerdict)
{
    i.in.brake = Inputs::Brake::on;
    fail();
    i.in.brake = Inputs::Brake::open;
    i.next_answer(unknown());
    EXPECT_TRUE(i.state<Ready>());
    EXPECT_TRUE(held()) << "nor forgotten";
}

TEST_F(Liveness, ForgetsTheKillWhileItIsSuspended)
{
    i.in.brake = Inputs::Brake::on;
    fail();
    i.in.dependencies = Inputs::Dependencies::down;
    i.pass(held()->until - i.now());
    i.apply(Tick{});
    EXPECT_TRUE(i.state<Ready>());
    EXPECT_FALSE(held());
}

// ---- a unit -------------------------------------------------------------------------------------

struct LivenessOfMany : testing::Test {
    OneUnit u{4, 1};

    LivenessOfMany()
    {
        units::ProbeSpec probe = probe_named("alive");
        probe.role = {false, false, true};
        probe.failures = 1;
        u.spec.probes = {probe};
        u.start();
        u.pass(2s);
        u.apply(UnitTick{});
    }
    void fail(Slot slot)
    {
        const auto& health = u.instance(slot).probes.at(0);
        if (!health.answer_by) {
            u.pass(2s);
            u.apply(UnitTick{});
        }
        u.apply(slot,
                ProbeAnswered{u.spawn(slot), 0, u.instance(slot).probes.at(0).attempt, fails()});
    }
};

TEST_F(LivenessOfMany, TakesHalfOfThemAndTheNextOnlyWhenOneIsBack)
{
    fail(1);
    fail(2);
    EXPECT_EQ(u.last.brake_tokens, 1U);
    fail(3);
    EXPECT_EQ(u.state(1), "stopping");
    EXPECT_EQ(u.state(2), "stopping");
    EXPECT_EQ(u.state(3), "ready");
    ASSERT_TRUE(u.noted<KillHeldBack>());
    EXPECT_EQ(u.noted<KillHeldBack>()->slot, 3);
    u.exits(1);
    u.apply(1, Spawned{u.spawn(1)});
    ASSERT_EQ(u.state(1), "ready");
    fail(3);
    EXPECT_EQ(u.state(3), "stopping");
    fail(4);
    EXPECT_EQ(u.state(4), "ready");
    EXPECT_EQ(u.noted_times<KillHeldBack>(), 2U);
}

TEST_F(LivenessOfMany, StopsAtTheTokensThatThereAre)
{
    u.in.brake_tokens = 1;
    fail(1);
    u.in.brake_tokens = 0;
    fail(2);
    EXPECT_EQ(u.state(1), "stopping");
    EXPECT_EQ(u.state(2), "ready");
    EXPECT_EQ(u.noted<KillHeldBack>()->restrained.by, Restraint::storm);
}

// ---- between units ------------------------------------------------------------------------------

struct LivenessAndUnits : testing::Test {
    units::UnitSpec backbone = unit_named("backbone");
    units::UnitSpec api = unit_named("api", {"backbone"});

    LivenessAndUnits()
    {
        api.probes = {probe_named("alive")};
        api.ready = units::ReadyBy::probe;
        api.unready_limit = 60s;
        // Down for as long as the test likes.
        backbone.restart.policy = units::RestartWhen::never;
    }
    static void answer(Bench& b, const ProbeAnswer& answer)
    {
        while (!b.instance("api").probes.at(0).answer_by)
            b.tick();
        b.tell("api",
               ProbeAnswered{b.spawn("api"), 0, b.instance("api").probes.at(0).attempt, answer});
    }
    static WhyView why(Bench& b)
    {
        return make_why(
            *b.host, b.id("api"), [](SpawnId) { return std::nullopt; }, {}, b.in.now);
    }
    void begin(Bench& b)
    {
        b.apply(HostBooted{});
        b.runs("backbone");
        b.runs("api");
        answer(b, passes());
        ASSERT_EQ(b.state("api"), "ready");
    }
};

TEST_F(LivenessAndUnits, NothingIsDoneToAUnitWhoseRequirementIsDownAndWhySaysSo)
{
    Bench b({backbone, api});
    begin(b);
    EXPECT_THAT(why(b).now, Not(Contains(HasSubstr("suspended"))));
    b.exits("backbone");
    ASSERT_EQ(b.state("backbone"), "failed");
    EXPECT_THAT(why(b).now, Contains("liveness is suspended: backbone is not ready"));
    const MonoTime began = b.in.now.mono;
    while (b.in.now.mono < began + 10min)
        answer(b, fails());
    EXPECT_EQ(b.state("api"), "unready");
    EXPECT_THAT(why(b).now, Contains("unready_limit does not count: backbone is not ready"));
    EXPECT_THAT(why(b).next, Not(Contains(HasSubstr("is replaced if it is still unready"))));

    b.asks(Verb::start, "backbone");
    b.runs("backbone");
    ASSERT_EQ(b.state("backbone"), "ready");
    EXPECT_THAT(why(b).next, Contains(HasSubstr("is replaced if it is still unready in 1 min")));
    answer(b, fails());
    answer(b, fails());
    EXPECT_EQ(b.state("api"), "unready") << "counted afresh";
    answer(b, fails());
    EXPECT_EQ(b.state("api"), "stopping");
}

TEST_F(LivenessAndUnits, UnreadyForTooLongWithItsRequirementsReadyIsAFailure)
{
    api.probes[0].role.liveness = false;
    Bench b({backbone, api});
    begin(b);
    while (b.state("api") == "ready")
        answer(b, fails());
    ASSERT_EQ(b.state("api"), "unready");
    const MonoTime began = b.in.now.mono;
    while (b.state("api") == "unready" && b.in.now.mono < began + 2min)
        if (b.instance("api").probes.at(0).answer_by)
            answer(b, fails());
        else
            b.tick();
    EXPECT_EQ(b.state("api"), "stopping");
    EXPECT_EQ(b.in.now.mono, began + 60s);
    EXPECT_THAT(b.why("api"), HasSubstr("unready for 1m: probe alive: refused"));
}

TEST_F(LivenessAndUnits, WhyTellsWhatHoldsAKillBackAndUntilWhen)
{
    LateTurns late;
    Bench b({backbone, api});
    b.in.late_turns = &late;
    begin(b);
    answer(b, fails());
    answer(b, fails());
    while (!b.instance("api").probes.at(0).answer_by)
        b.tick();
    late.note(b.in.now.mono, 3s);
    answer(b, fails());
    EXPECT_THAT(why(b).now, Contains("probe alive says that api is dead; it is not killed yet: "
                                     "keeld itself was late, and may have asked too late"));
    EXPECT_THAT(why(b).next,
                Contains("api is killed in 1 min at the latest, unless probe alive passes"));
}

TEST_F(LivenessAndUnits, AKillTakesATokenFromAllUnits)
{
    HostOptions options;
    options.storm = {1, 1};
    units::UnitSpec other = unit_named("other");
    Bench b({backbone, api, other}, options);
    begin(b);
    b.runs("other");
    for (int k = 0; k < 3; ++k)
        answer(b, fails());
    ASSERT_EQ(b.state("api"), "stopping");
    b.exits("other");
    b.runs("other");
    b.exits("other");
    while (b.state("other") == "backoff")
        b.tick();
    EXPECT_EQ(b.state("other"), "blocked") << "that was the only one";
}

} // namespace
} // namespace keel::core
