// How far keel-release has come, as a small file that it replaces now and then, and how it ends.
//
// The file holds lines `key value` with one blank between them, each key at most once:
//
//     step download                what is being done, a name of Step
//     bytes 1048576                done in this step
//     total 4194304                of this step, if it is known
//     entries 12                   unpacked so far
//     state running                running, done or failed
//     fault source                 if it failed: source, release or host
//     what the server says no      if it failed: one line, printable
//
// It is replaced as a whole by a rename, never synchronised to a disk, and must be taken for what
// it is: a view for people. What counts is the exit code. Not JSON, as seven lines need no library.
#pragma once
#include "base/enum_names.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace keel::deploy {

/// Whose fault a failure is, which says what to do about it: wait for the source, mend the release,
/// or see to this host.
enum class Fault : std::uint8_t { source, release, host };

enum class RunState : std::uint8_t { running, done, failed };

enum class Step : std::uint8_t {
    starting, ///< also: a step that this version does not know
    checksums,
    download,
    copy,
    pack,
    verify, ///< a digest is computed
    check,  ///< the archive is read to its end, and nothing is written
    unpack,
    settle, ///< owners, modes, and all of it to the disk
    point,
    remove,
};

struct ReleaseReport {
    Step step = Step::starting;
    std::uint64_t bytes = 0;
    std::optional<std::uint64_t> total;
    std::uint64_t entries = 0;
    RunState state = RunState::running;
    std::optional<Fault> fault;
    std::string what;
    friend bool operator==(const ReleaseReport&, const ReleaseReport&) = default;
};

inline constexpr std::size_t report_bytes_max = 2048;
inline constexpr std::size_t report_what_bytes_max = 1024;

/// At most report_bytes_max bytes.
[[nodiscard]] std::string to_text(const ReleaseReport& report);
/// What cannot be read is left out: an unknown key, a bad number, a line without an end.
[[nodiscard]] ReleaseReport parse_release_report(std::string_view text);
/// None: there is no file, or nothing in it.
[[nodiscard]] std::optional<ReleaseReport> read_release_report(const std::string& path);

/// How keel-release exits. Any other end is a fault of the host.
enum class ReleaseExit : std::uint8_t { done = 0, usage = 2, source = 3, release = 4, host = 5 };
[[nodiscard]] ReleaseExit exit_of(Fault fault);
/// Whose fault it was by the exit code; none for done.
[[nodiscard]] std::optional<Fault> fault_of_exit(int code);

} // namespace keel::deploy

namespace keel {
template <>
inline constexpr std::array
    names_of<deploy::Fault> = std::to_array<std::string_view>({"source", "release", "host"});
template <>
inline constexpr std::array
    names_of<deploy::RunState> = std::to_array<std::string_view>({"running", "done", "failed"});
template <>
inline constexpr std::array names_of<deploy::Step> =
    std::to_array<std::string_view>({"starting", "checksums", "download", "copy", "pack", "verify",
                                     "check", "unpack", "settle", "point", "remove"});
} // namespace keel
