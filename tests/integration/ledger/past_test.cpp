// What is on record besides outages: runs, operations, what was wanted; and what is made of it.
#include "ledger/schema.hpp"
#include "tests/integration/ledger/records.hpp"

#include <gmock/gmock.h>

namespace keel::ledger {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

core::SpawnRecord spawn(std::uint64_t id, std::optional<Duration> began,
                        std::optional<Duration> ended, std::string ending = "")
{
    core::SpawnRecord record{SpawnId{id}, "worker", 1, "exit", {}, {}, std::move(ending)};
    if (began) record.began = both(*began);
    if (ended) record.ended = both(*ended);
    return record;
}

core::OperationRecord operation(std::uint64_t id, Duration since)
{
    core::OperationRecord record;
    record.id = OperationId{id};
    record.unit = "worker";
    record.verb = core::Verb::restart;
    record.by = "root (uid 0)";
    record.why = "it leaks";
    record.since = morning(since);
    return record;
}

StampedChange change(ports::WantedChange::Wanted wanted, Duration at, std::string unit = "worker")
{
    return {{std::move(unit), both(at), wanted}, {}};
}
constexpr auto up = ports::WantedChange::Wanted::yes;
constexpr auto down = ports::WantedChange::Wanted::no;

class Past : public LedgerFixture {
protected:
    void SetUp() override { begin(*file_); }
    void keep(Batch batch)
    {
        const auto trouble = file_->write(batch);
        ASSERT_FALSE(trouble.has_value()) << *trouble;
    }
    void keep_all(std::deque<StampedChange> changes)
    {
        Batch batch;
        batch.changes = std::move(changes);
        keep(std::move(batch));
    }
    core::PastOfAll past(Duration since = 0s)
    {
        Database database(path_, Database::Mode::read_only, 1s);
        return read_past(database, morning(since), now_.wall);
    }
    std::vector<core::Span> wanted() { return past().units.at(0).wanted; }
    core::Incident incident(std::uint64_t id)
    {
        Database database(path_, Database::Mode::read_only, 1s);
        return read_incident(database, OutageId{id}, now_.wall);
    }
    std::int64_t number(std::string_view sql)
    {
        Database database(path_, Database::Mode::read_only, 1s);
        return database.number(sql);
    }
    void begin_another_life(ports::Beginning beginning)
    {
        file_->close(LedgerFile::End::cut_short);
        file_.emplace(options());
        begin(*file_, std::move(beginning));
    }

    std::optional<LedgerFile> file_{options()};
};

core::Span span(Duration begin, Duration end) { return {morning(begin), morning(end)}; }

TEST_F(Past, TellsWhenAUnitWasWantedUp)
{
    keep_all({change(up, 0s), change(up, 1s), change(down, 10s), change(down, 11s)});
    keep_all({change(up, 30s)});
    EXPECT_THAT(wanted(), ElementsAre(span(30s, 1h), span(0s, 10s)));
    EXPECT_THAT(past(20s).units.at(0).wanted, ElementsAre(span(30s, 1h)));
}

TEST_F(Past, GoesOnWhereAUnitIsWantedUpAgainAtOnce)
{
    keep_all({change(up, 0s), change(down, 0s), change(up, 0s)});
    EXPECT_THAT(wanted(), ElementsAre(span(0s, 1h)));
}

TEST_F(Past, MeasuresWithTheClockThatNobodySets)
{
    Batch batch;
    batch.changes = {change(up, 0s), change(down, 10s)};
    batch.changes[1].change.at.wall += 1h;
    keep(std::move(batch));
    EXPECT_THAT(wanted(), ElementsAre(span(0s, 10s)));
}

TEST_F(Past, EndsWhenKeelWasLastThereWhatIsNoLongerWanted)
{
    keep_all({change(up, 0s, "gone"), change(up, 0s, "kept")});
    passes(1h);
    begin_another_life({{}, {"kept", "new"}, {}});
    passes(1h);
    const auto found = past();
    ASSERT_THAT(found.units, SizeIs(3));
    EXPECT_THAT(found.units[0].wanted, ElementsAre(span(0s, 2h)));
    EXPECT_THAT(found.units[1].wanted, ElementsAre(span(0s, 3h)));
    EXPECT_THAT(found.units[2].wanted, ElementsAre(span(2h, 3h)));
}

TEST_F(Past, TellsWhatWasDownAndWhenKeelWasAway)
{
    Batch batch;
    batch.outages = {{OutageId{1}, ended(1, 10s, 5s)}, {OutageId{2}, outage(2, 30min)}};
    batch.outages.at(OutageId{1}).record.planned = core::Outage::Planned::yes;
    keep(std::move(batch));
    using Absence = ports::Beginning::Absence;
    begin_another_life({{OutageId{2}}, {}, OutageId{3}, Absence::sure});
    const auto found = past();
    ASSERT_THAT(found.units, SizeIs(1));
    ASSERT_THAT(found.units[0].downtimes, SizeIs(2));
    EXPECT_EQ(found.units[0].downtimes[0].span, span(30min, 1h));
    EXPECT_EQ(found.units[0].downtimes[0].over, core::Downtime::Over::no);
    EXPECT_EQ(found.units[0].downtimes[1].span, span(10s, 15s));
    EXPECT_EQ(found.units[0].downtimes[1].planned, core::Outage::Planned::yes);
    EXPECT_THAT(found.gaps, SizeIs(1));
    EXPECT_EQ(found.since, morning(1h));
}

TEST_F(Past, TellsWhatIsAroundAnOutage)
{
    Batch batch;
    batch.outages = {{OutageId{1}, ended(1, 20min, 1min)},
                     {OutageId{2}, ended(2, 20min, 2min)},
                     {OutageId{3}, outage(3, 50min)}};
    batch.outages.at(OutageId{2}).record.caused_by = OutageId{1};
    batch.spawns = {{SpawnId{1}, spawn(1, 0s, 5min, "exit 1")},
                    {SpawnId{2}, spawn(2, 5min, 20min, "SIGKILL")},
                    {SpawnId{3}, spawn(3, 21min, {})},
                    {SpawnId{4}, spawn(4, 40min, {})}};
    batch.operations = {{OperationId{1}, operation(1, 15min)},
                        {OperationId{2}, operation(2, 50min)}};
    keep(std::move(batch));
    const core::Incident found = incident(1);
    ASSERT_TRUE(found.outage);
    EXPECT_FALSE(found.cause);
    ASSERT_THAT(found.followers, SizeIs(1));
    EXPECT_EQ(found.followers[0].record.id, OutageId{2});
    ASSERT_THAT(found.spawns, SizeIs(2));
    EXPECT_EQ(found.spawns[0].ending, "SIGKILL");
    EXPECT_EQ(found.spawns[0].reason, "exit");
    EXPECT_FALSE(found.spawns[1].ended);
    ASSERT_THAT(found.operations, SizeIs(1));
    EXPECT_EQ(found.operations[0].by, "root (uid 0)");
    EXPECT_EQ(found.operations[0].why, "it leaks");
    EXPECT_EQ(incident(2).cause->record.id, OutageId{1});
    EXPECT_FALSE(incident(9).outage);
}

TEST_F(Past, TellsOfVeryManyRunsThoseNearestToBothEndsOfAnOutage)
{
    // A run each second for twenty minutes, of which the last ten are the outage.
    Batch batch;
    batch.outages = {{OutageId{1}, ended(1, 10min, 10min)}};
    constexpr int runs = 1200;
    for (int id = 1; id <= runs; ++id) {
        const Duration began = std::chrono::seconds(id - 1);
        const auto key = static_cast<std::uint64_t>(id);
        batch.spawns[SpawnId{key}] = spawn(key, began, began + 1s, "exit 1");
        batch.operations[OperationId{key}] = operation(key, began);
    }
    keep(std::move(batch));
    const core::Incident found = incident(1);
    ASSERT_THAT(found.spawns, SizeIs(200));
    EXPECT_TRUE(std::ranges::is_sorted(found.spawns, {}, &core::SpawnRecord::id));
    const auto has = [&](int id) {
        return std::ranges::find(found.spawns, SpawnId{static_cast<std::uint64_t>(id)},
                                 &core::SpawnRecord::id) != found.spawns.end();
    };
    EXPECT_TRUE(has(560) && has(600) && has(601) && has(640)) << "around its beginning";
    EXPECT_TRUE(has(1101 + 20) && has(1200)) << "before its end";
    EXPECT_FALSE(has(1) || has(900));
    EXPECT_EQ(found.operations.size(), 200U);
    EXPECT_THAT(found.missing, HasSubstr("of 1200 spawns around it, only the 200 nearest"));
    EXPECT_THAT(found.missing, HasSubstr("of 1200 operations"));
}

TEST_F(Past, TellsAllRunsWhereThereAreNotTooMany)
{
    Batch batch;
    batch.outages = {{OutageId{1}, ended(1, 0s, 200s)}};
    for (std::uint64_t id = 1; id <= 200; ++id)
        batch.spawns[SpawnId{id}] = spawn(id, std::chrono::seconds(id), {});
    keep(std::move(batch));
    EXPECT_THAT(incident(1).spawns, SizeIs(200));
    EXPECT_EQ(incident(1).missing, "");
}

TEST_F(Past, KeepsTheBeginOfARunWhoseEndAnotherEngineTells)
{
    Batch begun, over;
    begun.spawns = {{SpawnId{1}, spawn(1, 10s, {})}};
    keep(std::move(begun));
    over.spawns = {{SpawnId{1}, spawn(1, {}, 20s, "exit 0")}};
    over.outages = {{OutageId{1}, ended(1, 20s, 1s)}};
    keep(std::move(over));
    const auto spawns = incident(1).spawns;
    ASSERT_THAT(spawns, SizeIs(1));
    EXPECT_EQ(spawns[0].began->wall, morning(10s));
    EXPECT_EQ(spawns[0].ended->wall, morning(20s));
}

TEST_F(Past, KeepsOperationsWithTheirOutcome)
{
    Batch asked, over;
    asked.operations = {{OperationId{1}, operation(1, 0s)}};
    keep(std::move(asked));
    auto ended_well = operation(1, 0s);
    ended_well.outcome = core::OperationResult::Outcome::done;
    ended_well.text = "ready in 120 ms";
    ended_well.ended = morning(1s);
    over.operations = {{OperationId{1}, ended_well}};
    keep(std::move(over));
    EXPECT_EQ(number("SELECT count(*) FROM operations WHERE outcome = 'done' "
                     "AND ended = '2025-01-31T09:15:03.482Z' AND text = 'ready in 120 ms'"),
              1);
}

TEST_F(Past, FoldsRunsOfLongAgoToCountsByTheDay)
{
    Batch batch;
    for (std::uint64_t id = 1; id <= 5; ++id)
        batch.spawns.emplace(SpawnId{id}, spawn(id, 0s, 1min, id == 5 ? "exit 2" : "exit 1"));
    batch.spawns.emplace(SpawnId{6}, spawn(6, 0s, {})); // It runs still.
    keep(std::move(batch));
    passes(24h * 31);
    Batch latest;
    latest.spawns = {{SpawnId{7}, spawn(7, 24h * 31, 24h * 31 + 1s, "exit 1")}};
    keep(std::move(latest));
    EXPECT_EQ(number("SELECT count(*) FROM spawns"), 2);
    EXPECT_EQ(number("SELECT count FROM spawn_days WHERE day = '2025-01-31' AND ending = 'exit 1'"),
              4);
    EXPECT_EQ(number("SELECT count FROM spawn_days WHERE ending = 'exit 2'"), 1);
    passes(11min);
    Batch one_more;
    one_more.spawns = {{SpawnId{8}, spawn(8, 0s, 2min, "exit 1")}};
    keep(std::move(one_more));
    EXPECT_EQ(number("SELECT count FROM spawn_days WHERE day = '2025-01-31' AND ending = 'exit 1'"),
              5);
    boots();
    passes(24h);
    begin_another_life({});
    EXPECT_EQ(number("SELECT count(*) FROM spawns WHERE id = 6 AND ending = 'ended unseen'"), 1);
    passes(24h * 31);
    keep({});
    EXPECT_EQ(number("SELECT count FROM spawn_days WHERE ending = 'ended unseen'"), 1);
}

TEST_F(Past, EndsWhatRanAndWasUnderWayWhenKeelWasLastThereUnlessItGoesOn)
{
    Batch batch;
    for (std::uint64_t id = 1; id <= 2; ++id) {
        batch.spawns.emplace(SpawnId{id}, spawn(id, 0s, {}));
        batch.operations.emplace(OperationId{id}, operation(id, 0s));
    }
    keep(std::move(batch));
    passes(10min);
    ports::Beginning beginning;
    beginning.running = {SpawnId{2}};
    beginning.under_way = {OperationId{2}};
    begin_another_life(beginning);
    EXPECT_EQ(number("SELECT max(id) FROM spawns WHERE ended IS NOT NULL"), 1);
    EXPECT_EQ(number("SELECT max(id) FROM operations WHERE ended IS NOT NULL"), 1);
    EXPECT_EQ(number("SELECT count(*) FROM operations WHERE outcome IS NULL AND "
                     "ended = '2025-01-31T10:25:02.482Z' AND text = 'cut short'"),
              1);
    Batch late; // An engine hears of an end that came before it.
    late.spawns = {{SpawnId{1}, spawn(1, 0s, 10min, "exit 3")}};
    keep(std::move(late));
    EXPECT_EQ(number("SELECT count(*) FROM spawns WHERE id = 1 AND ending = 'exit 3'"), 1);
}

TEST_F(Past, TellsOfTheLifeBefore)
{
    Batch batch;
    batch.changes = {change(up, 0s), change(up, 0s, "panel"), change(down, 1s, "panel")};
    batch.outages = {{OutageId{1}, outage(1, 10s)}, {OutageId{2}, ended(2, 10s, 1s)}};
    batch.outages.at(OutageId{1}).record.begin = core::Outage::Begin::unseen;
    keep(std::move(batch));
    EXPECT_FALSE(last_life_) << "there was none";
    file_->close(LedgerFile::End::in_order);
    const WallTime seen = now_.wall;
    passes(10min);
    file_.emplace(options());
    begin(*file_);
    auto life = last_life_;
    ASSERT_TRUE(life);
    EXPECT_EQ(file_->since(), morning(1h)) << "records begin with the first life";
    EXPECT_EQ(life->seen.wall, seen);
    EXPECT_EQ(life->seen.mono, MonoTime(now_.boottime - 10min));
    EXPECT_EQ(life->boot, ports::LastLife::Boot::same);
    EXPECT_EQ(life->end, ports::LastLife::End::in_order);
    EXPECT_THAT(life->wanted, ElementsAre("worker"));
    ASSERT_THAT(life->open, SizeIs(1));
    EXPECT_EQ(life->open[0].id, OutageId{1});
    EXPECT_EQ(life->open[0].begin, core::Outage::Begin::unseen);
    EXPECT_EQ(life->open[0].opened.mono, MonoTime(now_.boottime - 10min - 1h + 10s));
    file_->close(LedgerFile::End::cut_short);
    passes(1min);
    boots();
    file_.emplace(options());
    begin(*file_);
    life = last_life_;
    ASSERT_TRUE(life);
    EXPECT_EQ(life->boot, ports::LastLife::Boot::another);
    EXPECT_EQ(life->end, ports::LastLife::End::cut_short);
    EXPECT_EQ(life->seen.mono, MonoTime(now_.boottime - 1min)) << "by the wall clock";
}

TEST_F(Past, OfVersionOneIsTakenOver)
{
    Batch batch;
    batch.outages = {{OutageId{1}, ended(1, 10s, 5s)}};
    keep(std::move(batch));
    file_->close(LedgerFile::End::in_order);
    {
        const Database other(path_, Database::Mode::read_write, 1s);
        for (const char* later :
             {"DROP TABLE spawns", "DROP TABLE spawn_days", "DROP TABLE operations",
              "DROP TABLE wanted", "DROP TABLE deployments", "DROP TABLE outage_words",
              "DROP INDEX outages_by_cause", "ALTER TABLE outages DROP COLUMN begin_unseen",
              "PRAGMA user_version = 1"})
            other.run(later);
    }
    file_.emplace(options());
    keep_all({change(up, 0s)});
    EXPECT_THAT(ids(), ElementsAre(1));
    EXPECT_THAT(asides(), IsEmpty());
    EXPECT_EQ(number("PRAGMA user_version"), schema_version);
}

TEST(Batches, GiveUpFirstWhatIsWorthLeast)
{
    Batch batch;
    batch.outages = {{OutageId{1}, outage(1)}};
    batch.spawns = {{SpawnId{1}, spawn(1, 0s, {})}, {SpawnId{2}, spawn(2, 0s, {})}};
    batch.operations = {{OperationId{1}, operation(1, 0s)}};
    batch.changes = {change(up, 0s)};
    EXPECT_EQ(batch.size(), 5U);
    batch.drop_one();
    EXPECT_THAT(batch.spawns, SizeIs(1));
    EXPECT_TRUE(batch.spawns.contains(SpawnId{2}));
    batch.drop_one();
    batch.drop_one();
    EXPECT_THAT(batch.operations, IsEmpty());
    EXPECT_THAT(batch.outages, SizeIs(1));
    batch.drop_one();
    batch.drop_one();
    EXPECT_TRUE(batch.empty());
}

TEST(Batches, TakeOverWhatNobodySaidAnythingNewerOf)
{
    Batch older, newer;
    older.outages = {{OutageId{1}, outage(1)}, {OutageId{2}, outage(2)}};
    older.changes = {change(up, 0s)};
    newer.outages = {{OutageId{2}, ended(2, 0s, 1s)}};
    newer.changes = {change(down, 1s)};
    newer.add_older(std::move(older));
    EXPECT_THAT(newer.outages, SizeIs(2));
    EXPECT_TRUE(newer.outages.at(OutageId{2}).record.closed);
    ASSERT_THAT(newer.changes, SizeIs(2));
    EXPECT_EQ(newer.changes[0].change.wanted, up);
}

} // namespace
} // namespace keel::ledger
