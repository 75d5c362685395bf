// What came to pass while Keel itself was away: PRODUCT section 6, a sentence each.
#include "tests/unit/engine/engine_fixture.hpp"

#include <gmock/gmock.h>

namespace keel::engine {
namespace {

using namespace std::chrono_literals;
using core::OutageCause;
using ports::LastLife;
using ::testing::SizeIs;

class Absence : public EngineFixture {
protected:
    Absence() { specs_[0].outage.settle = 10s; }

    void leave()
    {
        die();
        last_seen_ = loop_.now();
        loop_.move_to(loop_.now().mono + 1h);
    }
    /// What the ledger tells of the life that ended just now.
    LastLife& come_back(LastLife::Boot boot)
    {
        options_.absence = EngineOptions::Absence::yes;
        LastLife life;
        life.seen = last_seen_;
        life.boot = boot;
        life.wanted = {"a"};
        return options_.before.emplace(std::move(life));
    }
    void lose_the_boot()
    {
        kernel_.host_booted();
        journal_.lose_everything();
    }
    const core::Outage* open() { return core::open_outage(unit(0).outage); }

    Now last_seen_{};
};

TEST_F(Absence, InWhichAUnitDiedBeganItsOutageWhenItWasLastSeenReady)
{
    start();
    run(1min);
    leave();
    kernel_.host_booted(); // Nothing lives any more, and the journal is there.
    come_back(LastLife::Boot::same);
    start();
    run(1ms);
    ASSERT_NE(open(), nullptr);
    EXPECT_EQ(open()->opened.mono, last_seen_.mono);
    EXPECT_EQ(open()->begin, core::Outage::Begin::unseen);
    EXPECT_EQ(open()->cause, OutageCause::lost);
    run(1min);
    ASSERT_THAT(ledger_.records, SizeIs(1));
    EXPECT_TRUE(ledger_.records.begin()->second.closed);
    EXPECT_EQ(ledger_.records.begin()->second.begin, core::Outage::Begin::unseen);
}

TEST_F(Absence, ChangesNothingForAUnitThatLivedOn)
{
    start();
    run(1min);
    leave();
    come_back(LastLife::Boot::same);
    start();
    run(1min);
    EXPECT_EQ(open(), nullptr);
    EXPECT_THAT(ledger_.records, SizeIs(0));
}

TEST_F(Absence, IsNotBlamedForWhatHappensAfterIt)
{
    start();
    run(1min);
    leave();
    come_back(LastLife::Boot::same);
    start();
    run(1min);
    kernel_.end(spawn_of(0).value(), {core::ExitStatus::Kind::code, 1, false});
    run(1ms);
    ASSERT_NE(open(), nullptr);
    EXPECT_EQ(open()->begin, core::Outage::Begin::seen);
    EXPECT_GT(open()->opened.mono, last_seen_.mono);
}

TEST_F(Absence, OverABootOfTheHostIsAnOutageOfWhatWasUp)
{
    start();
    run(1min);
    leave();
    lose_the_boot();
    come_back(LastLife::Boot::another);
    start();
    run(1ms);
    ASSERT_NE(open(), nullptr);
    EXPECT_EQ(open()->cause, OutageCause::boot);
    EXPECT_EQ(open()->opened.mono, last_seen_.mono);
    EXPECT_EQ(open()->planned, core::Outage::Planned::no);
    EXPECT_EQ(engine_->counters_of("a").outages[static_cast<std::size_t>(OutageCause::boot)], 1U);
    run(1min);
    EXPECT_EQ(open(), nullptr);
}

TEST_F(Absence, OverABootThatSomebodyWantedIsAPlannedOutage)
{
    start();
    run(1min);
    leave();
    lose_the_boot();
    come_back(LastLife::Boot::another).end = LastLife::End::in_order;
    start();
    run(1ms);
    ASSERT_NE(open(), nullptr);
    EXPECT_EQ(open()->planned, core::Outage::Planned::yes);
}

TEST_F(Absence, OverAPlannedBootIsNotPlannedForLongerThanAStartMayTake)
{
    start();
    run(1min);
    leave();
    lose_the_boot();
    come_back(LastLife::Boot::another).end = LastLife::End::in_order;
    specs_[0].ready = units::ReadyBy::notify; // And it never says so.
    fate_.ends_after = 1s;
    fate_.status = {core::ExitStatus::Kind::code, 1, false};
    start();
    const MonoTime began = loop_.now().mono;
    run(specs_[0].start.timeout - 1s);
    ASSERT_NE(open(), nullptr);
    EXPECT_EQ(open()->planned, core::Outage::Planned::yes);
    run(2min);
    ASSERT_NE(open(), nullptr);
    EXPECT_EQ(open()->planned, core::Outage::Planned::no);
    EXPECT_EQ(open()->begin, core::Outage::Begin::seen);
    EXPECT_EQ(open()->cause, OutageCause::exit);
    EXPECT_GE(open()->opened.mono, began + specs_[0].start.timeout);
}

TEST_F(Absence, EndsThePlanOfAnOutageWhoseOperationItCutShort)
{
    start();
    run(1min);
    leave();
    lose_the_boot();
    core::Outage planned;
    planned.id = OutageId{7};
    planned.unit = "a";
    planned.planned = core::Outage::Planned::yes;
    planned.opened = last_seen_;
    planned.cause = OutageCause::operation;
    come_back(LastLife::Boot::another).open = {planned};
    fate_.ends_after = 1s;
    fate_.status = {core::ExitStatus::Kind::code, 1, false};
    start();
    run(2min);
    ASSERT_NE(open(), nullptr);
    EXPECT_NE(open()->id, planned.id);
    EXPECT_EQ(open()->planned, core::Outage::Planned::no);
}

TEST_F(Absence, OverABootIsNoneOfAUnitThatWasNotWantedUpBefore)
{
    start();
    run(1min);
    leave();
    lose_the_boot();
    come_back(LastLife::Boot::another).wanted = {"b"};
    start();
    run(1ms);
    EXPECT_EQ(open(), nullptr) << "a first start has its time";
}

TEST_F(Absence, OverABootIsNoneOfAUnitThatIsNotEnabled)
{
    specs_[0].enabled = false;
    lose_the_boot();
    come_back(LastLife::Boot::another);
    start();
    run(1ms);
    ask("a", core::Verb::start);
    run(1ms);
    EXPECT_EQ(open(), nullptr);
}

TEST_F(Absence, LetsAnOutageGoOnThatWasOpenBeforeTheBoot)
{
    start();
    run(1min);
    fate_.ready_after = 1h;
    kernel_.end(spawn_of(0).value(), {core::ExitStatus::Kind::code, 1, false});
    run(5s);
    ASSERT_NE(open(), nullptr);
    const core::Outage before = *open();
    leave();
    lose_the_boot();
    come_back(LastLife::Boot::another).open = {before};
    fate_.ready_after = 0s;
    start();
    run(1ms);
    ASSERT_NE(open(), nullptr);
    EXPECT_EQ(open()->id, before.id);
    EXPECT_EQ(open()->cause_text, "exit 1");
    EXPECT_THAT(ledger_.open, SizeIs(1));
    run(1min);
    EXPECT_TRUE(ledger_.records.at(before.id).closed);
}

TEST_F(Absence, InWhichTheStateOfTheBootWasLostTooSaysNothingOfABoot)
{
    start();
    run(1min);
    leave();
    lose_the_boot();
    come_back(LastLife::Boot::same);
    start();
    run(1ms);
    ASSERT_NE(open(), nullptr);
    EXPECT_EQ(open()->cause, OutageCause::lost);
}

} // namespace
} // namespace keel::engine
