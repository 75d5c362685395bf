// What a child does to itself between the clone and its program: an ordered list of named stages.
//
// The child shares the engine's memory until its exec, while the engine's thread waits, so a
// failing stage and its errno come back through the same structure that told the child what to do.
// In the child nothing may allocate, lock, or touch more than its own stack and that structure; the
// kernel is called directly, since glibc's setuid and friends would act on the engine's threads.
//
// The descriptor table is shared as well: copying it would cost milliseconds with thousands open.
// The child's first act is to take a copy of the descriptors below 10 and leave all others behind.
// What it needs is therefore kept at fixed low numbers, which claim_descriptors() sets aside.
#pragma once
#include "base/result.hpp"
#include "core/process.hpp"
#include "keeper/wire.hpp"
#include "sys/child_limits.hpp"

#include <cstdint>
#include <sys/types.h>

namespace keel::sys {

/// Descriptors with fixed numbers in the engine; wire.hpp names the one that comes from the keeper.
inline constexpr int null_fd = 4;   ///< /dev/null
inline constexpr int output_fd = 5; ///< what the next child writes to
inline constexpr int cgroup_fd = 6; ///< cgroup.procs of the next child, where clone cannot do it
inline constexpr int ready_fd = 7;  ///< by what the next child shows that it is ready
inline constexpr int input_fd = 8;  ///< what the next child reads from
inline constexpr int first_unreserved_fd = 10;

/// Takes numbers 4 to 9 and makes 3 close on exec. To be called before anything else opens
/// descriptors. Also sees to it that an engine that hangs does not outlive its keeper for long.
Result<void> claim_descriptors();

/// Everything that the child reads and writes, prepared so that it only has to make calls.
struct ChildSetup {
    const char* program = nullptr; ///< executed as is, not searched
    char** argv = nullptr;
    char** environment = nullptr;
    char* pid_text = nullptr; ///< where in `environment` the child writes its pid; nullptr: nowhere
    const char* directory = nullptr;
    const ChildLimits* limits = nullptr;
    std::uint64_t brand = 0; ///< for RLIMIT_LOCKS, see process_tree.hpp; 0: none
    bool has_credentials = false;
    uid_t uid = 0;
    gid_t gid = 0;
    const gid_t* groups = nullptr;
    std::size_t group_count = 0;
    bool enter_cgroup = false;            ///< by way of cgroup_fd
    int show_ready_at = 0;                ///< becomes a copy of ready_fd; 0: nothing
    bool leave_shared_descriptors = true; ///< Cloner's business
    wire::Record hello;                   ///< id, text; the child adds pid and start_ticks

    // The child's answer.
    volatile bool failed = false;
    volatile core::SetupStage stage = core::SetupStage::clone;
    volatile int errno_value = 0;
};

/// Room for any pid and the zero behind it.
inline constexpr std::size_t pid_text_size = 12;

/// The child's whole life before exec: takes a ChildSetup, never returns. For Cloner only.
int child_main(void* setup);

} // namespace keel::sys
