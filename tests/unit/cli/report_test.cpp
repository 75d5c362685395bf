#include "cli/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keel::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

WallTime morning(Duration later = 0s)
{
    return WallTime(std::chrono::milliseconds(1738314902482)) + later;
}

core::OutageView outage(std::uint64_t id, Duration opened, std::optional<Duration> length)
{
    core::OutageView view;
    view.record.id = OutageId{id};
    view.record.unit = "api_server";
    view.record.opened.wall = morning(opened);
    view.record.cause_text = "probe http: status 503";
    view.record.detected_by = "probe";
    if (length) view.record.closed = Now{{}, morning(opened + *length)};
    view.length = length.value_or(1h);
    return view;
}

TEST(Percents, AreRoundedDown)
{
    EXPECT_EQ(percent(1.0), "100 %");
    EXPECT_EQ(percent(0.99999999), "99.9999 %");
    EXPECT_EQ(percent(0.5), "50.0000 %");
    EXPECT_EQ(percent(std::nullopt), "unknown");
}

TEST(Reports, ListWhatWasNotPlannedAndWasDownInTheWindow)
{
    control::Report report;
    report.window = {morning(), morning(24h)};
    report.records_since = morning(-24h);
    auto planned = outage(2, 2h, 1min);
    planned.record.planned = core::Outage::Planned::yes;
    auto blip = outage(3, 3h, 1ms);
    blip.record.kind = core::OutageKind::blip;
    const std::string page = report_page(
        report, {outage(5, 23h, {}), blip, planned, outage(1, -2h, 3h), outage(0, -9h, 1h)},
        morning(24h));
    EXPECT_THAT(page, AllOf(HasSubstr("outage 5, still down, 1 h: probe http"),
                            HasSubstr("outage 1, 3 h"), Not(HasSubstr("outage 0,")),
                            Not(HasSubstr("outage 2,")), Not(HasSubstr("outage 3,"))));
    EXPECT_THAT(page, Not(HasSubstr("not known")));
    EXPECT_THAT(page, HasSubstr(R"(**api\_server**)")) << "no Markdown of somebody's own";
}

TEST(Reports, NameNoMoreOutagesThanAnybodyReads)
{
    control::Report report;
    report.window = {morning(), morning(24h)};
    std::vector<core::OutageView> many;
    for (std::uint64_t id = 60; id > 0; --id)
        many.push_back(outage(id, std::chrono::seconds(id), 1s));
    const std::string page = report_page(report, many, morning(24h));
    EXPECT_THAT(page, AllOf(HasSubstr("outage 60,"), Not(HasSubstr("outage 10,")),
                            HasSubstr("and 10 earlier ones"), HasSubstr("Nothing is on record")));
}

TEST(Postmortems, TellInTheOrderOfTime)
{
    core::Incident incident;
    incident.outage = outage(7, 0s, 10s);
    incident.outage->last_words = std::make_shared<const std::vector<std::string>>(
        std::vector<std::string>{"| *one*", "two"});
    core::Outage& record = incident.outage->record;
    record.actions = {{morning(1s), "start", "status 503 | twice", "ready"}};
    incident.cause = outage(6, -1s, 20s);
    incident.followers = {outage(8, 2s, 5s)};
    incident.spawns = {{SpawnId{3}, "api_server", 2, "exit", Now{{}, morning(-60s)},
                        Now{{}, morning(-1s)}, "SIGKILL"}};
    incident.operations.resize(1);
    incident.operations[0].by = "root (uid 0)";
    incident.operations[0].since = morning(20s);
    const std::string page = postmortem_page(incident, morning(1h));
    std::size_t last = 0;
    for (const char* each :
         {"# Outage 7", "Caused by: outage 6", "Caused: outage 8",
          "spawn 3 of api\\_server.2 began", "ended after 59 s: SIGKILL", "**outage 7 opens**",
          "Keel: start (status 503 \\| twice) → ready", "outage 8 of api\\_server follows",
          "**outage 7 ends**", "asked for by root", "## Last words\n\n    | *one*\n    two\n",
          "## Impact", "## Root cause"}) {
        const auto at = page.find(each);
        ASSERT_NE(at, std::string::npos) << each << " in\n" << page;
        EXPECT_GE(at, last) << each;
        last = at;
    }
}

TEST(Postmortems, MarkWhatIsNotCertain)
{
    core::Incident incident;
    incident.outage = outage(7, 0s, 10s);
    incident.outage->record.begin = core::Outage::Begin::unseen;
    const std::string page = postmortem_page(incident, morning(1h));
    EXPECT_THAT(page, AllOf(HasSubstr("- Lasted: at most 10 s\n"),
                            HasSubstr(", or later: that is when Keel last saw it ready\n")));
    incident.outage = outage(7, 0s, 10s);
    incident.outage->record.end = core::Outage::End::unseen;
    EXPECT_THAT(postmortem_page(incident, morning(1h)),
                AllOf(HasSubstr("- Lasted: at least 10 s\n"),
                      HasSubstr(", or later: Keel was away by then\n")));
}

TEST(Postmortems, NameKeelWhereItWasKeelThatWasAway)
{
    core::Incident incident;
    incident.outage = outage(7, 0s, 10s);
    incident.outage->record.kind = core::OutageKind::gap;
    incident.outage->record.unit.clear();
    EXPECT_THAT(postmortem_page(incident, morning(1h)),
                AllOf(HasSubstr("# Outage 7: Keel itself\n"), HasSubstr("- Unit: Keel itself\n")));
}

TEST(Reports, MarkWhatIsNotCertain)
{
    control::Report report;
    report.window = {morning(), morning(24h)};
    auto begin_unseen = outage(2, 2h, 1min), end_unseen = outage(1, 1h, 1min);
    begin_unseen.record.begin = core::Outage::Begin::unseen;
    end_unseen.record.end = core::Outage::End::unseen;
    EXPECT_THAT(report_page(report, {begin_unseen, end_unseen}, morning(24h)),
                AllOf(HasSubstr("outage 2, at most 1 min"), HasSubstr("outage 1, at least 1 min")));
}

TEST(Postmortems, ShowNothingThatSteersATerminal)
{
    EXPECT_EQ(plain("\x1b[2J"), R"(\\x1b\[2J)");
    core::Incident incident;
    incident.outage = outage(7, 0s, 10s);
    incident.operations.resize(1);
    incident.operations[0].why = "\x1b[2J\nforged";
    const std::string page = postmortem_page(incident, morning(1h));
    EXPECT_THAT(page, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\nforged"))));
}

TEST(Postmortems, TellWhetherThereWereNoLastWordsOrTheyAreNotKnown)
{
    core::Incident incident;
    incident.outage = outage(7, 0s, 10s);
    EXPECT_THAT(postmortem_page(incident, morning(1h)), Not(HasSubstr("Last words")));
    incident.outage->last_words = std::make_shared<const std::vector<std::string>>();
    EXPECT_THAT(postmortem_page(incident, morning(1h)),
                HasSubstr("## Last words\n\nNothing was written."));
}

} // namespace
} // namespace keel::cli
