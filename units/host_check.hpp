// What a unit needs of the host it runs on: its program, its directory, its user and group, what
// its [resources] take.
//
// Separate from loading, so that a missing program never keeps other units down: it is a problem
// for `keel check` and `keel apply`, and a failed spawn at start. Only looks, changes nothing; may
// block on the disk and on the user database.
#pragma once
#include "units/daemon_file.hpp"
#include "units/loader.hpp"
#include "units/resources.hpp"

#include <optional>
#include <string>
#include <vector>

namespace keel::units {

/// Problems of a loaded unit with this host, at the positions of its keys. Of a unit that has other
/// problems, what could be read is checked.
struct HostFacts {
    std::string runtime_dir; ///< what {runtime_dir} stands for
    ControlGroups control_groups;
};
std::vector<Problem> check_host(const LoadedUnit& unit, const HostFacts& facts);

/// What is no mistake, but not as the unit has it on this host either: there is no journal that its
/// output could go to.
std::vector<Problem> notes_of_host(const LoadedUnit& unit, const std::string& journal_socket);

/// The same of keel.toml: whether its groups, its files of secrets and its programs are there.
std::vector<Problem> check_host(const LoadedDaemon& daemon);

/// Where a program would be found: itself if it has a slash (below `directory` if it is relative),
/// else searched in the colon-separated `path`. The problem, if nothing executable is there.
std::optional<Mistake> check_program(const std::string& program, const std::string& path,
                                     const std::string& directory);

} // namespace keel::units
