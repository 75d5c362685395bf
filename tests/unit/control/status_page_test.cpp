#include "control/status_page.hpp"
#include "tests/support/fake_supervisor.hpp"

#include <gmock/gmock.h>

namespace keel::control {
namespace {

using namespace std::chrono_literals;
using Kind = StatusDay::Kind;
using testing::HasSubstr;
using testing::Not;

core::UnitView public_unit(const std::string& name, const std::string& title)
{
    auto unit = test::unit_up(name);
    unit.public_title = title;
    unit.since = test::morning();
    return unit;
}

/// Opened at the morning and closed after `length`.
core::OutageView ended(const std::string& unit, Duration length)
{
    core::OutageView outage;
    outage.record.unit = unit;
    outage.record.cause_text = "SIGSEGV (core dumped)";
    outage.record.opened = {{}, test::morning()};
    outage.record.closed = Now{{}, test::morning(length)};
    outage.length = length;
    return outage;
}

core::OutageView open(const std::string& unit, Duration length)
{
    auto outage = ended(unit, length);
    outage.record.closed.reset();
    outage.counted = core::OutageFold::Counted::yes;
    return outage;
}

/// An hour after the morning, with records since the day before.
StatusPage page_with(std::vector<core::UnitView> units, std::vector<core::OutageView> records = {})
{
    return {std::move(units), std::move(records), test::morning(-24h), test::morning(1h)};
}

TEST(StatusPage, ShowsPublicUnitsByTheirTitlesAndNoOthers)
{
    const std::string html =
        to_html(page_with({public_unit("api-server", "Panel"), test::unit_up("network-backbone")}));
    EXPECT_THAT(html, HasSubstr("<h2>Panel</h2>"));
    EXPECT_THAT(html, HasSubstr("<h1>The service works</h1>"));
    EXPECT_THAT(html, Not(HasSubstr("api-server")));
    EXPECT_THAT(html, Not(HasSubstr("backbone")));
}

TEST(StatusPage, NamesNoCauseAndNoPerson)
{
    auto unit = public_unit("api", "Panel");
    unit.status = core::UnitStatus::held;
    unit.held = core::Held{"zoe (uid 1000)", "a secret migration", test::morning()};
    const std::string html = to_html(page_with({unit}, {ended("api", 12min)}));
    EXPECT_THAT(html, HasSubstr("Off on purpose"));
    EXPECT_THAT(html, HasSubstr("down from"));
    for (const char* secret : {"SIGSEGV", "zoe", "migration"})
        EXPECT_THAT(html, Not(HasSubstr(secret)));
}

TEST(StatusPage, SaysFirstWhatIsDown)
{
    auto down = public_unit("api", "Panel");
    down.status = core::UnitStatus::down;
    const auto page = page_with({down, public_unit("web", "Website")}, {open("api", 1h)});
    EXPECT_THAT(to_html(page), HasSubstr("<h1>Down: Panel</h1>"));
    EXPECT_THAT(to_html(page), HasSubstr("09:15</time>, for 1 h so far"));
}

TEST(StatusPage, IsBoundedAndThenShowsWhatIsDown)
{
    std::vector<core::UnitView> units;
    for (std::size_t i = 0; i < status_units_max + 50; ++i)
        units.push_back(public_unit("unit" + std::to_string(i), "Service " + std::to_string(i)));
    units.back().public_title = "The very last";
    units.back().status = core::UnitStatus::down;
    const std::string html = to_html(page_with(units));
    EXPECT_THAT(html, HasSubstr("<h2>The very last</h2>"));
    EXPECT_THAT(html, HasSubstr("50 more are not shown"));
    EXPECT_THAT(html, HasSubstr("<h1>Down: The very last</h1>"));
}

TEST(StatusPage, WritesWhatATitleSaysAsText)
{
    const std::string html = to_html(page_with({public_unit("x", "<script>\"&'")}));
    EXPECT_THAT(html, HasSubstr("&lt;script&gt;&quot;&amp;&#39;"));
    EXPECT_THAT(html, Not(HasSubstr("<script")));
}

TEST(StatusDays, BeforeRecordsBeganAreNotKnown)
{
    const auto days = days_of(page_with({public_unit("api", "Panel")}), "api");
    ASSERT_EQ(days.size(), status_days);
    EXPECT_EQ(days.back().kind, Kind::up);
    EXPECT_EQ(days.at(status_days - 2).kind, Kind::up) << "known in part, and without an outage";
    EXPECT_EQ(days.at(status_days - 3).kind, Kind::unknown);
    EXPECT_EQ(days.front().kind, Kind::unknown);
}

TEST(StatusDays, CountWhatWasDownInThem)
{
    const auto last = [](std::vector<core::OutageView> records) {
        return days_of(page_with({}, std::move(records)), "api").back();
    };
    EXPECT_EQ(last({ended("api", 14min)}).kind, Kind::short_outage);
    EXPECT_EQ(last({ended("api", 15min)}).kind, Kind::long_outage);
    EXPECT_EQ(last({ended("other", 15min)}).kind, Kind::up);
    auto planned = ended("api", 15min);
    planned.record.planned = core::Outage::Planned::yes;
    EXPECT_EQ(last({planned}).kind, Kind::planned);
    for (const auto kind : {core::OutageKind::blip, core::OutageKind::degraded}) {
        auto lesser = ended("api", 15min);
        lesser.record.kind = kind;
        EXPECT_EQ(last({lesser}).kind, Kind::up);
    }
    auto within_grace = open("api", 15min);
    within_grace.counted = core::OutageFold::Counted::no;
    EXPECT_EQ(last({within_grace}).kind, Kind::up);
}

TEST(StatusDays, AreNotKnownWhileKeelWasAway)
{
    const auto day_with_gap = [](Duration length, const std::string& unit) {
        auto gap = ended(unit, length);
        gap.record.kind = core::OutageKind::gap;
        gap.record.opened.wall = test::morning(-24h);
        return days_of(page_with({}, {gap}), "api").at(status_days - 2);
    };
    EXPECT_EQ(day_with_gap(14h, "").kind, Kind::unknown) << "the whole of what is left of that day";
    EXPECT_EQ(day_with_gap(1h, "").kind, Kind::up);
    EXPECT_EQ(day_with_gap(1h, "").unknown, 1h);
    EXPECT_EQ(day_with_gap(14h, "other").kind, Kind::up);
}

core::OutageView gap_of(Duration length, Duration since_morning)
{
    auto gap = ended("", length);
    gap.record.kind = core::OutageKind::gap;
    gap.record.opened.wall = test::morning(since_morning);
    return gap;
}

TEST(StatusDays, CountNoTimeAsDownInWhichKeelWasAway)
{
    // It was down for half an hour, and of that nobody saw the last twenty minutes.
    auto planned = ended("db", 30min);
    planned.record.planned = core::Outage::Planned::yes;
    const auto page =
        page_with({}, {ended("api", 30min), planned, gap_of(10min, 10min), gap_of(10min, 20min)});
    const auto api = days_of(page, "api").back();
    EXPECT_EQ(api.down, 10min);
    EXPECT_EQ(api.unknown, 20min);
    EXPECT_EQ(api.kind, Kind::short_outage);
    EXPECT_EQ(days_of(page, "db").back().planned, 10min);
}

TEST(StatusPage, TellsAShareOfTheTimeInWhichKeelWasThere)
{
    // Down for the whole of 21 hours, and Keel was away for 20 of them; the other four it was up.
    auto page = page_with({public_unit("api", "Panel")}, {ended("api", 21h), gap_of(20h, 30min)});
    page.known_since = test::morning();
    page.now = test::morning(25h);
    EXPECT_THAT(to_html(page), HasSubstr("up 80 % of 5 h"));
}

TEST(StatusDays, CountTimeOnceThatIsOnRecordTwice)
{
    auto planned = ended("api", 20min);
    planned.record.planned = core::Outage::Planned::yes;
    const auto day = days_of(page_with({}, {planned, ended("api", 30min)}), "api").back();
    EXPECT_EQ(day.planned, 20min);
    EXPECT_EQ(day.down, 10min);
}

TEST(StatusDays, ShareAnOutageOverMidnight)
{
    auto page = page_with({}, {ended("api", 24h)});
    page.now = test::morning(25h);
    const auto days = days_of(page, "api");
    EXPECT_EQ(days.back().down + days.at(status_days - 2).down, 24h);
    EXPECT_GT(days.back().down, 9h);
}

} // namespace
} // namespace keel::control
