// A process's output straight into systemd's journal, as systemd connects a service's: a stream to
// journald, so that nothing of Keel's stands between the two, whatever ends.
//
// What is sent first says whose lines follow: seven lines, each ended by a newline.
//
//   1 identifier   what the journal shows before each line, and `journalctl -t` selects by
//   2 unit         of systemd; empty: the journal finds it out by the process's cgroup
//   3 priority     of lines that say none: 6, informational
//   4 prefixes     1: `<3>` at the beginning of a line is its priority, and is taken off
//   5 to 7         passed on to syslog, to the kernel's log, to the console: 0
//
// Rejected: passing lines on ourselves. It would cost a copy of each, they would seem to be ours,
// and they would wait while no engine runs.
#pragma once
#include "base/owned_fd.hpp"
#include "base/result.hpp"

#include <filesystem>
#include <string_view>

namespace keel::sys {

/// Connects without waiting; the descriptor, to write to only, blocks, as programs expect of their
/// output.
[[nodiscard]] Result<OwnedFd> connect_to_journal(const std::filesystem::path& socket,
                                                 std::string_view identifier);

} // namespace keel::sys
