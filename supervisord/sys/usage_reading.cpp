#include "sys/usage_reading.hpp"

#include "base/owned_fd.hpp"
#include "sys/cgroup_files.hpp"

#include <array>
#include <charconv>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace keel::sys {
namespace {

/// A unit may make groups of its own below its group; what lies beyond these is not looked at.
constexpr int depth_max = 8;
constexpr std::size_t groups_max = 1000;
constexpr std::size_t members_max = 100'000;

std::string unit_of(const std::string& name) { return name.substr(0, name.find('.')); }

/// The number behind `key` in lines of `key number`; 0: there is none.
std::uint64_t number_of(std::string_view text, std::string_view key)
{
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ' ')
            continue;
        line.remove_prefix(key.size() + 1);
        std::uint64_t value = 0;
        std::from_chars(line.data(), line.data() + line.size(), value);
        return value;
    }
    return 0;
}

std::uint64_t page_size()
{
    static const auto size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return size;
}

Duration time_of(std::uint64_t ticks)
{
    static const auto per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    return std::chrono::milliseconds(ticks * 1000 / per_second);
}

/// The kernel's two words for a group that was removed meanwhile.
bool is_gone(const Error& error)
{
    return error.errno_value == ENOENT || error.errno_value == ENODEV;
}

/// The processes right in a group, as cgroup.procs lists them.
std::vector<pid_t> members_of(const std::string& directory)
{
    std::vector<pid_t> members;
    const OwnedFd fd(::open((directory + "/cgroup.procs").c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 4096> part{};
    pid_t pid = 0;
    while (fd && members.size() < members_max) {
        const ssize_t size = ::read(fd.get(), part.data(), part.size());
        if (size <= 0) break;
        for (const char c : std::string_view(part.data(), static_cast<std::size_t>(size))) {
            if (c >= '0' && c <= '9') {
                pid = pid * 10 + (c - '0');
                continue;
            }
            members.push_back(pid);
            pid = 0;
        }
    }
    return members;
}

/// All that is in a group now, and below it.
class Contents {
public:
    enum class Memory : std::uint8_t { of_each_process, known };
    explicit Contents(Memory memory) : memory_(memory) {}

    void add(const CgroupFolder& base, const std::string& base_path, const std::string& group,
             int depth)
    {
        if (++groups_ > groups_max || depth > depth_max) return;
        for (const pid_t pid : members_of(base_path + "/" + group)) {
            ++processes;
            if (memory_ == Memory::known) continue;
            if (const auto row = read_process(pid))
                memory_bytes += row->resident_pages * page_size();
        }
        for (const std::string& below : base.groups_in(group))
            add(base, base_path, group + "/" + below, depth + 1);
    }

    std::uint64_t processes = 0;
    std::uint64_t memory_bytes = 0;

private:
    const Memory memory_;
    std::size_t groups_ = 0;
};

} // namespace

std::uint64_t oom_kills_in(std::string_view memory_events)
{
    return number_of(memory_events, "oom_kill");
}

Result<std::optional<UsageReading>> read_group(const std::string& base, const std::string& name,
                                               UsageDepth depth)
{
    using Nothing = std::optional<UsageReading>;
    const CgroupFolder folder(base);
    struct stat info {};
    if (::stat((base + "/" + name).c_str(), &info) != 0) {
        const Error error = Error::from_errno("look at", base + "/" + name);
        return is_gone(error) ? Result(Nothing{}) : error;
    }
    const auto cpu = folder.read(name + "/cpu.stat");
    if (!cpu) return is_gone(cpu.error()) ? Result(Nothing{}) : cpu.error();
    UsageReading reading;
    reading.unit = unit_of(name);
    reading.source = name;
    reading.identity = info.st_ino;
    reading.cpu = std::chrono::microseconds(number_of(*cpu, "usage_usec"));
    const auto events = folder.read(name + "/memory.events");
    if (events)
        reading.oom_kills = oom_kills_in(*events);
    else if (!is_gone(events.error())) // No controller: no such file.
        return events.error();
    if (depth == UsageDepth::counters) return std::optional(reading);

    const auto charged = folder.read(name + "/memory.current");
    Contents contents(charged ? Contents::Memory::known : Contents::Memory::of_each_process);
    contents.add(folder, base, name, 0);
    reading.processes = contents.processes;
    reading.memory_bytes = contents.memory_bytes;
    if (charged)
        std::from_chars(charged->data(), charged->data() + charged->size(), reading.memory_bytes);
    return std::optional(reading);
}

UsageReadings read_groups(const std::string& base, UsageDepth depth)
{
    std::vector<UsageReading> readings;
    const auto names = CgroupFolder(base).list_groups({});
    if (!names) return names.error();
    for (const std::string& name : *names) {
        if (name.starts_with('_') || name.starts_with('.')) continue; // keeld's, and systemd's
        auto reading = read_group(base, name, depth);
        if (!reading) return reading.error();
        if (*reading) readings.push_back(std::move(**reading));
    }
    return readings;
}

UsageReadings read_trees(const std::vector<LooseTree>& trees, const TreeScope& scope)
{
    std::vector<UsageReading> readings;
    if (trees.empty()) return readings;
    std::vector<TreeTarget> targets;
    for (const LooseTree& tree : trees) {
        UsageReading reading;
        reading.unit = unit_of(tree.unit);
        reading.source = "spawn " + std::to_string(number(tree.target.id));
        reading.kind = UsageReading::Kind::tree;
        reading.age = tree.age;
        readings.push_back(std::move(reading));
        targets.push_back(tree.target);
    }
    const auto processes = read_whole_process_table(scope);
    if (!processes) return processes.error();
    const ProcessTable& table = *processes;
    const std::vector<int> owners = owners_in(table, targets, scope);
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (owners[i] < 0) continue;
        UsageReading& reading = readings[static_cast<std::size_t>(owners[i])];
        reading.cpu += time_of(table[i].cpu_ticks);
        if (table[i].dead) continue;
        ++reading.processes;
        reading.memory_bytes += table[i].resident_pages * page_size();
    }
    return readings;
}

} // namespace keel::sys
