#include "tests/integration/ledger/records.hpp"

#include <cstdlib>
#include <gmock/gmock.h>
#include <random>

namespace keel::ledger {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(LedgerFixture, TellsWhatWasWrittenAsItWas)
{
    LedgerFile file(options());
    Stamped whole = ended(7, 0s, 2500ms);
    core::Outage& o = whole.record;
    o.planned = core::Outage::Planned::yes;
    o.kind = core::OutageKind::degraded;
    o.caused_by = OutageId{3};
    o.cause_text = "it's \"odd\"; DROP TABLE outages";
    o.actions = {{morning(1s), "start", "exit 1", "ready"}, {morning(2s), "retry", "", ""}};
    write(file, {whole});
    const auto found = read();
    ASSERT_THAT(found, SizeIs(1));
    const core::Outage& r = found[0].record;
    EXPECT_EQ(r.id, o.id);
    EXPECT_EQ(r.unit, "worker");
    EXPECT_EQ(r.kind, o.kind);
    EXPECT_EQ(r.planned, o.planned);
    EXPECT_EQ(r.opened.wall, o.opened.wall);
    EXPECT_EQ(r.closed->wall, o.closed->wall);
    EXPECT_EQ(r.cause, o.cause);
    EXPECT_EQ(r.cause_text, o.cause_text);
    EXPECT_EQ(r.caused_by, o.caused_by);
    EXPECT_EQ(r.detection, 3ms);
    EXPECT_EQ(r.end, core::Outage::End::seen);
    EXPECT_EQ(found[0].length, 2500ms);
    ASSERT_THAT(r.actions, SizeIs(2));
    EXPECT_EQ(r.actions[0].at, morning(1s));
    EXPECT_EQ(r.actions[0].result, "ready");
    EXPECT_EQ(r.actions[1].action, "retry");
}

TEST_F(LedgerFixture, KeepsTheLatestWordOnARecord)
{
    LedgerFile file(options());
    Stamped one = outage(1);
    one.record.actions = {{morning(1s), "start", "SIGKILL", ""}};
    write(file, {one});
    one.record.actions[0].result = "ready";
    one.record.closed = both(4s);
    write(file, {one});
    write(file, {one});
    const auto found = read();
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].record.actions.at(0).result, "ready");
    EXPECT_EQ(found[0].length, 4s);
}

core::LastWords words(std::vector<std::string> lines)
{
    return std::make_shared<const std::vector<std::string>>(std::move(lines));
}

TEST_F(LedgerFixture, KeepsLastWordsOnceAndTellsThemToWhoeverAsksForThem)
{
    LedgerFile file(options());
    Stamped one = outage(1);
    write(file, {one, ended(2, 0s, 1s), outage(3)});
    one.words = words({"", "going \"down\"", "\xff"});
    Stamped silent = ended(2, 0s, 1s);
    silent.words = words({});
    write(file, {one, silent});
    one.words = words({"others"});
    write(file, {one});
    one.words = nullptr;
    write(file, {one});
    ports::OutageQuery query;
    EXPECT_EQ(read(query)[2].last_words, nullptr);
    query.last_words = ports::OutageQuery::LastWords::told;
    const auto found = read(query);
    ASSERT_THAT(found, SizeIs(3));
    EXPECT_EQ(found[0].last_words, nullptr);
    ASSERT_NE(found[1].last_words, nullptr);
    EXPECT_THAT(*found[1].last_words, IsEmpty()) << "it is known that there were none";
    ASSERT_NE(found[2].last_words, nullptr);
    EXPECT_THAT(*found[2].last_words, ElementsAre("", "going \"down\"", "\\xff"));
}

TEST_F(LedgerFixture, ForgetsLastWordsWithTheirRecord)
{
    LedgerFile file(options());
    Stamped one = ended(1, 0s, 1s);
    one.words = words({"going down"});
    write(file, {one});
    passes(24h * 401);
    write(file, {});
    EXPECT_THAT(read(), IsEmpty());
    const Database database(path_, Database::Mode::read_only, 1s);
    EXPECT_EQ(database.number("SELECT count(*) FROM outage_words"), 0);
}

TEST_F(LedgerFixture, TellsTheLatestFirstAndWhatWasOpenThenOrLater)
{
    LedgerFile file(options());
    write(file, {ended(1, 0s, 1s), ended(2, 10s, 50s), outage(3, 20s), ended(4, 30s, 1s)});
    EXPECT_THAT(ids(), ElementsAre(4, 3, 2, 1));
    EXPECT_THAT(ids({morning(40s), 10}), ElementsAre(3, 2));
    EXPECT_THAT(ids({{}, 2}), ElementsAre(4, 3));
    EXPECT_EQ(read()[1].length, now_.wall - morning(20s));
}

TEST_F(LedgerFixture, MeasuresByTheTimeSinceTheBootWhateverTheWallClockDoes)
{
    LedgerFile file(options());
    Stamped set_back = ended(1, 0s, 60s);
    set_back.record.closed->wall -= 1h;
    Stamped suspended = outage(2);
    write(file, {set_back, suspended});
    suspended.record.closed = both(5s);
    suspended.suspended = 30s; // while it was open
    write(file, {suspended});
    EXPECT_EQ(read()[1].length, 60s);
    EXPECT_EQ(read()[0].length, 35s);
}

TEST_F(LedgerFixture, MeasuresByTheWallClockOverABootAndNeverLessThanNothing)
{
    std::optional<LedgerFile> file(options());
    write(*file, {outage(1), outage(2)});
    boots();
    file.emplace(options());
    Stamped later = outage(1), set_back = outage(2);
    later.record.closed = {MonoTime(5s), morning(1h)};
    set_back.record.closed = {MonoTime(5s), morning(-1h)};
    write(*file, {later, set_back});
    EXPECT_EQ(read()[1].length, 1h);
    EXPECT_EQ(read()[0].length, 0s);
}

TEST_F(LedgerFixture, EndsWhatNobodySawEndWhenTheLifeBeforeWasLastSeen)
{
    std::optional<LedgerFile> file(options());
    begin(*file);
    write(*file, {outage(1, 0s), outage(2, 1s), outage(3, 2s), ended(4, 3s, 1s)});
    passes(30s);
    write(*file, {});
    file.reset(); // as by SIGKILL
    passes(10min);
    boots();
    file.emplace(options());
    Batch batch;
    batch.beginning = ports::Beginning{{OutageId{3}}, {}, {}};
    ASSERT_FALSE(file->write(batch));
    const auto found = read();
    EXPECT_TRUE(found[0].record.end == core::Outage::End::seen && found[0].record.closed);
    EXPECT_FALSE(found[1].record.closed);
    EXPECT_EQ(found[3].record.end, core::Outage::End::unseen);
    EXPECT_EQ(found[3].record.closed->wall, morning(1h + 30s));
    EXPECT_EQ(found[3].length, 1h + 30s);
}

TEST_F(LedgerFixture, TellsOfTheTimeInWhichKeelWasAway)
{
    std::optional<LedgerFile> file(options());
    Batch batch;
    batch.beginning = ports::Beginning{{}, {}, OutageId{1}};
    ASSERT_FALSE(file->write(batch)); // Nobody was there before.
    EXPECT_THAT(ids(), IsEmpty());
    file.reset(); // as by SIGKILL
    const Moment seen = now_;
    passes(5min);
    file.emplace(options());
    batch.beginning->gap = OutageId{2};
    ASSERT_FALSE(file->write(batch));
    file->close(LedgerFile::End::in_order);
    passes(10min);
    boots();
    file.emplace(options());
    batch.beginning->gap = OutageId{3};
    ASSERT_FALSE(file->write(batch));
    const auto found = read();
    ASSERT_THAT(found, SizeIs(2));
    const core::Outage& first = found[1].record;
    EXPECT_EQ(first.kind, core::OutageKind::gap);
    EXPECT_EQ(first.unit, "");
    EXPECT_EQ(first.opened.wall, seen.wall);
    EXPECT_EQ(found[1].length, 5min);
    EXPECT_EQ(first.planned, core::Outage::Planned::no);
    EXPECT_EQ(first.end, core::Outage::End::unseen);
    EXPECT_THAT(first.cause_text, HasSubstr("cut short"));
    EXPECT_EQ(found[0].length, 10min);
    EXPECT_EQ(found[0].record.planned, core::Outage::Planned::yes);
    EXPECT_THAT(found[0].record.cause_text, HasSubstr("boot of the host"));
}

TEST_F(LedgerFixture, TellsOfAnAbsenceOfTheEngineOnlyIfItWasLong)
{
    std::optional<LedgerFile> file(options());
    begin(*file);
    for (const std::uint64_t id : {1, 2}) {
        file.reset(); // as by SIGKILL
        passes(id == 1 ? 50s : 2h);
        file.emplace(options());
        begin(*file, {{}, {}, OutageId{id}});
    }
    const auto found = read();
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].record.id, OutageId{2});
    EXPECT_EQ(found[0].length, 2h);
}

TEST_F(LedgerFixture, KnowsNoLifeThatEndedBeforeItToldHowItGoesOn)
{
    using Absence = ports::Beginning::Absence;
    std::optional<LedgerFile> file(options());
    begin(*file);
    const Moment seen = now_;
    passes(10min);
    file.emplace(options());
    write(*file, {outage(2)});
    file.reset(); // as by SIGKILL, before its Beginning was there
    passes(1min);
    last_life_.reset();
    file.emplace(options());
    begin(*file, {{OutageId{2}}, {}, OutageId{3}, Absence::unless_short});
    ASSERT_TRUE(last_life_);
    EXPECT_EQ(last_life_->seen.wall, seen.wall);
    EXPECT_EQ(read()[0].record.kind, core::OutageKind::gap);
    EXPECT_EQ(read()[0].length, 11min);
}

TEST_F(LedgerFixture, CountsNoTimeAsAbsenceInWhichOnlyTheFileWasMissing)
{
    std::optional<LedgerFile> file(options());
    begin(*file);
    file.reset(); // as by SIGKILL
    passes(5min);
    file.emplace(options());
    passes(1h); // It could not be opened.
    begin(*file, {{}, {}, OutageId{1}});
    EXPECT_EQ(read().at(0).length, 5min);
}

TEST_F(LedgerFixture, OpensAFileWholeOnceItsLockIsGone)
{
    std::optional<LedgerFile> file(options());
    begin(*file);
    file.reset();
    passes(5min);
    {
        const Database other(path_, Database::Mode::read_write, 1s);
        other.run("PRAGMA user_version = 1"); // There is something to be done to it.
        other.run("BEGIN IMMEDIATE");
        file.emplace(options());
        Batch batch;
        batch.beginning = ports::Beginning{{}, {}, OutageId{1}};
        EXPECT_TRUE(file->write(batch).has_value());
        other.run("ROLLBACK");
        other.run("PRAGMA user_version = 2");
    }
    begin(*file, {{}, {}, OutageId{1}});
    ASSERT_TRUE(last_life_);
    EXPECT_EQ(read().at(0).record.kind, core::OutageKind::gap);
}

TEST_F(LedgerFixture, BeginsALifeInAnotherFileThatIsPutInItsPlace)
{
    std::optional<LedgerFile> file(options());
    begin(*file);
    file->close(LedgerFile::End::in_order);
    std::filesystem::copy_file(path_, path_ + ".backup");
    passes(1h);
    file.emplace(options());
    begin(*file);
    for (const char* part : {"-wal", "-shm"})
        std::filesystem::remove(path_ + part);
    std::filesystem::rename(path_ + ".backup", path_);
    passes(1h);
    write(*file, {});
    passes(1h);
    write(*file, {});
    file.reset(); // as by SIGKILL
    passes(10min);
    file.emplace(options());
    begin(*file, {{}, {}, OutageId{1}});
    EXPECT_EQ(read().at(0).length, 10min);
}

TEST_F(LedgerFixture, ForgetsWhatEndedLongerAgoThanItKeeps)
{
    LedgerFile file(options());
    write(file, {ended(1, 0s, 1s), outage(2, 0s), ended(3, 24h * 300, 1s)});
    passes(24h * 401);
    write(file, {});
    EXPECT_THAT(ids(), ElementsAre(3, 2)); // What is open stays, however old.
}

TEST_F(LedgerFixture, StaysWithinItsSizeByForgettingTheOldest)
{
    auto limited = options();
    limited.size_max = 1U << 20;
    LedgerFile file(limited);
    write(file, {outage(1)});
    for (std::uint64_t id = 2; id < 12'000; id += 400) {
        std::vector<Stamped> many;
        for (std::uint64_t i = id; i < id + 400; ++i) {
            many.push_back(ended(i, 1s, 1s));
            many.back().record.cause_text.assign(200, 'x');
        }
        write(file, many);
        EXPECT_LE(std::filesystem::file_size(path_), limited.size_max + (1U << 18));
    }
    const auto left = ids({{}, 20'000});
    EXPECT_EQ(left.back(), 1U);
    EXPECT_GT(left.size(), 1500U);
    EXPECT_GT(left[left.size() - 2], 2U);
}

TEST_F(LedgerFixture, ForgetsRunsBeforeItForgetsOutages)
{
    auto limited = options();
    limited.size_max = 1U << 20;
    LedgerFile file(limited);
    write(file, {ended(1, 1s, 1s), ended(2, 1s, 1s)});
    for (std::uint64_t id = 0; id < 20'000; id += 1000) {
        Batch runs;
        for (std::uint64_t i = id; i < id + 1000; ++i) {
            core::SpawnRecord run{SpawnId{i}, "worker", 1, "exit", both(1s), both(2s), "exit 1"};
            run.reason.assign(100, 'x');
            runs.spawns.emplace(run.id, run);
        }
        ASSERT_FALSE(file.write(runs));
    }
    EXPECT_LE(std::filesystem::file_size(path_), limited.size_max + (1U << 18));
    EXPECT_THAT(ids(), ElementsAre(2, 1));
}

// ---- damage -------------------------------------------------------------------------------------

TEST_F(LedgerFixture, SetsADamagedFileAsideWholeAndBeginsANewOne)
{
    std::optional<LedgerFile> file(options());
    write(*file, {ended(1, 0s, 1s)});
    file->close(LedgerFile::End::in_order);
    std::string damaged = bytes_of(path_);
    damaged.replace(100, 3000, std::string(3000, '\xab'));
    overwrite(path_, damaged);
    file.emplace(options());
    write(*file, {ended(2, 0s, 1s)});
    const auto news = file->take_news();
    EXPECT_TRUE(news.begun_anew);
    ASSERT_THAT(asides(), SizeIs(1));
    EXPECT_THAT(news.texts, ElementsAre(HasSubstr(asides()[0])));
    EXPECT_EQ(bytes_of(asides()[0]), damaged);
    EXPECT_THAT(ids(), ElementsAre(2));
}

TEST_F(LedgerFixture, SetsAsideWhatIsNoLedgerOfThisKeel)
{
    overwrite(path_, "These are the accounts of the village.\n");
    LedgerFile file(options());
    write(file, {outage(1)});
    EXPECT_THAT(asides(), SizeIs(1));
    file.close(LedgerFile::End::in_order);
    {
        const Database database(path_, Database::Mode::read_write, 1s);
        database.run("PRAGMA user_version = 99");
    }
    passes(1h);
    LedgerFile later(options());
    write(later, {outage(2)});
    EXPECT_THAT(asides(), SizeIs(2));
    EXPECT_THAT(ids(), ElementsAre(2));
}

TEST_F(LedgerFixture, KeepsThreeOfTheFilesThatWereSetAside)
{
    for (int i = 0; i < 5; ++i) {
        overwrite(path_, "no database, " + std::to_string(i));
        LedgerFile file(options());
        write(file, {});
        passes(1h);
    }
    auto kept = asides();
    std::ranges::sort(kept);
    ASSERT_THAT(kept, SizeIs(LedgerFile::aside_max));
    EXPECT_EQ(bytes_of(kept.back()), "no database, 4");
}

TEST_F(LedgerFixture, SetsAsideAtMostOneFileAMinute)
{
    LedgerFile file(options());
    write(file, {});
    file.suspect(LedgerFile::inode_of(path_));
    write(file, {});
    file.suspect(LedgerFile::inode_of(path_));
    EXPECT_TRUE(file.write({}).has_value());
    EXPECT_THAT(asides(), SizeIs(1));
    passes(61s);
    file.suspect(LedgerFile::inode_of(path_));
    write(file, {});
    EXPECT_THAT(asides(), SizeIs(2));
}

TEST_F(LedgerFixture, HeedsNoSuspicionOfAFileThatWasSetAsideMeanwhile)
{
    LedgerFile file(options());
    write(file, {});
    const std::uint64_t damaged = LedgerFile::inode_of(path_);
    file.suspect(damaged);
    write(file, {outage(1)});
    file.suspect(damaged); // by a reader who had it open still
    write(file, {outage(2)});
    passes(61s);
    write(file, {outage(3)});
    EXPECT_THAT(asides(), SizeIs(1));
    EXPECT_THAT(ids(), ElementsAre(3, 2, 1));
}

TEST_F(LedgerFixture, BeginsAnewWhereSomebodyTookTheFileAway)
{
    LedgerFile file(options());
    write(file, {outage(1)});
    EXPECT_TRUE(file.take_news().begun_anew);
    for (const char* part : {"", "-wal", "-shm"})
        std::filesystem::remove(path_ + part);
    write(file, {outage(2)});
    EXPECT_TRUE(file.take_news().begun_anew);
    EXPECT_THAT(ids(), ElementsAre(2));
    EXPECT_THAT(asides(), IsEmpty());
}

/// Whatever bytes are damaged: it comes up, and what it has set aside is the damaged file whole.
/// KEEL_DAMAGE_ROUNDS says how often.
TEST_F(LedgerFixture, ComesUpWhateverIsDamaged)
{
    {
        LedgerFile file(options());
        std::vector<Stamped> many;
        for (std::uint64_t id = 1; id <= 300; ++id)
            many.push_back(ended(id, std::chrono::seconds(id), 1s));
        write(file, many);
        file.close(LedgerFile::End::in_order);
    }
    const std::string sound = bytes_of(path_);
    const char* asked = std::getenv("KEEL_DAMAGE_ROUNDS");
    const int rounds = asked != nullptr ? std::atoi(asked) : 100;
    std::size_t found = 0;
    for (int round = 0; round < rounds; ++round) {
        SCOPED_TRACE(testing::Message() << "round " << round);
        std::mt19937_64 draws(static_cast<std::uint64_t>(round));
        std::string damaged = sound;
        const std::size_t at = draws() % sound.size();
        const std::size_t length = std::min<std::size_t>(1 + draws() % 4096, sound.size() - at);
        if (round % 5 == 4)
            damaged.resize(at); // cut off
        else
            for (std::size_t i = at; i < at + length; ++i)
                damaged[i] = static_cast<char>(draws());
        for (const auto& entry : std::filesystem::directory_iterator(dir_.path()))
            std::filesystem::remove(entry.path());
        overwrite(path_, damaged);
        passes(1h);

        LedgerFile file(options());
        write(file, {ended(1000, 1h, 1s)});
        EXPECT_EQ(ids({{}, 1}), std::vector<std::uint64_t>{1000});
        for (const std::string& aside : asides()) {
            EXPECT_EQ(bytes_of(aside), damaged);
            ++found;
        }
        (void)ids({{}, 1000}); // Whatever was not noticed can be read.
    }
    RecordProperty("set_aside", std::to_string(found));
    EXPECT_GT(found, static_cast<std::size_t>(rounds) / 2);
}

} // namespace
} // namespace keel::ledger
