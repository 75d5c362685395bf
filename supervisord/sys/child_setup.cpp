#include "sys/child_setup.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
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

/// Last what may take the number of a descriptor that is needed up to here.
KEEL_IN_CHILD int connect_stdio(ChildSetup& setup)
{
    const int sources[] = {input_fd, output_fd, output_fd};
    for (int target = 0; target < 3; ++target)
        if (::syscall(SYS_dup3, sources[target], target, 0) < 0) return errno;
    if (setup.show_ready_at == 0) return 0;
    if (setup.show_ready_at == ready_fd) return outcome(::syscall(SYS_fcntl, ready_fd, F_SETFD, 0));
    return outcome(::syscall(SYS_dup3, ready_fd, setup.show_ready_at, 0));
}

/// The errno of a change that may not fail.
KEEL_IN_CHILD int changed(Change change, long result)
{
    return change == Change::required ? outcome(result) : 0;
}

KEEL_IN_CHILD int write_oom_score(const ChildLimits& wanted)
{
    const int fd = static_cast<int>(
        ::syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0));
    if (fd < 0) return errno;
    const int failure =
        outcome(::syscall(SYS_write, fd, wanted.oom_score.data(), wanted.oom_score.size()));
    ::syscall(SYS_close, fd);
    return wanted.change_oom_score == Change::required ? failure : 0;
}

KEEL_IN_CHILD int take_limits(ChildSetup& setup)
{
    const ChildLimits& wanted = *setup.limits;
    const ProcessLimit* const limits = wanted.limits.data();
    for (std::size_t i = 0; i < wanted.limits.size(); ++i)
        if (::syscall(SYS_prlimit64, 0, limits[i].resource, &limits[i].value, nullptr) < 0)
            return errno;
    const rlimit brand{setup.brand, setup.brand};
    if (setup.brand != 0) ::syscall(SYS_prlimit64, 0, RLIMIT_LOCKS, &brand, nullptr);
    ::syscall(SYS_umask, wanted.umask);
    int failure = 0;
    if (wanted.change_nice != Change::none)
        failure =
            changed(wanted.change_nice, ::syscall(SYS_setpriority, PRIO_PROCESS, 0, wanted.nice));
    if (failure == 0 && wanted.change_processors != Change::none)
        failure = changed(wanted.change_processors,
                          ::syscall(SYS_sched_setaffinity, 0, wanted.processors.size(),
                                    wanted.processors.data()));
    if (failure == 0 && wanted.change_oom_score != Change::none) failure = write_oom_score(wanted);
    return failure;
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

KEEL_IN_CHILD void write_pid(char* text, int pid)
{
    char digits[pid_text_size];
    std::size_t count = 0;
    for (; pid > 0; pid /= 10)
        digits[count++] = static_cast<char>('0' + pid % 10);
    while (count > 0)
        *text++ = digits[--count];
    *text = 0;
}

KEEL_IN_CHILD int execute(ChildSetup& setup)
{
    if (setup.pid_text != nullptr) write_pid(setup.pid_text, setup.hello.pid);
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
    {SetupStage::limits, take_limits},
    {SetupStage::directory, change_directory},
    {SetupStage::credentials, take_credentials},
    {SetupStage::exec, execute},
};

/// Runs in the engine when its keeper died: gives an orderly end ten seconds.
void on_keeper_death(int) { ::alarm(10); }

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
