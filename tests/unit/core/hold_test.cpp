// Holds: how they begin, what is left alone meanwhile, how they end.
#include "machines.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace keel::core {
namespace {

using units::Rung;

HoldTerms left_running(std::optional<Duration> span = {})
{
    return {span, Held::Process::left_running};
}

class HeldUnit : public OneUnit {
public:
    using OneUnit::OneUnit;

    void holds(HoldTerms terms = {})
    {
        apply(Asked{OperationId{9}, Verb::hold, "ann", "gdb", {}, terms});
    }
    [[nodiscard]] const Held* hold() const { return std::get_if<Held>(&it.wanted); }
    [[nodiscard]] std::size_t did_anything() const
    {
        return did<Spawn>() + did<Signal>() + did<KillTree>();
    }
    [[nodiscard]] std::string result() const
    {
        const auto* ended = noted<OperationEnded>();
        return ended == nullptr ? "" : ended->result.text;
    }
    /// Lives on for so long, and nothing is done to any process.
    void expect_peace(Duration d)
    {
        const MonoTime end = now() + d;
        unsigned ticks = 0;
        while (due() && *due() <= end) {
            tick();
            ASSERT_EQ(did_anything(), 0U);
            ASSERT_LT(++ticks, 1000U) << "a busy loop";
            ASSERT_TRUE(!due() || *due() > now()) << "a busy loop";
        }
        pass(end - now());
    }
};

TEST(Hold, StopsTheUnitAndNamesWhoWhyAndUntilWhen)
{
    HeldUnit u;
    u.start();
    u.holds({30min, Held::Process::stopped});
    ASSERT_TRUE(u.hold());
    EXPECT_EQ(u.hold()->by, "ann");
    EXPECT_EQ(u.hold()->why, "gdb");
    EXPECT_EQ(u.hold()->lasts, Held::Lasts::over_boots);
    EXPECT_EQ(u.hold()->until->mono, u.now() + 30min);
    EXPECT_EQ(u.hold()->until->wall, u.in.now.wall + 30min);
    EXPECT_EQ(u.did<Signal>(), 1U);
    EXPECT_FALSE(u.noted<OperationEnded>());
    u.pass(2s);
    u.exits();
    EXPECT_EQ(u.state(), "stopped");
    EXPECT_EQ(u.status(), UnitStatus::held);
    EXPECT_EQ(u.result(), "held, stopped in 2 s");
    EXPECT_FALSE(u.outage());
}

TEST(Hold, OfAStopLastsForThisBootAndUntilAPersonActs)
{
    HeldUnit u;
    u.start();
    u.asks(Verb::stop);
    ASSERT_TRUE(u.hold());
    EXPECT_EQ(u.hold()->lasts, Held::Lasts::this_boot);
    EXPECT_FALSE(u.hold()->until);
}

TEST(Hold, OverBootsIsNotShortenedByAStop)
{
    HeldUnit u;
    u.start();
    u.holds({30min, Held::Process::left_running});
    u.asks(Verb::stop);
    EXPECT_EQ(u.hold()->lasts, Held::Lasts::over_boots);
    EXPECT_FALSE(u.hold()->until);
    EXPECT_EQ(u.hold()->process, Held::Process::stopped);
    EXPECT_EQ(u.did<Signal>(), 1U);
}

TEST(Hold, EndsByItselfWhenItsTimeIsOver)
{
    HeldUnit u;
    u.start();
    u.holds({30min, Held::Process::stopped});
    u.exits();
    EXPECT_EQ(u.due(), u.now() + 30min);
    u.pass(30min - 1ns);
    u.apply(UnitTick{});
    EXPECT_EQ(u.state(), "stopped");
    u.tick();
    EXPECT_EQ(u.state(), "starting");
    EXPECT_TRUE(is_wanted_up(u.it));
    ASSERT_TRUE(u.noted<HoldEnded>());
    EXPECT_EQ(u.noted<HoldEnded>()->why, "its time is over");
    EXPECT_EQ(u.noted<HoldEnded>()->hold.by, "ann");
}

TEST(Hold, WhoseTimeIsOverBeforeAllHasStoppedAnswersAndStartsAgain)
{
    HeldUnit u;
    u.start();
    u.holds({1s, Held::Process::stopped});
    u.pass(1s);
    u.apply(UnitTick{});
    ASSERT_TRUE(u.noted<OperationEnded>());
    EXPECT_EQ(u.noted<OperationEnded>()->result.outcome, OperationResult::Outcome::failed);
    EXPECT_FALSE(u.it.operation);
    u.exits(1, 0);
    EXPECT_EQ(u.state(), "starting");
}

TEST(Hold, OfAUnitThatNobodyWantedUpGoesBackToThat)
{
    HeldUnit u;
    u.holds({1min, Held::Process::stopped});
    EXPECT_EQ(u.status(), UnitStatus::held);
    u.holds({2min, Held::Process::left_running});
    u.tick();
    EXPECT_TRUE(std::holds_alternative<Down>(u.it.wanted));
    EXPECT_EQ(u.state(), "stopped");
    EXPECT_FALSE(u.due());
}

TEST(Hold, EndsWithAStartARestartOrADependantsWant)
{
    const auto ended_by = [](const UnitEvent& event) {
        HeldUnit u;
        u.start();
        u.holds();
        u.exits();
        u.apply(event);
        EXPECT_EQ(u.state(), "starting");
        return u.noted<HoldEnded>() ? u.noted<HoldEnded>()->why : "";
    };
    EXPECT_EQ(ended_by(Asked{{}, Verb::start, "bob", "", {}}), "start asked for by bob");
    EXPECT_EQ(ended_by(Asked{{}, Verb::restart, "bob", "", {}}), "restart asked for by bob");
    EXPECT_EQ(ended_by(WantedByDependant{"bob", "api"}), "bob wants it up for api");
}

TEST(Hold, IsNotTouchedByABoot)
{
    HeldUnit u;
    u.it.wanted = Held{"ann", "gdb", {}, {}, Held::Process::stopped, Held::Lasts::over_boots};
    u.apply(Booted{});
    EXPECT_EQ(u.status(), UnitStatus::held);
    EXPECT_EQ(u.state(), "stopped");
}

// ---- with the process left running --------------------------------------------------------------

TEST(HoldRunning, SendsNothingAndIsDoneAtOnce)
{
    HeldUnit u;
    u.start();
    u.holds(left_running());
    EXPECT_EQ(u.did_anything(), 0U);
    EXPECT_EQ(u.state(), "ready");
    EXPECT_EQ(u.status(), UnitStatus::held);
    EXPECT_EQ(u.result(), "held, its process left running");
    EXPECT_FALSE(u.it.operation);
}

TEST(HoldRunning, BlocksWhateverWouldStart)
{
    HeldUnit u(3);
    u.start();
    u.exits(1);
    u.apply(1, Spawned{u.spawn(1)});
    u.exits(2);
    u.apply(2, Spawned{u.spawn(2)});
    u.exits(2);
    ASSERT_EQ(u.state(2), "backoff");
    u.holds(left_running());
    u.expect_peace(1h);
    u.exits(3, 134);
    EXPECT_EQ(u.did_anything(), 0U);
    EXPECT_EQ(u.state(2), "blocked");
    EXPECT_EQ(u.state(3), "blocked");
    EXPECT_EQ(u.instance(3).reason, "exit 134; blocked by the hold of ann");
    EXPECT_FALSE(u.outage());
    u.expect_peace(24h);
}

TEST(HoldRunning, ChargesNoFailureAndClimbsNoRung)
{
    HeldUnit u;
    u.spec.escalation.failures = 1;
    u.spec.escalation.ladder = {Rung::restart, Rung::give_up};
    u.start();
    u.holds(left_running());
    u.exits();
    EXPECT_EQ(u.it.rung, 0);
    EXPECT_EQ(u.state(), "blocked");
    EXPECT_TRUE(u.instance(1).history.charged.empty());
}

TEST(HoldRunning, LeavesWhatAnExitLeftBehindAlone)
{
    HeldUnit u;
    u.start();
    u.holds(left_running());
    u.apply(1, ProcessExited{u.spawn(1), by_signal(SIGSEGV), TreeState::alive});
    EXPECT_EQ(u.state(), "stopping");
    EXPECT_EQ(u.did_anything(), 0U);
    u.expect_peace(1h);
    u.apply(1, Adopted{u.spawn(1)});
    EXPECT_EQ(u.did_anything(), 0U);
    u.asks(Verb::start);
    EXPECT_EQ(u.did<KillTree>(), 1U);
    u.apply(1, TreeEmptied{u.spawn(1)});
    EXPECT_EQ(u.state(), "starting");
}

TEST(HoldRunning, KillsNothingThatFailsItsProbes)
{
    HeldUnit u;
    u.spec.probes = {probe_named("tcp")};
    u.spec.probes[0].role = {false, true, true};
    u.spec.probes[0].failures = 1;
    u.spec.unready_limit = 1min;
    u.start();
    ASSERT_EQ(u.state(), "ready");
    u.holds(left_running());
    u.tick();
    const auto fail = [&] {
        u.apply(1, ProbeAnswered{u.spawn(1), 0, u.instance(1).probes[0].attempt, fails()});
    };
    fail();
    EXPECT_EQ(u.state(), "unready");
    EXPECT_EQ(u.did_anything(), 0U);
    u.expect_peace(10min);
    // Handed back it has its whole time again.
    u.asks(Verb::start);
    EXPECT_EQ(u.state(), "unready");
    EXPECT_EQ(std::get<Unready>(u.instance(1).state).limit_at, u.now() + 1min);
}

TEST(HoldRunning, PutsTheStartsDeadlineOff)
{
    HeldUnit u;
    u.spec.probes = {probe_named("tcp")};
    u.spec.ready = units::ReadyBy::probe;
    u.spec.start.timeout = 10s;
    u.start();
    u.holds(left_running());
    ASSERT_EQ(u.state(), "starting");
    u.expect_peace(1min);
    EXPECT_EQ(u.state(), "starting");
    u.pass(3s);
    u.asks(Verb::start);
    EXPECT_EQ(std::get<Starting>(u.instance(1).state).ready_by, u.now() + 10s);
}

TEST(HoldRunning, StandsAgainstBindingsAndCompanions)
{
    HeldUnit u;
    u.start();
    u.holds(left_running());
    u.in.gone = "backbone";
    u.in.gate = BlockedOn{BlockedOn::Kind::dependency, "backbone"};
    u.apply(UnitGateChanged{});
    u.apply(CompanionRestarted{"backbone"});
    EXPECT_EQ(u.state(), "ready");
    EXPECT_EQ(u.did_anything(), 0U);
    // What was put off is done when the hold is over.
    u.asks(Verb::start);
    EXPECT_EQ(u.did<Signal>(), 1U);
    u.exits();
    EXPECT_EQ(u.state(), "blocked");
}

TEST(HoldRunning, LetsAStopThatIsUnderWayEscalateNoFurther)
{
    HeldUnit u;
    u.start();
    u.asks(Verb::restart);
    ASSERT_EQ(u.state(), "stopping");
    u.holds(left_running());
    u.expect_peace(1h);
    u.exits();
    EXPECT_EQ(u.state(), "blocked");
}

TEST(HoldRunning, EndsByItselfWithTheProcessStillThere)
{
    HeldUnit u;
    u.start();
    const SpawnId spawn = u.spawn(1);
    u.holds(left_running(30min));
    u.expect_peace(30min - 1ns);
    u.tick();
    EXPECT_EQ(u.did_anything(), 0U);
    EXPECT_EQ(u.spawn(1), spawn);
    EXPECT_EQ(u.status(), UnitStatus::up);
}

TEST(HoldRunning, IsFollowedByANewProcessWhenARestartEndsIt)
{
    HeldUnit u(2);
    u.start();
    u.holds(left_running());
    u.exits(2);
    u.asks(Verb::restart, Slot{1});
    EXPECT_EQ(u.state(1), "stopping");
    EXPECT_EQ(u.state(2), "starting");
    EXPECT_TRUE(is_wanted_up(u.it));
    EXPECT_FALSE(u.it.operation->targets.empty());
}

TEST(HoldRunning, GivesWayToAHoldThatStops)
{
    HeldUnit u;
    u.start();
    u.holds(left_running());
    u.holds();
    EXPECT_EQ(u.did<Signal>(), 1U);
    EXPECT_FALSE(u.noted<HoldEnded>());
}

TEST(HoldRunning, IsNoReasonToOutliveKeeld)
{
    HeldUnit u;
    u.start();
    u.holds(left_running());
    u.in.gate = BlockedOn{BlockedOn::Kind::shutdown, {}};
    u.apply(ShutDown{});
    EXPECT_EQ(u.did<Signal>(), 1U);
    u.tick();
    EXPECT_EQ(u.did<KillTree>(), 1U);
}

} // namespace
} // namespace keel::core
