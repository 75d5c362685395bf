#include "ledger/schema.hpp"

#include <array>
#include <fmt/format.h>
#include <span>
#include <sqlite3.h>

namespace keel::ledger {
namespace {

constexpr std::array version_1 = std::to_array<std::string_view>({
    // One run of keel-engine; `seen` is when it was last known to be there, `ended` how it ended
    // where that is known: stopped, left.
    R"(CREATE TABLE lives (
        id              INTEGER PRIMARY KEY,
        boot            TEXT NOT NULL,
        began           TEXT NOT NULL,
        began_boottime  REAL NOT NULL,
        seen            TEXT NOT NULL,
        seen_boottime   REAL NOT NULL,
        ended           TEXT
    ) STRICT)",
    // `closed` is NULL while it is open. `measured` says by which clock `seconds` is: boottime, or
    // wall if it lasted over a boot. `uncertain`: nobody saw it end.
    R"(CREATE TABLE outages (
        id               INTEGER PRIMARY KEY,
        unit             TEXT NOT NULL,
        kind             TEXT NOT NULL,
        planned          INTEGER NOT NULL,
        opened           TEXT NOT NULL,
        opened_boot      TEXT NOT NULL,
        opened_boottime  REAL NOT NULL,
        closed           TEXT,
        seconds          REAL,
        measured         TEXT,
        uncertain        INTEGER NOT NULL DEFAULT 0,
        cause            TEXT NOT NULL,
        cause_text       TEXT NOT NULL,
        detected_by      TEXT NOT NULL,
        caused_by        INTEGER,
        detection        REAL NOT NULL
    ) STRICT)",
    R"(CREATE TABLE outage_actions (
        outage  INTEGER NOT NULL,
        step    INTEGER NOT NULL,
        at      TEXT NOT NULL,
        action  TEXT NOT NULL,
        reason  TEXT NOT NULL,
        result  TEXT NOT NULL,
        PRIMARY KEY (outage, step)
    ) STRICT, WITHOUT ROWID)",
});

/// Besides outages: what ran, who asked for what, what was wanted.
constexpr std::array version_2 = std::to_array<std::string_view>({
    // Nobody saw it begin: `opened` is when Keel was last there, and saw the unit ready.
    "ALTER TABLE outages ADD COLUMN begin_unseen INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX outages_by_cause ON outages (caused_by) WHERE caused_by IS NOT NULL",
    // One run of an instance; `ending` is NULL while it runs.
    R"(CREATE TABLE spawns (
        id          INTEGER PRIMARY KEY,
        unit        TEXT NOT NULL,
        instance    INTEGER NOT NULL,
        reason      TEXT NOT NULL,
        began       TEXT,
        began_boot  TEXT,
        ended       TEXT,
        ending      TEXT
    ) STRICT)",
    "CREATE INDEX spawns_by_unit ON spawns (unit, id)",
    // What became of those that ended long ago.
    R"(CREATE TABLE spawn_days (
        day     TEXT NOT NULL,
        unit    TEXT NOT NULL,
        ending  TEXT NOT NULL,
        count   INTEGER NOT NULL,
        PRIMARY KEY (day, unit, ending)
    ) STRICT, WITHOUT ROWID)",
    R"(CREATE TABLE operations (
        id        INTEGER PRIMARY KEY,
        unit      TEXT NOT NULL,
        instance  INTEGER,
        verb      TEXT NOT NULL,
        by        TEXT NOT NULL,
        why       TEXT NOT NULL,
        began     TEXT NOT NULL,
        ended     TEXT,
        outcome   TEXT,
        text      TEXT NOT NULL
    ) STRICT)",
    "CREATE INDEX operations_by_unit ON operations (unit, id)",
    // When a unit was wanted up; `ended` is NULL while it is.
    R"(CREATE TABLE wanted (
        unit            TEXT NOT NULL,
        began           TEXT NOT NULL,
        began_boot      TEXT NOT NULL,
        began_boottime  REAL NOT NULL,
        ended           TEXT,
        seconds         REAL,
        PRIMARY KEY (unit, began)
    ) STRICT, WITHOUT ROWID)",
    // Version 3 has another one in its place, before there was anything in it.
    R"(CREATE TABLE deployments (
        id       INTEGER PRIMARY KEY,
        unit     TEXT NOT NULL,
        release  TEXT NOT NULL,
        by       TEXT NOT NULL,
        began    TEXT NOT NULL,
        ended    TEXT,
        result   TEXT,
        text     TEXT NOT NULL
    ) STRICT)",
    // The last words of whoever opened the outage. Lines count from 1; a line 0 stands alone, and
    // says that nothing had been written.
    R"(CREATE TABLE outage_words (
        outage  INTEGER NOT NULL,
        line    INTEGER NOT NULL,
        text    TEXT NOT NULL,
        PRIMARY KEY (outage, line)
    ) STRICT, WITHOUT ROWID)",
});

constexpr std::array version_3 = std::to_array<std::string_view>({
    "DROP TABLE deployments",
    // Of each unit by number; numbers begin anew where its records are lost.
    R"(CREATE TABLE deployments (
        unit     TEXT NOT NULL,
        began    TEXT NOT NULL,
        number   INTEGER NOT NULL,
        kind     TEXT NOT NULL,
        release  TEXT NOT NULL,
        former   TEXT NOT NULL,
        by       TEXT NOT NULL,
        why      TEXT NOT NULL,
        ended    TEXT NOT NULL,
        result   TEXT NOT NULL,
        text     TEXT NOT NULL,
        PRIMARY KEY (unit, began, number)
    ) STRICT, WITHOUT ROWID)",
});

constexpr std::array versions =
    std::to_array<std::span<const std::string_view>>({version_1, version_2, version_3});
static_assert(versions.size() == schema_version);

bool is_empty(const Database& database)
{
    return database.number("SELECT count(*) FROM sqlite_schema") == 0;
}

} // namespace

bool is_of_this_version(const Database& database)
{
    return database.number("PRAGMA application_id") == application_id &&
           database.number("PRAGMA user_version") == schema_version;
}

Found migrate(Database& database)
{
    const auto version = database.number("PRAGMA user_version");
    const Found found = version == 0 && is_empty(database) ? Found::nothing : Found::tables;
    const bool is_ours = database.number("PRAGMA application_id") == application_id;
    if (found == Found::tables && !is_ours) throw Failed(SQLITE_NOTADB, "it is no ledger of Keel");
    if (version < 0 || version > schema_version)
        throw Failed(SQLITE_FORMAT, fmt::format("its tables are those of version {}, and this "
                                                "Keel knows up to {}",
                                                version, schema_version));
    if (version == schema_version) return found;
    if (found == Found::nothing) database.run("PRAGMA auto_vacuum = INCREMENTAL");
    database.run("PRAGMA journal_mode = WAL");
    Transaction all(database);
    for (auto next = version; next < schema_version; ++next)
        for (const std::string_view statement : versions[static_cast<std::size_t>(next)])
            database.run(statement);
    database.run(fmt::format("PRAGMA application_id = {}", application_id));
    database.run(fmt::format("PRAGMA user_version = {}", schema_version));
    all.commit();
    return found;
}

} // namespace keel::ledger
