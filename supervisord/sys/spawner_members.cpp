// Who belongs to a spawn, and which of them is spoken to.
#include "sys/spawner.hpp"

#include <csignal>

namespace keel::sys {

void Spawner::signal(SpawnId id, int signal_number)
{
    const auto found = children_.find(id);
    if (found == children_.end() || !found->second.pidfd) return;
    Child& child = found->second;
    if (signal_number == SIGKILL) child.kill_sent = true;
    if (child.addressee && send_signal(child.addressee, signal_number)) return;
    child.addressee.reset();
    send_signal(child.pidfd, signal_number);
}

void Spawner::take_for_main(SpawnId id, pid_t pid)
{
    const auto found = children_.find(id);
    if (found == children_.end() || !found->second.pidfd) return;
    Child& child = found->second;
    child.addressee.reset();
    if (pid == child.process.pid) return;
    const auto row = read_process(pid);
    if (!row || row->dead) return;
    OwnedFd pidfd = open_pidfd(row->identity);
    if (pidfd && has_member(id, pid)) child.addressee = std::move(pidfd);
}

bool Spawner::has_member(SpawnId id, pid_t pid) const
{
    const auto found = children_.find(id);
    if (found == children_.end() || pid <= 1) return false;
    const Child& child = found->second;
    if (pid == child.process.pid) return true; // also of what it said before its end
    if (child.cgroup.empty()) return owns({id, child.process, child.known}, pid, scope_);
    const auto path = options_.cgroups->path_of(pid);
    return path && (*path == child.cgroup || path->starts_with(child.cgroup + "/"));
}

Spawner::UsageSources Spawner::usage_sources() const
{
    UsageSources sources{{}, {}, scope_};
    if (options_.cgroups != nullptr) sources.groups = options_.cgroups->base();
    for (const auto& [id, child] : children_)
        if (child.cgroup.empty() && !child.setup_failed && !child.unit.empty())
            sources.trees.push_back({{id, child.process, child.known}, child.unit, child.age});
    return sources;
}

void Spawner::before_group_goes(CgroupTree::LastLookAt handler) const
{
    if (options_.cgroups != nullptr) options_.cgroups->before_unit_goes(std::move(handler));
}

} // namespace keel::sys
