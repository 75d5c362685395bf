// What the engine gives to the ledger, and what it counts: over its own death and over boots.
#include "tests/unit/engine/engine_fixture.hpp"

#include <gmock/gmock.h>

namespace keel::engine {
namespace {

using namespace std::chrono_literals;
using core::OutageCause;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Records : public EngineFixture {
protected:
    Records() { specs_[0].outage.settle = 10s; }

    /// The process of the unit is killed; for one second it is down.
    void fail(std::uint32_t index = 0)
    {
        fate_.ready_after = 0s;
        kernel_.end(*spawn_of(index), {core::ExitStatus::Kind::signal, 9, false});
        run(1s);
    }
    enum class Loses : std::uint8_t { nothing, what_came_last };
    void boot_the_host(Loses loses = Loses::nothing)
    {
        if (loses == Loses::nothing) totals_.put(key_of_totals_end, "yes");
        die();
        kernel_.host_booted();
        journal_.lose_everything();
        loop_.move_to(loop_.now().mono + 1min);
        start();
        run(1min);
    }
    const core::Outage& record(std::uint64_t id) { return ledger_.records.at(OutageId{id}); }
    std::uint64_t counted(OutageCause cause)
    {
        return engine_->counters_of("a").outages[static_cast<std::size_t>(cause)];
    }
};

TEST_F(Records, AreKeptWhenTheyOpenWhenSomethingWasTriedAndWhenTheyClose)
{
    start();
    run(1min);
    fail();
    ASSERT_THAT(ledger_.records, SizeIs(1));
    EXPECT_EQ(record(1).cause, OutageCause::signal);
    EXPECT_FALSE(record(1).closed);
    ASSERT_THAT(record(1).actions, SizeIs(1));
    EXPECT_EQ(record(1).actions[0].result, "ready");
    run(1min);
    EXPECT_TRUE(record(1).closed);
}

TEST_F(Records, ThatAnEngineTookWithItAreKeptByTheNext)
{
    start();
    run(1min);
    fail();
    run(1min);
    fail();
    ledger_.records.clear(); // They waited to be written.
    die();
    start();
    run(1s);
    ASSERT_THAT(ledger_.records, SizeIs(2));
    EXPECT_TRUE(record(1).closed);
    EXPECT_FALSE(record(2).closed);
    EXPECT_THAT(ledger_.open, ElementsAre(OutageId{2}));
}

TEST_F(Records, OfRunsTellWhatTheyWereStartedForAndHowTheyEnded)
{
    start();
    run(1min);
    const SpawnId first = spawn_of(0).value();
    ASSERT_TRUE(ledger_.spawns.contains(first));
    EXPECT_EQ(ledger_.spawns.at(first).reason, "wanted");
    EXPECT_EQ(ledger_.spawns.at(first).unit, "a");
    EXPECT_FALSE(ledger_.spawns.at(first).ended);
    fail();
    EXPECT_TRUE(ledger_.spawns.at(first).began);
    EXPECT_EQ(ledger_.spawns.at(first).ending, "SIGKILL");
    const SpawnId second = spawn_of(0).value();
    EXPECT_EQ(ledger_.spawns.at(second).reason, "signal");
    die();
    start();
    run(1s);
    fail();
    EXPECT_EQ(ledger_.spawns.at(second).ending, "SIGKILL") << "also where another engine began it";
}

TEST_F(Records, OfOperationsTellWhoAskedAndWhatBecameOfIt)
{
    start();
    run(1min);
    ask("a", core::Verb::restart);
    ASSERT_THAT(ledger_.operations, SizeIs(1));
    EXPECT_FALSE(ledger_.operations.begin()->second.outcome);
    run(1min);
    EXPECT_EQ(ledger_.operations.begin()->second.outcome, core::OperationResult::Outcome::done);
}

TEST_F(Records, TellWhichUnitsAreWantedUp)
{
    start();
    run(1min);
    EXPECT_THAT(ledger_.wanted, ElementsAre("a"));
    ask("a", core::Verb::stop);
    run(1min);
    EXPECT_THAT(ledger_.wanted, IsEmpty());
    die();
    start();
    EXPECT_THAT(ledger_.wanted, IsEmpty());
    ask("a", core::Verb::start);
    run(1min);
    EXPECT_THAT(ledger_.wanted, ElementsAre("a"));
    die();
    ledger_.wanted.clear();
    start();
    EXPECT_THAT(ledger_.wanted, ElementsAre("a"));
    ledger_.wanted.clear();
    ledger_.begin_anew();
    EXPECT_THAT(ledger_.wanted, ElementsAre("a"));
}

TEST_F(Records, OfThePastAreThoseOfTheLedgerAndWhatMemoryKnows)
{
    start();
    run(1min);
    ledger_.past.units = {{"a", {}, {{{}, core::OutageKind::outage, {}, {}, OutageId{1}}}}};
    fail();
    std::optional<core::PastOfAll> found;
    engine_->find_past(loop_.now().wall - 1h, [&](core::PastOfAll past) { found = past; });
    run(1s);
    ASSERT_TRUE(found);
    ASSERT_THAT(found->units, SizeIs(1));
    EXPECT_THAT(found->units[0].wanted, SizeIs(1));
    ASSERT_THAT(found->units[0].downtimes, SizeIs(1)) << "the ledger's older word gives way";
    EXPECT_EQ(found->units[0].downtimes[0].over, core::Downtime::Over::no);
}

TEST_F(Records, OfAnIncidentAreNeverOlderThanMemory)
{
    start();
    run(1min);
    fail();
    run(1s);
    core::Outage older = record(1);
    run(1min);
    ledger_.records.at(OutageId{1}) = older;
    std::optional<core::Incident> found;
    engine_->find_incident(OutageId{1}, [&](core::Incident incident) { found = incident; });
    run(1s);
    ASSERT_TRUE(found && found->outage);
    EXPECT_TRUE(found->outage->record.closed);
}

TEST_F(Records, AreKeptOnceMoreWhereTheLedgerBeginsAnew)
{
    start();
    run(1min);
    fail();
    run(1min);
    fail();
    ledger_.begin_anew();
    run(1s);
    EXPECT_THAT(ledger_.records, SizeIs(2));
}

TEST_F(Records, AreEndedByTheNextEngineIfItKnowsNothingOfThem)
{
    start();
    run(1min);
    fail();
    boot_the_host();
    EXPECT_THAT(ledger_.open, IsEmpty());
    EXPECT_EQ(record(1).end, core::Outage::End::unseen);
}

TEST_F(Records, AreFoundInMemoryAndLedgerEachOnce)
{
    start();
    run(1min);
    fail();
    run(1min);
    boot_the_host();
    fail();
    const OutageId latest = ledger_.records.rbegin()->first;
    ledger_.records.at(latest).actions.clear(); // Memory knows better.
    ledger_.missing = "the rest";
    std::optional<ports::OutageHistory> told;
    engine_->find_outages({}, [&](ports::OutageHistory history) { told = std::move(history); });
    run(1s);
    ASSERT_TRUE(told);
    ASSERT_THAT(told->outages, SizeIs(2));
    EXPECT_EQ(told->outages[0].record.id, latest);
    EXPECT_THAT(told->outages[0].record.actions, SizeIs(1));
    EXPECT_EQ(told->outages[1].record.id, OutageId{1});
    EXPECT_EQ(told->missing, "the rest");
    told.reset();
    engine_->find_outages({loop_.now().wall - 30s, 10},
                          [&](ports::OutageHistory history) { told = std::move(history); });
    run(1s);
    EXPECT_THAT(told->outages, SizeIs(1));
}

TEST_F(Records, OfKeelsOwnAbsenceHaveANumberOnceThereWasAnybodyToBeAway)
{
    using Absence = ports::Beginning::Absence;
    options_.absence = EngineOptions::Absence::yes;
    start();
    run(1min);
    EXPECT_FALSE(ledger_.beginning.gap);
    boot_the_host();
    EXPECT_EQ(ledger_.beginning.gap, OutageId{1});
    EXPECT_EQ(ledger_.beginning.absence, Absence::sure);
    fail();
    EXPECT_EQ(ledger_.records.rbegin()->first, OutageId{2});
    options_.absence = EngineOptions::Absence::no;
    die();
    start();
    EXPECT_EQ(ledger_.beginning.gap, OutageId{3}) << "it may have been away for long";
    EXPECT_EQ(ledger_.beginning.absence, Absence::unless_short);
}

TEST_F(Records, HaveNumbersThatNoBootGivesOutAgain)
{
    start();
    run(1min);
    fail();
    const SpawnId before = *spawn_of(0);
    boot_the_host();
    EXPECT_EQ(number(*spawn_of(0)), number(before) + 1);
    fail();
    EXPECT_TRUE(ledger_.records.contains(OutageId{3})) << "2 was for the time of the boot";
    boot_the_host(Loses::what_came_last);
    fail();
    EXPECT_GT(number(ledger_.records.rbegin()->first), 1000U);
}

// ---- counts -------------------------------------------------------------------------------------

TEST_F(Records, CountsGoOnOverABoot)
{
    start();
    run(1min);
    fail();
    run(1min);
    const auto before = engine_->counters_of("a");
    EXPECT_EQ(counted(OutageCause::signal), 1U);
    boot_the_host(Loses::what_came_last);
    EXPECT_EQ(counted(OutageCause::signal), 1U);
    EXPECT_EQ(engine_->counters_of("a").outage_seconds, before.outage_seconds);
    EXPECT_EQ(engine_->counters_of("a").starts[1], before.starts[1]);
    fail();
    EXPECT_EQ(counted(OutageCause::signal), 2U);
}

TEST_F(Records, CountsOfAUnitThatIsGoneAreForgotten)
{
    specs_.push_back(spec_named("b"));
    start();
    run(1min);
    specs_.pop_back();
    boot_the_host();
    boot_the_host();
    EXPECT_FALSE(totals_.recovered().contains("unit/b"));
    EXPECT_TRUE(totals_.recovered().contains("unit/a"));
}

TEST_F(Records, CountsThatWereToldAreNeverLessAfterwards)
{
    units::ProbeSpec probe;
    probe.name = "tcp";
    probe.target = units::TcpTarget{"{unit}:{instance}", {}, {}};
    specs_[0].probes = {probe};
    specs_[0].ready = units::ReadyBy::probe;
    probe_fate_ = {{core::Verdict::pass, core::VerdictKind::none, 1ms, "connected"}, 1ms};
    start();
    run(10min);
    fate_.hangs = sim::Fate::Hangs::yes;
    fate_.failure = ports::SpawnFailure{core::SetupStage::exec, 2};
    fail();
    run(1min); // An outage that is open is told, too.
    engine_->write_down_counts();
    const core::UnitView view = *engine_->unit("a");
    ASSERT_TRUE(view.outage);
    const auto told = engine_->counters_of("a");
    const double down = told.outage_seconds + seconds(view.outage->length);
    const auto latency = engine_->counters().restart_latency;
    ASSERT_GT(told.probes[0].verdicts[0], 0U);
    ASSERT_GT(down, 60);
    die();
    start();
    EXPECT_EQ(engine_->counters_of("a").probes[0].verdicts, told.probes[0].verdicts);
    EXPECT_EQ(engine_->counters_of("a").outage_seconds, told.outage_seconds); // It is still open.
    fate_.failure.reset();
    fate_.hangs = sim::Fate::Hangs::no;
    boot_the_host(Loses::what_came_last);
    const auto& later = engine_->counters_of("a");
    EXPECT_GE(later.probes[0].verdicts[0], told.probes[0].verdicts[0]);
    EXPECT_GE(later.outage_seconds, down);
    EXPECT_GE(engine_->counters().restart_latency.sum, latency.sum);
    const auto verdicts = later.probes[0].verdicts;
    units::ProbeSpec first = specs_[0].probes[0];
    first.name = "first";
    first.target = units::TcpTarget{"{unit}:{instance}0", {}, {}};
    specs_[0].probes.insert(specs_[0].probes.begin(), first);
    boot_the_host();
    const auto& of_two = engine_->counters_of("a").probes;
    EXPECT_LT(of_two[0].verdicts[0], verdicts[0]) << "they are another probe's";
    EXPECT_GE(of_two[1].verdicts[0], verdicts[0]);
}

TEST_F(Records, CountsWithoutSenseChangeNothing)
{
    totals_.put("unit/a", R"({"starts":"many"})");
    totals_.put("told", "{");
    totals_.put("host", "[]");
    start();
    run(1min);
    fail();
    EXPECT_EQ(counted(OutageCause::signal), 1U);
    EXPECT_TRUE(ledger_.records.contains(OutageId{2}));
}

TEST_F(Records, OfWhatGoesOnSayWhatRunsAndIsUnderWay)
{
    specs_[0].stop.timeout = 1h;
    fate_.term = sim::Fate::Term::ignores;
    start();
    run(1min);
    ask("a", core::Verb::stop);
    run(1s);
    const SpawnId running = *spawn_of(0);
    die();
    ledger_.operations.clear();
    start();
    EXPECT_THAT(ledger_.beginning.running, testing::Contains(running));
    EXPECT_THAT(ledger_.beginning.under_way, SizeIs(1));
    EXPECT_THAT(ledger_.operations, SizeIs(1)) << "the last engine may not have come to it";
}

} // namespace
} // namespace keel::engine
