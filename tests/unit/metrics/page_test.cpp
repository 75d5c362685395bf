#include "metrics/page.hpp"

#include "metrics/document.hpp"
#include "tests/support/fake_supervisor.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/manual_loop.hpp"

#include <gtest/gtest.h>

namespace keel::metrics {
namespace {

using namespace std::chrono_literals;

using test::ManualLoop;

struct PageTest : testing::Test {
    ManualLoop loop;
    test::FakeSupervisor supervisor;
    Page page{loop, supervisor, {}, nullptr, "1"};
    std::vector<Page::Text> given;

    PageTest() { supervisor.past_is = test::FakeSupervisor::PastIs::slow; }

    void ask()
    {
        page.get([this](Page::Text text) { given.push_back(std::move(text)); });
    }
};

TEST_F(PageTest, IsMadeAwayFromTheLoopAndSharedByAllWhoAskMeanwhile)
{
    ask();
    ask();
    EXPECT_TRUE(given.empty());
    ASSERT_EQ(loop.offloaded.size(), 1U);
    loop.finish_one();
    ASSERT_EQ(given.size(), 2U);
    EXPECT_EQ(given[0], given[1]);
}

TEST_F(PageTest, IsServedAgainForASecondAndThenMadeAnew)
{
    ask();
    loop.finish_one();
    loop.time.mono += 999ms;
    ask();
    EXPECT_TRUE(loop.offloaded.empty());
    EXPECT_EQ(given.size(), 2U);
    loop.time.mono += 1ms;
    ask();
    EXPECT_EQ(loop.offloaded.size(), 1U);
}

TEST_F(PageTest, ShowsTheMomentInWhichItWasAskedFor)
{
    supervisor.host_counters.engine_starts = 1;
    ask();
    supervisor.host_counters.engine_starts = 2;
    loop.finish_one();
    ASSERT_EQ(given.size(), 1U);
    EXPECT_NE(given[0]->find("keel_engine_starts_total 1\n"), std::string::npos);
}

/// Measures when the test says so.
class ManualMeter final : public ports::UsageMeter {
public:
    std::vector<std::function<void(const ports::UsageByUnit&)>> asked;

    void measure(std::function<void(const ports::UsageByUnit&)> done) override
    {
        asked.push_back(std::move(done));
    }
};

TEST(Page, AsksOnceWhatUnitsUseHoweverManyAskForIt)
{
    ManualLoop loop;
    test::FakeSupervisor supervisor;
    supervisor.past_is = test::FakeSupervisor::PastIs::slow;
    supervisor.put(test::unit_up("api"));
    ManualMeter meter;
    Page page(loop, supervisor, {}, &meter, "1");
    std::vector<Page::Text> given;
    for (int i = 0; i < 3; ++i)
        page.get([&](Page::Text text) { given.push_back(std::move(text)); });
    ASSERT_EQ(meter.asked.size(), 1U);
    EXPECT_TRUE(loop.offloaded.empty());
    meter.asked[0]({{"api", {0s, 0, 0, 7}}});
    loop.finish_one();
    ASSERT_EQ(given.size(), 3U);
    EXPECT_NE(given[2]->find("keel_unit_processes{unit=\"api\"} 7\n"), std::string::npos);
}

TEST(Page, MayEndWhileUnitsAreMeasured)
{
    ManualLoop loop;
    test::FakeSupervisor supervisor;
    ManualMeter meter;
    {
        Page page(loop, supervisor, {}, &meter, "1");
        page.get([](const Page::Text&) { FAIL() << "there is nobody left to be told"; });
    }
    meter.asked[0]({});
    EXPECT_TRUE(loop.offloaded.empty());
}

TEST(Page, MayEndWhileItIsBeingMade)
{
    ManualLoop loop;
    test::FakeSupervisor supervisor;
    bool was_given = false;
    {
        Page page(loop, supervisor, {}, nullptr, "1");
        page.get([&](const Page::Text&) { was_given = true; });
    }
    loop.finish_one();
    EXPECT_FALSE(was_given);
}

TEST(MetricsDocument, IsWhatTheCatalogueSays)
{
    test::expect_golden("docs/generated/metrics.md", catalogue_as_markdown());
}

class CountingNotifier final : public ports::Notifier {
public:
    void heed(const core::Host&, std::span<const core::HostNote>) override {}
    [[nodiscard]] units::Channels channels() const override { return {}; }
    void set_channels(const units::Channels&) override {}
    [[nodiscard]] ports::NotificationCounts counts() const override { return {{"ops", {5}}}; }
};

TEST_F(PageTest, ShowsWhatBecameOfNotifications)
{
    const CountingNotifier notifier;
    page.count(notifier);
    ask();
    loop.finish_one();
    ASSERT_EQ(given.size(), 1U);
    EXPECT_NE(given[0]->find("keel_notifications_total{channel=\"ops\",result=\"delivered\"} 5"),
              std::string::npos);
}

} // namespace
} // namespace keel::metrics
