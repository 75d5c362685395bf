// The host machine: all units together. Order of starting and stopping, gates, the storm brake.
//
// step() takes one event to its end: it hands it to the unit that it concerns and then goes on
// telling dependants until nothing changes any more. What is to be done comes back as data; nothing
// is called. The host keeps the units by value and changes in place, so a step costs what it
// touches, not what exists; given the same events and inputs it does the same.
#pragma once
#include "core/storm_brake.hpp"
#include "core/unit.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace keel::core {

struct HostOptions {
    StormBrakeSpec storm;
};

// ---- events ---------------------------------------------------------------------------------

struct HostBooted {}; ///< every unit that is enabled is wanted up
struct ShutdownWanted {
    std::string why;
    int exit_code = 0;
};
struct ForUnit {
    UnitId unit{};
    UnitEvent event;
};
/// A person's request, with the closure of requirements for `start`.
struct Request {
    UnitId unit{};
    Asked asked;
};
struct HostTick {}; ///< time has passed: everything that is due, of every unit
using HostEvent = std::variant<HostBooted, ShutdownWanted, ForUnit, Request, HostTick>;

struct HostInputs {
    Now now;
    double jitter = 0;                     ///< uniform in [−1, 1)
    const LateTurns* late_turns = nullptr; ///< of the loop; none: it never was late
    std::optional<Now> last_seen{};        ///< as UnitInputs has it
};

// ---- what comes back --------------------------------------------------------------------------

struct HostAction {
    InstanceId instance;
    InstanceAction action;
};
struct HostNote {
    UnitId unit{};
    Note note;
};

struct HostStep {
    std::vector<HostAction> actions; ///< in the order in which they are to be carried out
    std::vector<HostNote> notes;
    std::vector<UnitId> touched;  ///< units whose state may have changed, each once
    std::optional<int> exit_code; ///< set once everything has stopped after ShutdownWanted
};

// ---- the host ---------------------------------------------------------------------------------

class Host {
public:
    /// `specs` must be free of cycles and name only units that exist (units::check_set sees to it).
    Host(std::vector<units::UnitSpec> specs, HostOptions options);

    HostStep step(const HostEvent&, const HostInputs&);

    /// How many units there are. Their ids are those of start_order(); one that is gone leaves its
    /// id for a later one.
    [[nodiscard]] std::size_t size() const { return order_.size(); }
    [[nodiscard]] const units::UnitSpec& spec(UnitId id) const { return specs_[number(id)]; }
    [[nodiscard]] const Unit& unit(UnitId id) const { return units_[number(id)]; }
    [[nodiscard]] std::optional<UnitId> find(std::string_view name) const;

    /// When the host needs a HostTick; none: nothing is pending.
    [[nodiscard]] std::optional<MonoTime> deadline() const;

    /// What holds this unit's starts back at the moment; none: nothing.
    [[nodiscard]] std::optional<BlockedOn> gate_of(UnitId id) const;

    /// A unit that this one requires, or is bound to, and that is not ready; none: all are.
    [[nodiscard]] std::optional<UnitId> lacking(UnitId id) const;

    /// The names of units that require this one, or come after it.
    [[nodiscard]] const std::vector<UnitId>& dependants_of(UnitId id) const;

    /// Units in an order in which each comes after what it requires or follows; among the others
    /// what is needed by someone comes first, then by priority, then by name.
    [[nodiscard]] const std::vector<UnitId>& start_order() const { return order_; }

    [[nodiscard]] bool is_shutting_down() const { return shutdown_.has_value(); }

    // ---- a new engine goes on where the last one ended
    struct Counters {
        SpawnId next_spawn{1};
        OutageId next_outage{1};
        friend bool operator==(const Counters&, const Counters&) = default;
    };
    [[nodiscard]] Counters counters() const { return counters_; }
    void restore(Counters counters) { counters_ = counters; }
    void restore(UnitId id, Unit unit);

    /// A unit whose file cannot be used: listed, failed, never started. It must be at rest.
    void mark_unusable(UnitId id, std::string problem);

    // ---- another configuration, unit by unit: core/host_changes.cpp. After the last call and
    // before the next step comes relink(). What follows of it is left to events.
    /// A unit more, at rest; Booted makes it begin.
    UnitId add(units::UnitSpec spec);
    /// The unit has another spec; Respecified tells it so. Returns the former one. `unmade`: slots
    /// with a Spawn that was decided and not yet carried out, and so will be made from this spec.
    units::UnitSpec respecify(UnitId id, units::UnitSpec spec, Now now,
                              const std::vector<Slot>& unmade = {});
    /// A unit whose file could not be used is a unit at rest like any other, of this spec.
    void mend(UnitId id, units::UnitSpec spec);
    /// The unit is no more. It must have no process.
    void remove(UnitId id);
    void relink();

private:
    void run_unit(UnitId id, const UnitEvent& event, const HostInputs& inputs, HostStep& out);
    void take_in(UnitId id, UnitStep made, const HostInputs& inputs, HostStep& out);
    void freeze(UnitId id, std::string what, HostStep& out);
    void recall_companions(const HostInputs& inputs, HostStep& out);
    void tell_dependants(const HostInputs& inputs, HostStep& out);
    void run_due(const HostInputs& inputs, HostStep& out);
    void link();
    void order();
    void release_storm(const HostInputs& inputs, HostStep& out);
    void stop_in_order(const HostInputs& inputs, HostStep& out);
    [[nodiscard]] bool is_vacant(UnitId id) const;
    [[nodiscard]] UnitInputs inputs_for(UnitId id, const HostInputs& inputs) const;
    void start_closure(UnitId id, const Asked& asked, const HostInputs& inputs, HostStep& out);
    void rearm(UnitId id);
    bool note_storm(UnitId id);
    void sort_by_rank(std::vector<UnitId>& ids) const;

    struct Edges {
        std::vector<UnitId> needs;      ///< requires and binds_to
        std::vector<UnitId> binds;      ///< binds_to
        std::vector<UnitId> follows;    ///< after
        std::vector<UnitId> dependants; ///< reverse of needs and follows
        std::vector<UnitId> companions; ///< units that are restarted with this one
    };
    /// What dependants look at; a change of it is told to them.
    struct Shown {
        bool ready = false, settled = false, wanted_up = false, running = false;
        bool present = false; ///< a process of it is in service, or its work is done
        bool planned = false; ///< if it is down, somebody planned that
        bool starts = false;  ///< it has time to
        friend bool operator==(const Shown&, const Shown&) = default;
    };
    [[nodiscard]] Shown shown(UnitId id) const;

    std::vector<units::UnitSpec> specs_;
    std::vector<Unit> units_;
    std::vector<Edges> edges_;
    std::vector<UnitId> order_;
    std::vector<std::uint32_t> rank_; ///< place in order_, by unit
    std::map<std::string, UnitId, std::less<>> by_name_;
    std::vector<Shown> told_;                     ///< what dependants have been told of, by unit
    std::vector<UnitId> to_tell_;                 ///< units whose dependants have to look again
    std::set<UnitId> restarted_;                  ///< units whose companions have to be restarted
    std::map<MonoTime, std::vector<UnitId>> due_; ///< deadlines, earliest first
    std::vector<std::optional<MonoTime>> armed_;  ///< by unit: its entry in due_
    std::vector<UnitId> vacant_;                  ///< ids of units that are gone
    std::set<UnitId> frozen_; ///< after a mistake of Keel's own: takes part in nothing any more
    std::set<UnitId> storm_blocked_; ///< units with instances that wait for the brake
    StormBrake brake_;
    Counters counters_;
    std::optional<ShutdownWanted> shutdown_;
    std::optional<MonoTime> storm_due_; ///< when the brake has a token for those that wait
};

} // namespace keel::core
