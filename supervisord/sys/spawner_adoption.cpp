// What an engine finds at its start: living children and ends from the keeper, and processes of an
// earlier keeper's time, which only /proc knows.
#include "sys/spawner.hpp"

#include <algorithm>
#include <charconv>
#include <poll.h>
#include <set>
#include <string_view>

namespace keel::sys {

namespace {

/// `UNIT.SLOT` taken apart; a unit's name holds no dot.
std::optional<std::pair<std::string, Slot>> parse_instance(std::string_view name)
{
    const std::size_t dot = name.rfind('.');
    Slot slot = 0;
    if (dot == std::string_view::npos || dot == 0) return std::nullopt;
    const char* end = name.data() + name.size();
    const auto [rest, failure] = std::from_chars(name.data() + dot + 1, end, slot);
    if (failure != std::errc{} || rest != end || slot == 0) return std::nullopt;
    return std::pair{std::string(name.substr(0, dot)), slot};
}

bool has_ended(const OwnedFd& pidfd)
{
    pollfd ended{pidfd.get(), POLLIN, 0};
    return ::poll(&ended, 1, 0) == 1;
}

} // namespace

std::vector<Spawner::Survivor> Spawner::survivors(const std::vector<Survivor>& journaled)
{
    const KeeperClient::Listing listing = keeper_.list();
    std::vector<Survivor> living;
    std::set<SpawnId> told;
    for (const wire::Record& record : listing.children) {
        told.insert(SpawnId{record.id});
        living.push_back(adopt_child(record));
    }
    for (const wire::Record& record : listing.ends)
        told.insert(SpawnId{record.id}); // reported by on_exit in their turn
    std::vector<Survivor> others;
    for (const Survivor& one : journaled)
        if (!told.contains(one.id)) others.push_back(one);
    find_unnumbered(others);
    for (const Survivor& one : others)
        if (adopt_stranger(one)) living.push_back(one);
    return living;
}

Spawner::Survivor Spawner::adopt_child(const wire::Record& record)
{
    const SpawnId id{record.id};
    Child child;
    child.process = {record.pid, record.start_ticks};
    child.pidfd = open_pidfd(child.process);
    child.cgroup = cgroup_of(child, record.text);
    watch_for_oom(child);
    Survivor survivor{id, child.process, {}, 1};
    if (const auto instance = parse_instance(record.text))
        std::tie(survivor.unit, survivor.slot) = *instance;
    child.unit = survivor.unit;
    child.age = UsageReading::Age::older;
    children_.insert_or_assign(id, std::move(child));
    return survivor;
}

/// A process that is not the keeper's child, because its keeper is gone. False: it ended unseen, or
/// never began; then an end is reported if it is known to have begun.
bool Spawner::adopt_stranger(const Survivor& journaled)
{
    if (journaled.process.pid <= 0) return false;
    const SpawnId id = journaled.id;
    Child child;
    child.process = journaled.process;
    child.stranger = true;
    child.unit = journaled.unit;
    child.age = UsageReading::Age::older;
    child.pidfd = open_pidfd(child.process);
    // What ended before this engine began is told at once, not as something that happens now.
    const bool is_there = child.pidfd && !has_ended(child.pidfd);
    core::ExitStatus status{core::ExitStatus::Kind::unknown, 0, false};
    if (child.pidfd && !is_there) status = end_of(child.process, child.pidfd, options_.ask_pidfd);
    if (is_there) {
        child.cgroup = cgroup_of(child, journaled.unit + "." + std::to_string(journaled.slot));
        watch_for_oom(child);
        child.watch = loop_.watch_fd(child.pidfd.get(), ports::Interest::readable,
                                     [this, id](ports::FdEvents) { on_stranger_readable(id); });
    }
    children_.insert_or_assign(id, std::move(child));
    if (!is_there) later([this, id, status] { report_end(id, status); });
    return is_there;
}

/// Its watch dies here: a zombie whose parent is slow would keep the loop spinning.
void Spawner::on_stranger_readable(SpawnId id)
{
    const Child& child = children_.at(id);
    const core::ExitStatus status = end_of(child.process, child.pidfd, options_.ask_pidfd);
    report_end(id, status);
}

/// An engine that died during a spawn left a number without a process. If the process came to be
/// and the keeper does not know it, because it is a new one, the process bears the number.
void Spawner::find_unnumbered(std::vector<Survivor>& journaled) const
{
    const bool any = std::any_of(journaled.begin(), journaled.end(),
                                 [](const Survivor& one) { return one.process.pid == 0; });
    if (!any) return;
    const ProcessTable table = read_process_table(scope_);
    for (Survivor& one : journaled) {
        if (one.process.pid != 0) continue;
        for (const ProcessRow& row : table)
            if (row.spawn_mark == number(one.id) && row.session == row.identity.pid)
                one.process = row.identity;
    }
}

/// The cgroup that `UNIT.SLOT` is born in, where there are any.
std::string Spawner::path_of_instance(std::string_view instance) const
{
    const auto parts = parse_instance(instance);
    if (options_.cgroups == nullptr || !parts) return {};
    return parts->first + "/" + std::to_string(parts->second);
}

/// The cgroup it was born in; empty if it has none of its own.
std::string Spawner::cgroup_of(const Child& child, std::string_view instance) const
{
    const std::string path = path_of_instance(instance);
    if (path.empty()) return {};
    const bool inside = child.pidfd ? options_.cgroups->path_of(child.process.pid) == path
                                    : options_.cgroups->populated(path);
    return inside ? path : std::string();
}

} // namespace keel::sys
