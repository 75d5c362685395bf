#include "core/storm_brake.hpp"

#include <gtest/gtest.h>

namespace keel::core {
namespace {

using namespace std::chrono_literals;
constexpr MonoTime t0{1000s};

TEST(StormBrake, HoldsBurstTokensAndThenStartsPerSecond)
{
    StormBrake brake({10, 3});
    EXPECT_EQ(brake.tokens(t0), 3U);
    brake.take(3, t0);
    EXPECT_EQ(brake.tokens(t0), 0U);
    EXPECT_EQ(brake.next_token_at(t0), t0 + 100ms);
    EXPECT_EQ(brake.tokens(t0 + 99ms), 0U);
    EXPECT_EQ(brake.tokens(t0 + 100ms), 1U);
    EXPECT_EQ(brake.tokens(t0 + 1h), 3U);
}

TEST(StormBrake, HasItsNextTokenAtTheMomentItNames)
{
    for (const std::uint32_t rate : {1U, 3U, 7U, 50U, 333U, 1000U}) {
        StormBrake brake({rate, 1});
        MonoTime now = t0;
        for (int i = 0; i < 1000; ++i) {
            ASSERT_EQ(brake.tokens(now), 1U) << rate << " per second, " << i;
            brake.take(1, now);
            ASSERT_EQ(brake.tokens(now), 0U);
            now = brake.next_token_at(now);
        }
        EXPECT_LE(now - t0, Duration{1000s} / rate + 1ms);
    }
}

TEST(StormBrake, NeverGivesMoreThanRateTimesTimePlusBurst)
{
    StormBrake brake({7, 5});
    std::uint32_t taken = 0;
    for (MonoTime now = t0; now < t0 + 60s; now += 13ms) {
        const auto there = brake.tokens(now);
        brake.take(there, now);
        taken += there;
    }
    EXPECT_LE(taken, 5U + 60U * 7U);
    EXPECT_GE(taken, 60U * 7U);
}

TEST(StormBrake, OfRateZeroIsOff)
{
    StormBrake brake({0, 0});
    brake.take(1'000'000, t0);
    EXPECT_GT(brake.tokens(t0), 1'000'000U);
    EXPECT_EQ(brake.next_token_at(t0), t0);
}

TEST(StormBrake, IsNotRefilledByAClockThatSeemsToGoBack)
{
    StormBrake brake({10, 3});
    brake.take(3, t0);
    EXPECT_EQ(brake.tokens(t0 - 1h), 0U);
    brake.take(1, t0 - 1h);
    EXPECT_EQ(brake.tokens(t0 + 100ms), 1U);
}

} // namespace
} // namespace keel::core
