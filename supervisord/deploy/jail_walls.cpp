// The walls of the jail, from the inside: what a process gives up for good.
#include "base/owned_fd.hpp"
#include "deploy/failed.hpp"
#include "deploy/jail.hpp"
#include "deploy/limits.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

namespace keel::deploy {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool needs_much_memory = true; // for shadow memory
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool needs_much_memory = true;
#else
constexpr bool needs_much_memory = false;
#endif
#else
constexpr bool needs_much_memory = false;
#endif

void close_all_but(std::vector<int> kept)
{
    std::sort(kept.begin(), kept.end());
    unsigned from = STDERR_FILENO + 1;
    for (const int fd : kept) {
        if (fd < static_cast<int>(from)) continue;
        const auto number = static_cast<unsigned>(fd);
        if (number > from) ::close_range(from, number - 1, 0);
        from = number + 1;
    }
    ::close_range(from, ~0U, 0);
}

/// `beyond`: from where it is told to where it cannot be gone on.
void limit(__rlimit_resource what, std::uint64_t most, std::uint64_t beyond = 0)
{
    // Never more than there was before: only root may raise a limit.
    rlimit value{};
    if (::getrlimit(what, &value) != 0) fail_by_errno("getrlimit");
    value.rlim_max = std::min<rlim_t>(most + beyond, value.rlim_max);
    value.rlim_cur = std::min<rlim_t>(most, value.rlim_max);
    if (::setrlimit(what, &value) != 0) fail_by_errno("setrlimit");
}

void set_limits(bool unpacks)
{
    const Limits limits;
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, 64);
    limit(RLIMIT_FSIZE, unpacks ? limits.unpacked_bytes : limits.archive_bytes);
    if (!needs_much_memory) limit(RLIMIT_AS, unpacks ? unpack_memory_max : download_memory_max);
    // Beyond the limit of files it is an error that a write tells.
    std::signal(SIGXFSZ, SIG_IGN);
    if (!unpacks) return;
    limit(RLIMIT_NPROC, 0);
    // SIGXCPU says what it was; at the hard limit it is SIGKILL, which says nothing. Whoever has
    // taken the process over may ignore the first, but not the second.
    std::signal(SIGXCPU, SIG_DFL);
    limit(RLIMIT_CPU, static_cast<std::uint64_t>(unpack_processor_time_max.count()), 5);
}

// ---- Landlock ----------------------------------------------------------------------------------

constexpr std::uint64_t making = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
                                 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SYM |
                                 LANDLOCK_ACCESS_FS_REFER;
constexpr std::uint64_t changing = making | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                   LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                   LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                                   LANDLOCK_ACCESS_FS_MAKE_BLOCK;
/// LANDLOCK_ACCESS_FS_TRUNCATE, which older headers do not have: truncate() opens nothing. Since
/// version 3; an older kernel refuses a right that it does not know.
constexpr std::uint64_t truncating = 1ULL << 14;

/// Nothing can be changed any more but what is in `directory`. What was opened before stays open.
void forbid_writing_outside(int directory)
{
    // The first version cannot allow a hard link from one directory to another.
    const long version =
        ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 2) return;
    const std::uint64_t cutting = version < 3 ? 0 : truncating;
    landlock_ruleset_attr handled{};
    handled.handled_access_fs = changing | cutting;
    const OwnedFd rules(
        static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0)));
    if (!rules) fail_by_errno("landlock_create_ruleset");
    landlock_path_beneath_attr allowed{};
    allowed.allowed_access = making | cutting;
    allowed.parent_fd = directory;
    if (directory >= 0 &&
        ::syscall(SYS_landlock_add_rule, rules.get(), LANDLOCK_RULE_PATH_BENEATH, &allowed, 0) != 0)
        fail_by_errno("landlock_add_rule");
    if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0)
        fail_by_errno("landlock_restrict_self");
}

// ---- privileges --------------------------------------------------------------------------------

void become_nobody()
{
    if (::setgroups(0, nullptr) != 0) fail_by_errno("setgroups");
    if (::setresgid(nobody, nobody, nobody) != 0) fail_by_errno("setresgid");
    if (::setresuid(nobody, nobody, nobody) != 0) fail_by_errno("setresuid");
}

void drop_capabilities()
{
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const std::array<__user_cap_data_struct, 2> none{};
    if (::syscall(SYS_capset, &header, none.data()) != 0) fail_by_errno("capset");
}

void empty_bounding_set()
{
    // The kernel knows some forty; it says so by refusing the first that it does not know.
    for (int capability = 0; ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0;)
        ++capability;
}

} // namespace

void enter_jail(const Jail& jail)
{
    const bool unpacks = jail.directory >= 0;
    const bool is_root = ::geteuid() == 0;
    auto kept = jail.descriptors;
    if (unpacks) kept.push_back(jail.directory);
    close_all_but(kept);
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail_by_errno("prctl");
    forbid_writing_outside(jail.directory);
    if (unpacks && ::fchdir(jail.directory) != 0) fail_by_errno("fchdir");
    if (unpacks && is_root && ::chroot(".") != 0) fail_by_errno("chroot");
    if (is_root) empty_bounding_set();
    set_limits(unpacks);
    if (is_root) become_nobody();
    drop_capabilities();
    // A process that may be traced or dumped by its user is open to all that runs as nobody.
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

} // namespace keel::deploy
