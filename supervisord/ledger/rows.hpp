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
};

/// Writes it, in place of what was known of the same id.
void put(Database& database, const Stamped& outage, const std::string& boot);

/// What is open and not among these ended, uncertainly, when the life before `own` was last seen.
void close_all_but(Database& database, const std::vector<OutageId>& open, std::int64_t own);

/// The time between the life before `own` and that, if there was one.
void put_gap(Database& database, OutageId id, std::int64_t own);

/// Those that were open at `since` or later, at most `limit`, the latest first. What does not make
/// sense is left out.
std::vector<core::OutageView> read_outages(Database& database, const ports::OutageQuery& query,
                                           WallTime now);

/// A life begins; its id.
std::int64_t begin_life(Database& database, const std::string& boot, Moment now);
/// It is still there.
void note_life(Database& database, std::int64_t id, Moment now);
/// It ends in order.
void end_life(Database& database, std::int64_t id, Moment now);

/// Forgets what ended before `before`, but at most so many records, the oldest first. How many.
std::int64_t forget_ended_before(Database& database, WallTime before, std::int64_t limit);
/// Forgets the oldest ones that have ended. How many.
std::int64_t forget_oldest(Database& database, std::int64_t count);

} // namespace keel::ledger
