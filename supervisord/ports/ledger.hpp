// The ledger: what is kept for as long as keel.toml says, over ends of Keel and boots of the host.
//
// Whoever writes never waits for the disk and is never refused: a record waits in bounded memory
// until it can be written, and what finds no room there is lost, counted and told. Writing the same
// record once more changes nothing, so a new engine may tell again whatever it is not sure of.
#pragma once
#include "core/availability.hpp"
#include "core/incident.hpp"
#include "core/views.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace keel::ports {

struct OutageQuery {
    std::optional<WallTime> since{}; ///< those that were open then or later
    std::size_t limit = 200;         ///< the latest ones
    enum class LastWords : std::uint8_t { left_out, told } last_words = LastWords::left_out;
};

struct OutageHistory {
    std::vector<core::OutageView> outages; ///< the latest first
    std::string missing;                   ///< why some may be missing; empty: none is
};

/// As of then a unit was wanted up, or no longer.
struct WantedChange {
    std::string unit;
    Now at{};
    enum class Wanted : std::uint8_t { no, yes } wanted = Wanted::yes;
};

/// What a new engine knows as it begins.
struct Beginning {
    std::vector<OutageId> open{};      ///< what else is open in the ledger ended, nobody saw when
    std::vector<std::string> wanted{}; ///< units that are wanted up
    std::optional<OutageId> gap{}; ///< the number for a record of Keel's absence, if it was away
    enum class Absence : std::uint8_t {
        unless_short, ///< only the engine ended, and a new one follows at once as a rule
        sure
    } absence = Absence::unless_short;
    std::vector<SpawnId> running{};       ///< what else runs in the ledger ended, nobody saw when
    std::vector<OperationId> under_way{}; ///< the same of operations
};

/// What the run of Keel before this one left in the ledger.
struct LastLife {
    Now seen{}; ///< when it was last known to be there
    enum class End : std::uint8_t { cut_short, in_order } end = End::cut_short;
    enum class Boot : std::uint8_t { same, another } boot = Boot::same;
    std::vector<std::string> wanted; ///< units that were wanted up
    std::vector<core::Outage> open;  ///< outages that were open, of any kind
};

/// How the ledger is.
struct LedgerStanding {
    std::string trouble;             ///< why nothing can be written now; empty: all is well
    std::uint64_t waiting = 0;       ///< records that are not written yet
    std::uint64_t lost = 0;          ///< records that found no room, since the engine began
    std::optional<WallTime> since{}; ///< its records begin; none: it has not told yet
};

class Ledger {
public:
    virtual ~Ledger() = default;

    struct Handlers {
        /// What people should know, a sentence without its full stop.
        std::function<void(const std::string& text)> on_news{};
        /// There is an empty file, also where there was another one before: the latest records may
        /// be kept once more.
        std::function<void()> on_begun_anew{};
    };
    /// Called later, on the loop.
    virtual void set_handlers(Handlers handlers) = 0;

    /// The latest word on a record, by its id: opened, changed or closed. Last words that were kept
    /// once stay.
    virtual void keep(const core::Outage& outage, core::LastWords words) = 0;

    /// The same: began, ended.
    virtual void keep(const core::SpawnRecord& spawn) = 0;
    /// The same: accepted, over.
    virtual void keep(const core::OperationRecord& operation) = 0;
    /// One that is over.
    virtual void keep(const std::string& unit, const core::DeploymentRecord& deployment) = 0;
    /// In the order of time; what is no change changes nothing.
    virtual void keep(const WantedChange& change) = 0;

    /// Once, after a start. What stands open in the ledger and is not named ended when Keel was
    /// last there to see it.
    virtual void go_on_with(Beginning beginning) = 0;

    /// `done` comes later, on the loop; not if that ends first.
    virtual void find(const OutageQuery& query, std::function<void(OutageHistory)> done) = 0;

    /// The same, of what was so between `since` and now.
    virtual void find_past(WallTime since, std::function<void(core::PastOfAll)> done) = 0;
    /// The same, of one outage.
    virtual void find_incident(OutageId outage, std::function<void(core::Incident)> done) = 0;

    [[nodiscard]] virtual LedgerStanding standing() const = 0;
};

} // namespace keel::ports
