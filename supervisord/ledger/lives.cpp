// The lives of Keel in the ledger, and what is forgotten of what went on in them.
#include "ledger/rows.hpp"

namespace keel::ledger {

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

void fold_spawns(Database& database, WallTime before, const std::string& boot, std::int64_t limit)
{
    constexpr std::string_view chosen =
        "(SELECT id FROM spawns WHERE coalesce(ended, began, '') < ?1 AND "
        "(ending IS NOT NULL OR began_boot <> ?2 OR began_boot IS NULL) ORDER BY id LIMIT ?3)";
    const std::string when = to_rfc3339(before);
    database
        .prepare(std::string("INSERT INTO spawn_days SELECT substr(coalesce(ended, began, ''), 1, "
                             "10), unit, coalesce(ending, 'ended unseen'), count(*) FROM spawns "
                             "WHERE id IN ")
                     .append(chosen)
                     .append(" GROUP BY 1, 2, 3 ON CONFLICT DO UPDATE SET count = count + "
                             "excluded.count"))
        .with(when, boot, limit)
        .run();
    database.prepare(std::string("DELETE FROM spawns WHERE id IN ").append(chosen))
        .with(when, boot, limit)
        .run();
}

namespace {

std::int64_t forget(Database& database, Statement& chosen)
{
    std::vector<std::int64_t> ids;
    while (chosen.step())
        ids.push_back(chosen.integer(0));
    Statement actions = database.prepare("DELETE FROM outage_actions WHERE outage = ?1");
    Statement words = database.prepare("DELETE FROM outage_words WHERE outage = ?1");
    Statement outages = database.prepare("DELETE FROM outages WHERE id = ?1");
    for (const std::int64_t id : ids) {
        actions.with(id).run();
        words.with(id).run();
        outages.with(id).run();
    }
    return static_cast<std::int64_t>(ids.size());
}

} // namespace

std::int64_t forget_ended_before(Database& database, WallTime before, std::int64_t limit)
{
    for (const char* old :
         {"DELETE FROM lives WHERE seen < ?1", "DELETE FROM wanted WHERE ended < ?1",
          "DELETE FROM spawn_days WHERE day < substr(?1, 1, 10)",
          "DELETE FROM operations WHERE ended < ?1", "DELETE FROM deployments WHERE ended < ?1"})
        database.prepare(old).with(to_rfc3339(before)).run();
    Statement chosen =
        database.prepare("SELECT id FROM outages WHERE closed < ?1 ORDER BY id LIMIT ?2");
    chosen.with(to_rfc3339(before), limit);
    return forget(database, chosen);
}

std::int64_t forget_of_least_worth(Database& database, std::int64_t count, std::int64_t own)
{
    for (const char* oldest :
         {"DELETE FROM spawns WHERE id IN (SELECT id FROM spawns ORDER BY id LIMIT ?1)",
          "DELETE FROM spawn_days WHERE (day, unit, ending) IN "
          "(SELECT day, unit, ending FROM spawn_days ORDER BY day LIMIT ?1)",
          "DELETE FROM operations WHERE id IN (SELECT id FROM operations ORDER BY id LIMIT ?1)",
          "DELETE FROM deployments WHERE (unit, began, number) IN "
          "(SELECT unit, began, number FROM deployments ORDER BY began LIMIT ?1)",
          "DELETE FROM wanted WHERE (unit, began) IN (SELECT unit, began FROM wanted "
          "WHERE ended < (SELECT min(opened) FROM outages) ORDER BY began LIMIT ?1)"}) {
        database.prepare(oldest).with(count).run();
        if (const auto forgotten = database.changes(); forgotten > 0) return forgotten;
    }
    Statement chosen =
        database.prepare("SELECT id FROM outages WHERE closed IS NOT NULL ORDER BY id LIMIT ?1");
    chosen.with(count);
    if (const auto forgotten = forget(database, chosen); forgotten > 0) return forgotten;
    database.prepare("DELETE FROM wanted WHERE ended IS NOT NULL").run();
    database.prepare("DELETE FROM lives WHERE id <> ?1").with(own).run();
    return 0;
}

} // namespace keel::ledger
