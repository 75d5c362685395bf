// A reload: of one process, and as a person's operation.
#include "machines.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace keel::core {
namespace {

// ---- one process --------------------------------------------------------------------------------

struct ProcessReload : testing::Test {
    OneInstance i;

    void says(std::string_view text) { i.apply(Notified{i.spawn(), parse_notice(text)}); }
    void start_by_notify()
    {
        i.spec.ready = units::ReadyBy::notify;
        i.spec.reload.signal = SIGHUP;
        i.start();
        says("READY=1");
        i.apply(ReloadWanted{});
    }
};

TEST_F(ProcessReload, BySignalIsOverOnceItIsSent)
{
    i.spec.reload.signal = SIGHUP;
    i.start();
    i.apply(ReloadWanted{});
    ASSERT_TRUE(i.did<Signal>());
    EXPECT_EQ(i.did<Signal>()->signal_number, SIGHUP);
    EXPECT_TRUE(i.state<Ready>());
    EXPECT_FALSE(is_reloading(i.it));
}

TEST_F(ProcessReload, OfAProgramThatSaysReloadingIsOverAtItsNextReady)
{
    start_by_notify();
    EXPECT_TRUE(is_reloading(i.it));
    says("RELOADING=1\nMONOTONIC_USEC=1");
    EXPECT_EQ(i.due(), i.now() + 30s);
    says("READY=1");
    EXPECT_FALSE(is_reloading(i.it));
    EXPECT_TRUE(i.state<Ready>());
    EXPECT_TRUE(i.last.hook_failed.empty());
}

TEST_F(ProcessReload, OfAProgramThatSaysNothingOfItIsTakenAtItsSignal)
{
    start_by_notify();
    i.tick();
    EXPECT_FALSE(is_reloading(i.it));
    EXPECT_TRUE(i.last.hook_failed.empty());
}

TEST_F(ProcessReload, ThatIsNeverOverFailsAndTheProcessGoesOn)
{
    start_by_notify();
    says("RELOADING=1");
    i.tick();
    EXPECT_EQ(i.last.hook_failed, "reload: no READY=1 within 30s");
    EXPECT_TRUE(i.state<Ready>());
    EXPECT_FALSE(i.last.failure);
}

TEST_F(ProcessReload, ByCommandIsAHookBesideTheProcess)
{
    i.spec.reload.command = {"reload"};
    i.start();
    i.apply(ReloadWanted{});
    ASSERT_TRUE(i.did<RunHook>());
    EXPECT_EQ(i.did<RunHook>()->hook, units::Hook::reload);
    EXPECT_TRUE(is_reloading(i.it));
    i.hook_exits(exit_code(1));
    EXPECT_EQ(i.last.hook_failed, "reload: exit 1");
    EXPECT_TRUE(i.state<Ready>());
    EXPECT_FALSE(is_reloading(i.it));
}

TEST_F(ProcessReload, IsBrokenOffByAStop)
{
    i.spec.reload.command = {"reload"};
    i.spec.stop.pre = {"drain"};
    i.start();
    i.apply(ReloadWanted{});
    i.apply(StopWanted{});
    i.hook_exits(by_signal(SIGTERM));
    ASSERT_TRUE(i.did<RunHook>());
    EXPECT_EQ(i.did<RunHook>()->hook, units::Hook::stop_pre);
}

TEST_F(ProcessReload, WaitsForNoOtherHook)
{
    i.spec.reload.command = {"reload"};
    i.spec.start.post = {"announce"};
    i.start();
    i.apply(ReloadWanted{});
    EXPECT_FALSE(i.did<RunHook>());
    EXPECT_EQ(i.last.hook_failed, "reload: start.post still runs");
}

TEST_F(ProcessReload, HasItsTimeAnewUnderANewEngine)
{
    start_by_notify();
    says("RELOADING=1");
    i.pass(20s);
    i.apply(Adopted{i.spawn()});
    EXPECT_EQ(i.due(), i.now() + 30s);
}

// ---- the operation ------------------------------------------------------------------------------

struct UnitReload : testing::Test {
    OneUnit u{2};

    [[nodiscard]] const OperationResult& result() const
    {
        return u.noted<OperationEnded>()->result;
    }
    void finish(Slot slot, int code)
    {
        const SpawnId hook = u.instance(slot).hook.value().spawn;
        u.apply(slot, ProcessExited{hook, exit_code(code), TreeState::empty});
    }
};

TEST_F(UnitReload, IsDoneOnceAllOfItHasReloaded)
{
    u.spec.reload.command = {"reload"};
    u.start();
    u.asks(Verb::reload);
    EXPECT_EQ(u.did<RunHook>(), 2U);
    finish(1, 0);
    EXPECT_TRUE(u.it.operation);
    finish(2, 0);
    EXPECT_FALSE(u.it.operation);
    EXPECT_EQ(result().outcome, OperationResult::Outcome::done);
    EXPECT_EQ(u.status(), UnitStatus::up);
}

TEST_F(UnitReload, FailsWithTheFirstThatFailsAndStopsNothing)
{
    u.spec.reload.command = {"reload"};
    u.start();
    u.asks(Verb::reload);
    finish(2, 3);
    EXPECT_EQ(result().outcome, OperationResult::Outcome::failed);
    EXPECT_EQ(result().text, "reload: exit 3");
    EXPECT_EQ(u.status(), UnitStatus::up);
}

TEST_F(UnitReload, FailsIfAProcessEndsMeanwhile)
{
    u.spec.reload.command = {"reload"};
    u.start();
    u.asks(Verb::reload);
    u.exits(1);
    EXPECT_EQ(result().outcome, OperationResult::Outcome::failed);
}

TEST_F(UnitReload, BySignalIsDoneAtOnce)
{
    u.spec.reload.signal = SIGHUP;
    u.start();
    u.asks(Verb::reload);
    EXPECT_EQ(u.did<Signal>(), 2U);
    EXPECT_EQ(result().text, "reloaded");
}

TEST_F(UnitReload, IsRefusedWhereNothingSaysHowOrNothingIsInService)
{
    u.start();
    u.asks(Verb::reload);
    EXPECT_NE(result().text.find("no [reload]"), std::string::npos) << result().text;
    u.spec.reload.signal = SIGHUP;
    u.asks(Verb::stop);
    for (Slot slot = 1; slot <= 2; ++slot)
        u.exits(slot, 0);
    u.asks(Verb::reload);
    EXPECT_EQ(result().text, "nothing of it is in service");
    EXPECT_FALSE(is_wanted_up(u.it)) << "it starts nothing";
}

} // namespace
} // namespace keel::core
