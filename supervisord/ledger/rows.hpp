// Outages and lives as rows, both ways.
#pragma once
#include "core/views.hpp"
#include "ledger/sqlite.hpp"
#include "ports/ledger.hpp"

#include <string>
#include <vector>

namespace keel::ledger {

/// A moment on both clocks that outlive a boot.
struct Moment {
    WallTime wall;
    Duration boottime{0};
};

/// A record, and what makes boot times of its times on the monotonic clock.
struct Stamped {
    core::Outage record;
    Duration suspended{0}; ///< of CLOCK_BOOTTIME ahead of CLOCK_MONOTONIC
    core::LastWords words{};
};

struct StampedChange {
    ports::WantedChange change;
    Duration suspended{0};
};

// ---- writing: in place of what was known of the same id ----------------------------------------
void put(Database& database, const Stamped& outage, const std::string& boot);
void put(Database& database, const core::SpawnRecord& spawn, const std::string& boot);
void put(Database& database, const core::OperationRecord& operation);
void put(Database& database, const std::string& unit, const core::DeploymentRecord& deployment);
/// Says nothing new of a unit that is wanted as it was.
void put(Database& database, const StampedChange& change, const std::string& boot);
/// Ends, uncertainly, when the life before `own` was last seen, what that left open and this does
/// not; and a record of the time between these lives, if Keel was away and there is a number for
/// it.
void put(Database& database, const ports::Beginning& beginning, std::int64_t own);

// ---- reading: what does not make sense is left out ---------------------------------------------
/// Those that were open at `since` or later, at most `limit`, the latest first.
std::vector<core::OutageView> read_outages(Database& database, const ports::OutageQuery& query,
                                           WallTime now);
core::PastOfAll read_past(Database& database, WallTime since, WallTime now);
/// When records begin; none: there are none.
std::optional<WallTime> read_since(Database& database);
/// None: there was no life before this.
std::optional<ports::LastLife> read_last_life(Database& database, const std::string& boot,
                                              Moment now, Duration suspended);
core::Incident read_incident(Database& database, OutageId outage, WallTime now);

// ---- lives -------------------------------------------------------------------------------------
/// A life begins; its id.
std::int64_t begin_life(Database& database, const std::string& boot, Moment now);
/// It is still there.
void note_life(Database& database, std::int64_t id, Moment now);
/// It ends in order.
void end_life(Database& database, std::int64_t id, Moment now);

// ---- forgetting --------------------------------------------------------------------------------
/// Spawns that ended before `before`, at most so many, become counts by the day; so do those of
/// other boots of which no end is known.
void fold_spawns(Database& database, WallTime before, const std::string& boot, std::int64_t limit);
/// Forgets what ended before `before`, but at most so many records of a kind, the oldest first. How
/// many.
std::int64_t forget_ended_before(Database& database, WallTime before, std::int64_t limit);
/// Forgets the oldest ones of the kind that is worth least, of those of which there are any: runs,
/// counts of runs, operations, deployments, what was wanted before any outage, outages that are
/// over. How many; 0: then what else is over, and lives before `own`, too.
std::int64_t forget_of_least_worth(Database& database, std::int64_t count, std::int64_t own);

} // namespace keel::ledger
