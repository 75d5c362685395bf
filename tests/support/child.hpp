// For tests: a process that is forked here and does not outlive its test.
#pragma once
#include <csignal>
#include <functional>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace keel::test {

/// A process of this test, killed with it. Forked without threads, as sanitizers want it.
class Child {
public:
    explicit Child(const std::function<void()>& body) : pid_(::fork())
    {
        EXPECT_GE(pid_, 0);
        if (pid_ != 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        body();
        ::_exit(0);
    }
    ~Child() { kill(); }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    void kill()
    {
        const pid_t pid = std::exchange(pid_, -1);
        if (pid <= 0) return;
        ::kill(pid, SIGKILL);
        EXPECT_EQ(pid, ::waitpid(pid, nullptr, 0));
    }

private:
    pid_t pid_;
};

} // namespace keel::test
