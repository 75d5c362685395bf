#include "sys/child_setup.hpp"

#include "base/owned_fd.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// Instrumented code would write to the sanitizer's view of a stack that is never unwound.
#define KEEL_IN_CHILD [[gnu::no_sanitize_address, gnu::no_sanitize_thread]]

namespace keel::sys {

using core::SetupStage;

namespace {

constexpr int hello_limit = 5'000; ///< milliseconds that a full channel is waited for
constexpr int signal_count = 64;

/// The kernel's own struct sigaction, all zero: the default action.
struct KernelAction {
    unsigned long handler = 0, flags = 0, restorer = 0, mask = 0;
};

KEEL_IN_CHILD int outcome(long result) { return result < 0 ? errno : 0; }

KEEL_IN_CHILD int leave_shared_descriptors(ChildSetup& setup)
{
    if (!setup.leave_shared_descriptors) return 0;
    return outcome(::syscall(SYS_close_range, first_unreserved_fd, ~0U, CLOSE_RANGE_UNSHARE));
}

/// Field 22 of our own /proc/PID/stat, 0 if it cannot be read.
KEEL_IN_CHILD std::uint64_t own_start_ticks()
{
    char line[1024];
    const int fd = static_cast<int>(
        ::syscall(SYS_openat, AT_FDCWD, "/proc/self/stat", O_RDONLY | O_CLOEXEC, 0));
    const long size = ::syscall(SYS_read, fd, line, sizeof line);
    ::syscall(SYS_close, fd);
    long at = size - 1;
    while (at > 0 && line[at] != ')')
        --at;
    for (int blanks = 0; at > 0 && at < size && blanks < 20; ++at)
        if (line[at] == ' ') ++blanks;
    std::uint64_t ticks = 0;
    for (; at > 0 && at < size && line[at] >= '0' && line[at] <= '9'; ++at)
        ticks = ticks * 10 + static_cast<std::uint64_t>(line[at] - '0');
    return ticks;
}

/// The keeper must know of this child before anything else can happen to it.
KEEL_IN_CHILD int say_hello(ChildSetup& setup)
{
    setup.hello.pid = static_cast<int>(::syscall(SYS_getpid));
    setup.hello.start_ticks = own_start_ticks();
    if (setup.hello.start_ticks == 0) return ENOSYS;
    for (;;) {
        const long sent = ::syscall(SYS_sendto, wire::engine_fd, &setup.hello, sizeof setup.hello,
                                    MSG_NOSIGNAL, nullptr, 0);
        if (sent > 0) return 0;
        if (errno != EAGAIN) return errno;
        pollfd channel{wire::engine_fd, POLLOUT, 0};
        timespec limit{hello_limit / 1000, 0};
        if (::syscall(SYS_ppoll, &channel, 1, &limit, nullptr, 0) <= 0) return ETIMEDOUT;
    }
}

KEEL_IN_CHILD int begin_session(ChildSetup& setup)
{
    const KernelAction action;
    for (int number = 1; number <= signal_count; ++number)
        ::syscall(SYS_rt_sigaction, number, &action, nullptr, sizeof action.mask);
    if (setup.enter_cgroup && ::syscall(SYS_write, cgroup_fd, "0", 1) != 1) return errno;
    return outcome(::syscall(SYS_setsid));
}

KEEL_IN_CHILD int connect_stdio(ChildSetup&)
{
    const int sources[] = {null_fd, output_fd, output_fd};
    for (int target = 0; target < 3; ++target)
        if (::syscall(SYS_dup3, sources[target], target, 0) < 0) return errno;
    return 0;
}

/// What cannot be set back (lowering an OOM score needs a capability) is no reason not to run.
KEEL_IN_CHILD int reset_limits(ChildSetup& setup)
{
    const LoginDefaults& defaults = *setup.defaults;
    for (std::size_t i = 0; i < defaults.limits.size(); ++i)
        if (::syscall(SYS_prlimit64, 0, defaults.limits[i].resource, &defaults.limits[i].value,
                      nullptr) < 0)
            return errno;
    const rlimit brand{setup.brand, setup.brand};
    if (setup.brand != 0) ::syscall(SYS_prlimit64, 0, RLIMIT_LOCKS, &brand, nullptr);
    ::syscall(SYS_umask, 022);
    if (defaults.reset_nice) ::syscall(SYS_setpriority, PRIO_PROCESS, 0, 0);
    if (defaults.reset_affinity) {
        unsigned char every[1024];
        for (unsigned char& part : every)
            part = 0xff;
        ::syscall(SYS_sched_setaffinity, 0, sizeof every, every);
    }
    if (!defaults.reset_oom_score) return 0;
    const int fd = static_cast<int>(
        ::syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0));
    ::syscall(SYS_write, fd, "0", 1);
    ::syscall(SYS_close, fd);
    return 0;
}

KEEL_IN_CHILD int change_directory(ChildSetup& setup)
{
    return outcome(::syscall(SYS_chdir, setup.directory));
}

KEEL_IN_CHILD int take_credentials(ChildSetup& setup)
{
    if (!setup.has_credentials) return 0;
    if (::syscall(SYS_setgroups, setup.group_count, setup.groups) < 0) return errno;
    if (::syscall(SYS_setresgid, setup.gid, setup.gid, setup.gid) < 0) return errno;
    return outcome(::syscall(SYS_setresuid, setup.uid, setup.uid, setup.uid));
}

KEEL_IN_CHILD int execute(ChildSetup& setup)
{
    const std::uint64_t none = 0;
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, sizeof none);
    return outcome(::syscall(SYS_execve, setup.program, setup.argv, setup.environment));
}

struct Step {
    SetupStage stage;
    int (*take)(ChildSetup&); ///< 0 or errno
};
constexpr Step steps[] = {
    {SetupStage::clone, leave_shared_descriptors},
    {SetupStage::hello, say_hello},
    {SetupStage::session, begin_session},
    {SetupStage::stdio, connect_stdio},
    {SetupStage::limits, reset_limits},
    {SetupStage::directory, change_directory},
    {SetupStage::credentials, take_credentials},
    {SetupStage::exec, execute},
};

/// Runs in the engine when its keeper died: gives an orderly end ten seconds.
void on_keeper_death(int) { ::alarm(10); }

/// The value for a login session, no higher than what we are allowed.
LoginDefaults::Limit login_limit(int resource, const rlimit& ours)
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
    return {resource, value};
}

} // namespace

KEEL_IN_CHILD int child_main(void* argument)
{
    auto& setup = *static_cast<ChildSetup*>(argument);
    for (const Step& step : steps) {
        const int failure = step.take(setup);
        if (failure == 0) continue;
        setup.stage = step.stage;
        setup.errno_value = failure;
        setup.failed = true;
        break;
    }
    for (;;)
        ::syscall(SYS_exit_group, 127);
}

LoginDefaults LoginDefaults::differing_from_ours()
{
    LoginDefaults defaults;
    for (const int resource : {RLIMIT_NOFILE, RLIMIT_CORE, RLIMIT_STACK, RLIMIT_MEMLOCK, RLIMIT_AS,
                               RLIMIT_CPU, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_RSS}) {
        rlimit ours{};
        if (::prlimit(0, static_cast<__rlimit_resource>(resource), nullptr, &ours) != 0) continue;
        const Limit wanted = login_limit(resource, ours);
        if (wanted.value.rlim_cur != ours.rlim_cur) defaults.limits.push_back(wanted);
    }
    char score[2] = "0"; // only 0 itself begins with 0
    const OwnedFd file(::open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC));
    defaults.reset_oom_score = ::read(file.get(), score, 1) == 1 && score[0] != '0';
    defaults.reset_nice = ::getpriority(PRIO_PROCESS, 0) != 0;
    cpu_set_t cpus;
    if (::sched_getaffinity(0, sizeof cpus, &cpus) == 0)
        defaults.reset_affinity = CPU_COUNT(&cpus) < ::sysconf(_SC_NPROCESSORS_ONLN);
    return defaults;
}

Result<void> claim_descriptors()
{
    if (::fcntl(wire::engine_fd, F_SETFD, FD_CLOEXEC) != 0)
        return Error::from_errno("channel to the keeper");
    for (int wanted = null_fd; wanted < first_unreserved_fd; ++wanted) {
        const int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        if (fd == wanted) continue;
        if (fd < 0) return Error::from_errno("open", "/dev/null");
        ::close(fd);
        return Error{"descriptor is in use already", std::to_string(wanted), 0};
    }
    ::signal(SIGRTMAX, on_keeper_death);
    if (::prctl(PR_SET_PDEATHSIG, SIGRTMAX) != 0) return Error::from_errno("parent death signal");
    return {};
}

} // namespace keel::sys
