// Times as people write them.
#include "cli/since.hpp"

#include <cstdlib>
#include <ctime>
#include <gtest/gtest.h>

namespace keel::cli {
namespace {

using namespace std::chrono_literals;

class Since : public testing::Test {
protected:
    Since()
    {
        ::setenv("TZ", "Europe/Berlin", 1);
        ::tzset();
    }

public:
    Since(const Since&) = delete;
    Since& operator=(const Since&) = delete;
    ~Since() override
    {
        ::setenv("TZ", "UTC", 1);
        ::tzset();
    }

protected:
    static WallTime utc(int hour, int minute, Duration rest = {}, unsigned day = 31)
    {
        const std::chrono::sys_days date = std::chrono::year(2025) / 1 / std::chrono::day(day);
        return WallTime(date.time_since_epoch() + std::chrono::hours(hour) +
                        std::chrono::minutes(minute) + rest);
    }
    const WallTime now = utc(9, 15, 2s); ///< 10:15:02 in Berlin
};

TEST_F(Since, CanBeSoLongAgo)
{
    EXPECT_EQ(parse_since("30m", now), now - 30min);
    EXPECT_EQ(parse_since("1h30m", now), now - 90min);
}

TEST_F(Since, CanBeATimeInUtc)
{
    EXPECT_EQ(parse_since("2025-01-31T08:00:00Z", now), utc(8, 0));
    EXPECT_EQ(parse_since("2025-01-31T08:00:00.250Z", now), utc(8, 0, 250ms));
}

TEST_F(Since, CanBeATimeOfTheLocalZoneAsKeelPrintsIt)
{
    EXPECT_EQ(parse_since("2025-01-31 09:15:02.482", now), utc(8, 15, 2482ms));
    EXPECT_EQ(parse_since("2025-01-31 09:15:02", now), utc(8, 15, 2s));
    EXPECT_EQ(parse_since("2025-01-31T09:15", now), utc(8, 15));
    EXPECT_EQ(parse_since("2025-01-31 09:15", now), utc(8, 15));
    EXPECT_EQ(parse_since("2025-01-31", now), utc(23, 0, {}, 30));
}

TEST_F(Since, CanBeTheLastTimeThatItWasSoLate)
{
    EXPECT_EQ(parse_since("10:15", now), utc(9, 15));
    EXPECT_EQ(parse_since("10:15:02", now), now);
    EXPECT_EQ(parse_since("09:15:02.482", now), utc(8, 15, 2482ms));
    EXPECT_EQ(parse_since("10:16", now), utc(9, 16, {}, 30)) << "yesterday";
}

TEST_F(Since, RefusesEverythingElse)
{
    for (const char* wrong :
         {"", "yesterday", "30", "10", "25:00", "10:61", "2025-02-31", "2025-13-01",
          "2025-01-31 09:15 ", "2025-01-31 09:15.", "2025-01-31 09:15:02.4829999999",
          "2025-01-31.5", "09:15x", "2025-01-31T09:15:02+01:00"})
        EXPECT_FALSE(parse_since(wrong, now)) << wrong;
}

} // namespace
} // namespace keel::cli
