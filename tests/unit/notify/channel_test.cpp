// What a channel is told, when, and what it keeps.
#include "notify/channel.hpp"
#include "tests/unit/notify/kept.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keel::notify {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using units::Occasion;

class Channels : public testing::Test {
protected:
    Channels() { begin(); }
    void begin()
    {
        kept.reopen();
        channel.emplace("ops", spec, kept);
        channel->recover(now);
    }
    void pass(Duration d)
    {
        now.mono += d;
        now.wall += d;
        channel->tick(now);
    }
    static Notification opened(int n, const std::string& unit = "web")
    {
        Notification news;
        news.about = "outage-" + std::to_string(n);
        news.id = news.about + "-outage-opened";
        news.unit = unit;
        news.text = "is down: exit 1";
        return news;
    }
    static Notification recovered(int n, const std::string& unit = "web")
    {
        Notification news = opened(n, unit);
        news.id = news.about + "-recovered";
        news.occasion = Occasion::recovered;
        news.text = "is up again";
        return news;
    }
    void take(const Notification& news) { channel->take(news, now); }
    /// Sends all that may be sent now; the ids.
    std::vector<std::string> arrive()
    {
        std::vector<std::string> ids;
        while (const Notification* what = channel->send(now)) {
            ids.push_back(what->id);
            latest = *what;
            channel->arrived();
        }
        return ids;
    }

    [[nodiscard]] std::uint64_t count(Channel::Result result) const
    {
        return channel->counts().at(static_cast<std::size_t>(result));
    }

    KeptRecords kept;
    units::ChannelSpec spec;
    Now now{MonoTime{1000s}, WallTime{1'700'000'000s}};
    std::optional<Channel> channel;
    Notification latest;
};

TEST_F(Channels, SendWhatTheyAreToldInItsOrder)
{
    take(opened(1));
    take(opened(2, "api"));
    take(recovered(1));
    EXPECT_THAT(arrive(), ElementsAre("outage-1-outage-opened", "outage-2-outage-opened",
                                      "outage-1-recovered"));
    EXPECT_EQ(count(Channel::Result::delivered), 3U);
    EXPECT_THAT(arrive(), IsEmpty());
}

TEST_F(Channels, SendOneAfterTheOther)
{
    take(opened(1));
    take(opened(2, "api"));
    ASSERT_NE(channel->send(now), nullptr);
    EXPECT_EQ(channel->send(now), nullptr) << "the first has not arrived";
}

TEST_F(Channels, TryAgainWithGrowingPausesAndLoseNothing)
{
    spec.quiet = spec.remind = 0s;
    begin();
    take(opened(1));
    Duration pause = 1s;
    for (int i = 0; i < 12; ++i) {
        ASSERT_NE(channel->send(now), nullptr) << i;
        channel->failed(now.mono);
        EXPECT_EQ(channel->send(now), nullptr);
        ASSERT_EQ(channel->deadline(), now.mono + pause) << i;
        pass(pause);
        pause = std::min<Duration>(2 * pause, 5min);
    }
    EXPECT_THAT(arrive(), ElementsAre("outage-1-outage-opened"));
    EXPECT_EQ(count(Channel::Result::failed), 12U);
}

TEST_F(Channels, DropWhatNobodyWantsToHearAnyMore)
{
    spec.remind = 0s;
    begin();
    take(opened(1));
    pass(Channel::patience + 1s);
    take(opened(2, "api"));
    EXPECT_THAT(arrive(), ElementsAre("outage-2-outage-opened"));
    EXPECT_EQ(count(Channel::Result::dropped), 1U);
}

TEST_F(Channels, DropTheOldestOfTooMany)
{
    for (int i = 0; i < static_cast<int>(Channel::queue_max) + 3; ++i)
        take(opened(i, "unit-" + std::to_string(i)));
    EXPECT_EQ(channel->waiting(), Channel::queue_max);
    ASSERT_NE(channel->send(now), nullptr);
    take(opened(5000, "late"));
    EXPECT_EQ(channel->waiting(), Channel::queue_max);
    EXPECT_EQ(count(Channel::Result::dropped), 4U);
    channel->arrived();
    EXPECT_EQ(arrive().size(), Channel::queue_max - 1);
}

TEST_F(Channels, AreToldOnlyOfWhatTheyWant)
{
    spec.events = {Occasion::recovered};
    begin();
    take(opened(1));
    take(recovered(1));
    EXPECT_THAT(arrive(), ElementsAre("outage-1-recovered"));
}

TEST_F(Channels, TellOnceInQuietTimeAndCountTheRest)
{
    take(opened(1));
    take(recovered(1));
    EXPECT_EQ(arrive().size(), 2U);
    take(opened(2));
    take(recovered(2));
    take(opened(3));
    EXPECT_THAT(arrive(), IsEmpty()) << "it flaps: that is told once";
    pass(5min);
    EXPECT_THAT(arrive(), ElementsAre("outage-3-outage-opened")) << "it is down still";
    EXPECT_EQ(latest.like_it, 1U);
    take(recovered(3));
    EXPECT_THAT(arrive(), ElementsAre("outage-3-recovered"));
}

TEST_F(Channels, KeepQuietAboutOneUnitAndKindOnly)
{
    take(opened(1));
    take(opened(2, "api"));
    Notification given_up = opened(1);
    given_up.occasion = Occasion::gave_up;
    given_up.id = "outage-1-gave-up";
    take(given_up);
    EXPECT_EQ(arrive().size(), 3U);
}

TEST_F(Channels, RemindOfAnOutageThatStaysOpen)
{
    take(opened(1));
    (void)arrive();
    pass(1h);
    EXPECT_THAT(arrive(), ElementsAre("outage-1-outage-opened-again-1"));
    EXPECT_EQ(latest.reminder, 1U);
    pass(1h);
    EXPECT_THAT(arrive(), ElementsAre("outage-1-outage-opened-again-2"));
    take(recovered(1));
    (void)arrive();
    pass(2h);
    EXPECT_THAT(arrive(), IsEmpty());
}

TEST_F(Channels, KeepOverADeathWhatHasNotArrived)
{
    take(opened(1));
    take(opened(2, "api"));
    ASSERT_NE(channel->send(now), nullptr);
    begin();
    EXPECT_THAT(arrive(), ElementsAre("outage-1-outage-opened", "outage-2-outage-opened"))
        << "whether the first one has arrived nobody knows";
    begin();
    EXPECT_THAT(arrive(), IsEmpty());
}

TEST_F(Channels, NumberRemindersOnOverADeath)
{
    take(opened(1));
    pass(1h);
    EXPECT_EQ(arrive().size(), 2U);
    pass(45min);
    begin();
    pass(15min);
    EXPECT_THAT(arrive(), ElementsAre("outage-1-outage-opened-again-2"))
        << "an hour after the last one";
    EXPECT_EQ(latest.reminder, 2U);
}

TEST_F(Channels, TellTheSameOnce)
{
    take(opened(1));
    take(opened(1));
    EXPECT_EQ(arrive().size(), 1U);
    take(opened(1));
    begin();
    take(opened(1));
    EXPECT_THAT(arrive(), IsEmpty());
}

TEST_F(Channels, NameInRemindersWhatHasFollowedMeanwhile)
{
    take(opened(1));
    Notification more = opened(1);
    more.beside = {"panel"};
    take(more);
    EXPECT_EQ(arrive().size(), 1U);
    begin();
    more.beside = {"panel", "worker"};
    take(more);
    pass(1h);
    EXPECT_EQ(arrive().size(), 1U);
    EXPECT_THAT(latest.beside, ElementsAre("panel", "worker"));
}

TEST_F(Channels, TellNoEndOfWhatTheyWereNotToldOf)
{
    take(recovered(1));
    EXPECT_THAT(arrive(), IsEmpty());
}

TEST_F(Channels, StopRemindingOfUnitsThatNameThemNoLonger)
{
    take(opened(1));
    take(opened(2, "api"));
    (void)arrive();
    channel->forget_unless([](const std::string& unit) { return unit == "api"; });
    pass(1h);
    EXPECT_THAT(arrive(), ElementsAre("outage-2-outage-opened-again-1"));
    begin();
    pass(1h);
    EXPECT_EQ(arrive().size(), 1U);
}

TEST_F(Channels, LetADeathNotProlongTheirPatience)
{
    spec.remind = 0s;
    begin();
    take(opened(1));
    now.wall += Channel::patience + 1s;
    begin();
    EXPECT_THAT(arrive(), IsEmpty());
}

TEST_F(Channels, AreNotMadeImpatientByTheClocksBeingSet)
{
    spec.remind = 0s;
    begin();
    take(opened(1));
    now.wall += 24h * 365;
    EXPECT_THAT(arrive(), ElementsAre("outage-1-outage-opened"));
    EXPECT_EQ(count(Channel::Result::dropped), 0U);
    take(opened(2));
    now.wall -= 24h * 365;
    begin();
    now.mono += Channel::patience + 1s;
    EXPECT_THAT(arrive(), IsEmpty()) << "none is kept for ever";
}

TEST_F(Channels, KeepNothingBackOfWhatEndedWhileKeelWasAway)
{
    take(opened(1));
    take(recovered(1));
    take(opened(2));
    (void)arrive();
    EXPECT_TRUE(channel->knows("outage-2")) << "it will be told";
    begin();
    channel->settle([](const std::string&) { return false; });
    EXPECT_FALSE(channel->knows("outage-2"));
    pass(5min);
    EXPECT_THAT(arrive(), IsEmpty());
}

TEST_F(Channels, KeepOverADeathWhatQuietTimeKeptBack)
{
    take(opened(1));
    take(recovered(1));
    take(opened(2));
    (void)arrive();
    begin();
    pass(5min);
    EXPECT_THAT(arrive(), ElementsAre("outage-2-outage-opened"));
}

TEST_F(Channels, CountOnOverADeath)
{
    take(opened(1));
    take(opened(2, "api"));
    (void)arrive();
    take(recovered(2, "api"));
    ASSERT_NE(channel->send(now), nullptr);
    channel->failed(now.mono);
    take(opened(3));
    for (int i = 0; i < 2; ++i, begin()) {
        EXPECT_EQ(count(Channel::Result::delivered), 2U);
        EXPECT_EQ(count(Channel::Result::failed), 1U);
        EXPECT_EQ(count(Channel::Result::kept_back), 1U);
        EXPECT_EQ(count(Channel::Result::dropped), 0U);
    }
}

TEST_F(Channels, FollowAnotherSpecificationAtOnce)
{
    take(opened(1));
    ASSERT_NE(channel->send(now), nullptr);
    channel->failed(now.mono);
    spec.quiet = 1s;
    spec.remind = 10s;
    channel->respecify(spec, now);
    EXPECT_THAT(arrive(), ElementsAre("outage-1-outage-opened")) << "it may be the one that works";
    take(recovered(1));
    (void)arrive();
    pass(1s);
    take(opened(2));
    EXPECT_THAT(arrive(), ElementsAre("outage-2-outage-opened"));
    pass(10s);
    EXPECT_THAT(arrive(), ElementsAre("outage-2-outage-opened-again-1"));
    spec.remind = 0s;
    channel->respecify(spec, now);
    pass(24h);
    EXPECT_THAT(arrive(), IsEmpty());
}

TEST_F(Channels, LeaveNothingBehindThatIsTakenAway)
{
    take(opened(1));
    (void)arrive();
    take(recovered(1));
    take(opened(2));
    take(opened(3, "api"));
    EXPECT_GE(kept.records.size(), 5U);
    channel->forget();
    EXPECT_TRUE(kept.records.empty());
    EXPECT_THAT(arrive(), IsEmpty());
}

TEST_F(Channels, ForgetWhatTheyCannotRead)
{
    kept.records["ops/queue/00000000000000000001"] = "{";
    begin();
    EXPECT_THAT(arrive(), IsEmpty());
    EXPECT_TRUE(kept.records.empty());
}

TEST_F(Channels, ReadBackWhatTheyWrite)
{
    Notification all = opened(7);
    all.beside = {"panel", "worker"};
    all.like_it = 3;
    all.reminder = 2;
    all.at = WallTime{1'700'000'123s};
    all.text = "is down: \xff\"";
    all.its_unit = Notification::Unit::wanted_down;
    const WallTime since{1'700'000'321s};
    const auto back = decode(encode({all, since}), now.wall);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->since, since);
    all.text = "is down: \xEF\xBF\xBD\""; // what is no UTF-8 becomes a sign of that
    EXPECT_EQ(back->what, all);
}

} // namespace
} // namespace keel::notify
