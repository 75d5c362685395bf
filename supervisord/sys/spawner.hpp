// Starting processes and hearing of their ends: ports::Spawner on this kernel.
//
// Every process is a child of the keeper from birth; ends come from there, and are never missed by
// an engine that died. What belongs to a spawn is known by its cgroup where there is one, else by
// its session, group, ancestry and marks (process_tree.hpp). Reading /proc is left to another
// thread, at most once at a time, for all spawns that wait for it together.
//
// It refuses to know units, policies and reasons. Only the engine's thread calls it.
#pragma once
#include "ports/loop.hpp"
#include "ports/spawner.hpp"
#include "sys/cgroup.hpp"
#include "sys/cloner.hpp"
#include "sys/keeper_client.hpp"
#include "sys/limit_changes.hpp"
#include "sys/oom_watch.hpp"
#include "sys/pidfd.hpp"
#include "sys/process_tree.hpp"
#include "sys/usage_reading.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace keel::sys {

struct SpawnerOptions {
    std::string run_dir;                 ///< KEEL_RUN of every child: whose spawns they are
    std::unique_ptr<CgroupTree> cgroups; ///< none: trees are searched in /proc
    Cloner::Method method = Cloner::Method::clone3;
    AskPidfd ask_pidfd = AskPidfd::yes;
    std::shared_ptr<const CgroupFiles> memory_events{}; ///< none: those of `cgroups`

    /// For tests: KEEL_NO_CLONE3 and KEEL_NO_PIDFD_INFO in the environment take these ways out, and
    /// KEEL_MEMORY_EVENTS is a folder that stands in for a kernel that counts what it kills.
    void heed_environment();
};

class Spawner final : public ports::Spawner {
public:
    /// The descriptors must have been claimed (child_setup.hpp).
    Spawner(ports::Loop& loop, KeeperClient& keeper, SpawnerOptions options);
    ~Spawner() override;
    Spawner(const Spawner&) = delete;
    Spawner& operator=(const Spawner&) = delete;

    std::variant<ProcessIdentity, ports::SpawnFailure> spawn(SpawnId id,
                                                             const ports::SpawnPlan& plan) override;
    void set_resources(SpawnId id, const units::ResourcesSpec& resources) override;
    void signal(SpawnId id, int signal_number) override;
    void take_for_main(SpawnId id, pid_t pid) override;
    void kill_tree(SpawnId id) override;
    void acknowledge(SpawnId id) override;
    void set_handlers(Handlers handlers) override { handlers_ = std::move(handlers); }
    std::vector<Survivor> survivors(const std::vector<Survivor>& journaled) override;

    /// Whether the process, dead or alive but not reaped, belongs to the spawn. Of one that is gone
    /// nobody can tell any more. Costs some readings of /proc, but for the main process.
    [[nodiscard]] bool has_member(SpawnId id, pid_t pid) const;

    /// Those that limits can be set in.
    [[nodiscard]] units::ControlGroups control_groups() const;

    /// Where to read what spawns use.
    struct UsageSources {
        std::string groups; ///< the folder of their control groups; empty: none
        std::vector<LooseTree> trees;
        TreeScope scope;
    };
    [[nodiscard]] UsageSources usage_sources() const;
    /// `handler` is told the name of a unit's group that is about to go, and with it what it knows.
    void before_group_goes(CgroupTree::LastLookAt handler) const;

    /// To be called as the last thing before this process ends: systemd can start keeld again.
    void release_cgroups() const;

private:
    struct Child {
        ProcessIdentity process;
        OwnedFd pidfd;               ///< closed when the end was reported
        OwnedFd addressee;           ///< of the process that signals go to instead, while it lives
        std::string unit;            ///< as in its plan; empty: not known
        std::string cgroup;          ///< relative; empty: none
        std::string oom_group;       ///< the same of one that it ended in
        std::uint64_t oom_kills = 0; ///< in there, when it began or was found
        bool kill_sent = false;      ///< by Keel
        UsageReading::Age age = UsageReading::Age::of_this_engine;
        bool ended = false;                 ///< and its end was reported
        std::vector<ProcessIdentity> known; ///< members seen by the last search
        bool stranger = false;     ///< not the keeper's child: its end is not reaped by the keeper
        bool setup_failed = false; ///< its end is nobody's business
        bool killing = false;      ///< kill_tree was called and is not through
        bool emptied = false;      ///< it is through but for the report of the end
        bool acknowledged = false;
        bool searched = true; ///< false: ended, and the search for stragglers is still to come
        ports::Loop::Registration watch; ///< only for those that are not the keeper's children
    };
    using Children = std::map<SpawnId, Child>;
    struct Search; ///< one reading of /proc on another thread

    // spawning
    std::variant<Child, ports::SpawnFailure> start(ChildSetup& setup, const ports::SpawnPlan& plan);

    // cgroups and their limits
    Result<OwnedFd> enter_cgroup(ChildSetup& setup, const std::string& path);
    std::optional<ports::SpawnFailure> prepare_cgroup(ChildSetup& setup,
                                                      const ports::SpawnPlan& plan, Child& child,
                                                      OwnedFd& directory);

    // ends
    void on_exited(const wire::Record& record);
    void report_end(SpawnId id, core::ExitStatus status);
    [[nodiscard]] bool others_live(const Child& child) const;
    void forget_if_done(SpawnId id);

    // trees
    void kill_cgroup(SpawnId id);
    void want_search(Duration delay);
    void begin_search();
    void end_search(const Search& search);
    void note_emptied(SpawnId id);
    void tree_empty(SpawnId id);
    void later(std::function<void()> call);

    // adoption
    Survivor adopt_child(const wire::Record& record);
    bool adopt_stranger(const Survivor& journaled);
    void on_stranger_readable(SpawnId id);
    void find_unnumbered(std::vector<Survivor>& journaled) const;
    [[nodiscard]] std::string cgroup_of(const Child& child, std::string_view instance) const;
    [[nodiscard]] std::string path_of_instance(std::string_view instance) const;
    [[nodiscard]] static std::shared_ptr<const CgroupFiles> memory_events(const SpawnerOptions&);
    void watch_for_oom(Child& child) const;

    ports::Loop& loop_;
    KeeperClient& keeper_;
    const SpawnerOptions options_;
    const TreeScope scope_;
    const LoginDefaults defaults_;
    const bool can_brand_; ///< process_tree.hpp says what that is
    Cloner cloner_;
    std::optional<LimitChanges> limits_; ///< of cgroups, where there are some
    const OomWatch oom_;
    Handlers handlers_;
    Children children_;
    bool searching_ = false;
    Duration search_retry_{};   ///< grows while something cannot be killed
    MonoTime search_due_{};     ///< what search_timer_ is set to
    MonoTime stragglers_due_{}; ///< no search for stragglers alone before
    ports::Loop::Registration search_timer_;
    std::shared_ptr<const bool> alive_; ///< deferred calls hold it weakly
};

} // namespace keel::sys
