#include "sys/child_limits.hpp"

#include "base/owned_fd.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <unistd.h>

namespace keel::sys {
namespace {

using units::Resource;

static_assert(units::ResourceLimit::unlimited == RLIM_INFINITY);

/// In the order of units::Resource.
constexpr std::array resource_numbers = {
    RLIMIT_AS,      RLIMIT_CORE,     RLIMIT_CPU,    RLIMIT_DATA,       RLIMIT_FSIZE,
    RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE, RLIMIT_NICE,   RLIMIT_NOFILE,     RLIMIT_NPROC,
    RLIMIT_RSS,     RLIMIT_RTPRIO,   RLIMIT_RTTIME, RLIMIT_SIGPENDING, RLIMIT_STACK};
static_assert(resource_numbers.size() == names_of<Resource>.size());

/// The value for a login session, no higher than what we are allowed.
rlimit login_limit(int resource, const rlimit& ours)
{
    rlimit value = ours;
    switch (resource) {
    case RLIMIT_NOFILE: value.rlim_cur = 1024; break;
    case RLIMIT_CORE: value.rlim_cur = 0; break;
    case RLIMIT_STACK:
    case RLIMIT_MEMLOCK: value.rlim_cur = 8U << 20; break;
    default: value.rlim_cur = ours.rlim_max; break;
    }
    value.rlim_cur = std::min(value.rlim_cur, ours.rlim_max);
    return value;
}

Change change(bool asked_for, bool differs)
{
    if (asked_for) return Change::required;
    return differs ? Change::if_possible : Change::none;
}

constexpr std::size_t affinity_bytes = 128; // 1024 processors, the range of `cpu_affinity`

std::vector<unsigned char> processor_bits(const std::vector<std::uint16_t>& numbers)
{
    std::vector<unsigned char> bits(affinity_bytes, numbers.empty() ? 0xFF : 0);
    for (const std::uint16_t number : numbers)
        bits.at(number / 8U) |= static_cast<unsigned char>(1U << number % 8U);
    return bits;
}

} // namespace

LoginDefaults LoginDefaults::differing_from_ours()
{
    LoginDefaults defaults;
    for (const int resource : {RLIMIT_NOFILE, RLIMIT_CORE, RLIMIT_STACK, RLIMIT_MEMLOCK, RLIMIT_AS,
                               RLIMIT_CPU, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_RSS}) {
        rlimit ours{};
        if (::prlimit(0, static_cast<__rlimit_resource>(resource), nullptr, &ours) != 0) continue;
        const rlimit wanted = login_limit(resource, ours);
        if (wanted.rlim_cur != ours.rlim_cur) defaults.limits.push_back({resource, wanted});
    }
    char score[2] = "0"; // only 0 itself begins with 0
    const OwnedFd file(::open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC));
    defaults.oom_score_differs = ::read(file.get(), score, 1) == 1 && score[0] != '0';
    defaults.nice_differs = ::getpriority(PRIO_PROCESS, 0) != 0;
    cpu_set_t cpus;
    if (::sched_getaffinity(0, sizeof cpus, &cpus) == 0)
        defaults.processors_differ = CPU_COUNT(&cpus) < ::sysconf(_SC_NPROCESSORS_ONLN);
    return defaults;
}

ChildLimits::ChildLimits(const LoginDefaults& defaults, const ports::SpawnPlan& plan)
    : limits(defaults.limits), umask(plan.umask),
      change_nice(change(plan.scheduling.nice != 0, defaults.nice_differs)),
      nice(plan.scheduling.nice),
      change_oom_score(change(plan.scheduling.oom_score_adj != 0, defaults.oom_score_differs)),
      change_processors(change(!plan.scheduling.cpu_affinity.empty(), defaults.processors_differ))
{
    for (const auto& [resource, limit] : plan.limits)
        limits.push_back({static_cast<int>(resource_numbers.at(static_cast<std::size_t>(resource))),
                          {limit.soft, limit.hard}});
    if (change_oom_score != Change::none) oom_score = std::to_string(plan.scheduling.oom_score_adj);
    if (change_processors != Change::none)
        processors = processor_bits(plan.scheduling.cpu_affinity);
}

} // namespace keel::sys
