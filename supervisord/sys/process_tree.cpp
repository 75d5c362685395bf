#include "sys/process_tree.hpp"

#include "sys/pidfd.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <string_view>
#include <unistd.h>
#include <unordered_map>
#include <unordered_set>

namespace keel::sys {

namespace {

/// A process writes its own environment; more than this of it is not searched.
constexpr std::size_t environment_limit = 1U << 20;
constexpr int looks_before_killing = 8; ///< a fork bomb does not hold the killer up for ever
constexpr int kills_before_reporting = 4;
constexpr int wait_for_deaths = 100;        ///< milliseconds; then it looks again anyway
constexpr std::size_t deaths_watched = 256; ///< descriptors are scarce

std::string proc_path(pid_t pid, const char* name)
{
    return "/proc/" + std::to_string(pid) + "/" + name;
}

/// Up to `limit` bytes of a /proc file; empty if it cannot be read.
std::string read_proc(pid_t pid, const char* name, std::size_t limit)
{
    std::string text;
    const OwnedFd fd(::open(proc_path(pid, name).c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 4096> part{};
    while (fd && text.size() < limit) {
        const ssize_t size = ::read(fd.get(), part.data(), part.size());
        if (size <= 0) break;
        text.append(part.data(), static_cast<std::size_t>(size));
    }
    return text;
}

template <class Number> bool next_number(std::string_view& line, Number& out)
{
    while (line.starts_with(' '))
        line.remove_prefix(1);
    const auto [end, failure] = std::from_chars(line.data(), line.data() + line.size(), out);
    if (failure != std::errc{}) return false;
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
    return true;
}

bool skip_numbers(std::string_view& line, int count)
{
    for (int i = 0; i < count; ++i) {
        while (line.starts_with(' '))
            line.remove_prefix(1);
        const std::size_t end = std::min(line.find(' '), line.size());
        if (end == 0) return false;
        line.remove_prefix(end);
    }
    return true;
}

/// KEEL_SPAWN, if KEEL_RUN says that it is one of ours.
std::uint64_t mark_in(std::string_view environment, std::string_view run_dir)
{
    std::uint64_t mark = 0;
    bool ours = false;
    while (!environment.empty()) {
        const std::size_t end = std::min(environment.find('\0'), environment.size());
        std::string_view entry = environment.substr(0, end);
        environment.remove_prefix(std::min(end + 1, environment.size()));
        if (entry.starts_with("KEEL_RUN=")) ours = entry.substr(9) == run_dir;
        if (!entry.starts_with("KEEL_SPAWN=")) continue;
        entry.remove_prefix(11);
        if (std::from_chars(entry.data(), entry.data() + entry.size(), mark).ec != std::errc{})
            mark = 0;
    }
    return ours ? mark : 0;
}

/// The hard limit in the line of /proc/PID/limits; 0: unlimited or not there.
std::uint64_t brand_in(std::string_view limits)
{
    constexpr std::string_view name = "Max file locks";
    const std::size_t at = limits.find(name);
    if (at == std::string_view::npos) return 0;
    limits.remove_prefix(at + name.size());
    std::uint64_t soft = 0, hard = 0;
    return next_number(limits, soft) && next_number(limits, hard) ? hard : 0;
}

void read_marks(ProcessRow& row, const TreeScope& scope)
{
    row.spawn_mark =
        mark_in(read_proc(row.identity.pid, "environ", environment_limit), scope.run_dir);
    row.brand = brand_in(read_proc(row.identity.pid, "limits", 4096));
}

const ProcessRow* find_row(const ProcessTable& table, pid_t pid)
{
    const auto at =
        std::lower_bound(table.begin(), table.end(), pid, [](const ProcessRow& row, pid_t wanted) {
            return row.identity.pid < wanted;
        });
    return at != table.end() && at->identity.pid == pid ? &*at : nullptr;
}

/// The keeper and all that it descends from: whoever is their child may be an orphan of ours.
std::unordered_set<pid_t> adopters(const ProcessTable& table, const TreeScope& scope)
{
    std::unordered_set<pid_t> found{1};
    for (pid_t pid = scope.keeper; pid > 0 && found.insert(pid).second;) {
        const ProcessRow* row = find_row(table, pid);
        pid = row != nullptr ? row->parent : 0;
    }
    return found;
}

struct IdentityHash {
    std::size_t operator()(const ProcessIdentity& id) const
    {
        return std::hash<std::uint64_t>{}(id.start_ticks * 4194304U +
                                          static_cast<std::uint64_t>(id.pid));
    }
};

/// Decides row by row; a row without a mark of its own belongs where its parent does.
class Ownership {
public:
    Ownership(const ProcessTable& table, const std::vector<TreeTarget>& targets,
              const TreeScope& scope)
        : table_(table), targets_(targets), strangers_(adopters(table, scope)),
          owners_(table.size(), undecided)
    {
        strangers_.insert(scope.engine);
        for (std::size_t i = 0; i < targets.size(); ++i) {
            const auto index = static_cast<int>(i);
            by_mark_[number(targets[i].id)] = index;
            by_identity_[targets[i].main] = index;
            for (const ProcessIdentity& known : targets[i].known)
                by_identity_[known] = index;
            if (targets[i].main.pid > 0) by_leader_[targets[i].main.pid] = index;
            by_brand_[brand_of(targets[i].id, scope.run_dir)] = index;
        }
    }

    std::vector<int> decide()
    {
        for (std::size_t row = 0; row < table_.size(); ++row)
            owner(row);
        return std::move(owners_);
    }

private:
    static constexpr int nobody = -1, undecided = -2;

    // Ancestry is a chain, but one put together from readings at different moments: writing
    // `nobody` before following it ends a walk in circles.
    int owner(std::size_t index)
    {
        std::vector<std::size_t> chain;
        int found = nobody;
        for (;;) {
            found = owners_[index];
            if (found != undecided) break;
            const ProcessRow& row = table_[index];
            owners_[index] = found = own_mark(row);
            chain.push_back(index);
            if (found != nobody || strangers_.contains(row.identity.pid)) break;
            const ProcessRow* parent = find_row(table_, row.parent);
            if (parent == nullptr || parent->identity.start_ticks > row.identity.start_ticks) break;
            index = static_cast<std::size_t>(parent - table_.data());
        }
        for (const std::size_t link : chain)
            owners_[link] = found;
        return found;
    }

    int own_mark(const ProcessRow& row) const
    {
        if (strangers_.contains(row.identity.pid)) return nobody;
        if (const auto at = by_identity_.find(row.identity); at != by_identity_.end())
            return at->second;
        if (const int index = by_leader(row.session, row); index != nobody) return index;
        if (const int index = by_leader(row.group, row); index != nobody) return index;
        if (row.spawn_mark != 0)
            if (const auto at = by_mark_.find(row.spawn_mark); at != by_mark_.end())
                return at->second;
        const auto at = by_brand_.find(row.brand);
        return row.brand != 0 && at != by_brand_.end() ? at->second : nobody;
    }

    /// Sessions and groups carry the main process's pid, also after its end; if by now another
    /// process has that pid, the number means nothing any more.
    int by_leader(pid_t leader, const ProcessRow& row) const
    {
        const auto at = by_leader_.find(leader);
        if (at == by_leader_.end()) return nobody;
        const ProcessIdentity& main = targets_[static_cast<std::size_t>(at->second)].main;
        const ProcessRow* holder = find_row(table_, leader);
        if (holder != nullptr && holder->identity != main) return nobody;
        return row.identity.start_ticks >= main.start_ticks ? at->second : nobody;
    }

    const ProcessTable& table_;
    const std::vector<TreeTarget>& targets_;
    std::unordered_set<pid_t> strangers_;
    std::vector<int> owners_;
    std::unordered_map<std::uint64_t, int> by_mark_;
    std::unordered_map<ProcessIdentity, int, IdentityHash> by_identity_;
    std::unordered_map<pid_t, int> by_leader_;
    std::unordered_map<std::uint64_t, int> by_brand_;
};

/// Writes the living members of a fresh table into the targets' `known`; all of them in one list.
std::vector<ProcessIdentity> look(std::vector<TreeTarget>& targets, const TreeScope& scope)
{
    const ProcessTable table = read_process_table(scope);
    const std::vector<int> owners = owners_in(table, targets, scope);
    std::vector<ProcessIdentity> living;
    for (TreeTarget& target : targets)
        target.known.clear();
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (owners[i] < 0 || table[i].dead) continue;
        living.push_back(table[i].identity);
        targets[static_cast<std::size_t>(owners[i])].known.push_back(table[i].identity);
    }
    return living;
}

void kill_and_wait(const std::vector<ProcessIdentity>& processes)
{
    std::vector<OwnedFd> descriptors;
    std::vector<pollfd> watched;
    for (const ProcessIdentity& process : processes) {
        OwnedFd pidfd = open_pidfd(process);
        if (!pidfd || !send_signal(pidfd, SIGKILL) || watched.size() == deaths_watched) continue;
        watched.push_back({pidfd.get(), POLLIN, 0});
        descriptors.push_back(std::move(pidfd));
    }
    while (!watched.empty() && ::poll(watched.data(), watched.size(), wait_for_deaths) > 0)
        std::erase_if(watched, [](const pollfd& one) { return one.revents != 0; });
}

/// By pid, each once.
void order(ProcessTable& table)
{
    const auto by_pid = [](const ProcessRow& a, const ProcessRow& b) {
        return a.identity.pid < b.identity.pid;
    };
    std::stable_sort(table.begin(), table.end(), by_pid);
    const auto same = [](const ProcessRow& a, const ProcessRow& b) {
        return a.identity.pid == b.identity.pid;
    };
    table.erase(std::unique(table.begin(), table.end(), same), table.end());
}

void read_marks_of_orphans(ProcessTable& table, const TreeScope& scope)
{
    const std::unordered_set<pid_t> adopting = adopters(table, scope);
    for (ProcessRow& row : table)
        if (!row.dead && adopting.contains(row.parent) && !adopting.contains(row.identity.pid))
            read_marks(row, scope);
}

} // namespace

std::uint64_t brand_of(SpawnId id, std::string_view run_dir)
{
    // FNV-1a over the place, then the number; the top bits stay clear of RLIM_INFINITY.
    std::uint64_t hash = 14695981039346656037U;
    for (const char byte : run_dir)
        hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211U;
    for (std::uint64_t rest = number(id), i = 0; i < sizeof rest; ++i, rest >>= 8)
        hash = (hash ^ (rest & 0xff)) * 1099511628211U;
    return (hash >> 2) | 1U;
}

std::optional<ProcessRow> parse_stat(std::string_view line)
{
    ProcessRow row;
    if (!next_number(line, row.identity.pid)) return std::nullopt;
    const std::size_t name_end = line.rfind(')'); // a name may hold anything, also `) R 1 `
    if (name_end == std::string_view::npos || name_end + 3 >= line.size()) return std::nullopt;
    const char state = line[name_end + 2];
    row.dead = state == 'Z' || state == 'X' || state == 'x';
    line.remove_prefix(name_end + 3);
    if (!next_number(line, row.parent) || !next_number(line, row.group) ||
        !next_number(line, row.session) || !skip_numbers(line, 7))
        return std::nullopt;
    for (int i = 0; i < 4; ++i) { // own time and that of children, in user space and in the kernel
        std::uint64_t ticks = 0;
        if (!next_number(line, ticks)) return std::nullopt;
        row.cpu_ticks += ticks;
    }
    if (!skip_numbers(line, 4) || !next_number(line, row.identity.start_ticks)) return std::nullopt;
    if (skip_numbers(line, 1)) next_number(line, row.resident_pages);
    if (skip_numbers(line, 27)) next_number(line, row.exit_status); // absent on old kernels
    return row;
}

std::optional<ProcessRow> read_process(pid_t pid)
{
    const std::string line = read_proc(pid, "stat", 4096);
    if (line.empty()) return std::nullopt;
    return parse_stat(line);
}

Result<ProcessTable> read_whole_process_table(const TreeScope& scope)
{
    int shortage = 0;
    auto table = read_process_table(scope, &shortage);
    if (shortage != 0) return Error{"read", "/proc", shortage};
    return table;
}

ProcessTable read_process_table(const TreeScope& scope, int* shortage)
{
    ProcessTable table;
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc"), ::closedir);
    if (directory == nullptr && shortage != nullptr) *shortage = errno;
    while (directory != nullptr) {
        const dirent* entry = ::readdir(directory.get());
        if (entry == nullptr) break;
        std::string_view name = entry->d_name;
        pid_t pid = 0;
        if (!next_number(name, pid) || !name.empty()) continue;
        errno = 0;
        if (auto row = read_process(pid))
            table.push_back(*row);
        else if (shortage != nullptr && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
            *shortage = errno; // All else means that it is gone.
    }
    order(table);
    read_marks_of_orphans(table, scope);
    return table;
}

bool owns(const TreeTarget& target, pid_t pid, const TreeScope& scope)
{
    constexpr int generations_max = 64;
    ProcessTable table;
    const auto read_with_ancestors = [&](pid_t one) {
        for (int i = 0; i < generations_max && one > 0; ++i) {
            const auto row = read_process(one);
            if (!row) return;
            table.push_back(*row);
            one = row->parent;
        }
    };
    read_with_ancestors(pid);
    if (table.empty()) return false;
    read_with_ancestors(scope.keeper);
    read_with_ancestors(target.main.pid);
    order(table);
    read_marks_of_orphans(table, scope);
    const std::vector<int> owners = owners_in(table, {target}, scope);
    const ProcessRow* row = find_row(table, pid);
    return row != nullptr && owners[static_cast<std::size_t>(row - table.data())] == 0;
}

std::vector<int> owners_in(const ProcessTable& table, const std::vector<TreeTarget>& targets,
                           const TreeScope& scope)
{
    return Ownership(table, targets, scope).decide();
}

void kill_members(std::vector<TreeTarget>& targets, const TreeScope& scope)
{
    std::vector<ProcessIdentity> living;
    for (int kills = 0; kills < kills_before_reporting; ++kills) {
        std::unordered_set<ProcessIdentity, IdentityHash> stopped;
        for (int looks = 0; looks < looks_before_killing; ++looks) {
            living = look(targets, scope);
            bool found_new = false;
            for (const ProcessIdentity& process : living) {
                if (!stopped.insert(process).second) continue;
                found_new = true;
                if (const OwnedFd pidfd = open_pidfd(process)) send_signal(pidfd, SIGSTOP);
            }
            if (!found_new) break;
        }
        if (living.empty()) return;
        kill_and_wait(living);
    }
    look(targets, scope);
}

} // namespace keel::sys
