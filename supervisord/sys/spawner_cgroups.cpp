// The cgroup that a spawn is born in, and what may be used in it.
#include "sys/spawner.hpp"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace keel::sys {

using core::SetupStage;
using ports::SpawnFailure;

/// The descriptor to be born by, or none where the child enters by itself.
Result<OwnedFd> Spawner::enter_cgroup(ChildSetup& setup, const std::string& path)
{
    auto prepared = options_.cgroups->prepare(path);
    if (!prepared || cloner_.enters_cgroups()) return prepared;
    auto procs = options_.cgroups->open_procs(path);
    if (!procs) return procs.error();
    if (::dup3(procs->get(), cgroup_fd, O_CLOEXEC) < 0) return Error::from_errno("open", path);
    setup.enter_cgroup = true;
    return OwnedFd();
}

/// A cgroup that cannot be had is no reason not to run, as long as no limits hang on it: the tree
/// is then searched in /proc.
std::optional<SpawnFailure> Spawner::prepare_cgroup(ChildSetup& setup, const ports::SpawnPlan& plan,
                                                    Child& child, OwnedFd& directory)
{
    const bool is_limited = plan.resources != units::ResourcesSpec{};
    if (!limits_) {
        if (!is_limited) return std::nullopt;
        return SpawnFailure{SetupStage::resources, 0, "keeld has no control group of its own"};
    }
    const std::string path = fmt::format("{}/{}", plan.unit, plan.slot);
    auto entered = enter_cgroup(setup, path);
    if (!entered) {
        if (!is_limited) return std::nullopt;
        const int why = entered.error().errno_value;
        if (why == EMFILE || why == ENFILE) return SpawnFailure{SetupStage::descriptors, why};
        return SpawnFailure{SetupStage::resources, 0, entered.error().text()};
    }
    if (const auto set = limits_->set_now(path, plan.resources); !set && is_limited) {
        if (setup.enter_cgroup) ::dup3(null_fd, cgroup_fd, O_CLOEXEC);
        entered->reset();
        options_.cgroups->remove(path);
        return SpawnFailure{SetupStage::resources, 0, set.error().text()};
    }
    directory = std::move(*entered);
    child.cgroup = path;
    watch_for_oom(child);
    return std::nullopt;
}

std::shared_ptr<const CgroupFiles> Spawner::memory_events(const SpawnerOptions& options)
{
    if (options.memory_events || options.cgroups == nullptr) return options.memory_events;
    return std::make_shared<CgroupFolder>(options.cgroups->base());
}

/// From now on: what was killed in its group so far was not this one.
void Spawner::watch_for_oom(Child& child) const
{
    child.oom_group = child.cgroup;
    child.oom_kills = oom_.kills_in(child.oom_group);
}

void Spawner::set_resources(SpawnId id, const units::ResourcesSpec& resources)
{
    const auto found = children_.find(id);
    if (found == children_.end() || found->second.ended) return;
    const auto refuse = [this, id](const std::string& why) {
        const auto child = children_.find(id);
        const bool lives = child != children_.end() && !child->second.ended;
        if (lives && handlers_.on_resources_refused) handlers_.on_resources_refused(id, why);
    };
    const std::string& group = found->second.cgroup;
    if (!group.empty())
        limits_->want(group, resources, [refuse](const Error& why) { refuse(why.text()); });
    else if (resources != units::ResourcesSpec{})
        later([refuse] { refuse("it does not run in a control group of its own"); });
}

units::ControlGroups Spawner::control_groups() const
{
    if (options_.cgroups == nullptr)
        return {{}, {}, "keeld has no control group of its own", "its service needs Delegate=yes"};
    return {"keeld's control group",
            options_.cgroups->limits().controllers(),
            {},
            "leave it out, or have systemd delegate the controller"};
}

void Spawner::release_cgroups() const
{
    if (options_.cgroups != nullptr) options_.cgroups->limits().release();
}

} // namespace keel::sys
