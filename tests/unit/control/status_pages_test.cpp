// The status page as everybody may ask for it: how often it is made, and on whose time.
#include "control/status_pages.hpp"
#include "tests/support/fake_supervisor.hpp"
#include "tests/support/manual_loop.hpp"

#include <gmock/gmock.h>

namespace keel::control {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct StatusPagesTest : testing::Test {
    test::ManualLoop loop;
    test::FakeSupervisor supervisor;
    StatusPages pages{loop, supervisor};
    std::vector<StatusPages::Text> given;

    StatusPagesTest()
    {
        auto unit = test::unit_up("api");
        unit.public_title = "Panel";
        supervisor.put(unit);
    }
    void ask()
    {
        pages.get([this](StatusPages::Text text) { given.push_back(std::move(text)); });
    }
};

TEST_F(StatusPagesTest, AreMadeAwayFromTheLoopAndSharedByAllWhoAskMeanwhile)
{
    for (int i = 0; i < 100; ++i)
        ask();
    EXPECT_TRUE(given.empty()) << "nothing is made on the loop";
    ASSERT_EQ(loop.offloaded.size(), 1U);
    loop.finish_one();
    ASSERT_EQ(given.size(), 100U);
    EXPECT_THAT(*given.front(), HasSubstr("Panel"));
    EXPECT_EQ(given.front(), given.back());
}

TEST_F(StatusPagesTest, AreServedAgainForASecondAndThenMadeAnew)
{
    ask();
    loop.finish_one();
    loop.advance(999ms);
    ask();
    EXPECT_TRUE(loop.offloaded.empty());
    EXPECT_EQ(given.size(), 2U);
    loop.advance(1ms);
    ask();
    EXPECT_EQ(loop.offloaded.size(), 1U);
}

TEST_F(StatusPagesTest, TellWhatTheLedgerKnowsOfTheTimeBeforeThisEngine)
{
    core::OutageView outage;
    outage.record.unit = "api";
    outage.record.opened = {{}, loop.time.wall - 24h * 50};
    outage.record.closed = Now{{}, loop.time.wall - 24h * 50 + 1h};
    outage.length = 1h;
    supervisor.outage_list = {outage};
    ask();
    loop.finish_one();
    ASSERT_EQ(supervisor.history_asked.size(), 1U);
    EXPECT_EQ(supervisor.history_asked[0].since, loop.time.wall - 24h * 90);
    EXPECT_LE(supervisor.history_asked[0].limit, 1000U);
    EXPECT_THAT(*given.front(), HasSubstr("down for 1 h"));
    EXPECT_THAT(*given.front(), HasSubstr("% of 50 d</span>")) << "it is known from then on";
}

TEST_F(StatusPagesTest, KnowAsFarBackAsTheLedgerGoes)
{
    supervisor.ledger_standing.since = loop.time.wall - 24h * 20;
    ask();
    loop.finish_one();
    EXPECT_THAT(*given.front(), HasSubstr("up 100 % of 20 d</span>"));
}

TEST_F(StatusPagesTest, CallWhatRecordsWereLeftOutOfNotKnown)
{
    supervisor.ledger_standing.since = loop.time.wall - 24h * 80;
    core::OutageView outage;
    outage.record.unit = "another";
    outage.record.opened = {{}, loop.time.wall - 24h * 30};
    outage.record.closed = Now{{}, loop.time.wall - 24h * 30 + 1s};
    supervisor.outage_list.assign(1000, outage);
    ask();
    loop.finish_one();
    EXPECT_THAT(*given.front(), HasSubstr("% of 30 d</span>"));
}

TEST_F(StatusPagesTest, DoNotWaitForALedgerThatDoesNotAnswer)
{
    supervisor.answers_history = false;
    ask();
    EXPECT_TRUE(loop.offloaded.empty());
    loop.advance(1s);
    ASSERT_EQ(loop.offloaded.size(), 1U);
    loop.finish_one();
    EXPECT_EQ(given.size(), 1U);
    EXPECT_EQ(loop.timers(), 0U);
}

TEST(StatusPages, MayEndWhileOneIsBeingMade)
{
    test::ManualLoop loop;
    test::FakeSupervisor supervisor;
    {
        StatusPages pages(loop, supervisor);
        pages.get([](const StatusPages::Text&) { FAIL() << "there is nobody left to be told"; });
    }
    loop.finish_one();
}

} // namespace
} // namespace keel::control
