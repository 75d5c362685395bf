// One cgroup for each instance, where the host lets us: it holds every process of a spawn, wherever
// its sessions and parents went, so emptiness and killing are exact.
//
// Only cgroup v2 with cgroup.kill (Linux 5.14) counts. Instances live in `BASE/UNIT/SLOT`; keeper
// and engine in the leaf `BASE/_keeld`, since a cgroup with processes of its own could not hand
// controllers to the others (no unit's name begins with an underscore).
#pragma once
#include "base/owned_fd.hpp"
#include "base/result.hpp"
#include "ports/loop.hpp"
#include "sys/cgroup_limits.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

namespace keel::sys {

/// The directory to use: KEEL_CGROUP if it is set, else our own cgroup if systemd delegated it;
/// in that case keeper and engine are moved into the leaf. Nothing: units get no cgroups.
[[nodiscard]] std::optional<std::string> find_cgroup_base(pid_t keeper);

/// For systemd, should engine and keeper both have been killed: takes back what the group that was
/// delegated to this process's service hands down. False: there is no such group.
[[nodiscard]] bool release_delegated_cgroup();

class CgroupTree {
public:
    /// Refuses what is not a writable cgroup v2 directory with cgroup.kill.
    static Result<std::unique_ptr<CgroupTree>> open(ports::Loop& loop, const std::string& base);
    ~CgroupTree();
    CgroupTree(const CgroupTree&) = delete;
    CgroupTree& operator=(const CgroupTree&) = delete;

    // `path` is relative to the base: `worker/3`.

    /// Makes the cgroup if it is not there; the descriptor is of the directory itself.
    [[nodiscard]] Result<OwnedFd> prepare(const std::string& path) const;
    /// Its cgroup.procs, open for writing.
    [[nodiscard]] Result<OwnedFd> open_procs(const std::string& path) const;

    /// Whether any process lives in it or below; a cgroup that is not there is empty.
    [[nodiscard]] bool populated(const std::string& path) const;
    void kill(const std::string& path) const;
    /// Later, once, when it is empty; at once-but-later if it is already.
    void when_empty(const std::string& path, std::function<void()> handler);
    /// Removes it and those above it, up to the base, as far as they are empty. A group right below
    /// the base goes later, if somebody wants to look at it before.
    void remove(const std::string& path) const;
    /// `read` is run on another thread before such a group may be removed, and `done` on the loop
    /// afterwards, unless that ends first.
    struct LastLook {
        std::function<void()> read;
        std::function<void()> done;
    };
    using LastLookAt = std::function<LastLook(const std::string& name)>;
    void before_unit_goes(LastLookAt handler) { before_unit_goes_ = std::move(handler); }

    [[nodiscard]] const std::string& base() const { return base_; }

    /// What may be used in it, together.
    [[nodiscard]] const CgroupLimits& limits() const { return limits_; }

    /// Where the process is, if that is below the base.
    [[nodiscard]] std::optional<std::string> path_of(pid_t pid) const;

private:
    CgroupTree(ports::Loop& loop, const std::string& base, OwnedFd notices);
    void read_notices();
    void remove_after(LastLook look, const std::string& whole) const;

    struct Wait {
        std::string path;
        std::function<void()> handler;
    };

    ports::Loop& loop_;
    std::string base_;
    std::string mount_; ///< of the hierarchy; what /proc/PID/cgroup says is relative to it
    CgroupLimits limits_;
    OwnedFd notices_;                     ///< one inotify descriptor for all
    std::unordered_map<int, Wait> waits_; ///< by inotify watch
    ports::Loop::Registration watch_;
    LastLookAt before_unit_goes_;
    mutable std::multiset<std::string> going_; ///< looked at for the last time
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

} // namespace keel::sys
