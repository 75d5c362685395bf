// A child process for what must touch bytes of strangers: a download, and the reading of an
// archive.
//
// It has the descriptors that it was given and standard error, no privileges, no way to get any,
// and limits on memory, files and processor time. As root it is nobody (65534) without groups and
// capabilities, and for unpacking its root directory is the one that it writes to. Without root it
// stays who it is; that no file can be written elsewhere is then Landlock's part, where the kernel
// has it. It dies with its parent. What it answers is a few bytes, which the parent does not trust.
#pragma once
#include "deploy/counters.hpp"

#include <functional>
#include <string>
#include <vector>

namespace keel::deploy {

struct Jail {
    /// What the child may write to and is shut into; -1: it downloads, and may read what everybody
    /// may, for names of hosts and certificates.
    int directory = -1;
    std::vector<int> descriptors; ///< that it keeps, under the same numbers
};

inline constexpr std::size_t answer_bytes_max = 2048;

/// Who the child is, as long as this process is root.
inline constexpr unsigned nobody = 65534;

/// Runs `job` in a child and tells what it returns, at most answer_bytes_max bytes. If it throws
/// Failed, so does this. `watch` is called about five times a second meanwhile.
[[nodiscard]] std::string run_jailed(const Jail& jail,
                                     const std::function<std::string(Counters&)>& job,
                                     const std::function<void(const Counters&)>& watch);

/// Makes this process such a child. Throws Failed with Fault::host.
void enter_jail(const Jail& jail);

} // namespace keel::deploy
