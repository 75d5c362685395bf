#include "core/availability.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

namespace keel::core {
namespace {

using namespace std::chrono_literals;

WallTime at(Duration since) { return WallTime(since + 1'000'000s); }
Span span(Duration begin, Duration end) { return {at(begin), at(end)}; }
Downtime down(Duration begin, Duration end, OutageKind kind = OutageKind::outage)
{
    return {span(begin, end), kind};
}
Downtime planned(Duration begin, Duration end)
{
    return {span(begin, end), OutageKind::outage, Outage::Planned::yes};
}

TEST(Spans, HaveOneFormOnly)
{
    const Spans spans(
        {span(5s, 7s), span(1s, 3s), span(2s, 4s), span(4s, 5s), span(9s, 9s), span(9s, 8s)});
    EXPECT_EQ(spans.list(), std::vector{span(1s, 7s)});
    EXPECT_EQ(spans.length(), 6s);
    EXPECT_EQ(Spans().length(), 0s);
}

TEST(Spans, AreCutWithEachOther)
{
    const Spans own({span(0s, 10s), span(20s, 30s)});
    const Spans other({span(2s, 3s), span(5s, 22s), span(29s, 40s)});
    EXPECT_EQ(own.within(other).list(),
              (std::vector{span(2s, 3s), span(5s, 10s), span(20s, 22s), span(29s, 30s)}));
    EXPECT_EQ(own.without(other).list(), (std::vector{span(0s, 2s), span(3s, 5s), span(22s, 29s)}));
}

TEST(Spans, OfWhichSecondsAreDrawnAreWhatSetsOfSecondsAre)
{
    std::mt19937_64 draws(7);
    const auto drawn = [&] {
        std::vector<Span> some;
        for (auto n = draws() % 6; n > 0; --n) {
            const auto begin = std::chrono::seconds(draws() % 40);
            some.push_back(span(begin, begin + std::chrono::seconds(draws() % 15)));
        }
        return Spans(std::move(some));
    };
    const auto holds = [](const Spans& spans, Duration second) {
        return std::ranges::any_of(spans.list(), [&](const Span& each) {
            return each.begin <= at(second) && at(second) < each.end;
        });
    };
    for (int round = 0; round < 500; ++round) {
        const Spans a = drawn(), b = drawn();
        for (auto second = 0s; second < 60s; ++second) {
            ASSERT_EQ(holds(a.within(b), second), holds(a, second) && holds(b, second));
            ASSERT_EQ(holds(a.without(b), second), holds(a, second) && !holds(b, second));
        }
        ASSERT_EQ(Spans(a.without(b).list()), a.without(b));
        ASSERT_EQ(Spans(a.within(b).list()), a.within(b));
    }
}

TEST(Availabilities, AreReadyTimeByTimeWantedUp)
{
    const UnitPast past{"api", {span(0s, 1000s)}, {down(100s, 110s), down(500s, 530s)}};
    const Availability found = availability(past, {}, span(0s, 1000s));
    EXPECT_EQ(found.wanted, 1000s);
    EXPECT_EQ(found.down, 40s);
    EXPECT_EQ(found.ready, 960s);
    EXPECT_DOUBLE_EQ(found.ratio().value(), 0.96);
    EXPECT_EQ(found.outages, 2U);
    EXPECT_EQ(found.recovery, 20s);
    EXPECT_EQ(found.between_failures(), 480s);
}

TEST(Availabilities, LeaveOutWhatWasPlanned)
{
    const UnitPast past{"api", {span(0s, 1000s)}, {planned(0s, 500s), down(500s, 550s)}};
    const Availability found = availability(past, {}, span(0s, 1000s));
    EXPECT_EQ(found.planned, 500s);
    EXPECT_DOUBLE_EQ(found.ratio().value(), 0.9);
    EXPECT_EQ(found.outages, 1U);
    EXPECT_EQ(found.planned_outages, 1U);
}

TEST(Availabilities, ClaimNothingOfGaps)
{
    // Down before the gap and after it: the same outage, but of the gap nothing is known.
    const UnitPast past{"api", {span(0s, 1000s)}, {down(90s, 210s)}};
    const Availability found = availability(past, Spans({span(100s, 200s)}), span(0s, 1000s));
    EXPECT_EQ(found.unknown, 100s);
    EXPECT_EQ(found.down, 20s);
    EXPECT_EQ(found.ready, 880s);
    EXPECT_DOUBLE_EQ(found.ratio().value(), 880.0 / 900.0);
}

TEST(Availabilities, CountTimeOnlyWhileTheUnitWasWantedUp)
{
    const UnitPast past{"api", {span(0s, 100s), span(300s, 400s)}, {down(350s, 400s)}};
    const Availability found = availability(past, Spans({span(150s, 250s)}), span(50s, 1000s));
    EXPECT_EQ(found.wanted, 150s);
    EXPECT_EQ(found.unknown, 0s);
    EXPECT_DOUBLE_EQ(found.ratio().value(), 100.0 / 150.0);
}

TEST(Availabilities, AreUnknownWhereNothingIs)
{
    const UnitPast past{"api", {span(0s, 100s)}, {}};
    EXPECT_FALSE(availability({"api", {}, {}}, {}, span(0s, 100s)).ratio());
    EXPECT_FALSE(availability(past, Spans({span(0s, 100s)}), span(0s, 100s)).ratio());
    EXPECT_EQ(availability(past, {}, span(0s, 100s)).ratio(), 1.0);
    EXPECT_FALSE(availability(past, {}, span(0s, 100s)).between_failures());
}

TEST(Availabilities, AreWholeWhereNothingWasDownHoweverTheirPartsWereRounded)
{
    Availability found;
    found.wanted = 100s;
    found.unknown = 10s - 1ns;
    found.ready = 90s;
    EXPECT_EQ(found.ratio(), 1.0);
}

TEST(Availabilities, CountBlipsAsTimeButNotAsOutages)
{
    const UnitPast past{"api",
                        {span(0s, 100s)},
                        {down(1s, 2s, OutageKind::blip), down(10s, 50s, OutageKind::degraded)}};
    const Availability found = availability(past, {}, span(0s, 100s));
    EXPECT_EQ(found.down, 1s);
    EXPECT_EQ(found.outages, 0U);
    EXPECT_EQ(found.blips, 1U);
    EXPECT_FALSE(found.recovery);
}

TEST(Availabilities, CountAnOutageWhereItOpened)
{
    Downtime open = down(190s, 200s);
    open.over = Downtime::Over::no;
    const UnitPast past{"api", {span(0s, 200s)}, {down(90s, 110s), open}};
    const Availability found = availability(past, {}, span(100s, 200s));
    EXPECT_EQ(found.down, 20s);
    EXPECT_EQ(found.outages, 1U);
    EXPECT_FALSE(found.recovery);
}

} // namespace
} // namespace keel::core
