#include "core/restart_policy.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace keel::core {
namespace {

using namespace std::chrono_literals;
using units::ExitMatch;
using units::RestartWhen;

Ending exited(int code, ReadyTime ready_for = {})
{
    const ExitStatus status{ExitStatus::Kind::code, code, false};
    return {StartCause::exit, status, to_text(status), ready_for};
}
Ending signalled(int number)
{
    const ExitStatus status{ExitStatus::Kind::signal, number, false};
    return {StartCause::signal, status, to_text(status), {}};
}
Ending timed_out() { return {StartCause::start_timeout, {}, "not ready within 30s", {}}; }

units::RestartSpec policy(RestartWhen when)
{
    units::RestartSpec spec;
    spec.policy = when;
    return spec;
}

// ---- the table of PRODUCT section 2 -------------------------------------------------------------

TEST(RestartPolicy, AlwaysRestartsAFailureAndAShortCleanRunAsFailures)
{
    const auto always = policy(RestartWhen::always);
    EXPECT_EQ(judge(always, exited(1)).outcome, Outcome::restart_failed);
    EXPECT_EQ(judge(always, signalled(SIGSEGV)).outcome, Outcome::restart_failed);
    EXPECT_EQ(judge(always, timed_out()).outcome, Outcome::restart_failed);
    EXPECT_EQ(judge(always, exited(0)).outcome, Outcome::restart_failed);
    EXPECT_EQ(judge(always, exited(0, 29'999ms)).outcome, Outcome::restart_failed);
}

TEST(RestartPolicy, AlwaysRestartsACleanExitOfAStableRunWithoutCallingItAFailure)
{
    EXPECT_EQ(judge(policy(RestartWhen::always), exited(0, 30s)).outcome, Outcome::restart_clean);
}

TEST(RestartPolicy, ARunThatWasNeverReadyIsNotStableEvenIfStableAfterIsZero)
{
    auto always = policy(RestartWhen::always);
    always.stable_after = 0s;
    EXPECT_EQ(judge(always, exited(0)).outcome, Outcome::restart_failed);
    EXPECT_EQ(judge(always, exited(0, 0s)).outcome, Outcome::restart_clean);
}

TEST(RestartPolicy, OnFailureIsDoneAfterACleanExitAndRestartsEverythingElse)
{
    const auto on_failure = policy(RestartWhen::on_failure);
    EXPECT_EQ(judge(on_failure, exited(0)).outcome, Outcome::done);
    EXPECT_EQ(judge(on_failure, exited(0, 1h)).outcome, Outcome::done);
    EXPECT_EQ(judge(on_failure, exited(1)).outcome, Outcome::restart_failed);
    EXPECT_EQ(judge(on_failure, signalled(SIGKILL)).outcome, Outcome::restart_failed);
    EXPECT_EQ(judge(on_failure, timed_out()).outcome, Outcome::restart_failed);
}

TEST(RestartPolicy, NeverIsDoneAfterACleanExitAndFailedAfterAnythingElse)
{
    const auto never = policy(RestartWhen::never);
    EXPECT_EQ(judge(never, exited(0)).outcome, Outcome::done);
    EXPECT_EQ(judge(never, exited(1)).outcome, Outcome::failed);
    EXPECT_EQ(judge(never, timed_out()).outcome, Outcome::failed);
    EXPECT_NE(judge(never, exited(1)).reason.find("forbids"), std::string::npos);
}

TEST(RestartPolicy, SuccessExitSaysWhichEndsAreClean)
{
    auto spec = policy(RestartWhen::on_failure);
    spec.success_exit = {{ExitMatch::Kind::code, 3}, {ExitMatch::Kind::signal, SIGTERM}};
    EXPECT_EQ(judge(spec, exited(3)).outcome, Outcome::done);
    EXPECT_EQ(judge(spec, signalled(SIGTERM)).outcome, Outcome::done);
    EXPECT_EQ(judge(spec, exited(SIGTERM)).outcome, Outcome::restart_failed);
    EXPECT_EQ(judge(spec, exited(0)).outcome, Outcome::restart_failed);
}

TEST(RestartPolicy, PreventExitForbidsARestartUnderEveryPolicy)
{
    for (const auto when : {RestartWhen::always, RestartWhen::on_failure, RestartWhen::never}) {
        auto spec = policy(when);
        spec.prevent_exit = {{ExitMatch::Kind::code, 0}, {ExitMatch::Kind::code, 78}};
        EXPECT_EQ(judge(spec, exited(78, 1h)).outcome, Outcome::failed);
        EXPECT_EQ(judge(spec, exited(0, 1h)).outcome, Outcome::done);
    }
}

TEST(RestartPolicy, AnEndThatNobodySawIsAFailureAndMatchesNoList)
{
    auto spec = policy(RestartWhen::on_failure);
    spec.prevent_exit = {{ExitMatch::Kind::code, 0}};
    const Ending lost{StartCause::lost, {ExitStatus::Kind::unknown, 0, false}, "ended unseen", 1h};
    EXPECT_EQ(judge(spec, lost).outcome, Outcome::restart_failed);
}

// ---- backoff ------------------------------------------------------------------------------------

TEST(Backoff, FirstRestartAfterAStableRunWaitsNothing)
{
    const units::RestartSpec spec;
    EXPECT_EQ(backoff_delay(spec, spec.delay_max, 0, 0), 0s);
    EXPECT_EQ(backoff_delay(spec, spec.delay_max, 1, 0.99), 0s);
}

TEST(Backoff, TheKthRestartWaitsDelayTimesFactorToTheKMinusTwoUpToTheCap)
{
    const units::RestartSpec spec;
    const auto wait = [&](std::uint32_t k) { return backoff_delay(spec, 30s, k, 0); };
    EXPECT_EQ(wait(2), 200ms);
    EXPECT_EQ(wait(3), 400ms);
    EXPECT_EQ(wait(4), 800ms);
    EXPECT_EQ(wait(9), 25'600ms);
    EXPECT_EQ(wait(10), 30s);
    EXPECT_EQ(wait(4'000'000'000U), 30s);
}

TEST(Backoff, TheCapOfTheRungCountsNotDelayMax)
{
    const units::RestartSpec spec;
    EXPECT_EQ(backoff_delay(spec, 60s, 40, 0), 60s);
    EXPECT_EQ(backoff_delay(spec, 100ms, 2, 0), 100ms);
}

TEST(Backoff, JitterSpreadsByItsFractionAndNeverPastTheCap)
{
    const units::RestartSpec spec;
    EXPECT_EQ(backoff_delay(spec, 30s, 2, -1.0), 180ms);
    EXPECT_EQ(backoff_delay(spec, 30s, 2, 0.5), 210ms);
    EXPECT_EQ(backoff_delay(spec, 30s, 20, -1.0), 27s);
    EXPECT_EQ(backoff_delay(spec, 30s, 20, 1.0), 30s);
}

TEST(Backoff, ADelayOfZeroStaysZeroHoweverOftenItDoubles)
{
    units::RestartSpec spec;
    spec.delay = 0s;
    EXPECT_EQ(backoff_delay(spec, 30s, 2, 0), 0s);
    EXPECT_EQ(backoff_delay(spec, 30s, 5000, 0), 0s);
}

// ---- budget -------------------------------------------------------------------------------------

constexpr MonoTime t0{1000s};

TEST(Budget, WindowIsRaisedToWhatItTakesToFailThatOftenSlowly)
{
    units::UnitSpec spec; // 5 × (30 s + 10 s + 30 s) = 350 s
    spec.escalation.window = 5min;
    EXPECT_EQ(budget_window(spec), 350s);
    spec.escalation.window = 10min;
    EXPECT_EQ(budget_window(spec), 10min);
}

TEST(Budget, IsSpentByAsManyFailuresWithinTheWindow)
{
    const units::UnitSpec spec;
    RestartHistory history;
    for (int i = 0; i < 4; ++i)
        charge(spec, history, t0 + i * 1s);
    EXPECT_FALSE(is_spent(spec, history, t0 + 4s));
    charge(spec, history, t0 + 4s);
    EXPECT_TRUE(is_spent(spec, history, t0 + 4s));
    EXPECT_TRUE(is_spent(spec, history, t0 + 10min - 1ns));
    EXPECT_FALSE(is_spent(spec, history, t0 + 10min));
    EXPECT_EQ(charged_within(spec, history, t0 + 10min), 4U);
}

TEST(Budget, KeepsNoMoreFailuresThanItAllows)
{
    const units::UnitSpec spec;
    RestartHistory history;
    for (int i = 0; i < 1000; ++i)
        charge(spec, history, t0 + i * 1ms);
    EXPECT_EQ(history.charged.size(), 5U);
    EXPECT_EQ(history.charged.back(), t0 + 999ms);
}

TEST(Budget, OfZeroIsNeverSpent)
{
    units::UnitSpec spec;
    spec.escalation.failures = 0;
    RestartHistory history;
    for (int i = 0; i < 100; ++i)
        charge(spec, history, t0);
    EXPECT_FALSE(is_spent(spec, history, t0));
}

} // namespace
} // namespace keel::core
