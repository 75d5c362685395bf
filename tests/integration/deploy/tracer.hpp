// Runs a program with all its children and stops it at one of the system calls that change a disk:
// there it can be looked at, or killed as by `kill -9`.
//
// Deterministic, and without a word in the program itself. x86-64 and arm64 alike, as the kernel
// tells the numbers of calls in one form (PTRACE_GET_SYSCALL_INFO).
#pragma once
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <set>
#include <string>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace keel::test {

class Tracer {
public:
    /// At the entry of such a call: the process, the call, and how many there were before. True:
    /// the program is to be killed now.
    using AtCall = std::function<bool(pid_t process, std::uint64_t call, int before)>;

    Tracer(std::vector<std::string> words, AtCall at_call) : at_call_(std::move(at_call))
    {
        main_ = ::fork();
        if (main_ == 0) begin(std::move(words));
    }

    /// True: it came to its end by itself, and `code` is its exit code.
    bool run(int& code)
    {
        int status = 0;
        ::waitpid(main_, &status, 0);
        const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE |
                             PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
        ::ptrace(PTRACE_SETOPTIONS, main_, nullptr, options);
        ::ptrace(PTRACE_SYSCALL, main_, nullptr, nullptr);
        // All of them, and nobody else: they are one group of processes.
        for (pid_t one = 0; (one = ::waitpid(-main_, &status, __WALL)) > 0 || errno == EINTR;) {
            if (one < 0) continue;
            if (one == main_ && WIFEXITED(status)) code = WEXITSTATUS(status);
            if (WIFSTOPPED(status)) stopped(one, status);
        }
        return !killed_;
    }

    [[nodiscard]] bool was_in_child() const { return in_child_; }

private:
    [[noreturn]] static void begin(std::vector<std::string> words)
    {
        ::setpgid(0, 0);
        ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        std::vector<char*> arguments;
        for (std::string& word : words)
            arguments.push_back(word.data());
        arguments.push_back(nullptr);
        ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1); // which would trace as well
        const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
        ::dup2(nowhere, STDERR_FILENO);
        ::raise(SIGSTOP);
        ::execv(arguments[0], arguments.data());
        ::_exit(127);
    }

    void stopped(pid_t one, int status)
    {
        int signal = WSTOPSIG(status);
        if (signal == (SIGTRAP | 0x80)) {
            if (!killed_ && is_change(one) && at_call_(one, call_, count_++)) {
                killed_ = true;
                in_child_ = one != main_;
                ::kill(main_, SIGKILL);
            }
            signal = 0;
        }
        // Their own of tracing, not to be passed on.
        if (signal == SIGTRAP || signal == SIGSTOP) signal = 0;
        ::ptrace(PTRACE_SYSCALL, one, nullptr, static_cast<long>(signal));
    }

    bool is_change(pid_t one)
    {
        __ptrace_syscall_info info{};
        ::ptrace(PTRACE_GET_SYSCALL_INFO, one, sizeof(info), &info);
        if (info.op != PTRACE_SYSCALL_INFO_ENTRY) return false;
        static const std::set<std::uint64_t> changes{
            SYS_openat,  SYS_openat2,  SYS_write,     SYS_pwrite64, SYS_ftruncate,
            SYS_mkdirat, SYS_renameat, SYS_renameat2, SYS_unlinkat, SYS_symlinkat,
            SYS_linkat,  SYS_fsync,    SYS_syncfs,    SYS_fchmod,   SYS_fchmodat,
            SYS_fchown,  SYS_fchownat, SYS_utimensat, SYS_clone,
#ifdef SYS_mkdir
            SYS_mkdir,   SYS_rename,
#endif
        };
        call_ = info.entry.nr;
        // Most are the loader's, looking for libraries.
        if (call_ == SYS_openat && (info.entry.args[2] & O_CREAT) == 0) return false;
        return changes.contains(call_);
    }

    pid_t main_ = -1;
    AtCall at_call_;
    std::uint64_t call_ = 0;
    int count_ = 0;
    bool killed_ = false;
    bool in_child_ = false;
};

} // namespace keel::test
