// Which processes of this host belong to which spawn, where there is no cgroup to ask.
//
// One reading of /proc is a ProcessTable; who owns what in it is decided by a pure function from
// marks that a process can hardly lose all at once: its session and group, its ancestors,
// KEEL_SPAWN in its environment, having been seen as a member before, and a brand.
//
// The brand is the hard limit RLIMIT_LOCKS, which Linux has not enforced since 2.4.25. Every
// descendant inherits it, through double forks, new sessions, cleared environments and exec; only a
// capability could raise it again. Where keeld itself runs under such a limit, it does without.
//
// /proc has no snapshots: a table may miss what was born while it was read, so killing reads again
// until nothing new turns up (kill_members).
#pragma once
#include "base/ids.hpp"
#include "ports/spawner.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace keel::sys {

using ports::ProcessIdentity;

struct ProcessRow {
    ProcessIdentity identity;
    pid_t parent = 0;
    pid_t group = 0;
    pid_t session = 0;
    bool dead = false;           ///< a zombie, or about to vanish
    int exit_status = 0;         ///< of the dead, as wait(2) encodes it
    std::uint64_t cpu_ticks = 0; ///< its own, and of the children that it has waited for
    std::uint64_t resident_pages = 0;
    std::uint64_t spawn_mark = 0; ///< KEEL_SPAWN of our own scope; read for orphans only
    std::uint64_t brand = 0;      ///< RLIMIT_LOCKS, hard; read for orphans only
};

/// What RLIMIT_LOCKS is set to in the children of a spawn; differs between spawns and between
/// keelds, and is smaller than RLIM_INFINITY.
[[nodiscard]] std::uint64_t brand_of(SpawnId id, std::string_view run_dir);

/// Sorted by pid.
using ProcessTable = std::vector<ProcessRow>;

/// The line of /proc/PID/stat, apart from the marks. Nothing if it is not such a line.
[[nodiscard]] std::optional<ProcessRow> parse_stat(std::string_view line);

/// The same for a live system; nothing if there is no such process.
[[nodiscard]] std::optional<ProcessRow> read_process(pid_t pid);

/// Whose processes to look for.
struct TreeScope {
    pid_t keeper = 0;    ///< adopts orphans; it and its ancestors are never members
    pid_t engine = 0;    ///< nor is the engine
    std::string run_dir; ///< KEEL_RUN of our spawns; tells those of another keeld from ours
};

/// Every process there is. Marks are read for those that lost their parent to the keeper or to an
/// ancestor of it; all others are known by their parents.
/// What cannot be read is left out; `shortage` is then told why, if it is still there.
[[nodiscard]] ProcessTable read_process_table(const TreeScope& scope, int* shortage = nullptr);
/// The same, or an Error if some are there that could not be read.
[[nodiscard]] Result<ProcessTable> read_whole_process_table(const TreeScope& scope);

/// One spawn to look for.
struct TreeTarget {
    SpawnId id{};
    ProcessIdentity main;
    std::vector<ProcessIdentity> known; ///< seen as members before
};

/// For every row the index of the target that owns it, or -1. The dead own and are owned, so that
/// the living are found through them.
[[nodiscard]] std::vector<int> owners_in(const ProcessTable& table,
                                         const std::vector<TreeTarget>& targets,
                                         const TreeScope& scope);

/// Whether that one process is the target's, by a reading of it and those it descends from alone.
/// A process that is not there belongs to nobody.
[[nodiscard]] bool owns(const TreeTarget& target, pid_t pid, const TreeScope& scope);

/// Ends every living member of every target: stops what it sees and looks again until nothing new
/// turns up, so that none escapes by forking; kills; and looks once more. Takes as long as that
/// takes, hence not for the loop's thread. On return `known` of each target holds those that are
/// still alive, normally none.
void kill_members(std::vector<TreeTarget>& targets, const TreeScope& scope);

} // namespace keel::sys
