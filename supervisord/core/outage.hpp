// The outage fold: from "how many instances are ready" to records of what was down, since when,
// why, and for how long. PRODUCT's section "Outages" to the letter; pure, one fold per unit and
// kind.
//
//   none ──too few ready──> open ──enough ready──> settling ──`settle` without a break──> none
//                            ^                        │
//                            └──── a relapse ─────────┘   (the same record goes on)
//
// A relapse that was not planned, after an outage that was, begins a record of its own.
#pragma once
#include "base/enum_names.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "core/restart_policy.hpp"

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace keel::core {

/// `outage`: fewer than min_ready. `degraded`: fewer than all, never counted as an outage.
/// `blip`: an outage shorter than `grace`. `gap`: Keel itself was away; nothing is claimed.
enum class OutageKind : std::uint8_t { outage, degraded, blip, gap };

/// What a record is counted under; the text beside it says it in words.
enum class OutageCause : std::uint8_t {
    start,
    exit,
    signal,
    start_timeout,
    liveness,
    readiness,
    spawn,
    lost,
    dependency,
    operation,
    watchdog,
    boot, ///< the host's, after which it has to be started again
    oom
};
OutageCause outage_cause_of(StartCause);

struct ActionTaken {
    WallTime at;
    std::string action; ///< `start`, `retry`, `give-up`
    std::string reason;
    std::string result; ///< empty while it is not known
};

struct Outage {
    OutageId id{};
    std::string unit;
    OutageKind kind = OutageKind::outage;
    enum class Planned : std::uint8_t { no, yes } planned = Planned::no;
    Now opened{};
    /// Unseen: Keel was not there, and `opened` is when it last saw the unit ready.
    enum class Begin : std::uint8_t { seen, unseen } begin = Begin::seen;
    /// The start of the span in which the unit has been ready since, or when nobody wanted it up
    /// any more.
    std::optional<Now> closed;
    OutageCause cause = OutageCause::exit;
    std::string cause_text;  ///< `SIGKILL`, `probe http: status 503`, `dependency backbone`
    std::string detected_by; ///< `exit`, `probe`, `deadline`, `operation`
    std::optional<OutageId> caused_by;
    Duration detection{0}; ///< from the first sign to `opened`
    /// Whose failure opened it; none: no process of the unit's own did.
    std::optional<Slot> instance{};
    /// Unseen: Keel was not there, and `closed` is when it was last.
    enum class End : std::uint8_t { seen, unseen } end = End::seen;
    std::vector<ActionTaken> actions; ///< at most actions_max; the first ones are kept
};
inline constexpr std::size_t outage_actions_max = 100;

/// The lines that an instance wrote last before the failure that opened a record, oldest first, as
/// people can be shown them. Null: it is not known what they were, or there is no such instance.
/// They are kept beside records, as what is decided does not depend on them.
using LastWords = std::shared_ptr<const std::vector<std::string>>;
inline constexpr std::size_t last_words_max = 50;
inline constexpr std::size_t last_words_bytes = std::size_t{16} << 10; ///< all lines together
inline constexpr std::size_t last_words_line = 1000;                   ///< bytes of one

/// Length of a record at `now`; never negative.
Duration length_of(const Outage&, MonoTime now);

// ---- the fold -------------------------------------------------------------------------------

struct NoOutage {};
struct OpenOutage {
    Outage record;
};
struct SettlingOutage {
    Outage record;
    Now ready_since;
};
using OutageState = std::variant<NoOutage, OpenOutage, SettlingOutage>;

/// One fold: its present state. `counted` says whether the open record has outlived `grace`.
struct OutageFold {
    OutageState state = NoOutage{};
    enum class Counted : std::uint8_t { no, yes } counted = Counted::no;
};

/// Why the unit is short of instances, as far as this step knows.
struct OutageSign {
    OutageCause cause = OutageCause::start;
    std::string text;
    std::string detected_by;
    std::optional<OutageId> caused_by;
    Outage::Planned planned = Outage::Planned::no;
    Duration detection{0};
    std::optional<Now> since{};     ///< when the unit was last seen ready; none: now
    std::optional<Slot> instance{}; ///< whose sign it is
};

struct OutageInputs {
    Now now;
    enum class Standing : std::uint8_t {
        enough,   ///< as many ready as it takes
        short_of, ///< fewer
        excused,  ///< fewer, but a start still has its time: no record opens, an open one goes on
        exempt    ///< not wanted up: no record opens, an open one ends
    } standing = Standing::enough;
    OutageSign sign;    ///< used if a record opens in this step
    OutageId next_id{}; ///< used if a record opens in this step
};

struct OutageLimits {
    Duration grace{0};
    Duration settle{0};
    OutageKind kind = OutageKind::outage;
    std::string unit;
};

/// What a step of the fold brought to pass. If a record was closed and another one opened, that was
/// the order.
struct OutageNews {
    std::optional<Outage> opened;
    std::optional<Outage> counted; ///< it has outlived `grace`: now it is certain
    std::optional<Outage> closed;  ///< with its final kind
};

OutageNews fold(const OutageLimits&, OutageFold&, const OutageInputs&);

/// The record that is open or settling; none: all is well.
const Outage* open_outage(const OutageFold&);
Outage* open_outage(OutageFold&);

/// How long the open record's unit has been short, the span in which it settles not counted.
Duration length_of(const OutageFold&, MonoTime now);

/// When the fold needs to be looked at again: end of grace or of settle.
std::optional<MonoTime> deadline_of(const OutageLimits&, const OutageFold&);

/// Adds to the record's list of what was tried, if one is open and has room.
void note_action(OutageFold&, ActionTaken);

} // namespace keel::core

namespace keel {
template <>
inline constexpr std::array names_of<core::OutageKind> =
    std::to_array<std::string_view>({"outage", "degraded", "blip", "gap"});
template <>
inline constexpr std::array names_of<core::OutageCause> = std::to_array<std::string_view>(
    {"start", "exit", "signal", "start-timeout", "liveness", "readiness", "spawn", "lost",
     "dependency", "operation", "watchdog", "boot", "oom"});
} // namespace keel
