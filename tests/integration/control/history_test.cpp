// What has been, as `keel outages` and the API tell it, and what is wrong with Keel itself.
#include "sys/clock.hpp"
#include "tests/integration/control/running_server.hpp"

#include <gmock/gmock.h>

namespace keel {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct HistoryTest : testing::Test {
    test::Ended keel(std::vector<std::string> words)
    {
        words.insert(words.end(), {"--root", server.root});
        return test::run_keel(words);
    }

    test::RunningServer server;
};

TEST_F(HistoryTest, ListsOutages)
{
    EXPECT_THAT(keel({"outages"}).out, HasSubstr("No outage"));
    server.on_loop([&] {
        core::OutageView outage;
        outage.record.id = OutageId{7};
        outage.record.unit = "worker";
        outage.record.opened.wall = test::morning();
        outage.record.cause_text = "SIGKILL";
        outage.length = std::chrono::milliseconds(812);
        server.engine.outage_list.push_back(outage);
    });
    EXPECT_THAT(keel({"outages"}).out, AllOf(HasSubstr("SIGKILL"), HasSubstr("open, 812 ms")));
    EXPECT_THAT(keel({"outages", "--json"}).out, HasSubstr(R"("id":7)"));
}

TEST_F(HistoryTest, AsksForOutagesOfATimeAndSaysWhatIsMissing)
{
    server.on_loop([&] { server.engine.missing_history = "database disk image is malformed"; });
    const auto shown = keel({"outages", "--since", "2025-01-31T09:15:02Z", "-n", "7"});
    EXPECT_EQ(shown.exit_code, 0);
    EXPECT_THAT(shown.err, AllOf(HasSubstr("from memory alone"), HasSubstr("malformed")));
    EXPECT_EQ(keel({"outages", "--since", "yore"}).exit_code, 2);
    server.on_loop([&] {
        ASSERT_EQ(server.engine.history_asked.size(), 1U);
        EXPECT_EQ(server.engine.history_asked[0].limit, 7U);
        EXPECT_EQ(server.engine.history_asked[0].since, WallTime(std::chrono::seconds(1738314902)));
    });
}

TEST_F(HistoryTest, AsksForLastWordsOnlyWhereTheyAreShownAndNotOfVeryMany)
{
    using Words = ports::OutageQuery::LastWords;
    const auto asked_last = [&] {
        Words asked{};
        server.on_loop([&] { asked = server.engine.history_asked.back().last_words; });
        return asked;
    };
    EXPECT_EQ(server.call("GET", "/v1/outages?limit=1000").status, 200);
    EXPECT_EQ(asked_last(), Words::told);
    EXPECT_EQ(server.call("GET", "/v1/outages?limit=1001").status, 400);
    EXPECT_EQ(server.call("GET", "/v1/outages?limit=1001&last_words=0").status, 200);
    EXPECT_EQ(asked_last(), Words::left_out);
    (void)keel({"outages"});
    EXPECT_EQ(asked_last(), Words::left_out);
    EXPECT_EQ(keel({"outages", "--json"}).err, "");
    EXPECT_EQ(asked_last(), Words::told);
    const auto many = keel({"outages", "--json", "-n", "1001"});
    EXPECT_EQ(many.exit_code, 0);
    EXPECT_THAT(many.err, HasSubstr("of more than 1000 outages the last words are left out"));
    EXPECT_EQ(asked_last(), Words::left_out);
}

TEST_F(HistoryTest, TellsWithTheStatusWhatIsWrongWithKeelItself)
{
    server.on_loop([&] {
        server.engine.put(test::unit_up("worker"));
        server.engine.ledger_standing = {"database or disk is full", 12, 3};
    });
    const auto shown = keel({"status"});
    EXPECT_EQ(shown.exit_code, 0);
    EXPECT_THAT(shown.err, AllOf(HasSubstr("the ledger cannot be written: database or disk is "
                                           "full; 12 records wait"),
                                 HasSubstr("3 records")));
    EXPECT_THAT(keel({"status", "--json"}).out, HasSubstr(R"("alarms":["the ledger)"));
}

TEST_F(HistoryTest, ReportsHowAvailableUnitsWere)
{
    using std::chrono::hours;
    const WallTime now = sys::read_clocks().wall;
    server.on_loop([&] {
        core::UnitPast worker{"worker", {{now - hours(100), now}}, {}};
        worker.downtimes.push_back({{now - hours(50), now - hours(40)}});
        server.engine.past.units = {worker};
        server.engine.past.gaps = {{now - hours(5), now - hours(4)}};
        server.engine.past.since = now - hours(100);
    });
    const auto page = keel({"report"});
    EXPECT_EQ(page.exit_code, 0);
    EXPECT_THAT(page.out, HasSubstr("| worker | 89.89"));
    EXPECT_THAT(page.out, HasSubstr("what was before is not known"));
    EXPECT_THAT(page.out, HasSubstr("Keel itself was away for 1 h"));
    EXPECT_THAT(keel({"report", "--since", "20h"}).out, HasSubstr("| worker | 100 % | 0 |"));
    EXPECT_THAT(keel({"report", "--format", "json"}).out, HasSubstr(R"("unit":"worker")"));
    EXPECT_THAT(keel({"report", "--json"}).out, HasSubstr(R"("away_seconds":3600)"));
    EXPECT_EQ(keel({"report", "--format", "pdf"}).exit_code, 2);
    EXPECT_EQ(server.call("GET", "/v1/report?since=2999-01-01T00:00:00Z").status, 400);
    server.on_loop([&] { EXPECT_LT(server.engine.past_asked.at(0), now - hours(24 * 30 - 1)); });
}

TEST_F(HistoryTest, DraftsAPostmortemOfAnOutage)
{
    server.on_loop([&] {
        core::OutageView outage;
        outage.record.id = OutageId{7};
        outage.record.unit = "worker";
        outage.record.opened.wall = test::morning();
        outage.record.cause_text = "exit 1";
        outage.length = std::chrono::seconds(2);
        outage.last_words = std::make_shared<std::vector<std::string>>(1, "out of luck");
        server.engine.incident.outage = outage;
        outage.record.id = OutageId{8};
        outage.record.unit = "panel";
        server.engine.incident.followers = {outage};
        server.engine.incident.spawns = {
            {SpawnId{3}, "worker", 1, "exit", Now{{}, test::morning()}, {}, ""}};
    });
    const auto page = keel({"postmortem", "7"});
    EXPECT_EQ(page.exit_code, 0);
    EXPECT_THAT(page.out, AllOf(HasSubstr("# Outage 7: worker"), HasSubstr("outage 8 of panel"),
                                HasSubstr("spawn 3 of worker.1 began (exit)")));
    EXPECT_THAT(keel({"postmortem", "7", "--json"}).out, HasSubstr(R"("followers":[{"id":8)"));
    const auto record = keel({"outages", "7"});
    EXPECT_THAT(record.out,
                AllOf(HasSubstr("outage 7 of worker, 2 s"), HasSubstr("cause   exit 1"),
                      HasSubstr("ended   not yet"), HasSubstr("led to  outage 8 of panel"),
                      HasSubstr("Last words\n  out of luck\n")));
    EXPECT_EQ(keel({"outages", "nine"}).exit_code, 2);
    const auto none = keel({"postmortem", "9"});
    EXPECT_EQ(none.exit_code, 1);
    EXPECT_THAT(none.err, AllOf(HasSubstr("no outage 9"), HasSubstr("keel outages")));
    EXPECT_EQ(keel({"postmortem", "nine"}).exit_code, 2);
    EXPECT_EQ(server.call("GET", "/v1/outages/18446744073709551615").status, 404);
    EXPECT_EQ(server.call("GET", "/v1/outages/x").status, 404);
}

TEST_F(HistoryTest, SaysOfOneOutageWhatIsMissing)
{
    server.on_loop([&] {
        core::OutageView outage;
        outage.record.id = OutageId{7};
        outage.record.unit = "worker";
        outage.record.opened.wall = test::morning();
        server.engine.incident.outage = outage;
    });
    for (const char* command : {"outages", "postmortem"}) {
        server.on_loop([&] { server.engine.incident.missing.clear(); });
        EXPECT_EQ(keel({command, "7"}).err, "") << command;
        server.on_loop([&] { server.engine.incident.missing = "the disk is \x1b[1mgone"; });
        const auto shown = keel({command, "7"});
        EXPECT_EQ(shown.exit_code, 0) << command;
        EXPECT_THAT(shown.err, AllOf(HasSubstr("there may be more"), HasSubstr("disk is \\x1b")));
    }
}

TEST_F(HistoryTest, RefusesATimeAndANumberThatAreNone)
{
    EXPECT_EQ(server.call("GET", "/v1/outages?since=yesterday").status, 400);
    EXPECT_EQ(server.call("GET", "/v1/outages?limit=10001").status, 400);
    EXPECT_EQ(server.call("GET", "/v1/outages?limit=0").status, 200);
    EXPECT_EQ(server.call("GET", "/v1/outages?last_words=2").status, 400);
}

} // namespace
} // namespace keel
