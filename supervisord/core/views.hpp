// What the rest of Keel may see of the host, as plain values: the shape of the control API's
// answers (PRODUCT, section "Control API"). Made from the machines by core, from nothing else.
#pragma once
#include "core/unit.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace keel::core {

struct ProbeView {
    std::string name;
    std::optional<Verdict> verdict; ///< none: not answered yet in this spawn
    VerdictKind kind = VerdictKind::none;
    Duration latency{0};
    std::string detail;
};

/// What a probe found that a person asked for.
struct TriedProbe {
    std::string instance; ///< its name
    ProbeView probe;
};

struct InstanceView {
    std::string name; ///< `worker.3`; the unit's own name for a unit of one
    Slot slot = 1;
    std::string_view state; ///< one of core::state_names
    std::string reason;     ///< why it is in that state
    std::optional<int> pid; ///< of the main process, while one lives
    std::optional<SpawnId> spawn;
    WallTime since;
    std::optional<WallTime> next_at; ///< when Keel acts if nothing happens before; no probe counts
    std::uint64_t restarts = 0;
    std::string release; ///< that it runs on; empty: none
    LastStart last_start;
    std::string says; ///< the process's own word on how it does: STATUS= of sd_notify(3)
    std::vector<ProbeView> probes;
};

/// The units that a unit names, by what it says of them.
struct EdgesView {
    std::vector<std::string> requires_units;
    std::vector<std::string> binds_to;
    std::vector<std::string> after;
    std::vector<std::string> restart_with;
};

struct OperationView {
    OperationId id{};
    Verb verb = Verb::start;
    std::string by;
    std::string step;
};

/// One accepted request, under way or over.
struct OperationRecord {
    OperationId id{};
    std::string unit;
    std::optional<Slot> slot; ///< none: all of its instances
    Verb verb = Verb::start;
    std::string by;
    std::string why; ///< empty: not said
    WallTime since;
    std::optional<OperationResult::Outcome> outcome; ///< none: it is under way
    std::string text; ///< how far it is, or how it ended: `ready in 120 ms`
    std::optional<WallTime> ended;
};

/// A deployment under way.
struct DeploymentView {
    std::uint64_t number = 0;
    UnitDeployment::Kind kind{};
    std::string release;
    std::string from; ///< empty: none
    std::string by;
    WallTime since;
    struct Step {
        std::string name;
        DeployStep::Status status{};
    };
    std::vector<Step> steps;
    std::string step;    ///< what it is at: `unpack`, `undoing migrate`, `waiting for the source`
    std::string failure; ///< why it is being undone; empty: it is not
    std::uint64_t bytes = 0; ///< of what a helper does at the moment, as it says
    std::optional<std::uint64_t> total{};
};

/// What is on the disk for a unit, the newest first, and what may not come back.
struct ReleasesView {
    struct Entry {
        std::string id;
        WallTime since;
        std::uint64_t bytes = 0; ///< 0: not known
        bool is_current = false;
        bool is_good = false;
        bool is_target = false; ///< a rollback leads to it
        unsigned instances = 0; ///< that run on it
    };
    std::vector<Entry> known;
    std::vector<DeniedRelease> denied;
};

struct OutageView {
    Outage record;
    Duration length{0}; ///< so far, if it is open; without the span in which it settles
    enum class Settling : std::uint8_t {
        no,
        yes
    } settling = Settling::no;                             ///< ready again, on trial
    OutageFold::Counted counted = OutageFold::Counted::no; ///< open ones: has outlived `grace`
    LastWords last_words{};                                ///< not in what is made of a unit
};

struct UnitView {
    std::string name;
    std::string description;
    std::map<std::string, std::string> labels;
    std::string_view wanted; ///< one of core::wanted_names
    std::optional<Held> held;
    UnitStatus status = UnitStatus::stopped;
    WallTime since; ///< of the status, as far as the instances tell: see since_of()
    std::uint16_t ready = 0;
    std::uint16_t wanted_instances = 1;
    std::uint16_t min_ready = 1;
    std::uint64_t restarts = 0;
    std::string rung; ///< `restart`, `retry`, `run:page-me` …
    std::size_t rung_index = 0;
    std::size_t rung_last = 0; ///< index of the ladder's last rung
    std::optional<OperationView> operation;
    std::optional<OutageView> outage;
    enum class Deploys : std::uint8_t { no, yes } deploys = Deploys::no; ///< it has releases
    std::string release; ///< the current one's ID; empty: none
    enum class Good : std::uint8_t { no, yes } release_good = Good::no;
    std::optional<DeploymentView> deployment;
    EdgesView edges;
    std::vector<InstanceView> instances;
    /// Whether its files say something else than what is in force; the host cannot know.
    enum class OnDisk : std::uint8_t { unchanged, changed } on_disk = OnDisk::unchanged;
    units::LogTarget log_target = units::LogTarget::file;
    std::string public_title; ///< its name on the public status page; empty: it is not there
};

/// Whether the instance is as it should be and nothing is about to happen to it: ready, or done.
bool is_at_rest(const InstanceView&);

/// A unit that is up has been so since its last instance came up; one that is held, since it was
/// held; any other since its outage opened or the first of its missing instances went. The clock's
/// zero if nothing of it can be told.
WallTime since_of(const UnitView&);

/// One thing that happened, as `keel events` and `keel why` tell it.
struct EventView {
    std::uint64_t id = 0; ///< grows by one; also over engine restarts it never goes back. 0: it is
                          ///< told in passing, and not kept
    WallTime at;
    std::string unit;    ///< empty: the host
    std::string subject; ///< `worker.3`, or the unit, or `keeld`
    std::string kind;    ///< `state`, `failure`, `rung`, `hook`, `liveness`, `outage`, `operation`,
                         ///< `hold`, `probe`, `deploy`, `progress`, `keeld`
    std::string text;    ///< `starting -> ready (probe tcp: connected in 1 ms)`
};

/// `keel why`: what happened, what holds it now, what will happen next and when.
struct WhyView {
    UnitView unit;
    std::vector<EventView> happened; ///< the unit's latest steps, oldest first
    std::vector<std::string> now;    ///< one sentence per thing that holds
    std::vector<std::string> next;   ///< one sentence per thing that is to come, with its time
};

/// What became of an apply.
struct ApplyView {
    enum class Outcome : std::uint8_t {
        applied,
        unchanged, ///< no unit had to change
        kept,      ///< in force, and its trial has failed
        reverted   ///< the former configuration is in force
    } outcome = Outcome::applied;
    std::optional<std::uint64_t> generation{}; ///< in force from now on, if another one is
    std::string unit{};                        ///< that has failed, if it was one
    std::string why{};                         ///< kept and reverted only
    struct Change {
        std::string unit;
        std::string effect; ///< `added`, `removed`, `usable now`, or when it takes effect
        friend bool operator==(const Change&, const Change&) = default;
    };
    std::vector<Change> changes{}; ///< asked for, by name
};

class Host;
/// The pid of a spawn's main process; none if it has none (any more).
using PidOf = std::function<std::optional<int>(SpawnId)>;

UnitView make_view(const Host&, UnitId, const PidOf&, Now);
OutageView make_view(const Outage& ended, Now);
/// Of the record that is open; none: all is well.
std::optional<OutageView> make_view(const OutageFold&, Now);
OperationView make_view(const Operation&);
DeploymentView make_view(const UnitDeployment&);
ReleasesView make_releases_view(const units::UnitSpec&, const Unit&);
/// `happened`: the unit's latest events, oldest first, from whoever keeps them.
WhyView make_why(const Host&, UnitId, const PidOf&, std::vector<EventView> happened, Now);

} // namespace keel::core

namespace keel {
template <>
inline constexpr std::array names_of<core::ApplyView::Outcome> =
    std::to_array<std::string_view>({"applied", "unchanged", "kept", "reverted"});
} // namespace keel
