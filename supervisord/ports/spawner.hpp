// Starting processes and hearing of their ends.
//
// A spawn is named by a SpawnId from before it happens until its end has been acknowledged. Ends
// are reported exactly once per engine life, also those that came while no engine was running: they
// are kept until acknowledge(). Signals go to the process that was spawned, never to a reused pid.
#pragma once
#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "core/process.hpp"
#include "units/spec.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <variant>
#include <vector>

namespace keel::ports {

/// Numeric identity of a child; resolved from names before the spawn.
struct Credentials {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
};

/// All that a child needs, resolved: no placeholders, no names to look up.
struct SpawnPlan {
    /// Names the cgroup and KEEL_UNIT; nothing else. What follows a dot names something that runs
    /// beside the instance (`api.probe-7`, `api.hook`): it gets a cgroup of its own, and KEEL_UNIT
    /// without it.
    std::string unit;
    Slot slot = 1; ///< or whole_unit: then there is no KEEL_INSTANCE
    std::vector<std::string>
        argv; ///< argv[0] without a slash is searched in the PATH of `environment`
    std::map<std::string, std::string> environment; ///< complete: nothing of keeld's is added
    std::string directory = "/";
    std::optional<Credentials> credentials; ///< none: keeld's own
    std::uint32_t umask = 0022;
    units::SchedulingSpec scheduling;
    std::map<units::Resource, units::ResourceLimit> limits; ///< those not named: login defaults
    units::ResourcesSpec resources;                         ///< of its cgroup
    int input_fd = -1;        ///< becomes 0; -1: /dev/null. Stays the caller's
    int output_fd = -1;       ///< becomes 1 and 2; -1: /dev/null. Stays the caller's
    int ready_fd = 0;         ///< a number at which it finds its end of a ReadyPipe; 0: none
    int ready_pipe = -1;      ///< that end. Stays the caller's
    std::string pid_variable; ///< a variable that holds the process's own pid; empty: none
};

/// Names a process for good: a pid may be reused, the pair may not (within one boot).
struct ProcessIdentity {
    pid_t pid = 0;
    std::uint64_t start_ticks = 0; ///< field 22 of /proc/PID/stat
    friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) = default;
};

struct SpawnFailure {
    core::SetupStage stage = core::SetupStage::clone;
    int errno_value = 0;
    std::string what{}; ///< for people; empty: stage and errno say it all
};

class Spawner {
public:
    virtual ~Spawner() = default;

    /// Returns once the child has executed its program or has failed to.
    [[nodiscard]] virtual std::variant<ProcessIdentity, SpawnFailure>
    spawn(SpawnId id, const SpawnPlan& plan) = 0;

    /// To the main process only. No effect once its end has been reported.
    virtual void signal(SpawnId id, int signal_number) = 0;

    /// What the processes of the spawn may use together from now on, and nothing if it is over.
    /// What cannot be put in force is told by on_resources_refused, later.
    virtual void set_resources(SpawnId id, const units::ResourcesSpec& resources) = 0;

    /// As long as it lives, signal() goes to this process of the spawn's own. The end of the spawn
    /// is that of the process that was spawned, all the same.
    virtual void take_for_main(SpawnId id, pid_t pid) = 0;

    /// SIGKILL to every process that belongs to the spawn, whatever session it moved to, now and
    /// again until none is left; on_tree_empty tells of that.
    virtual void kill_tree(SpawnId id) = 0;

    /// The end of this spawn has been dealt with for good; its status may be forgotten.
    virtual void acknowledge(SpawnId id) = 0;

    struct Handlers {
        /// The main process ended; `tree` says whether others of it are known to live.
        std::function<void(SpawnId, core::ExitStatus, core::TreeState)> on_exit;
        /// After kill_tree: main process ended and no process of the spawn lives.
        std::function<void(SpawnId)> on_tree_empty;
        /// A sentence for people: limits that set_resources() was to put in force are not.
        std::function<void(SpawnId, const std::string& why)> on_resources_refused{};
    };
    /// Called once, before anything is spawned.
    virtual void set_handlers(Handlers handlers) = 0;

    /// What an engine finds at its start.
    struct Survivor {
        SpawnId id{};
        ProcessIdentity process;
        std::string unit; ///< whose process it is, as the keeper was told; may be empty
        Slot slot = 1;
    };
    /// Living processes that earlier engines spawned. Ends that nobody acknowledged are reported by
    /// on_exit in the next turn, in the order in which they happened and before anything that is
    /// deferred after this call returned. `journaled`: what the state journal
    /// says was running; needed only where the keeper is new too and knows nobody.
    [[nodiscard]] virtual std::vector<Survivor>
    survivors(const std::vector<Survivor>& journaled) = 0;
};

} // namespace keel::ports
