#include "units/resources.hpp"

#include "units/small_file.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::units {
namespace {

constexpr unsigned cpu_period = 100'000; ///< microseconds; the kernel's own default

std::string or_max(std::uint64_t limit)
{
    return limit == 0 ? std::string("max") : fmt::format("{}", limit);
}

std::string quota(std::uint32_t percent)
{
    if (percent == 0) return fmt::format("max {}", cpu_period);
    return fmt::format("{} {}", std::uint64_t{percent} * cpu_period / 100, cpu_period);
}

} // namespace

std::array<ResourceSetting, 6> settings_of(const ResourcesSpec& wanted)
{
    const ResourcesSpec usual;
    return {{{"memory_high", "memory", "memory.high", or_max(wanted.memory_high),
              wanted.memory_high == usual.memory_high},
             {"memory_max", "memory", "memory.max", or_max(wanted.memory_max),
              wanted.memory_max == usual.memory_max},
             {"cpu_max", "cpu", "cpu.max", quota(wanted.cpu_max), wanted.cpu_max == usual.cpu_max},
             {"cpu_weight", "cpu", "cpu.weight", fmt::format("{}", wanted.cpu_weight),
              wanted.cpu_weight == usual.cpu_weight},
             {"pids_max", "pids", "pids.max", or_max(wanted.pids_max),
              wanted.pids_max == usual.pids_max},
             {"io_weight", "io", "io.weight", fmt::format("{}", wanted.io_weight),
              wanted.io_weight == usual.io_weight}}};
}

std::vector<std::string> words_of(std::string_view text)
{
    std::vector<std::string> words;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
        if (end > 0) words.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

ControlGroups control_groups_of_host()
{
    ControlGroups groups{"cgroup v2 of this host", {}, {}, "leave it out, or boot with cgroup v2"};
    // The second is where a hybrid hierarchy has it; the first is then something else.
    for (const char* mount : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
        const auto read = read_small_file(std::string(mount) + "/cgroup.controllers", 4096);
        if (const auto* text = std::get_if<std::string>(&read)) {
            groups.controllers = words_of(*text);
            return groups;
        }
    }
    groups.why_none = "no cgroup v2 is mounted on this host";
    return groups;
}

} // namespace keel::units
