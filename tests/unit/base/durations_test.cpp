#include "base/text.hpp"

#include <gtest/gtest.h>
#include <random>

namespace keel {
namespace {

using namespace std::chrono_literals;

TEST(ParseDuration, ReadsEveryUnit)
{
    EXPECT_EQ(parse_duration("250ms"), 250ms);
    EXPECT_EQ(parse_duration("5s"), 5s);
    EXPECT_EQ(parse_duration("2m"), 2min);
    EXPECT_EQ(parse_duration("1h"), 1h);
    EXPECT_EQ(parse_duration("7d"), 7 * 24h);
    EXPECT_EQ(parse_duration("0s"), 0s);
}

TEST(ParseDuration, ReadsFractions)
{
    EXPECT_EQ(parse_duration("1.5s"), 1500ms);
    EXPECT_EQ(parse_duration("0.25h"), 15min);
    EXPECT_EQ(parse_duration("0.000000001s"), 1ns);
    EXPECT_EQ(parse_duration("0.999999999d"), 86'399'999'913'600ns);
}

TEST(ParseDuration, ReadsSeveralUnitsFromLongestToShortest)
{
    EXPECT_EQ(parse_duration("1h30m"), 90min);
    EXPECT_EQ(parse_duration("1d2h3m4s5ms"), 26h + 3min + 4s + 5ms);
    EXPECT_EQ(parse_duration("30m1h"), std::nullopt);
    EXPECT_EQ(parse_duration("5m5m"), std::nullopt);
}

TEST(ParseDuration, RefusesBareNumbersSignsAndBlanks)
{
    for (const char* text : {"", "5", "0", "-5s", "+5s", " 5s", "5s ", "5 s", "s", "5x", "5S",
                             "1.s", ".5s", "1..5s", "1e3s", "5sec", "1h30"})
        EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

TEST(ParseDuration, RefusesMoreThanTenYears)
{
    EXPECT_EQ(parse_duration("3650d"), 3650 * 24h);
    EXPECT_EQ(parse_duration("3650d1ms"), std::nullopt);
    EXPECT_EQ(parse_duration("3651d"), std::nullopt);
    EXPECT_EQ(parse_duration("999999999999999999d"), std::nullopt);
    EXPECT_EQ(parse_duration("99999999999999999999999s"), std::nullopt);
    EXPECT_EQ(parse_duration("1.0000000001s"), std::nullopt) << "finer than a nanosecond";
}

TEST(DurationText, IsTheShortestOfOneUnitAndSeveral)
{
    EXPECT_EQ(to_text(0s), "0s");
    EXPECT_EQ(to_text(200ms), "200ms");
    EXPECT_EQ(to_text(30s), "30s");
    EXPECT_EQ(to_text(90s), "90s");
    EXPECT_EQ(to_text(10min), "10m");
    EXPECT_EQ(to_text(61min), "61m");
    EXPECT_EQ(to_text(1h + 1s), "1h1s");
    EXPECT_EQ(to_text(24h), "1d");
    EXPECT_EQ(to_text(36h), "36h");
}

TEST(DurationText, RoundsUpWhatIsFinerThanAMillisecond)
{
    EXPECT_EQ(to_text(1ns), "1ms");
    EXPECT_EQ(to_text(1ms + 1ns), "2ms");
    EXPECT_EQ(to_text(-5s), "0s");
}

TEST(DurationText, IsReadBackAsTheSameDuration)
{
    std::mt19937_64 random(1);
    for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t bits = 1 + random() % 38;
        const Duration d = std::chrono::milliseconds(random() & ((1ULL << bits) - 1));
        ASSERT_EQ(parse_duration(to_text(d)), d) << to_text(d);
    }
}

TEST(HumanDuration, HasThreeDigitsOrTwoUnits)
{
    EXPECT_EQ(to_human(812ms), "812 ms");
    EXPECT_EQ(to_human(3020ms), "3.02 s");
    EXPECT_EQ(to_human(4min + 12s), "4 min 12 s");
    EXPECT_EQ(to_human(2h + 5min), "2 h 5 min");
    EXPECT_EQ(to_human(3 * 24h + 4h), "3 d 4 h");
    EXPECT_EQ(to_human(0s), "0 s");
    EXPECT_EQ(to_human(12ns), "12 ns");
    EXPECT_EQ(to_human(35'200ns), "35.2 µs");
    EXPECT_EQ(to_human(3s), "3 s");
    EXPECT_EQ(to_human(1500ms), "1.5 s");
    EXPECT_EQ(to_human(60s), "1 min");
    EXPECT_EQ(to_human(1h), "1 h");
    EXPECT_EQ(to_human(-3s), "-3 s");
}

TEST(HumanDuration, NeverShowsAThousandOfOneUnitOrSixtyOfAnother)
{
    EXPECT_EQ(to_human(999'499us), "999 ms");
    EXPECT_EQ(to_human(999'500us), "1 s");
    EXPECT_EQ(to_human(9'994us), "9.99 ms");
    EXPECT_EQ(to_human(9'995us), "10 ms");
    EXPECT_EQ(to_human(59'940ms), "59.9 s");
    EXPECT_EQ(to_human(59'960ms), "1 min");
    EXPECT_EQ(to_human(59min + 59s + 600ms), "1 h");
    EXPECT_EQ(to_human(23h + 59min + 40s), "1 d");
    EXPECT_EQ(to_human(Duration::min()).front(), '-');
}

TEST(ParseSize, ReadsBinaryAndDecimalUnits)
{
    EXPECT_EQ(parse_size("64KiB"), 65'536U);
    EXPECT_EQ(parse_size("50MiB"), 50ULL << 20);
    EXPECT_EQ(parse_size("1GiB"), 1ULL << 30);
    EXPECT_EQ(parse_size("2TiB"), 2ULL << 40);
    EXPECT_EQ(parse_size("10MB"), 10'000'000U);
    EXPECT_EQ(parse_size("512B"), 512U);
    EXPECT_EQ(parse_size("1.5GiB"), 3ULL << 29);
    EXPECT_EQ(parse_size("0"), 0U);
}

TEST(ParseSize, RefusesBareNumbersAndWhatDoesNotFit)
{
    for (const char* text : {"", "64", "KiB", "64 KiB", "-1KiB", "64kib", "64K", "99999999TiB",
                             "99999999999999999999B", "1.B"})
        EXPECT_EQ(parse_size(text), std::nullopt) << text;
}

TEST(SizeText, IsExactAndReadBack)
{
    EXPECT_EQ(size_to_text(50ULL << 20), "50MiB");
    EXPECT_EQ(size_to_text(1000), "1000B");
    EXPECT_EQ(size_to_text(1536), "1536B");
    EXPECT_EQ(size_to_text(0), "0");
    for (const std::uint64_t bytes :
         {1ULL, 1023ULL, 1024ULL, 4096ULL, 5ULL << 40, (1ULL << 40) + 1})
        EXPECT_EQ(parse_size(size_to_text(bytes)), bytes);
}

} // namespace
} // namespace keel
