// The rung `run:NAME`: a hook of keel.toml that runs for the unit as a whole.
#include "core/host.hpp"
#include "machines.hpp"

#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keel::core {
namespace {

using testing::SizeIs;
using units::Rung;

struct RungHookTest : testing::Test {
    OneUnit u;

    RungHookTest()
    {
        u.spec.hooks = {{"page", {{"/bin/page"}, 20s}}, {"mend", {{"/bin/mend"}, 1min}}};
        has_ladder({Rung::restart, Rung(Rung::run, "page"), Rung::retry});
    }
    void has_ladder(std::vector<Rung> ladder) { u.spec.escalation.ladder = std::move(ladder); }
    void spend()
    {
        for (int k = 0; k < 5; ++k)
            u.crash();
    }
    /// Up to the rung that runs the hook.
    void climb()
    {
        u.start();
        for (int k = 0; k < 4; ++k)
            u.crash();
        u.exits();
    }
    void come_back()
    {
        while (u.state() == "backoff")
            u.tick();
        u.apply(1, Spawned{u.spawn(1)});
    }
    const RungHook& hook() { return u.it.rung_hook.value(); }
    void hook_exits(ExitStatus status, TreeState tree = TreeState::empty)
    {
        u.apply(whole_unit, ProcessExited{hook().spawn, status, tree});
    }
    const RunRungHook* begun()
    {
        for (const UnitAction& action : u.last.actions)
            if (const auto* run = std::get_if<RunRungHook>(&action.action))
                return action.slot == whole_unit ? run : nullptr;
        return nullptr;
    }
    std::vector<ActionTaken> tried(std::string_view what)
    {
        std::vector<ActionTaken> found;
        for (const ActionTaken& action : u.outage()->actions)
            if (action.action == what) found.push_back(action);
        return found;
    }
};

TEST_F(RungHookTest, RunsOnceWithTheReasonWhenTheUnitClimbsToIt)
{
    climb();
    EXPECT_EQ(u.it.rung, 1);
    const auto* run = begun();
    ASSERT_TRUE(run);
    EXPECT_EQ(run->hook, "page");
    EXPECT_EQ(run->why, "5 failures within 10m, the last one: exit 1");
    EXPECT_EQ(run->spawn, hook().spawn);
    EXPECT_EQ(u.last.spawns, 1U) << "its id is its own";
    EXPECT_EQ(u.state(), "backoff") << "the unit goes on meanwhile";
    ASSERT_TRUE(u.noted<Climbed>());
    EXPECT_EQ(to_text(u.noted<Climbed>()->to), "run:page");
}

TEST_F(RungHookTest, NothingClimbsWhileItRuns)
{
    climb();
    come_back();
    spend();
    spend();
    EXPECT_EQ(u.it.rung, 1);
    EXPECT_EQ(u.noted_times<Climbed>(), 1U);
}

TEST_F(RungHookTest, AllBudgetsStartAnewWhenItIsDone)
{
    climb();
    come_back();
    u.exits();
    EXPECT_THAT(u.instance(1).history.charged, SizeIs(1));
    hook_exits(exit_code(0));
    EXPECT_FALSE(u.it.rung_hook);
    EXPECT_TRUE(u.instance(1).history.charged.empty());
    EXPECT_EQ(u.it.rung, 1);
    EXPECT_EQ(u.did<Acknowledge>(), 1U);
    ASSERT_TRUE(u.noted<RungHookEnded>());
    EXPECT_EQ(u.noted<RungHookEnded>()->result, HookResult::done);
    EXPECT_EQ(u.noted<RungHookEnded>()->what, "exit 0");
    come_back();
    spend();
    EXPECT_EQ(u.it.rung, 2) << "the next rung has to be earned";
    EXPECT_EQ(u.noted_times<RungHookEnded>(), 1U) << "and it is not run a second time";
}

TEST_F(RungHookTest, ThatFailsMakesTheUnitClimbAtOnce)
{
    climb();
    hook_exits(exit_code(3));
    EXPECT_EQ(u.it.rung, 2);
    EXPECT_EQ(u.noted<Climbed>()->reason, "hook page: exit 3");
    EXPECT_EQ(u.noted<RungHookEnded>()->result, HookResult::failed);
}

TEST_F(RungHookTest, ThatFailsToStartMakesTheUnitClimbToTheNextHook)
{
    has_ladder({Rung::restart, Rung(Rung::run, "page"), Rung(Rung::run, "mend"), Rung::give_up});
    climb();
    u.apply(whole_unit, SpawnFailed{hook().spawn, SetupStage::exec, ENOENT});
    EXPECT_EQ(u.it.rung, 2);
    ASSERT_TRUE(begun());
    EXPECT_EQ(begun()->hook, "mend");
    EXPECT_EQ(begun()->why, "hook page: exec: No such file or directory");
    hook_exits(by_signal(SIGSEGV));
    EXPECT_EQ(u.it.rung, 3);
    EXPECT_EQ(u.state(), "failed") << "given up";
}

TEST_F(RungHookTest, AsTheLastRungTheUnitGoesOnAsWithRetry)
{
    has_ladder({Rung::restart, Rung(Rung::run, "page")});
    climb();
    EXPECT_EQ(delay_cap(u.spec, u.it), u.spec.escalation.retry_every);
    hook_exits(exit_code(3));
    EXPECT_EQ(u.it.rung, 1);
    spend();
    spend();
    EXPECT_EQ(u.it.rung, 1);
    EXPECT_EQ(u.state(), "ready") << "it is started again and again";
    has_ladder({Rung::restart, Rung(Rung::run, "page"), Rung::retry});
    EXPECT_EQ(delay_cap(u.spec, u.it), u.spec.restart.delay_max);
}

TEST_F(RungHookTest, ThatTakesTooLongIsKilledAsAWholeAndHasFailed)
{
    climb();
    EXPECT_EQ(hook().due, u.now() + 20s);
    u.pass(20s);
    u.apply(UnitTick{});
    EXPECT_EQ(u.did<KillTree>(), 1U);
    ASSERT_TRUE(u.it.rung_hook);
    EXPECT_EQ(u.it.rung, 1) << "not before it is gone";
    u.pass(2s);
    u.apply(UnitTick{});
    EXPECT_EQ(u.did<KillTree>(), 1U) << "again";
    hook_exits(by_signal(SIGKILL));
    EXPECT_EQ(u.it.rung, 2);
    EXPECT_EQ(u.noted<Climbed>()->reason, "hook page: not over within 20s");
}

TEST_F(RungHookTest, IsOverOnlyWhenNothingOfItLives)
{
    climb();
    const SpawnId spawn = hook().spawn;
    hook_exits(exit_code(0), TreeState::alive);
    EXPECT_EQ(u.did<KillTree>(), 1U);
    ASSERT_TRUE(u.it.rung_hook);
    u.apply(whole_unit, TreeEmptied{spawn});
    EXPECT_FALSE(u.it.rung_hook);
    EXPECT_EQ(u.noted<RungHookEnded>()->result, HookResult::done);
}

TEST_F(RungHookTest, WhoseEndNobodySawRunsAgainAndIsNotTakenForDone)
{
    climb();
    const SpawnId first = hook().spawn;
    hook_exits({ExitStatus::Kind::unknown, 0, false}, TreeState::alive);
    u.apply(whole_unit, TreeEmptied{first});
    ASSERT_TRUE(begun());
    EXPECT_NE(hook().spawn, first);
    EXPECT_EQ(u.it.rung, 1);
    EXPECT_EQ(begun()->why, "5 failures within 10m, the last one: exit 1");
    hook_exits(exit_code(0));
    EXPECT_EQ(u.noted<RungHookEnded>()->result, HookResult::done);
}

TEST_F(RungHookTest, WaitsWhileKeeldHasNothingLeftForItAndFailsOnlyAfterItsWholeTime)
{
    climb();
    const SpawnId first = hook().spawn;
    u.apply(whole_unit, SpawnFailed{first, SetupStage::descriptors, EMFILE});
    EXPECT_EQ(u.it.rung, 1);
    u.pass(1s);
    u.apply(UnitTick{});
    ASSERT_TRUE(begun());
    EXPECT_NE(hook().spawn, first);
    u.pass(20s);
    u.apply(whole_unit, SpawnFailed{hook().spawn, SetupStage::descriptors, EMFILE});
    EXPECT_EQ(u.it.rung, 2);
}

TEST_F(RungHookTest, IsNothingMoreThanToldOfOnceAPersonHasStartedTheUnit)
{
    climb();
    come_back();
    u.asks(Verb::start);
    EXPECT_EQ(u.it.rung, 0);
    ASSERT_TRUE(u.it.rung_hook) << "it goes on";
    hook_exits(exit_code(3));
    EXPECT_EQ(u.it.rung, 0);
    EXPECT_EQ(u.noted_times<RungHookEnded>(), 1U);
}

TEST_F(RungHookTest, DoesNotBringBackWhatAPersonHasStopped)
{
    climb();
    u.asks(Verb::stop);
    hook_exits(exit_code(3));
    EXPECT_EQ(u.it.rung, 1);
    EXPECT_EQ(u.state(), "stopped");
    EXPECT_FALSE(u.it.rung_hook);
}

TEST_F(RungHookTest, HasItsResultInTheOutageAndNoStartsResultIsTakenForIt)
{
    climb();
    ASSERT_TRUE(u.outage());
    ASSERT_THAT(tried("run:page"), SizeIs(1));
    EXPECT_EQ(tried("run:page")[0].result, "");
    come_back();
    EXPECT_EQ(tried("run:page")[0].result, "");
    hook_exits(exit_code(3));
    EXPECT_EQ(tried("run:page")[0].result, "exit 3");
}

TEST_F(RungHookTest, ThatANewEngineFindsHasItsTimeAnew)
{
    climb();
    u.pass(15s);
    u.apply(whole_unit, Adopted{hook().spawn});
    EXPECT_EQ(hook().due, u.now() + 20s);
    u.pass(20s);
    u.apply(UnitTick{});
    u.apply(whole_unit, Adopted{hook().spawn});
    EXPECT_EQ(u.did<KillTree>(), 1U) << "one that was being killed is killed once more";
}

TEST_F(RungHookTest, IsAskedToEndWhenTheUnitLeavesAndKilledIfItDoesNot)
{
    climb();
    u.apply(LeaveWanted{});
    EXPECT_EQ(u.did<Signal>(), 1U);
    EXPECT_TRUE(has_spawn(u.it)) << "the unit is not gone before it";
    u.pass(u.spec.stop.timeout);
    u.apply(UnitTick{});
    EXPECT_EQ(u.did<KillTree>(), 1U);
    hook_exits(by_signal(SIGKILL));
    EXPECT_FALSE(has_spawn(u.it));
    EXPECT_EQ(u.noted<RungHookEnded>()->result, HookResult::broken_off);
    EXPECT_EQ(u.it.rung, 1);
}

TEST_F(RungHookTest, OldNewsOfItChangeNothing)
{
    climb();
    const SpawnId spawn = hook().spawn;
    u.apply(whole_unit, ProcessExited{SpawnId{1}, exit_code(0), TreeState::empty});
    EXPECT_TRUE(u.it.rung_hook);
    EXPECT_EQ(u.did<Acknowledge>(), 1U);
    u.apply(whole_unit, TreeEmptied{spawn});
    EXPECT_TRUE(u.it.rung_hook) << "it was not being ended";
    hook_exits(exit_code(0));
    u.apply(whole_unit, ProcessExited{spawn, exit_code(3), TreeState::empty});
    EXPECT_EQ(u.it.rung, 1);
}

TEST_F(RungHookTest, KeeldDoesNotEndBeforeIt)
{
    Host host({u.spec}, {});
    HostInputs in{u.in.now, 0};
    const auto tell = [&](Slot slot, const InstanceEvent& event) {
        return host.step(ForUnit{UnitId{0}, ForInstance{slot, event}}, in);
    };
    (void)host.step(HostBooted{}, in);
    for (int k = 0; k < 5; ++k) {
        const SpawnId its = spawn_of(host.unit(UnitId{0}).instances[0].state).value();
        (void)tell(1, Spawned{its});
        (void)tell(1, ProcessExited{its, exit_code(1), TreeState::empty});
        const auto& state = host.unit(UnitId{0}).instances[0].state;
        if (k == 4 || !std::holds_alternative<Backoff>(state)) continue;
        in.now.mono += 1min;
        (void)host.step(HostTick{}, in);
    }
    ASSERT_TRUE(host.unit(UnitId{0}).rung_hook);
    const SpawnId spawn = host.unit(UnitId{0}).rung_hook->spawn;
    auto step = host.step(ShutdownWanted{"test", 0}, in);
    EXPECT_FALSE(step.exit_code);
    step = tell(whole_unit, ProcessExited{spawn, by_signal(SIGTERM), TreeState::empty});
    EXPECT_EQ(step.exit_code, 0);
}

} // namespace
} // namespace keel::core
