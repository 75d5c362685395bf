// The ledger: what is kept for as long as keel.toml says, over ends of Keel and boots of the host.
//
// Whoever writes never waits for the disk and is never refused: a record waits in bounded memory
// until it can be written, and what finds no room there is lost, counted and told. Writing the same
// record once more changes nothing, so a new engine may tell again whatever it is not sure of.
#pragma once
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
};

struct OutageHistory {
    std::vector<core::OutageView> outages; ///< the latest first
    std::string missing;                   ///< why some may be missing; empty: none is
};

/// How the ledger is.
struct LedgerStanding {
    std::string trouble;       ///< why nothing can be written now; empty: all is well
    std::uint64_t waiting = 0; ///< records that are not written yet
    std::uint64_t lost = 0;    ///< records that found no room, since the engine began
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

    /// The latest word on a record, by its id: opened, changed or closed.
    virtual void keep(const core::Outage& outage) = 0;

    /// Once, after a start: what stands open in the ledger and is none of these ended when Keel was
    /// last there to see it. `gap`: Keel as a whole was away since then, which is a record of its
    /// own under this number.
    virtual void go_on_with(std::vector<OutageId> open, std::optional<OutageId> gap) = 0;

    /// `done` comes later, on the loop; not if that ends first.
    virtual void find(const OutageQuery& query, std::function<void(OutageHistory)> done) = 0;

    [[nodiscard]] virtual LedgerStanding standing() const = 0;
};

} // namespace keel::ports
