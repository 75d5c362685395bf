#include "core/outage.hpp"

#include <gtest/gtest.h>

namespace keel::core {
namespace {

using namespace std::chrono_literals;
using Standing = OutageInputs::Standing;

struct OutageFolding : testing::Test {
    OutageLimits limits{0s, 10s, OutageKind::outage, "api"};
    OutageFold state;
    OutageNews news;
    MonoTime t0{1000s};
    std::uint64_t opened = 0;
    OutageSign sign{OutageCause::exit, "exit 1", "exit", {}, Outage::Planned::no, 5ms};

    const OutageNews& at(Duration since_t0, Standing standing)
    {
        const Now now{t0 + since_t0, WallTime{5000s} + since_t0};
        news = fold(limits, state, {now, standing, sign, OutageId{opened + 1}});
        if (news.opened) ++opened;
        return news;
    }
};

TEST_F(OutageFolding, OpensWhenTooFewAreReadyWithAllThatIsKnownOfIt)
{
    EXPECT_FALSE(at(0s, Standing::enough).opened);
    ASSERT_TRUE(at(1s, Standing::short_of).opened);
    const Outage& record = *news.opened;
    EXPECT_EQ(record.id, OutageId{1});
    EXPECT_EQ(record.unit, "api");
    EXPECT_EQ(record.opened.mono, t0 + 1s);
    EXPECT_EQ(record.cause, OutageCause::exit);
    EXPECT_EQ(record.cause_text, "exit 1");
    EXPECT_EQ(record.detection, 5ms);
    EXPECT_FALSE(record.closed);
    EXPECT_FALSE(at(2s, Standing::short_of).opened) << "one record, however long it lasts";
}

TEST_F(OutageFolding, ClosesAfterSettleAndTheTimeIsTheBeginningOfThatSpan)
{
    at(0s, Standing::short_of);
    EXPECT_FALSE(at(3s, Standing::enough).closed);
    EXPECT_EQ(deadline_of(limits, state), t0 + 13s);
    EXPECT_FALSE(at(13s - 1ns, Standing::enough).closed);
    ASSERT_TRUE(at(13s, Standing::enough).closed);
    EXPECT_EQ(news.closed->closed->mono, t0 + 3s);
    EXPECT_EQ(news.closed->closed->wall, WallTime{5003s});
    EXPECT_EQ(open_outage(state), nullptr);
    EXPECT_FALSE(deadline_of(limits, state));
}

TEST_F(OutageFolding, ARelapseWithinSettleContinuesTheSameRecord)
{
    at(0s, Standing::short_of);
    at(3s, Standing::enough);
    EXPECT_FALSE(at(12s, Standing::short_of).opened);
    at(20s, Standing::enough);
    ASSERT_TRUE(at(30s, Standing::enough).closed);
    EXPECT_EQ(news.closed->id, OutageId{1});
    EXPECT_EQ(length_of(*news.closed, t0 + 1h), 20s);
}

TEST_F(OutageFolding, ARelapseSeenOnlyAfterSettleHasPassedIsANewRecord)
{
    at(0s, Standing::short_of);
    at(3s, Standing::enough);
    at(14s, Standing::short_of); // no tick came at 13 s
    ASSERT_TRUE(news.closed);
    EXPECT_EQ(news.closed->closed->mono, t0 + 3s);
    ASSERT_TRUE(news.opened);
    EXPECT_EQ(news.opened->id, OutageId{2});
}

TEST_F(OutageFolding, WithSettleOfZeroClosesAtOnce)
{
    limits.settle = 0s;
    at(0s, Standing::short_of);
    EXPECT_TRUE(at(3s, Standing::enough).closed);
    EXPECT_FALSE(deadline_of(limits, state));
}

TEST_F(OutageFolding, ShorterThanGraceIsABlipAndIsNotCounted)
{
    limits.grace = 5s;
    EXPECT_FALSE(at(0s, Standing::short_of).counted);
    EXPECT_EQ(deadline_of(limits, state), t0 + 5s);
    EXPECT_FALSE(at(4s, Standing::enough).counted);
    ASSERT_TRUE(at(14s, Standing::enough).closed);
    EXPECT_EQ(news.closed->kind, OutageKind::blip);
}

TEST_F(OutageFolding, IsCountedOnceWhenItOutlivesGrace)
{
    limits.grace = 5s;
    at(0s, Standing::short_of);
    EXPECT_TRUE(at(5s, Standing::short_of).counted);
    EXPECT_FALSE(at(6s, Standing::short_of).counted);
    at(7s, Standing::enough);
    EXPECT_FALSE(at(8s, Standing::short_of).counted);
    at(9s, Standing::enough);
    ASSERT_TRUE(at(19s, Standing::enough).closed);
    EXPECT_EQ(news.closed->kind, OutageKind::outage);
}

TEST_F(OutageFolding, IsCountedAlsoIfNoTickCameBetweenGraceAndRecovery)
{
    limits.grace = 5s;
    at(0s, Standing::short_of);
    EXPECT_TRUE(at(6s, Standing::enough).counted);
    EXPECT_EQ(at(16s, Standing::enough).closed->kind, OutageKind::outage);
}

TEST_F(OutageFolding, OpensNothingWhileAStartHasItsTime)
{
    EXPECT_FALSE(at(0s, Standing::excused).opened);
    EXPECT_TRUE(at(30s, Standing::short_of).opened);
    at(31s, Standing::excused);
    EXPECT_NE(open_outage(state), nullptr) << "a start by hand does not end what is open";
}

TEST_F(OutageFolding, AnExcusedRelapseContinuesTheRecordToo)
{
    at(0s, Standing::short_of);
    at(1s, Standing::enough);
    at(2s, Standing::excused);
    EXPECT_TRUE(std::holds_alternative<OpenOutage>(state.state));
}

TEST_F(OutageFolding, EndsWhenTheUnitIsWantedUpNoLonger)
{
    at(0s, Standing::short_of);
    ASSERT_TRUE(at(4s, Standing::exempt).closed);
    EXPECT_EQ(news.closed->closed->mono, t0 + 4s);
    at(10s, Standing::short_of);
    at(11s, Standing::enough);
    ASSERT_TRUE(at(15s, Standing::exempt).closed);
    EXPECT_EQ(news.closed->closed->mono, t0 + 11s) << "it was ready again from then on";
}

TEST_F(OutageFolding, LengthIsNeverNegative)
{
    at(0s, Standing::short_of);
    EXPECT_EQ(length_of(*open_outage(state), t0 - 5s), 0s);
    EXPECT_EQ(length_of(*open_outage(state), t0 + 5s), 5s);
}

TEST_F(OutageFolding, KeepsTheFirstHundredActions)
{
    at(0s, Standing::short_of);
    for (int i = 0; i < 150; ++i)
        note_action(state, {WallTime{}, "start", std::to_string(i), {}});
    ASSERT_EQ(open_outage(state)->actions.size(), outage_actions_max);
    EXPECT_EQ(open_outage(state)->actions.front().reason, "0");
    OutageFold none;
    note_action(none, {WallTime{}, "start", "x", {}});
    EXPECT_EQ(open_outage(none), nullptr);
}

} // namespace
} // namespace keel::core
