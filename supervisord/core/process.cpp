#include "core/process.hpp"

#include <csignal>
#include <cstring>
#include <fmt/format.h>
#include <sys/wait.h>

namespace keel::core {

std::string signal_name(int number)
{
    const char* abbreviation = ::sigabbrev_np(number);
    if (abbreviation == nullptr) return fmt::format("signal {}", number);
    return fmt::format("SIG{}", abbreviation);
}

std::string to_text(const ExitStatus& status)
{
    switch (status.kind) {
    case ExitStatus::Kind::code: return fmt::format("exit {}", status.number);
    case ExitStatus::Kind::signal:
        if (status.oom_killed) return "OOM-killed";
        return signal_name(status.number) + (status.core_dumped ? " (core dumped)" : "");
    case ExitStatus::Kind::unknown: break;
    }
    return "ended unseen";
}

ExitStatus exit_status_from_wait(int wait_status)
{
    if (WIFSIGNALED(wait_status))
        return {ExitStatus::Kind::signal, WTERMSIG(wait_status), WCOREDUMP(wait_status) != 0};
    return {ExitStatus::Kind::code, WEXITSTATUS(wait_status), false};
}

} // namespace keel::core
