#include "core/health.hpp"
#include "machines.hpp"

#include <gtest/gtest.h>

namespace keel::core {
namespace {

constexpr MonoTime t0{1000s};

struct Health : testing::Test {
    units::ProbeSpec spec = probe_named("tcp");
    ProbeHealth health;

    HealthChange sees(const ProbeAnswer& answer) { return observe(spec, health, answer, t0); }
};

TEST_F(Health, RisesAfterAsManyPassesInARowAsSuccessesSays)
{
    spec.successes = 3;
    EXPECT_EQ(sees(passes()), HealthChange::pending);
    EXPECT_EQ(sees(passes()), HealthChange::pending);
    EXPECT_FALSE(is_passing(spec, health));
    EXPECT_EQ(sees(passes()), HealthChange::changed);
    EXPECT_TRUE(is_passing(spec, health));
}

TEST_F(Health, AFailureOnTheWayUpBeginsTheCountAnew)
{
    spec.successes = 2;
    (void)sees(passes());
    (void)sees(fails());
    (void)sees(passes());
    EXPECT_FALSE(is_passing(spec, health));
    (void)sees(passes());
    EXPECT_TRUE(is_passing(spec, health));
}

TEST_F(Health, FallsAfterAsManyFailuresInARowAsFailuresSays)
{
    (void)sees(passes());
    EXPECT_EQ(sees(fails()), HealthChange::pending);
    EXPECT_EQ(sees(fails()), HealthChange::pending);
    EXPECT_TRUE(is_passing(spec, health));
    EXPECT_EQ(sees(fails()), HealthChange::changed);
    EXPECT_FALSE(is_passing(spec, health));
}

TEST_F(Health, APassOnTheWayDownForgivesAllFailures)
{
    (void)sees(passes());
    (void)sees(fails());
    (void)sees(fails());
    EXPECT_EQ(sees(passes()), HealthChange::pending);
    EXPECT_EQ(sees(fails()), HealthChange::pending);
    EXPECT_EQ(sees(fails()), HealthChange::pending);
    EXPECT_TRUE(is_passing(spec, health));
}

TEST_F(Health, AFullSwingTakesFailuresThenSuccesses)
{
    spec.failures = 2;
    spec.successes = 2;
    forgive(spec, health);
    (void)sees(fails());
    EXPECT_EQ(sees(fails()), HealthChange::changed);
    EXPECT_EQ(sees(fails()), HealthChange::unchanged);
    (void)sees(passes());
    EXPECT_EQ(sees(passes()), HealthChange::changed);
    EXPECT_EQ(sees(passes()), HealthChange::unchanged);
}

TEST_F(Health, UnknownMovesNothingInEitherDirection)
{
    (void)sees(passes());
    (void)sees(fails());
    const auto before = health.counter;
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(sees(unknown()), HealthChange::unchanged);
    EXPECT_EQ(health.counter, before);
    EXPECT_EQ(health.unknown_run, 100U);
    (void)sees(fails());
    EXPECT_EQ(health.unknown_run, 0U);
    EXPECT_TRUE(is_passing(spec, health));
}

TEST_F(Health, APassEndsARowOfLivenessFailuresAlsoWhileItStillFailsReadiness)
{
    spec.successes = 3;
    health.liveness_fails = 2;
    (void)sees(passes());
    EXPECT_EQ(health.liveness_fails, 0U);
}

TEST_F(Health, RemembersSinceWhenItHasBeenFailing)
{
    (void)sees(passes());
    (void)observe(spec, health, fails(), t0);
    (void)observe(spec, health, fails(), t0 + 1s);
    EXPECT_EQ(health.failing_since, t0);
    (void)observe(spec, health, passes(), t0 + 2s);
    EXPECT_FALSE(health.failing_since);
}

// ---- the start ramp -----------------------------------------------------------------------------

TEST(StartRamp, IsTenMillisecondsForTwoHundredThenATenthOfTheElapsedTimeUpToTheInterval)
{
    auto probe = probe_named("tcp");
    probe.interval = 5s;
    EXPECT_EQ(startup_pause(probe, 0ms), 10ms);
    EXPECT_EQ(startup_pause(probe, 199ms), 10ms);
    EXPECT_EQ(startup_pause(probe, 200ms), 20ms);
    EXPECT_EQ(startup_pause(probe, 2s), 200ms);
    EXPECT_EQ(startup_pause(probe, 50s), 5s);
    EXPECT_EQ(startup_pause(probe, 500s), 5s);
}

TEST(StartRamp, NeverRunsAnExecProbeFasterThanEveryHundredMilliseconds)
{
    auto probe = probe_named("exec");
    probe.target = units::ExecTarget{};
    EXPECT_EQ(startup_pause(probe, 0ms), 100ms);
    EXPECT_EQ(startup_pause(probe, 999ms), 100ms);
    EXPECT_EQ(startup_pause(probe, 5s), 500ms);
}

TEST(StartRamp, NeverWaitsLongerThanAShortInterval)
{
    auto probe = probe_named("tcp");
    probe.interval = 5ms;
    EXPECT_EQ(startup_pause(probe, 0ms), 5ms);
}

} // namespace
} // namespace keel::core
