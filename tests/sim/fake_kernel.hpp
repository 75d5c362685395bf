// ports::Spawner on processes that do not exist, with the keeper's memory of how they ended.
//
// What a process will do is its Fate, drawn by the world at its spawn. The kernel keeps the truth
// (what lives) and watches over three promises by itself: no instance ever has processes of two
// spawns, spawn ids only grow, and every end is acknowledged exactly once after it was reported.
// The keeper's part outlives the engine: ends are kept until acknowledged and told to the next one.
#pragma once
#include "ports/spawner.hpp"
#include "tests/sim/fake_loop.hpp"
#include "tests/sim/hook_watch.hpp"
#include "tests/sim/rng.hpp"

#include <fmt/format.h>
#include <map>
#include <set>

namespace keel::sim {

/// What is to become of one spawn.
struct Fate {
    std::optional<ports::SpawnFailure> failure;
    Duration ready_after{0};                                       ///< from then on its probes pass
    enum class Hangs : std::uint8_t { no, yes } hangs = Hangs::no; ///< its probes never pass
    std::optional<Duration> ends_after;                            ///< by itself
    enum class Ends : std::uint8_t {
        by_mischance, ///< not at peace
        as_it_should
    } ends = Ends::by_mischance;
    core::ExitStatus status; ///< when it ends by itself
    enum class Term : std::uint8_t { obeys, ignores } term = Term::obeys;
    core::ExitStatus term_status; ///< when it ends because it was asked to
    Duration term_takes{0};
    Duration kill_takes{0};
    unsigned children = 0; ///< that outlive the main process
};

class FakeKernel final : public ports::Spawner {
public:
    struct World {
        std::function<Fate(InstanceId)> fate;
        std::function<Fate(InstanceId, units::Hook)> hook_fate;
        std::function<const units::UnitSpec&(InstanceId)> spec;
        std::function<InstanceId(const std::string& unit, Slot slot)> find;
        std::function<void(SpawnId, InstanceId, const Fate&)> born; ///< may be empty
        std::function<void(std::string)> trace;                     ///< may be empty
        /// Killed while its main process lives, so long after it was first asked to end; none:
        /// never asked. May be empty.
        std::function<void(InstanceId, std::optional<Duration>)> killed{};
        /// Of the hook of a ladder, which is nobody's instance. May be empty.
        std::function<void(UnitId, core::ExitStatus)> rung_hook_ended{};
        /// Where it depends on what is run; none: `fate` decides. May be empty.
        std::function<std::optional<Fate>(const ports::SpawnPlan&)> fate_of{};
        /// The end of what works for a unit as a whole. May be empty.
        std::function<void(const std::vector<std::string>& argv, core::ExitStatus)> work_ended{};
    };
    /// What the engine's memory is worth. After a loss of records a spawn id need only differ from
    /// those that the keeper knows, and children whose main process has ended may be unknown.
    enum class Memory : std::uint8_t { whole, lossy };

    FakeKernel(FakeLoop& loop, Rng& rng, Fuse& fuse, World world)
        : loop_(loop), rng_(rng), fuse_(fuse), world_(std::move(world))
    {}

    // ---- ports::Spawner
    std::variant<ports::ProcessIdentity, ports::SpawnFailure>
    spawn(SpawnId id, const ports::SpawnPlan& plan) override;
    void set_resources(SpawnId id, const units::ResourcesSpec& resources) override
    {
        const auto found = processes_.find(id);
        if (found != processes_.end()) found->second.resources = resources;
    }
    void signal(SpawnId id, int signal_number) override;
    void take_for_main(SpawnId, pid_t) override { fuse_.burn(); }
    void kill_tree(SpawnId id) override;
    void acknowledge(SpawnId id) override;
    void set_handlers(Handlers handlers) override { handlers_ = std::move(handlers); }
    [[nodiscard]] std::vector<Survivor> survivors(const std::vector<Survivor>& journaled) override;

    // ---- the world's side
    Duration report_latency{0}; ///< from an end to the engine's hearing of it, at most
    Memory memory = Memory::whole;
    enum class Acks : std::uint8_t {
        exact,
        lenient
    } acks = Acks::exact;  ///< lenient: events come twice
    bool at_peace = false; ///< no process ends by itself any more
    double shuffles = 0;   ///< chance that TreeEmptied overtakes the end of the process
    HookWatch hooks;

    void engine_died();
    /// The host boots: no process of before is left, and nobody remembers one.
    void host_booted()
    {
        for (auto* set : {&forgotten_, &acknowledged_})
            set->clear();
        processes_.clear();
        by_instance_.clear();
        hook_of_.clear();
        hooks.forget();
        ends_.clear();
        latest_ = SpawnId{0};
    }
    /// Ends its main process now, if it lives.
    void end(SpawnId id, core::ExitStatus status);
    void set_sick(SpawnId id, bool sick);

    [[nodiscard]] bool main_lives(SpawnId id) const;
    [[nodiscard]] bool anything_lives(SpawnId id) const;
    /// The spawn of the instance of which anything lives; none: nothing.
    [[nodiscard]] std::optional<SpawnId> living(InstanceId instance) const;
    /// The same of its hooks.
    [[nodiscard]] std::optional<SpawnId> living_hook(InstanceId instance) const;
    [[nodiscard]] bool is_hook(SpawnId id) const
    {
        const auto found = processes_.find(id);
        return found != processes_.end() && found->second.hook.has_value();
    }
    [[nodiscard]] MonoTime began_at(SpawnId id) const { return processes_.at(id).since; }
    [[nodiscard]] bool is_healthy(InstanceId instance) const;
    /// The same of one spawn, but for what it takes to become ready.
    [[nodiscard]] bool is_well(SpawnId id) const;
    [[nodiscard]] std::vector<SpawnId> living_mains() const;
    [[nodiscard]] InstanceId instance_of(SpawnId id) const { return processes_.at(id).instance; }
    /// The first word of what it was spawned with.
    [[nodiscard]] const std::string& command_of(SpawnId id) const
    {
        return processes_.at(id).argv.front();
    }
    /// What its processes may use together, as it was last said.
    [[nodiscard]] const units::ResourcesSpec& resources_of(SpawnId id) const
    {
        return processes_.at(id).resources;
    }
    /// Ended, and the engine has said that it needs no more of it.
    [[nodiscard]] bool is_forgotten(SpawnId id) const { return forgotten_.contains(id); }
    /// Whether the engine of this life has been told of its end.
    [[nodiscard]] bool was_told(SpawnId id) const;
    [[nodiscard]] std::size_t unacknowledged() const;
    [[nodiscard]] SpawnId latest_id() const { return latest_; }

private:
    struct Process {
        InstanceId instance;
        std::optional<units::Hook> hook;
        std::string unit;
        std::vector<std::string> argv;
        units::ResourcesSpec resources;
        Fate fate;
        MonoTime since;
        bool main_lives = true;
        bool sick = false;
        bool asked = false;                 ///< a signal that it obeys is on its way
        std::optional<MonoTime> asked_at{}; ///< first
        bool killed = false;                ///< by kill_tree, in any engine life
        unsigned children = 0;
        core::ExitStatus status{};
        bool reported = false; ///< to the engine of this life
        bool tree_reported = false;
        /// Whether it is the hook of a rung.
        [[nodiscard]] bool is_of_ladder() const { return instance.slot == whole_unit; }
        /// Whether it is a process of the instance's own.
        [[nodiscard]] bool is_main() const { return !hook && !is_of_ladder(); }
    };

    void check_alone(SpawnId id, InstanceId instance, std::optional<units::Hook> hook) const;
    void note_began(const Process& process);
    [[nodiscard]] std::optional<SpawnId> latest_main(InstanceId instance) const;
    void report(SpawnId id);
    void report_tree(SpawnId id);
    void child_ended(SpawnId id);
    void forget_if_over(SpawnId id);
    template <class... Args>
    void trace(const Process& process, SpawnId id, fmt::format_string<Args...> text, Args&&... args)
    {
        if (world_.trace)
            world_.trace(fmt::format("kernel  {}.{} spawn {} ", process.unit, process.instance.slot,
                                     number(id)) +
                         fmt::format(text, std::forward<Args>(args)...));
    }

    FakeLoop& loop_;
    Rng& rng_;
    Fuse& fuse_;
    World world_;
    Handlers handlers_;
    std::uint64_t life_ = 0; ///< of the engine; what was under way for an earlier one is dropped
    std::map<SpawnId, Process> processes_;      ///< living, or ended and not yet acknowledged
    std::map<InstanceId, SpawnId> by_instance_; ///< the latest spawn of each
    std::map<InstanceId, SpawnId> hook_of_;     ///< the same of its hooks
    std::set<SpawnId> forgotten_;               ///< acknowledged, bounded
    std::set<SpawnId> acknowledged_;            ///< in this engine life
    std::vector<SpawnId> ends_; ///< unacknowledged, in the order in which they happened
    SpawnId latest_{0};
};

} // namespace keel::sim
