// What may be asked of the supervising engine: questions, requests, and to be told of events.
//
// control/ and metrics/ see the engine only through this. All calls on the loop's thread; views are
// copies and may go to another thread.
#pragma once
#include "core/counters.hpp"
#include "core/views.hpp"
#include "ports/ledger.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace keel::ports {

/// Why a request was not taken.
struct Refusal {
    enum class Kind : std::uint8_t {
        no_such_unit,
        conflict,
        unusable,
        stopping,
        no_such_operation,
        too_late, ///< the operation is over, or of a kind that is not cancelled
        key_reused
    } kind;
    std::string text;                              ///< for people
    std::optional<core::OperationView> in_the_way; ///< conflict
};

struct RequestSpec {
    std::string unit;
    core::Verb verb = core::Verb::start;
    std::optional<Slot> slot;   ///< restart of one instance
    std::string by;             ///< who asks: `root (uid 0)`
    std::string why;            ///< empty: not said
    core::HoldTerms hold{};     ///< hold only
    std::string key{};          ///< of the asker's choice, to ask again under; empty: none
    core::DeployTerms deploy{}; ///< deploy and undeny only
};

class Supervisor {
public:
    virtual ~Supervisor() = default;

    // ---- questions
    [[nodiscard]] virtual std::vector<core::UnitView> units() const = 0; ///< sorted by name
    [[nodiscard]] virtual std::optional<core::UnitView> unit(std::string_view name) const = 0;
    [[nodiscard]] virtual std::optional<core::WhyView> why(std::string_view name) const = 0;
    /// Open records and the latest ended ones, as far as memory has them; newest first, bounded.
    [[nodiscard]] virtual std::vector<core::OutageView> outages() const = 0;
    /// The same with what the ledger has; `done` comes later.
    virtual void find_outages(const OutageQuery& query,
                              std::function<void(OutageHistory)> done) const = 0;
    /// The same, of what bears on how available units have been since then, by name.
    virtual void find_past(WallTime since, std::function<void(core::PastOfAll)> done) const = 0;
    /// The same, of one outage and what is around it.
    virtual void find_incident(OutageId outage, std::function<void(core::Incident)> done) const = 0;
    [[nodiscard]] virtual LedgerStanding ledger() const = 0;
    [[nodiscard]] virtual const core::HostCounters& counters() const = 0;
    /// Before these are told: no later engine tells less, as far as this one can see to it.
    virtual void write_down_counts() const = 0;
    [[nodiscard]] virtual const core::UnitCounters& counters_of(std::string_view unit) const = 0;
    /// None: there is no such unit.
    [[nodiscard]] virtual std::optional<core::ReleasesView>
    releases(std::string_view unit) const = 0;
    /// What a deploy or a rollback would do, asked for as now.
    [[nodiscard]] virtual std::variant<core::DeployOutline, Refusal>
    plan_deployment(const RequestSpec& what) const = 0;
    [[nodiscard]] virtual std::vector<std::string> probe_names(std::string_view unit) const = 0;

    // ---- requests
    using Done = std::function<void(const core::OperationResult&)>;
    /// `done` comes exactly once, later, when the outcome is known; not at all after a Refusal, or
    /// if the engine ends first. What is asked again under the key of an earlier request is that
    /// one: nothing is begun, and `done` hears of its outcome.
    virtual std::variant<OperationId, Refusal> request(const RequestSpec& what, Done done) = 0;

    /// Those under way and the latest that are over, the latest first.
    [[nodiscard]] virtual std::vector<core::OperationRecord> operations() const = 0;
    /// Ends it as cancelled; its asker is told so.
    [[nodiscard]] virtual std::optional<Refusal> cancel(OperationId id, const std::string& by) = 0;

    /// Runs the probes of a unit, or of one of its instances, once, now, and beside those that are
    /// due. Nothing follows from what they find. `done` comes as with a request.
    using Tried = std::function<void(const std::vector<core::TriedProbe>&)>;
    [[nodiscard]] virtual std::optional<Refusal>
    try_probes(const std::string& unit, std::optional<Slot> slot, Tried done) = 0;

    // ---- events
    /// Of the events that are kept, those with an id above `after_id`: the oldest `limit` of them,
    /// oldest first.
    [[nodiscard]] virtual std::vector<core::EventView> events_after(std::uint64_t after_id,
                                                                    std::size_t limit) const = 0;
    class Subscription {
    public:
        virtual ~Subscription() = default;
    };
    /// Told of every event, in order, until the subscription is destroyed; also of those that are
    /// not kept.
    [[nodiscard]] virtual std::unique_ptr<Subscription>
    subscribe(std::function<void(const core::EventView&)> handler) = 0;
};

} // namespace keel::ports
