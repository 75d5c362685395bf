#include "sys/cloner.hpp"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

namespace keel::sys {

namespace {

constexpr std::size_t stack_size = 64U << 10, guard_size = 4096;

/// All signals, also those that glibc keeps to itself, wait while the child runs in our memory.
class SignalsBlocked {
public:
    SignalsBlocked()
    {
        const std::uint64_t all = ~std::uint64_t{0};
        ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &saved_, sizeof all);
    }
    ~SignalsBlocked()
    {
        ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &saved_, nullptr, sizeof saved_);
    }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

private:
    std::uint64_t saved_ = 0;
};

#if defined(__x86_64__)
constexpr bool has_clone3 = true;

/// The system call, after which the child goes on in `entry(argument)` and we return. It has to be
/// made here: a function that returned in the child would do so on a stack that is not there.
long clone3_into(const clone_args& arguments, int (*entry)(void*), void* argument)
{
    long result = SYS_clone3;
    asm volatile("syscall\n\t"
                 "test %%rax, %%rax\n\t"
                 "jnz 1f\n\t"
                 "mov %[argument], %%rdi\n\t"
                 "call *%[entry]\n\t"
                 "hlt\n"
                 "1:"
                 : "+a"(result)
                 : "D"(&arguments),
                   "S"(sizeof arguments), [entry] "b"(entry), [argument] "d"(argument)
                 : "rcx", "r11", "memory", "cc");
    if (result >= 0) return result;
    errno = static_cast<int>(-result);
    return -1;
}
#else
constexpr bool has_clone3 = false;
long clone3_into(const clone_args&, int (*)(void*), void*)
{
    errno = ENOSYS;
    return -1;
}
#endif

} // namespace

Cloner::Cloner(Method method) : method_(method)
{
    // A call that cannot succeed tells whether it is there, or kept away by a container's filter.
    if (!has_clone3 || (::syscall(SYS_clone3, nullptr, 0) < 0 && errno != EINVAL))
        method_ = Method::clone;
    void* memory = ::mmap(nullptr, guard_size + stack_size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "stack");
    stack_ = static_cast<char*>(memory);
    ::mprotect(stack_, guard_size, PROT_NONE);
    // A call without effect tells whether the child will be able to leave a shared table.
    if (::syscall(SYS_close_range, ~0U, ~0U, 0) == 0) share_files_ = CLONE_FILES;
}

Cloner::~Cloner() { ::munmap(stack_, guard_size + stack_size); }

Cloner::Child Cloner::run(ChildSetup& setup, int cgroup_directory)
{
    const SignalsBlocked blocked;
    const int dumpable = ::prctl(PR_GET_DUMPABLE);
    setup.leave_shared_descriptors = share_files_ != 0;
    const Child child =
        method_ == Method::clone3 ? by_clone3(setup, cgroup_directory) : by_clone(setup);
    // A child that changed its user in our memory made us undumpable: no core, no /proc access.
    if (setup.has_credentials && dumpable == 1) ::prctl(PR_SET_DUMPABLE, 1);
    return child;
}

Cloner::Child Cloner::by_clone3(ChildSetup& setup, int cgroup_directory)
{
    int pidfd = -1;
    clone_args arguments{};
    arguments.flags = CLONE_VM | CLONE_VFORK | CLONE_PARENT | CLONE_PIDFD | share_files_;
    arguments.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
    arguments.stack = reinterpret_cast<std::uint64_t>(stack_ + guard_size);
    arguments.stack_size = stack_size;
    if (cgroup_directory >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = static_cast<std::uint64_t>(cgroup_directory);
    }
    const long pid = clone3_into(arguments, child_main, &setup);
    if (pid < 0) return {-1, -1, errno};
    return {static_cast<pid_t>(pid), pidfd, 0};
}

Cloner::Child Cloner::by_clone(ChildSetup& setup)
{
    int pidfd = -1;
    const int flags =
        CLONE_VM | CLONE_VFORK | CLONE_PARENT | CLONE_PIDFD | static_cast<int>(share_files_);
    const int pid = ::clone(child_main, stack_ + guard_size + stack_size, flags, &setup, &pidfd);
    if (pid < 0) return {-1, -1, errno};
    return {pid, pidfd, 0};
}

} // namespace keel::sys
