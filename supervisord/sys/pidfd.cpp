#include "sys/pidfd.hpp"

#include "sys/process_tree.hpp"

#include <cerrno>
#include <csignal>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace keel::sys {

namespace {

/// struct pidfd_info of <linux/pidfd.h> as of Linux 6.13, which old headers lack.
struct PidfdInfo {
    std::uint64_t mask = 0;
    std::uint64_t cgroup = 0;
    std::uint32_t ids[11] = {};
    std::int32_t exit_code = 0;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr std::uint64_t info_exit = 1U << 3;

/// The status as wait(2) encodes it. The kernel has it only after the process was reaped.
std::optional<int> status_by_pidfd(const OwnedFd& pidfd)
{
    PidfdInfo info;
    info.mask = info_exit;
    if (::ioctl(pidfd.get(), _IOWR(0xFF, 11, PidfdInfo), &info) != 0) return std::nullopt;
    if ((info.mask & info_exit) == 0) return std::nullopt;
    return info.exit_code;
}

/// The status of a zombie. To strangers the kernel shows 0 in its place, so it is asked only for
/// processes of our own user, or as root.
std::optional<int> status_by_proc(const ports::ProcessIdentity& process)
{
    struct stat owner {};
    const std::string directory = "/proc/" + std::to_string(process.pid);
    if (::stat(directory.c_str(), &owner) != 0) return std::nullopt;
    if (::geteuid() != 0 && owner.st_uid != ::geteuid()) return std::nullopt;
    const auto row = read_process(process.pid);
    if (!row || row->identity != process || !row->dead) return std::nullopt;
    return row->exit_status;
}

} // namespace

std::optional<std::uint64_t> start_ticks_of(pid_t pid)
{
    const auto row = read_process(pid);
    if (!row) return std::nullopt;
    return row->identity.start_ticks;
}

OwnedFd open_pidfd(const ports::ProcessIdentity& process)
{
    OwnedFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
    if (pidfd && start_ticks_of(process.pid) != process.start_ticks) pidfd.reset();
    return pidfd;
}

bool send_signal(const OwnedFd& pidfd, int signal_number)
{
    return ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal_number, nullptr, 0) == 0;
}

core::ExitStatus end_of(const ports::ProcessIdentity& process, const OwnedFd& pidfd,
                        AskPidfd ask_pidfd)
{
    // Zombie first, then reaped: asked in this order, no moment in between is missed.
    auto status = status_by_proc(process);
    if (!status && ask_pidfd == AskPidfd::yes) status = status_by_pidfd(pidfd);
    if (!status) return {core::ExitStatus::Kind::unknown, 0, false};
    return core::exit_status_from_wait(*status);
}

} // namespace keel::sys
