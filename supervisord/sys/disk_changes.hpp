// Which units stand otherwise on the disk than they are in force: their files, drop-ins, what
// keel.toml lays under them, their environment files.
//
// Each look asks for the times of all files, and reads them only if one of these is new since the
// last look. It blocks on the disk, so it is never used on the loop's thread, and by one thread at
// a time. Nothing wakes it, and without a look it costs nothing.
#pragma once
#include "sys/generations.hpp"
#include "sys/paths.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace keel::sys {

class DiskChanges {
public:
    explicit DiskChanges(Paths paths);

    /// By name; units that are not in force yet are among them, and such as are gone from the disk.
    [[nodiscard]] const std::set<std::string>& look();

private:
    [[nodiscard]] std::uint64_t fingerprint() const;
    void compare();

    const Paths paths_;
    const Generations generations_;
    std::vector<std::string> environment_files_; ///< of the units on the disk
    std::set<std::string> changed_;
    std::uint64_t compared_at_ = 0; ///< fingerprint; 0: none
};

} // namespace keel::sys
