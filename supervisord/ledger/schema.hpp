// The tables of the ledger, for whoever opens it with any sqlite3, and how they came to be.
//
// Each version is a list of statements on top of the one before; PRAGMA user_version tells which
// one a file has, PRAGMA application_id that it is a ledger of Keel at all ("Keel"). Times are UTC
// as RFC 3339 has it, with milliseconds, so they sort as text; lengths are seconds; the boot id and
// the time since that boot (suspends included) tell apart what a wall clock that was set does not.
#pragma once
#include "ledger/sqlite.hpp"

namespace keel::ledger {

inline constexpr std::int64_t application_id = 0x4b65656c;
inline constexpr std::int64_t schema_version = 3;

/// Whether there was nothing yet.
enum class Found : std::uint8_t { tables, nothing };

/// Brings the file to the present version. Throws Failed; a file that is another program's, or a
/// later version's, counts as damage, so that it is set aside.
Found migrate(Database& database);

/// Whether nothing is left for migrate() to do. Throws Failed.
bool is_of_this_version(const Database& database);

} // namespace keel::ledger
