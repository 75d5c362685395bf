// What of all that happens is worth telling, and in which words.
#include "notify/desk.hpp"
#include "tests/unit/core/host_bench.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

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
    explicit Desks(std::vector<units::UnitSpec> specs = {with(unit_named("db")),
                                                         bound(with(unit_named("api")))})
        : bench(std::move(specs))
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
        take(desk.gathered(*bench.host, bench.in.now.mono));
    }
    [[nodiscard]] std::vector<std::string> lines() const
    {
        std::vector<std::string> all;
        std::set<std::string> ids; // What comes twice is only for reminders.
        for (const News& news : told)
            if (news.what.occasion != Occasion::attempt_failed && ids.insert(news.what.id).second)
                all.push_back(news.what.unit + " " + news.what.text);
        return all;
    }

    void asks(core::Verb verb, std::string_view name)
    {
        heed(core::Request{bench.id(name),
                           core::Asked{OperationId{1}, verb, "ann", "ticket 7", {}}});
    }
    /// The second failure in a row is not mended at once.
    void stays_down(std::string_view name)
    {
        exits(name);
        exits(name);
        pass(1s);
    }
    /// Another desk on the same host, after the engine's death; the channel knows what it was told.
    void next_engine()
    {
        std::vector<News> open;
        std::map<std::string, Notification> by_outage;
        for (const News& news : told) {
            if (news.what.occasion == Occasion::outage_opened)
                by_outage[news.what.about] = news.what;
            if (news.what.occasion == Occasion::recovered) by_outage.erase(news.what.about);
        }
        known.clear();
        for (const auto& [outage, what] : by_outage) {
            known.insert({"ops", outage});
            open.push_back({what, {"ops"}});
        }
        told.clear();
        desk = Desk{[this](const auto& channel, const auto& outage) {
            return known.contains({channel, outage});
        }};
        take(desk.begin(*bench.host, std::move(open), bench.in.now));
    }

    Bench bench;
    std::set<std::pair<std::string, std::string>> known; ///< channel and outage
    Desk desk{[this](const auto& channel, const auto& about) {
        return known.contains({channel, about});
    }};
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
    runs("api");
    pass(5s);
    EXPECT_THAT(lines(), SizeIs(2)) << "what followed from it was up in time";
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

TEST_F(Desks, DoNotSayUpOfWhatAPersonHolds)
{
    stays_down("api");
    asks(core::Verb::hold, "api");
    ASSERT_THAT(lines(), SizeIs(3));
    EXPECT_EQ(lines().at(1), "api is held by ann: ticket 7");
    EXPECT_EQ(lines().at(2), "api is held by ann: ticket 7; it was down for 1 s (exit 1)");
    EXPECT_EQ(told.back().what.its_unit, Notification::Unit::wanted_down);
}

TEST_F(Desks, DoNotSayUpOfWhatIsStoppedWithKeel)
{
    stays_down("api");
    heed(core::ShutdownWanted{"asked to", 0});
    EXPECT_THAT(lines().back(), "api is stopped with all of Keel; it was down for 1 s (exit 1)");
}

TEST_F(Desks, TellNobodyOfPlannedOutages)
{
    asks(core::Verb::restart, "api");
    exits("api");
    pass(2s);
    const auto* open = core::open_outage(bench.host->unit(bench.id("api")).outage);
    ASSERT_NE(open, nullptr);
    ASSERT_EQ(open->planned, core::Outage::Planned::yes);
    EXPECT_THAT(lines(), IsEmpty());
    next_engine();
    pass(2s);
    runs("api");
    pass(2s);
    EXPECT_EQ(core::open_outage(bench.host->unit(bench.id("api")).outage), nullptr);
    EXPECT_THAT(lines(), IsEmpty());
}

TEST_F(Desks, TellOfWhatIsDownStillWhenWhatCausedItIsOver)
{
    exits("db");
    exits("api");
    exits("db");
    pass(1s);
    pass(10s);
    runs("db");
    exits("api"); // It was started again at once, and fails by itself now.
    EXPECT_THAT(lines(), ElementsAre("db is down: exit 1", HasSubstr("db is up again after")));
    pass(1s);
    ASSERT_THAT(lines(), SizeIs(3));
    EXPECT_THAT(lines().back(), HasSubstr("api is down: "));
    EXPECT_THAT(lines().back(), HasSubstr(", though the outage that it followed from is over"));
    runs("api");
    EXPECT_THAT(lines().back(), HasSubstr("api is up again after"));
}

TEST_F(Desks, TellTheNextEngineOnlyWhatIsNew)
{
    exits("db");
    exits("api");
    exits("db");
    pass(1s);
    EXPECT_THAT(lines(), ElementsAre("db is down: exit 1"));
    next_engine();
    pass(3s);
    EXPECT_THAT(lines(), ElementsAre("db is down: exit 1")) << "for reminders";
    EXPECT_THAT(told.back().what.beside, ElementsAre("api"));
    told.clear();
    pass(10s);
    runs("db");
    runs("api");
    pass(3s);
    EXPECT_THAT(lines(), ElementsAre(HasSubstr("db is up again after")));
}

TEST_F(Desks, TellAfterADeathWhatHadNotGatheredYet)
{
    exits("db");
    exits("api");
    exits("db");
    EXPECT_THAT(lines(), IsEmpty());
    next_engine();
    pass(1s);
    EXPECT_THAT(lines(), ElementsAre("db is down: exit 1"));
    EXPECT_THAT(told.front().what.beside, ElementsAre("api"));
}

TEST_F(Desks, TellNoEndOfWhatWasNeverToldAsOpen)
{
    exits("db");
    exits("api");
    exits("db");
    pass(1s);
    next_engine();
    pass(1s);
    told.clear();
    runs("api");
    heed(core::HostTick{});
    for (const News& news : told)
        EXPECT_NE(news.what.unit, "api") << news.what.text;
}

/// A host that was just booted, where an outage was told of before.
class DesksAfterABoot : public Desks {
protected:
    DesksAfterABoot()
    {
        Notification news;
        news.id = "outage-7-outage-opened";
        news.about = "outage-7";
        news.unit = "api";
        news.text = "is down: exit 1";
        before.push_back({news, {"ops"}});
        bench = Bench({with(unit_named("db")), with(unit_named("api"))});
        told.clear();
    }
    void begin() { take(desk.begin(*bench.host, before, bench.in.now)); }

    std::vector<News> before;
};

TEST_F(DesksAfterABoot, WaitUntilAUnitIsUpBeforeSayingSo)
{
    heed(core::HostBooted{});
    begin();
    EXPECT_THAT(lines(), IsEmpty()) << "nothing has been started";
    runs("db");
    EXPECT_THAT(lines(), IsEmpty());
    runs("api");
    EXPECT_THAT(lines(), ElementsAre("api is up again; Keel was away when that outage ended"));
    EXPECT_EQ(told.back().what.id, "outage-7-over");
    exits("db");
    EXPECT_THAT(lines(), SizeIs(1));
}

TEST_F(DesksAfterABoot, SayThatAUnitIsHeld)
{
    heed(core::HostBooted{});
    asks(core::Verb::hold, "api");
    told.clear();
    begin();
    EXPECT_THAT(lines(), ElementsAre("api is held by ann: ticket 7; Keel was away when that "
                                     "outage ended"));
    EXPECT_EQ(told.back().what.its_unit, Notification::Unit::wanted_down);
}

TEST_F(DesksAfterABoot, SayThatAnotherOutageHasBegun)
{
    heed(core::HostBooted{});
    begin();
    pass(31s); // start.timeout
    ASSERT_THAT(lines(), SizeIs(1));
    EXPECT_THAT(lines().front(), HasSubstr("api is not in that outage any more, but in another"));
    EXPECT_EQ(told.back().what.its_unit, Notification::Unit::down);
    pass(1s);
    EXPECT_THAT(lines(), testing::Contains(HasSubstr("api is down: ")));
}

TEST_F(DesksAfterABoot, SayThatAUnitIsGone)
{
    bench = Bench({with(unit_named("db"))});
    heed(core::HostBooted{});
    begin();
    EXPECT_THAT(lines(), ElementsAre(HasSubstr("api is no longer configured")));
    EXPECT_THAT(told.back().channels, ElementsAre("ops"));
}

/// What they depend on has a channel of its own, none, or an outage that is not certain.
class DesksOfMany : public Desks {
protected:
    DesksOfMany()
        : Desks({silent(), brief(), on(unit_named("api"), "db"), on(unit_named("web"), "cache"),
                 slow(), with(unit_named("app", {"lib"}))})
    {
        runs("lib");
        runs("app");
        runs("cache");
        runs("web");
        told.clear();
    }
    static units::UnitSpec silent()
    {
        auto spec = with(unit_named("db"));
        spec.notify.clear();
        return spec;
    }
    static units::UnitSpec brief()
    {
        auto spec = with(unit_named("cache"));
        spec.outage.grace = 20s;
        return spec;
    }
    static units::UnitSpec slow()
    {
        auto spec = with(unit_named("lib"));
        spec.outage.settle = 5s;
        return spec;
    }
    static units::UnitSpec on(units::UnitSpec spec, const std::string& needed)
    {
        spec = with(std::move(spec));
        spec.binds_to = {needed};
        return spec;
    }
};

TEST_F(DesksOfMany, TellByItselfWhatFollowsFromSomethingThatNobodyHearsOf)
{
    exits("db");
    exits("api");
    exits("db");
    pass(1s);
    ASSERT_THAT(lines(), SizeIs(1));
    EXPECT_THAT(lines().front(), testing::StartsWith("api is down: "));
    EXPECT_THAT(lines().front(), testing::Not(HasSubstr("over")));
}

TEST_F(DesksOfMany, TellByItselfWhatOutlivesABlip)
{
    exits("cache");
    exits("web");
    exits("cache");
    pass(5s);
    EXPECT_THAT(lines(), IsEmpty()) << "it may be told with its cause yet";
    pass(5s);
    runs("cache");
    exits("web");
    pass(1s);
    ASSERT_THAT(lines(), SizeIs(1));
    EXPECT_THAT(lines().front(), testing::StartsWith("web is down: "));
}

TEST_F(DesksOfMany, NameWhatFollowsLaterInWhatIsSaidLater)
{
    stays_down("lib");
    EXPECT_THAT(told.back().what.beside, IsEmpty());
    exits("app");
    pass(3s);
    EXPECT_THAT(lines(), ElementsAre("lib is down: exit 1"));
    EXPECT_THAT(told.back().what.beside, ElementsAre("app"));
    told.clear();
    pass(10s);
    runs("lib");
    pass(5s);
    EXPECT_THAT(lines(), ElementsAre(HasSubstr("lib is up again after")));
    EXPECT_EQ(bench.state("app"), "starting");
    pass(1s);
    ASSERT_THAT(lines(), SizeIs(2));
    EXPECT_THAT(lines().back(), HasSubstr("app is down: exit 1, though the outage that"));
}

/// What depends has to be ready for longer than what it depends on.
class DesksOfTrials : public Desks {
protected:
    DesksOfTrials() : Desks({with(unit_named("db")), bound(on_trial())}) {}
    static units::UnitSpec on_trial()
    {
        auto spec = with(unit_named("api"));
        spec.outage.settle = 20s;
        return spec;
    }
};

TEST_F(DesksOfTrials, TellOfWhatRelapsesAfterItsCauseIsOver)
{
    exits("db");
    exits("api");
    exits("db");
    pass(1s);
    pass(10s);
    runs("db");
    runs("api");
    pass(2s);
    EXPECT_THAT(lines(), SizeIs(2)) << "it seems to be over";
    exits("api");
    pass(1s);
    ASSERT_THAT(lines(), SizeIs(3));
    EXPECT_THAT(lines().back(), HasSubstr("api is down: "));
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
