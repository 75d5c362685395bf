// Attempts of probes, from the engine's side.
#include "tests/unit/engine/engine_fixture.hpp"

namespace keel::engine {
namespace {

using namespace std::chrono_literals;

using Probes = EngineFixture;

TEST_F(Probes, OfAnEarlierSpawnAreCancelledWhenItsEndIsToldLaterThanItsEmptyTree)
{
    units::ProbeSpec probe;
    probe.name = "p";
    probe.target = units::TcpTarget{"a", {}, {}};
    probe.timeout = 5s;
    specs_[0].probes = {probe};
    specs_[0].ready = units::ReadyBy::probe;
    specs_[0].start.timeout = 1s;
    specs_[0].stop.timeout = 1s;
    fate_.term = sim::Fate::Term::ignores;
    probe_fate_ = {{core::Verdict::fail, core::VerdictKind::timeout, 5s, "no answer"}, 5s};
    kernel_.shuffles = 1;
    kernel_.report_latency = 1s;
    start();
    // FakeProber throws at two attempts of one probe in flight at once.
    EXPECT_NO_THROW(run(5min));
}

TEST_F(Probes, ThatAPersonAsksForAreRunOnceAndNothingFollows)
{
    using Found = std::vector<core::TriedProbe>;
    units::ProbeSpec probe;
    probe.name = "p";
    probe.target = units::TcpTarget{"{unit}:{instance}", {}, {}};
    probe.interval = 1h;
    probe.failures = 1;
    specs_[0].probes = {probe};
    specs_[0].instances = 2;
    probe_fate_ = {{core::Verdict::pass, core::VerdictKind::none, 1ms, "connected"}, 1ms};
    start();
    run(1min);
    const auto spawned = kernel_.latest_id();
    probe_fate_ = {{core::Verdict::fail, core::VerdictKind::refused, 1s, "refused"}, 1s};

    std::optional<Found> found;
    const auto keep = [&found](const Found& tried) { found = tried; };
    EXPECT_FALSE(engine_->try_probes("a", {}, keep));
    const auto second = engine_->try_probes("a", {}, keep);
    ASSERT_TRUE(second);
    EXPECT_EQ(ports::Refusal::Kind::conflict, second->kind);
    run(10s);
    ASSERT_TRUE(found);
    ASSERT_EQ(2U, found->size());
    EXPECT_EQ("a.2", found->at(1).instance);
    EXPECT_EQ("p", found->at(1).probe.name);
    EXPECT_EQ(core::Verdict::fail, found->at(1).probe.verdict);
    EXPECT_EQ(spawned, kernel_.latest_id()) << "a question restarts nothing";
    EXPECT_EQ(core::UnitStatus::up, engine_->unit("a")->status);

    EXPECT_FALSE(engine_->try_probes("a", Slot{1}, keep));
    run(10s);
    EXPECT_EQ(1U, found->size());
    EXPECT_EQ(ports::Refusal::Kind::no_such_unit, engine_->try_probes("x", {}, keep)->kind);
}

TEST_F(Probes, ThatAPersonAsksForOfAUnitWithoutAnyAreNone)
{
    start();
    std::optional<std::size_t> count;
    EXPECT_FALSE(
        engine_->try_probes("a", {}, [&count](const auto& tried) { count = tried.size(); }));
    run(1ms);
    EXPECT_EQ(0U, count);
}

TEST_F(Probes, ThatAPersonAsksForAreBrokenOffWhenKeeldStops)
{
    units::ProbeSpec probe;
    probe.name = "p";
    probe.target = units::TcpTarget{"a", {}, {}};
    probe.interval = 1h;
    specs_[0].probes = {probe};
    probe_fate_ = {{core::Verdict::pass, core::VerdictKind::none, 1ms, "connected"}, 1ms};
    start();
    run(1min);
    probe_fate_.takes = 1h;
    bool answered = false;
    EXPECT_FALSE(engine_->try_probes("a", {}, [&answered](const auto&) { answered = true; }));
    engine_->shut_down("the test ends");
    run(2h);
    EXPECT_FALSE(answered);
}

} // namespace
} // namespace keel::engine
