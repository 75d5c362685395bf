// Descriptors that name processes, and what the kernel says through them.
//
// A process is signalled through its pidfd only, so that a reused pid is never hit. Where only a
// ProcessIdentity is known, the pidfd is opened first and the start time checked after: once both
// agree, the descriptor means that process for good.
#pragma once
#include "base/owned_fd.hpp"
#include "core/process.hpp"
#include "ports/spawner.hpp"

#include <cstdint>
#include <optional>

namespace keel::sys {

/// Field 22 of /proc/PID/stat; nothing if there is no such process.
[[nodiscard]] std::optional<std::uint64_t> start_ticks_of(pid_t pid);

/// Opens the process if it still is the one meant, dead or alive; empty otherwise.
[[nodiscard]] OwnedFd open_pidfd(const ports::ProcessIdentity& process);

/// False with errno if it could not be sent.
bool send_signal(const OwnedFd& pidfd, int signal_number);

/// How a process that is not our child ended, once its pidfd has become readable: from
/// PIDFD_GET_INFO if `ask_pidfd` and the kernel has it, else from the zombie's /proc entry, else
/// `unknown`.
enum class AskPidfd : std::uint8_t { yes, no };
[[nodiscard]] core::ExitStatus end_of(const ports::ProcessIdentity& process, const OwnedFd& pidfd,
                                      AskPidfd ask_pidfd);

} // namespace keel::sys
