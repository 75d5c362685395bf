#include "metrics/availability.hpp"

#include "metrics/collector.hpp"
#include "tests/support/fake_supervisor.hpp"
#include "tests/support/manual_loop.hpp"

#include <gmock/gmock.h>

namespace keel::metrics {
namespace {

using namespace std::chrono_literals;
using test::ManualLoop;
using ::testing::HasSubstr;
using ::testing::SizeIs;

/// Of a unit that is wanted up since ever, and was down from so long ago on for so long.
core::UnitPast api(WallTime now, Duration ago, Duration length)
{
    core::UnitPast past{"api", {{now - 24h * 90, now}}, {}};
    past.downtimes.push_back({{now - ago, now - ago + length}});
    return past;
}

TEST(Availabilities, AreThoseOfTheHourTheDayAndTheMonth)
{
    const WallTime now = test::morning();
    core::PastOfAll past;
    past.units = {api(now, 2h, 1h)};
    const auto all = ratios_of(past, now);
    ASSERT_TRUE(all.contains("api"));
    EXPECT_EQ(all.at("api")[0], 1.0);
    EXPECT_DOUBLE_EQ(all.at("api")[1].value(), 23.0 / 24);
    EXPECT_DOUBLE_EQ(all.at("api")[2].value(), 719.0 / 720);
}

TEST(Availabilities, AreMadeAnewWhenTheyAreOldAndNobodyWaitsForThem)
{
    ManualLoop loop;
    test::FakeSupervisor supervisor;
    supervisor.past.units = {api(loop.time.wall, 30min, 15min)};
    Availabilities made(loop, supervisor);
    EXPECT_EQ(made.get(), nullptr);
    EXPECT_EQ(made.get(), nullptr);
    EXPECT_THAT(supervisor.past_asked, SizeIs(1)) << "once at a time";
    loop.finish_one();
    ASSERT_NE(made.get(), nullptr);
    EXPECT_EQ(made.get()->at("api")[0], 0.75);
    loop.time.mono += Availabilities::age_max - 1ns;
    (void)made.get();
    EXPECT_THAT(supervisor.past_asked, SizeIs(1));
    loop.time.mono += 1ns;
    EXPECT_NE(made.get(), nullptr);
    EXPECT_THAT(supervisor.past_asked, SizeIs(2));
}

TEST(Availabilities, AreAskedForLessOftenWhereThatTakesLong)
{
    ManualLoop loop;
    test::FakeSupervisor supervisor;
    Availabilities made(loop, supervisor);
    (void)made.get();
    loop.time.mono += 2s;
    loop.finish_one();
    loop.time.mono += 199s;
    (void)made.get();
    EXPECT_THAT(supervisor.past_asked, SizeIs(1));
    loop.time.mono += 1s;
    (void)made.get();
    EXPECT_THAT(supervisor.past_asked, SizeIs(2));
}

TEST(Availabilities, AreNotClaimedWhereTheLedgerCannotBeRead)
{
    ManualLoop loop;
    test::FakeSupervisor supervisor;
    supervisor.past.units = {api(loop.time.wall, 30min, 15min)};
    supervisor.past.missing = "the disk is gone";
    Availabilities made(loop, supervisor);
    (void)made.get();
    ASSERT_NE(made.get(), nullptr);
    EXPECT_THAT(*made.get(), testing::IsEmpty());
    supervisor.past.missing.clear();
    loop.time.mono += Availabilities::age_max;
    (void)made.get();
    loop.finish_one();
    supervisor.past.missing = "the disk is gone";
    supervisor.past.units.clear();
    loop.time.mono += 2 * Availabilities::age_max;
    (void)made.get();
    EXPECT_EQ(made.get()->at("api")[0], 0.75) << "what was known before stands";
}

TEST(Availabilities, StandOnThePageAndAreNoNumberWhereNothingIsKnown)
{
    test::FakeSupervisor supervisor;
    supervisor.put(test::unit_up("api"));
    supervisor.put(test::unit_up("worker"));
    Snapshot snapshot = take_snapshot(supervisor, {}, {}, "1");
    auto known = std::make_shared<RatiosByUnit>();
    (*known)["api"] = {1.0, 0.5, std::nullopt};
    snapshot.availabilities = known;
    const std::string page = page_of(snapshot);
    EXPECT_THAT(page, HasSubstr("keel_availability_ratio{unit=\"api\",window=\"24h\"} 0.5"));
    EXPECT_THAT(page, HasSubstr("keel_availability_ratio{unit=\"api\",window=\"30d\"} Nan"));
    EXPECT_THAT(page, HasSubstr("keel_availability_ratio{unit=\"worker\",window=\"1h\"} Nan"));
}

} // namespace
} // namespace keel::metrics
