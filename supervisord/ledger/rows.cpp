#include "ledger/rows.hpp"

#include <algorithm>
#include <cmath>
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
        CASE WHEN ?8 IS NOT NULL THEN 'boottime' END,
        0, ?10, ?11, ?12, ?13, ?14)
    ON CONFLICT (id) DO UPDATE SET
        unit = ?2, kind = ?3, planned = ?4, cause = ?10, cause_text = ?11, detected_by = ?12,
        caused_by = ?13, detection = ?14, uncertain = 0, closed = ?8,
        seconds = CASE WHEN ?8 IS NULL THEN NULL
                       WHEN opened_boot = ?6 AND opened = ?5
                       THEN max(0.0, ?9 - min(opened_boottime, ?7))
                       ELSE max(0.0, ?15) END,
        measured = CASE WHEN ?8 IS NULL THEN NULL
                        WHEN opened_boot = ?6 THEN 'boottime' ELSE 'wall' END,
        opened = ?5)";

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
              o.cause_text, o.detected_by, caused_by, seconds(o.detection), by_wall)
        .run();
    put_actions(database, o);
}

void close_all_but(Database& database, const std::vector<OutageId>& open, std::int64_t own)
{
    std::vector<std::uint64_t> ids;
    for (const OutageId id : open)
        ids.push_back(number(id));
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
            fmt::join(ids, ",")))
        .with(own)
        .run();
}

void put_gap(Database& database, OutageId id, std::int64_t own)
{
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
                      'ledger', NULL, 0.0
               FROM last, own WHERE true ON CONFLICT (id) DO NOTHING)")
        .with(id_of(id), own)
        .run();
}

// ---- reading ----------------------------------------------------------------------------------

namespace {

/// Milliseconds since the epoch, NULL for what is no time.
#define KEEL_MILLIS(column) "CAST(round((julianday(" column ") - 2440587.5) * 86400000) AS INTEGER)"

constexpr std::string_view select_outages =
    "SELECT id, unit, kind, planned, " KEEL_MILLIS("opened") ", closed IS NOT NULL, " KEEL_MILLIS(
        "closed") ", seconds, uncertain, cause, cause_text, detected_by, caused_by, detection "
                  "FROM outages WHERE closed IS NULL OR closed >= ?1 ORDER BY id DESC LIMIT ?2";

constexpr std::string_view select_actions = "SELECT " KEEL_MILLIS(
    "at") ", action, reason, result FROM outage_actions WHERE outage = ?1 ORDER BY step LIMIT ?2";
#undef KEEL_MILLIS

WallTime wall(std::int64_t millis) { return WallTime(std::chrono::milliseconds(millis)); }

/// Never negative, and never more than a lifetime: the file may say anything.
Duration length(double value)
{
    constexpr double longest = 100.0 * 365 * 86400;
    if (!std::isfinite(value) || value < 0) return Duration{0};
    return std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(std::min(value, longest)));
}

/// Within the years that people have.
bool is_time(const Statement& row, int column)
{
    constexpr std::int64_t year_3000 = 32'503'680'000'000;
    const auto millis = row.integer(column);
    return !row.is_null(column) && millis >= 0 && millis < year_3000;
}

std::optional<core::OutageView> read_outage(const Statement& row, WallTime now)
{
    const auto kind = from_name<core::OutageKind>(row.text(2));
    const auto cause = from_name<core::OutageCause>(row.text(9));
    const bool closed = row.integer(5) != 0;
    if (!kind || !cause || !is_time(row, 4) || (closed && !is_time(row, 6))) return std::nullopt;
    core::OutageView view;
    core::Outage& o = view.record;
    o.id = OutageId{static_cast<std::uint64_t>(row.integer(0))};
    o.unit = row.text(1);
    o.kind = *kind;
    o.planned = row.integer(3) != 0 ? core::Outage::Planned::yes : core::Outage::Planned::no;
    o.opened.wall = wall(row.integer(4));
    if (closed) o.closed = Now{{}, wall(row.integer(6))};
    view.length = closed ? length(row.real(7)) : std::max(Duration{0}, now - o.opened.wall);
    o.end = row.integer(8) != 0 ? core::Outage::End::unseen : core::Outage::End::seen;
    o.cause = *cause;
    o.cause_text = row.text(10);
    o.detected_by = row.text(11);
    if (!row.is_null(12)) o.caused_by = OutageId{static_cast<std::uint64_t>(row.integer(12))};
    o.detection = length(row.real(13));
    view.counted = core::OutageFold::Counted::yes;
    return view;
}

} // namespace

std::vector<core::OutageView> read_outages(Database& database, const ports::OutageQuery& query,
                                           WallTime now)
{
    std::vector<core::OutageView> found;
    Statement rows = database.prepare(select_outages);
    Statement actions = database.prepare(select_actions);
    rows.with(query.since ? to_rfc3339(*query.since) : std::string(),
              static_cast<std::int64_t>(query.limit));
    while (rows.step()) {
        auto view = read_outage(rows, now);
        if (!view) continue;
        actions.with(id_of(view->record.id), static_cast<std::int64_t>(core::outage_actions_max));
        while (actions.step())
            if (is_time(actions, 0))
                view->record.actions.push_back(
                    {wall(actions.integer(0)), actions.text(1), actions.text(2), actions.text(3)});
        found.push_back(std::move(*view));
    }
    return found;
}

// ---- lives ------------------------------------------------------------------------------------

std::int64_t begin_life(Database& database, const std::string& boot, Moment now)
{
    database.prepare("INSERT INTO lives VALUES (NULL, ?1, ?2, ?3, ?2, ?3, NULL)")
        .with(boot, to_rfc3339(now.wall), seconds(now.boottime))
        .run();
    return database.number("SELECT last_insert_rowid()");
}

void note_life(Database& database, std::int64_t id, Moment now)
{
    database.prepare("UPDATE lives SET seen = ?2, seen_boottime = ?3 WHERE id = ?1")
        .with(id, to_rfc3339(now.wall), seconds(now.boottime))
        .run();
}

void end_life(Database& database, std::int64_t id, Moment now)
{
    note_life(database, id, now);
    database.prepare("UPDATE lives SET ended = 'in order' WHERE id = ?1").with(id).run();
}

// ---- forgetting -------------------------------------------------------------------------------

namespace {

std::int64_t forget(Database& database, Statement& chosen)
{
    std::vector<std::int64_t> ids;
    while (chosen.step())
        ids.push_back(chosen.integer(0));
    Statement actions = database.prepare("DELETE FROM outage_actions WHERE outage = ?1");
    Statement outages = database.prepare("DELETE FROM outages WHERE id = ?1");
    for (const std::int64_t id : ids) {
        actions.with(id).run();
        outages.with(id).run();
    }
    return static_cast<std::int64_t>(ids.size());
}

} // namespace

std::int64_t forget_ended_before(Database& database, WallTime before, std::int64_t limit)
{
    database.prepare("DELETE FROM lives WHERE seen < ?1").with(to_rfc3339(before)).run();
    Statement chosen =
        database.prepare("SELECT id FROM outages WHERE closed < ?1 ORDER BY id LIMIT ?2");
    chosen.with(to_rfc3339(before), limit);
    return forget(database, chosen);
}

std::int64_t forget_oldest(Database& database, std::int64_t count)
{
    Statement chosen =
        database.prepare("SELECT id FROM outages WHERE closed IS NOT NULL ORDER BY id LIMIT ?1");
    chosen.with(count);
    return forget(database, chosen);
}

} // namespace keel::ledger
