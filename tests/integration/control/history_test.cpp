// What has been, as `keel outages` and the API tell it, and what is wrong with Keel itself.
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

TEST_F(HistoryTest, RefusesATimeAndANumberThatAreNone)
{
    EXPECT_EQ(server.call("GET", "/v1/outages?since=yesterday").status, 400);
    EXPECT_EQ(server.call("GET", "/v1/outages?limit=10001").status, 400);
    EXPECT_EQ(server.call("GET", "/v1/outages?limit=0").status, 200);
}

} // namespace
} // namespace keel
