// Whether a process that ended by SIGKILL was killed by the kernel for want of memory.
//
// The kernel counts such kills by control group (`oom_kill` in memory.events), also those for want
// of memory on the whole host, before it sends the signal. It does not say whom it killed: a
// process by whose end the count has grown, and that nobody here has killed, is taken for one of
// them. So a SIGKILL of somebody else's is mistaken only where the kernel has killed another
// process of the same spawn before. Where no memory controller is delegated, nothing can be told.
//
// The files are the kernel's and wait for no disk: a reading takes some microseconds.
#pragma once
#include "core/process.hpp"
#include "sys/cgroup_files.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace keel::sys {

class OomWatch {
public:
    /// None: there are no control groups, and everything is as it was told.
    explicit OomWatch(std::shared_ptr<const CgroupFiles> files) : files_(std::move(files)) {}

    /// How many processes were killed in the group so far; 0 also where that is not counted.
    [[nodiscard]] std::uint64_t kills_in(const std::string& group) const;

    /// `before`: kills_in() when what ended so began in the group. An empty name: it had none.
    [[nodiscard]] core::ExitStatus decode(core::ExitStatus status, const std::string& group,
                                          std::uint64_t before) const;

private:
    std::shared_ptr<const CgroupFiles> files_;
};

} // namespace keel::sys
