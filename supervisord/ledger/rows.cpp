// Records as rows: writing.
#include "ledger/rows.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace keel::ledger {
namespace {

std::int64_t id_of(OutageId id) { return static_cast<std::int64_t>(number(id)); }

double boottime_of(MonoTime at, Duration suspended)
{
    return seconds(at.time_since_epoch() + suspended);
}

constexpr std::string_view put_outage = R"(
    INSERT INTO outages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,
        CASE WHEN ?8 IS NOT NULL THEN max(0.0, ?9 - ?7) END,
        CASE WHEN ?8 IS NOT NULL THEN CASE WHEN ?7 < 0 THEN 'wall' ELSE 'boottime' END END,
        0, ?10, ?11, ?12, ?13, ?14, ?16)
    ON CONFLICT (id) DO UPDATE SET
        unit = ?2, kind = ?3, planned = ?4, cause = ?10, cause_text = ?11, detected_by = ?12,
        caused_by = ?13, detection = ?14, uncertain = 0, closed = ?8,
        seconds = CASE WHEN ?8 IS NULL THEN NULL
                       WHEN opened_boot = ?6 AND opened = ?5
                       THEN max(0.0, ?9 - min(opened_boottime, ?7))
                       ELSE max(0.0, ?15) END,
        measured = CASE WHEN ?8 IS NULL THEN NULL
                        WHEN opened_boot = ?6 AND ?7 >= 0 THEN 'boottime' ELSE 'wall' END,
        opened = ?5, begin_unseen = ?16)";

void put_actions(Database& database, const core::Outage& record)
{
    Statement statement =
        database.prepare("INSERT INTO outage_actions VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
                         "ON CONFLICT (outage, step) DO UPDATE SET result = ?6 WHERE result <> ?6");
    std::int64_t step = 0;
    for (const core::ActionTaken& taken : record.actions)
        statement
            .with(id_of(record.id), ++step, to_rfc3339(taken.at), taken.action, taken.reason,
                  taken.result)
            .run();
}

/// Once: they do not change.
void put_words(Database& database, OutageId id, const std::vector<std::string>& words)
{
    Statement known = database.prepare("SELECT 1 FROM outage_words WHERE outage = ?1 LIMIT 1");
    if (known.with(id_of(id)).step()) return;
    Statement statement = database.prepare("INSERT INTO outage_words VALUES (?1, ?2, ?3)");
    if (words.empty()) statement.with(id_of(id), std::int64_t{0}, std::string_view()).run();
    std::int64_t line = 0;
    for (const std::string& text : words)
        statement.with(id_of(id), ++line, text).run();
}

} // namespace

void put(Database& database, const Stamped& outage, const std::string& boot)
{
    const core::Outage& o = outage.record;
    std::optional<std::string> closed;
    std::optional<double> closed_boottime, by_wall;
    if (o.closed) {
        closed = to_rfc3339(o.closed->wall);
        closed_boottime = boottime_of(o.closed->mono, outage.suspended);
        by_wall = seconds(o.closed->wall - o.opened.wall);
    }
    std::optional<std::int64_t> caused_by;
    if (o.caused_by) caused_by = id_of(*o.caused_by);
    const std::int64_t planned = o.planned == core::Outage::Planned::yes ? 1 : 0;
    database.prepare(put_outage)
        .with(id_of(o.id), o.unit, name(o.kind), planned, to_rfc3339(o.opened.wall), boot,
              boottime_of(o.opened.mono, outage.suspended), closed, closed_boottime, name(o.cause),
              o.cause_text, o.detected_by, caused_by, seconds(o.detection), by_wall,
              std::int64_t{o.begin == core::Outage::Begin::unseen ? 1 : 0})
        .run();
    put_actions(database, o);
    if (outage.words) put_words(database, o.id, *outage.words);
}

void put(Database& database, const core::SpawnRecord& spawn, const std::string& boot)
{
    std::optional<std::string> began, began_boot, ended, ending;
    if (spawn.began) {
        began = to_rfc3339(spawn.began->wall);
        began_boot = boot;
    }
    if (spawn.ended) {
        ended = to_rfc3339(spawn.ended->wall);
        ending = spawn.ending;
    }
    database
        .prepare("INSERT INTO spawns VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) "
                 "ON CONFLICT (id) DO UPDATE SET began = coalesce(began, ?5), "
                 "began_boot = coalesce(began_boot, ?6), ended = coalesce(?7, ended), "
                 "ending = coalesce(?8, ending)")
        .with(static_cast<std::int64_t>(number(spawn.id)), spawn.unit, std::int64_t{spawn.slot},
              spawn.reason, began, began_boot, ended, ending)
        .run();
}

void put(Database& database, const core::OperationRecord& operation)
{
    std::optional<std::int64_t> instance;
    if (operation.slot) instance = *operation.slot;
    std::optional<std::string> ended, outcome;
    if (operation.ended) ended = to_rfc3339(*operation.ended);
    if (operation.outcome) outcome = name(*operation.outcome);
    database
        .prepare("INSERT INTO operations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) "
                 "ON CONFLICT (id) DO UPDATE SET ended = ?8, outcome = ?9, text = ?10")
        .with(static_cast<std::int64_t>(number(operation.id)), operation.unit, instance,
              name(operation.verb), operation.by, operation.why, to_rfc3339(operation.since), ended,
              outcome, operation.text)
        .run();
}

// ---- deployments ------------------------------------------------------------------------------

void put(Database& database, const std::string& unit, const core::DeploymentRecord& deployment)
{
    database
        .prepare("INSERT OR REPLACE INTO deployments "
                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")
        .with(unit, to_rfc3339(deployment.since), static_cast<std::int64_t>(deployment.number),
              name(deployment.kind), deployment.release, deployment.from, deployment.by,
              deployment.why, to_rfc3339(deployment.ended), name(deployment.outcome),
              deployment.failure)
        .run();
}

// ---- what was wanted ----------------------------------------------------------------------------

namespace {

/// Unless it is wanted already. A span that ended within the same millisecond goes on.
constexpr std::string_view begin_wanted =
    "INSERT INTO wanted SELECT ?1, ?2, ?3, ?4, NULL, NULL "
    "WHERE NOT EXISTS (SELECT 1 FROM wanted WHERE unit = ?1 AND ended IS NULL) "
    "ON CONFLICT DO UPDATE SET ended = NULL, seconds = NULL";

constexpr std::string_view end_wanted =
    R"(UPDATE wanted SET ended = max(began, ?2),
           seconds = CASE WHEN began_boot = ?3 THEN max(0.0, ?4 - began_boottime)
                          ELSE max(0.0, round((julianday(?2) - julianday(began)) * 86400, 3)) END
       WHERE unit = ?1 AND ended IS NULL)";

/// As a list in JSON, as SQLite reads it.
std::string quoted(const std::vector<std::string>& names)
{
    std::vector<std::string> quoted;
    for (const std::string& name : names)
        quoted.push_back(fmt::format("\"{}\"", name));
    return fmt::format("[{}]", fmt::join(quoted, ","));
}

} // namespace

void put(Database& database, const StampedChange& stamped, const std::string& boot)
{
    const ports::WantedChange& change = stamped.change;
    const bool begins = change.wanted == ports::WantedChange::Wanted::yes;
    database.prepare(begins ? begin_wanted : end_wanted)
        .with(change.unit, to_rfc3339(change.at.wall), boot,
              boottime_of(change.at.mono, stamped.suspended))
        .run();
}

// ---- a new engine begins ------------------------------------------------------------------------

namespace {

/// What is wanted no longer was so when Keel was last there; what is, and was not, is from now on.
void go_on_with_wanted(Database& database, const std::vector<std::string>& wanted, std::int64_t own)
{
    const std::string units = quoted(wanted);
    database
        .prepare(
            R"(WITH last AS (SELECT boot, seen, seen_boottime FROM lives WHERE id <> ?1
                             ORDER BY id DESC LIMIT 1)
               UPDATE wanted SET ended = max(began, last.seen),
                   seconds = CASE WHEN began_boot = last.boot
                                  THEN max(0.0, last.seen_boottime - began_boottime)
                                  ELSE max(0.0, round((julianday(last.seen) - julianday(began))
                                                      * 86400, 3)) END
               FROM last WHERE wanted.ended IS NULL
                   AND unit NOT IN (SELECT value FROM json_each(?2)))")
        .with(own, units)
        .run();
    database
        .prepare(R"(INSERT INTO wanted
                    SELECT value, lives.began, lives.boot, lives.began_boottime, NULL, NULL
                    FROM json_each(?2), lives WHERE lives.id = ?1 AND NOT EXISTS
                        (SELECT 1 FROM wanted WHERE unit = value AND ended IS NULL)
                    ON CONFLICT DO UPDATE SET ended = NULL, seconds = NULL)")
        .with(own, units)
        .run();
}

template <class Id> std::string listed(const std::vector<Id>& ids)
{
    std::vector<std::uint64_t> numbers;
    for (const Id id : ids)
        numbers.push_back(number(id));
    return fmt::format("{}", fmt::join(numbers, ","));
}

void close_all_but(Database& database, const std::vector<OutageId>& open, std::int64_t own)
{
    // What opened after that moment ended at once, as far as anybody knows.
    database
        .prepare(fmt::format(
            R"(WITH last AS (SELECT boot, seen, seen_boottime FROM lives WHERE id <> ?1
                             ORDER BY id DESC LIMIT 1)
               UPDATE outages SET uncertain = 1, closed = max(opened, last.seen),
                   seconds = CASE WHEN opened_boot = last.boot
                                  THEN max(0.0, last.seen_boottime - opened_boottime)
                                  ELSE max(0.0, round((julianday(last.seen) - julianday(opened))
                                                      * 86400, 3)) END,
                   measured = CASE WHEN opened_boot = last.boot THEN 'boottime' ELSE 'wall' END
               FROM last WHERE outages.closed IS NULL AND outages.id NOT IN ({}))",
            listed(open)))
        .with(own)
        .run();
}

void end_others(Database& database, const ports::Beginning& beginning, std::int64_t own)
{
    const std::string last = "(SELECT seen FROM lives WHERE id <> ?1 ORDER BY id DESC LIMIT 1)";
    database
        .prepare(fmt::format("UPDATE spawns SET ended = max(coalesce(began, ''), {0}), "
                             "ending = 'ended unseen' WHERE ended IS NULL AND {0} IS NOT NULL AND "
                             "id NOT IN ({1})",
                             last, listed(beginning.running)))
        .with(own)
        .run();
    database
        .prepare(fmt::format("UPDATE operations SET ended = max(began, {0}), text = 'cut short' "
                             "WHERE ended IS NULL AND {0} IS NOT NULL AND id NOT IN ({1})",
                             last, listed(beginning.under_way)))
        .with(own)
        .run();
}

/// What the engine's death alone may take: with it nobody was away.
constexpr double absence_min = 60;

void put_gap(Database& database, const ports::Beginning& beginning, std::int64_t own)
{
    const bool is_sure = beginning.absence == ports::Beginning::Absence::sure;
    database
        .prepare(
            R"(WITH last AS (SELECT * FROM lives WHERE id <> ?2 ORDER BY id DESC LIMIT 1),
                    own AS (SELECT * FROM lives WHERE id = ?2)
               INSERT INTO outages
               SELECT ?1, '', 'gap', last.ended IS NOT NULL, last.seen, last.boot,
                      last.seen_boottime, max(last.seen, own.began),
                      CASE WHEN last.boot = own.boot
                           THEN max(0.0, own.began_boottime - last.seen_boottime)
                           ELSE max(0.0, round((julianday(own.began) - julianday(last.seen))
                                               * 86400, 3)) END,
                      CASE WHEN last.boot = own.boot THEN 'boottime' ELSE 'wall' END,
                      last.ended IS NULL, 'lost',
                      CASE WHEN last.boot <> own.boot THEN 'Keel was away, over a boot of the host'
                           WHEN last.ended IS NULL THEN 'Keel was away, as its end was cut short'
                           ELSE 'Keel was away' END,
                      'ledger', NULL, 0.0, 0
               FROM last, own
               WHERE ?3 OR last.boot <> own.boot OR own.began_boottime - last.seen_boottime > ?4
               ON CONFLICT (id) DO NOTHING)")
        .with(id_of(*beginning.gap), own, std::int64_t{is_sure ? 1 : 0}, absence_min)
        .run();
}

} // namespace

void put(Database& database, const ports::Beginning& beginning, std::int64_t own)
{
    close_all_but(database, beginning.open, own);
    go_on_with_wanted(database, beginning.wanted, own);
    end_others(database, beginning, own);
    if (beginning.gap) put_gap(database, beginning, own);
}

} // namespace keel::ledger
