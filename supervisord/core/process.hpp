// What the kernel can say about a process, in Keel's words: how it ended, how its set-up failed,
// whether its tree is empty.
#pragma once
#include "base/enum_names.hpp"
#include "base/text.hpp"

#include <cstdint>
#include <string>

namespace keel::core {

using keel::to_text; // durations, beside the overloads for core's own types

/// How a process ended. `unknown`: it ended while nobody was there to be told.
struct ExitStatus {
    enum class Kind : std::uint8_t { code, signal, unknown } kind = Kind::code;
    int number = 0;           ///< exit code or signal number; 0 if unknown
    bool core_dumped = false; ///< signal only
    bool oom_killed = false;  ///< SIGKILL only: it is the kernel's, for want of memory
    friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

/// `exit 1`, `SIGSEGV (core dumped)`, `OOM-killed`, `ended unseen`.
std::string to_text(const ExitStatus&);

/// `SIGTERM` for 15; `signal 99` for a number without a name.
std::string signal_name(int number);

/// From waitpid's status word.
ExitStatus exit_status_from_wait(int wait_status);

/// Steps of preparing a child between clone and exec, in the order in which they are taken.
/// `user`, `environment`, `descriptors` and `processes` fail before the clone, and so does
/// `resources`: the control group that the unit asks for. `lost`: it is not known whether the spawn
/// happened, because the engine died in between, but nothing of it lives.
enum class SetupStage : std::uint8_t {
    user,
    environment,
    descriptors,
    processes,
    clone,
    hello,
    session,
    stdio,
    limits,
    directory,
    credentials,
    exec,
    lost,
    resources ///< last, since journals count by number
};

/// Whether processes of a spawn other than the one that just ended are known to live.
enum class TreeState : std::uint8_t { empty, alive };

} // namespace keel::core

namespace keel {
template <>
inline constexpr std::array names_of<core::SetupStage> = std::to_array<std::string_view>(
    {"user", "environment", "descriptors", "processes", "clone", "hello", "session", "stdio",
     "limits", "directory", "credentials", "exec", "lost", "resources"});
} // namespace keel
