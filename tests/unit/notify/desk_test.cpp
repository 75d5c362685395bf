// What of all that happens is worth telling, and in which words.
#include "notify/desk.hpp"
#include "tests/unit/core/host_bench.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keel::notify {
namespace {

using namespace std::chrono_literals;
using core::Bench;
using core::unit_named;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using units::Occasion;

class Desks : public testing::Test {
protected:
    explicit Desks() : bench({with(unit_named("db")), bound(with(unit_named("api")))})
    {
        heed(core::HostBooted{});
        runs("db");
        runs("api");
        told.clear();
    }
    static units::UnitSpec with(units::UnitSpec spec)
    {
        spec.notify = {"ops"};
        spec.restart.delay = 10s;
        spec.restart.stable_after = 0s;
        spec.outage.settle = 0s;
        return spec;
    }
    static units::UnitSpec bound(units::UnitSpec spec)
    {
        spec.binds_to = {"db"};
        return spec;
    }
    void heed(const core::HostEvent& event)
    {
        const auto& step = bench.apply(event);
        take(desk.heed(*bench.host, step.notes, bench.in.now));
    }
    void take(std::vector<News> news)
    {
        for (News& each : news)
            told.push_back(std::move(each));
    }
    void tell(std::string_view name, core::InstanceEvent event)
    {
        heed(core::ForUnit{bench.id(name), core::ForInstance{1, std::move(event)}});
    }
    void runs(std::string_view name) { tell(name, core::Spawned{bench.spawn(name)}); }
    void exits(std::string_view name)
    {
        tell(name,
             core::ProcessExited{bench.spawn(name), core::exit_code(1), core::TreeState::empty});
    }
    void pass(Duration d)
    {
        bench.pass(d);
        heed(core::HostTick{});
        take(desk.gathered(bench.in.now.mono));
    }
    [[nodiscard]] std::vector<std::string> lines() const
    {
        std::vector<std::string> all;
        for (const News& news : told)
            if (news.what.occasion != Occasion::attempt_failed)
                all.push_back(news.what.unit + " " + news.what.text);
        return all;
    }

    Bench bench;
    Desk desk;
    std::vector<News> told;
};

TEST_F(Desks, TellOfAnOutageAndOfItsEnd)
{
    exits("api");
    exits("api"); // The first restart waits for nothing, the second does.
    EXPECT_THAT(lines(), IsEmpty()) << "what follows from it may be still to come";
    ASSERT_TRUE(desk.deadline());
    pass(1s);
    EXPECT_THAT(lines(), ElementsAre("api is down: exit 1"));
    EXPECT_THAT(told.back().channels, ElementsAre("ops"));
    EXPECT_FALSE(desk.deadline());
    const std::string about = told.back().what.about;
    pass(10s);
    runs("api");
    pass(10s);
    ASSERT_THAT(lines(), SizeIs(2));
    EXPECT_THAT(lines().back(), HasSubstr("api is up again after 11 s (exit 1)"));
    EXPECT_EQ(told.back().what.about, about);
    EXPECT_NE(told.back().what.id, told.front().what.id);
}

TEST_F(Desks, NameWhatIsDownBecauseOfItBesideIt)
{
    exits("db");
    exits("api"); // It is bound to db, and was asked to leave.
    exits("db");
    EXPECT_EQ(bench.state("api"), "blocked");
    pass(1s);
    EXPECT_THAT(lines(), ElementsAre("db is down: exit 1"));
    EXPECT_THAT(told.back().what.beside, ElementsAre("api"));
    pass(10s);
    runs("db");
    runs("api");
    pass(20s);
    EXPECT_THAT(lines(), ElementsAre("db is down: exit 1", HasSubstr("db is up again after")));
}

TEST_F(Desks, TellOfAnOutageThatIsOverBeforeAllHasGathered)
{
    exits("db");
    exits("api");
    runs("db");
    EXPECT_THAT(lines(), ElementsAre("db is down: exit 1", HasSubstr("db is up again after")));
    EXPECT_THAT(told.at(1).what.beside, ElementsAre("api")) << "told[0] is the failure itself";
    EXPECT_FALSE(desk.deadline());
}

TEST_F(Desks, TellEachChargedFailure)
{
    exits("api");
    ASSERT_THAT(told, SizeIs(1));
    EXPECT_EQ(told.front().what.occasion, Occasion::attempt_failed);
    EXPECT_EQ(told.front().what.text, "failed: exit 1");
    EXPECT_TRUE(told.front().what.about.empty());
}

TEST_F(Desks, TellWhoHoldsAUnitAndOfNoOutageThen)
{
    heed(core::Request{bench.id("api"),
                       core::Asked{OperationId{1}, core::Verb::hold, "ann", "ticket 7", {}}});
    exits("api");
    pass(1min);
    EXPECT_THAT(lines(), ElementsAre("api is held by ann: ticket 7"));
}

TEST_F(Desks, KeepIdsApartOverBootsThatCountAnew)
{
    core::Outage one;
    one.opened.wall = WallTime{1'700'000'000s};
    core::Outage other = one;
    other.opened.wall += 1s;
    EXPECT_NE(about(one), about(other));
}

} // namespace
} // namespace keel::notify
