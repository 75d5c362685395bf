// Rows as records: reading. The file may say anything: what makes no sense is left out.
#include "ledger/rows.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <set>

namespace keel::ledger {
namespace {

/// Milliseconds since the epoch, NULL for what is no time.
#define KEEL_MILLIS(column) "CAST(round((julianday(" column ") - 2440587.5) * 86400000) AS INTEGER)"

constexpr std::string_view outage_columns =
    "SELECT id, unit, kind, planned, " KEEL_MILLIS("opened") ", closed IS NOT NULL, " KEEL_MILLIS(
        "closed") ", seconds, uncertain, cause, cause_text, detected_by, caused_by, detection, "
                  "begin_unseen FROM outages ";

constexpr std::string_view select_actions = "SELECT " KEEL_MILLIS(
    "at") ", action, reason, result FROM outage_actions WHERE outage = ?1 ORDER BY step LIMIT ?2";

constexpr std::string_view select_downtimes = "SELECT unit, kind, planned, " KEEL_MILLIS(
    "opened") ", closed IS NOT NULL, seconds, id FROM outages WHERE closed IS NULL OR closed >= ?1 "
              "ORDER BY unit, id DESC LIMIT ?2";

constexpr std::string_view select_wanted = "SELECT unit, " KEEL_MILLIS(
    "began") ", ended IS NOT NULL, seconds FROM wanted WHERE ended IS NULL OR ended >= ?1 "
             "ORDER BY unit, began DESC LIMIT ?2";

constexpr std::string_view select_spawns = "SELECT id, unit, instance, reason, " KEEL_MILLIS(
    "began") ", " KEEL_MILLIS("ended") ", ending FROM spawns";

constexpr std::string_view select_operations = "SELECT id, instance, verb, by, why, " KEEL_MILLIS(
    "began") ", " KEEL_MILLIS("ended") ", outcome, text FROM operations";

/// Of a unit and a span of time; and of those the ones that begin or end nearest to ?4.
constexpr std::string_view around_it =
    " WHERE unit = ?1 AND coalesce(ended, '9') >= ?2 AND coalesce(began, '') <= ?3";
constexpr std::string_view nearest_first =
    " ORDER BY min(abs(julianday(coalesce(began, ended)) - julianday(?4)), "
    "abs(julianday(coalesce(ended, began)) - julianday(?4))), id LIMIT ?5";

constexpr std::string_view select_last_life = "SELECT " KEEL_MILLIS(
    "seen") ", seen_boottime, boot = ?1, ended IS NOT NULL FROM lives ORDER BY id DESC LIMIT 1";

constexpr std::string_view select_begin = "SELECT " KEEL_MILLIS("min(began)") " FROM lives";
#undef KEEL_MILLIS

constexpr std::string_view select_words =
    "SELECT line, text FROM outage_words WHERE outage = ?1 ORDER BY line LIMIT ?2";

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
    if (row.integer(14) != 0) o.begin = core::Outage::Begin::unseen;
    view.counted = core::OutageFold::Counted::yes;
    return view;
}

std::int64_t id_of(OutageId id) { return static_cast<std::int64_t>(number(id)); }

core::LastWords read_words(Statement& rows, OutageId id)
{
    std::vector<std::string> words;
    rows.with(id_of(id), static_cast<std::int64_t>(core::last_words_max));
    bool any = false;
    while (rows.step()) {
        any = true;
        if (rows.integer(0) > 0) words.push_back(rows.text(1));
    }
    return any ? std::make_shared<const std::vector<std::string>>(std::move(words)) : nullptr;
}

using LastWords = ports::OutageQuery::LastWords;

/// With what was tried.
std::vector<core::OutageView> read_all(Database& database, Statement& rows, WallTime now,
                                       LastWords last_words = LastWords::left_out)
{
    std::vector<core::OutageView> found;
    Statement actions = database.prepare(select_actions);
    Statement words = database.prepare(select_words);
    while (rows.step()) {
        auto view = read_outage(rows, now);
        if (!view) continue;
        actions.with(id_of(view->record.id), static_cast<std::int64_t>(core::outage_actions_max));
        while (actions.step())
            if (is_time(actions, 0))
                view->record.actions.push_back(
                    {wall(actions.integer(0)), actions.text(1), actions.text(2), actions.text(3)});
        if (last_words == LastWords::told) view->last_words = read_words(words, view->record.id);
        found.push_back(std::move(*view));
    }
    return found;
}

Statement select(Database& database, std::string_view which)
{
    return database.prepare(std::string(outage_columns).append(which));
}

} // namespace

std::vector<core::OutageView> read_outages(Database& database, const ports::OutageQuery& query,
                                           WallTime now)
{
    Statement rows =
        select(database, "WHERE closed IS NULL OR closed >= ?1 ORDER BY id DESC LIMIT ?2");
    rows.with(query.since ? to_rfc3339(*query.since) : std::string(),
              static_cast<std::int64_t>(query.limit));
    return read_all(database, rows, now, query.last_words);
}

// ---- how available units were -------------------------------------------------------------------

namespace {

/// Of a year of a host on which something fails each minute; takes a second or so.
constexpr std::int64_t past_max = 500'000;

core::Span span_of(const Statement& row, int begin, int is_over, int lasted, WallTime now)
{
    const WallTime began = wall(row.integer(begin));
    if (row.integer(is_over) == 0) return {began, std::max(began, now)};
    return {began, began + length(row.real(lasted))};
}

} // namespace

core::PastOfAll read_past(Database& database, WallTime since, WallTime now)
{
    core::PastOfAll past;
    std::map<std::string, core::UnitPast> units;
    std::int64_t read = 0;
    Statement wanted = database.prepare(select_wanted);
    wanted.with(to_rfc3339(since), past_max);
    for (; wanted.step(); ++read)
        if (is_time(wanted, 1))
            units[wanted.text(0)].wanted.push_back(span_of(wanted, 1, 2, 3, now));
    Statement down = database.prepare(select_downtimes);
    down.with(to_rfc3339(since), past_max);
    for (; down.step(); ++read) {
        const auto kind = from_name<core::OutageKind>(down.text(1));
        if (!kind || !is_time(down, 3)) continue;
        const core::Span span = span_of(down, 3, 4, 5, now);
        if (*kind == core::OutageKind::gap) {
            past.gaps.push_back(span);
            continue;
        }
        using core::Downtime, core::Outage;
        units[down.text(0)].downtimes.push_back(
            {span, *kind, down.integer(2) != 0 ? Outage::Planned::yes : Outage::Planned::no,
             down.integer(4) != 0 ? Downtime::Over::yes : Downtime::Over::no,
             OutageId{static_cast<std::uint64_t>(down.integer(6))}});
    }
    for (auto& [name, of_unit] : units) {
        of_unit.unit = name;
        past.units.push_back(std::move(of_unit));
    }
    if (read >= past_max) past.missing = fmt::format("there are more than {} records", past_max);
    past.since = read_since(database);
    return past;
}

std::optional<WallTime> read_since(Database& database)
{
    Statement begin = database.prepare(select_begin);
    if (!begin.step() || !is_time(begin, 0)) return std::nullopt;
    return wall(begin.integer(0));
}

// ---- one outage and what is around it -----------------------------------------------------------

namespace {

constexpr Duration before_incident = std::chrono::minutes(10);
constexpr Duration after_incident = std::chrono::minutes(1);
constexpr std::int64_t around_max = 200;

std::optional<core::OutageView> read_one(Database& database, OutageId id, WallTime now)
{
    Statement rows = select(database, "WHERE id = ?1");
    rows.with(id_of(id));
    auto found = read_all(database, rows, now);
    if (found.empty()) return std::nullopt;
    return std::move(found.front());
}

std::optional<Now> moment(const Statement& row, int column)
{
    if (!is_time(row, column)) return std::nullopt;
    return Now{{}, wall(row.integer(column))};
}

/// The outage that others are looked for around.
struct Middle {
    std::string unit;
    WallTime opened, end;
};

void add_missing(core::Incident& incident, const std::string& what)
{
    incident.missing += (incident.missing.empty() ? "" : "; ") + what;
}

/// Reads the rows of `table` around the outage that `select` gives, each once. Of very many only
/// those nearest to its beginning and to its end, which is then said.
void read_around(Database& database, const Middle& middle, std::string_view table,
                 std::string_view select, core::Incident& into,
                 const std::function<void(const Statement&)>& take)
{
    const std::string begin = to_rfc3339(middle.opened - before_incident);
    const std::string end = to_rfc3339(middle.end + after_incident);
    Statement count = database.prepare(fmt::format("SELECT count(*) FROM {}{}", table, around_it));
    count.with(middle.unit, begin, end);
    const std::int64_t all = count.step() ? count.integer(0) : 0;
    const std::int64_t each = all <= around_max ? around_max : around_max / 2;
    std::set<std::int64_t> taken;
    Statement rows = database.prepare(fmt::format("{}{}{}", select, around_it, nearest_first));
    for (const WallTime at : {middle.opened, middle.end}) {
        rows.with(middle.unit, begin, end, to_rfc3339(at), each);
        while (rows.step())
            if (taken.insert(rows.integer(0)).second) take(rows);
    }
    if (static_cast<std::int64_t>(taken.size()) < all)
        add_missing(into, fmt::format("of {} {} around it, only the {} nearest to its beginning "
                                      "and to its end are told",
                                      all, table, taken.size()));
}

void read_spawns(Database& database, const Middle& middle, core::Incident& into)
{
    read_around(database, middle, "spawns", select_spawns, into, [&](const Statement& rows) {
        into.spawns.push_back({SpawnId{static_cast<std::uint64_t>(rows.integer(0))}, rows.text(1),
                               static_cast<Slot>(rows.integer(2)), rows.text(3), moment(rows, 4),
                               moment(rows, 5), rows.text(6)});
    });
    std::ranges::sort(into.spawns, {}, &core::SpawnRecord::id);
}

void read_operations(Database& database, const Middle& middle, core::Incident& into)
{
    read_around(database, middle, "operations", select_operations, into,
                [&](const Statement& rows) {
                    const auto verb = from_name<core::Verb>(rows.text(2));
                    if (!verb || !is_time(rows, 5)) return;
                    core::OperationRecord record;
                    record.id = OperationId{static_cast<std::uint64_t>(rows.integer(0))};
                    record.unit = middle.unit;
                    if (!rows.is_null(1)) record.slot = static_cast<Slot>(rows.integer(1));
                    record.verb = *verb;
                    record.by = rows.text(3);
                    record.why = rows.text(4);
                    record.since = wall(rows.integer(5));
                    if (is_time(rows, 6)) record.ended = wall(rows.integer(6));
                    record.outcome = from_name<core::OperationResult::Outcome>(rows.text(7));
                    record.text = rows.text(8);
                    into.operations.push_back(std::move(record));
                });
    std::ranges::sort(into.operations, {}, &core::OperationRecord::id);
}

void read_followers(Database& database, OutageId outage, WallTime now, core::Incident& into)
{
    Statement rows = select(database, "WHERE caused_by = ?1 ORDER BY id LIMIT ?2");
    rows.with(id_of(outage), around_max);
    into.followers = read_all(database, rows, now);
    Statement count = database.prepare("SELECT count(*) FROM outages WHERE caused_by = ?1");
    count.with(id_of(outage));
    if (count.step() && count.integer(0) > around_max)
        add_missing(into, fmt::format("of {} outages that it caused, only the first {} are told",
                                      count.integer(0), around_max));
}

} // namespace

core::Incident read_incident(Database& database, OutageId outage, WallTime now)
{
    core::Incident incident;
    incident.outage = read_one(database, outage, now);
    if (!incident.outage) return incident;
    Statement words = database.prepare(select_words);
    incident.outage->last_words = read_words(words, outage);
    const core::Outage& record = incident.outage->record;
    if (record.caused_by) incident.cause = read_one(database, *record.caused_by, now);
    read_followers(database, outage, now, incident);
    const Middle middle{record.unit, record.opened.wall, record.closed ? record.closed->wall : now};
    read_spawns(database, middle, incident);
    read_operations(database, middle, incident);
    return incident;
}

// ---- the life before ----------------------------------------------------------------------------

std::optional<ports::LastLife> read_last_life(Database& database, const std::string& boot,
                                              Moment now, Duration suspended)
{
    Statement last = database.prepare(select_last_life);
    last.with(boot);
    if (!last.step() || !is_time(last, 0)) return std::nullopt;
    const MonoTime mono{now.boottime - suspended};
    // What the wall clock says of another boot, and nothing that is yet to come.
    const auto by_wall = [&](WallTime at) {
        const WallTime then = std::min(at, now.wall);
        return Now{mono - (now.wall - then), then};
    };
    ports::LastLife life;
    life.seen = by_wall(wall(last.integer(0)));
    if (last.integer(2) != 0) {
        life.seen.mono = std::min(mono, MonoTime{length(last.real(1)) - suspended});
    } else {
        life.boot = ports::LastLife::Boot::another;
    }
    if (last.integer(3) != 0) life.end = ports::LastLife::End::in_order;
    Statement wanted = database.prepare("SELECT unit FROM wanted WHERE ended IS NULL LIMIT ?1");
    wanted.with(past_max);
    while (wanted.step())
        life.wanted.push_back(wanted.text(0));
    Statement open = select(database, "WHERE closed IS NULL ORDER BY id LIMIT ?1");
    open.with(past_max);
    for (core::OutageView& view : read_all(database, open, now.wall)) {
        view.record.opened = by_wall(view.record.opened.wall);
        life.open.push_back(std::move(view.record));
    }
    return life;
}

} // namespace keel::ledger
