#include "deploy/jail.hpp"

#include "base/owned_fd.hpp"
#include "base/text.hpp"
#include "deploy/failed.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

namespace keel::deploy {
namespace {

constexpr int watch_every = 200; // milliseconds

// An answer begins with '+'; a failure with its Fault as a digit, then errno in four digits.
constexpr char good = '+';
constexpr std::size_t failure_head = 5;

std::string to_answer(const Failed& failed)
{
    return fmt::format("{}{:04}{}", static_cast<int>(failed.fault()),
                       std::clamp(failed.errno_value(), 0, 9999), failed.what());
}

[[noreturn]] void throw_answer(const std::string& answer)
{
    const auto digit = [&](std::size_t at) { return std::clamp(answer[at] - '0', 0, 9); };
    const auto fault = static_cast<Fault>(std::min(digit(0), static_cast<int>(Fault::host)));
    const int number = digit(1) * 1000 + digit(2) * 100 + digit(3) * 10 + digit(4);
    throw Failed(fault, printable(answer.substr(failure_head), report_what_bytes_max), number);
}

struct Unmap {
    void operator()(Counters* counters) const { ::munmap(counters, sizeof(Counters)); }
};
using SharedCounters = std::unique_ptr<Counters, Unmap>;

SharedCounters share_counters()
{
    void* memory = ::mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) fail_by_errno("mmap");
    return SharedCounters(new (memory) Counters);
}

std::string answer_of(const std::function<std::string(Counters&)>& job, Counters& counters)
{
    try {
        return good + job(counters);
    } catch (const Failed& failed) {
        return to_answer(failed);
    } catch (const std::bad_alloc&) {
        return to_answer(Failed(Fault::release, "reading it takes more memory than is allowed"));
    } catch (const std::exception& error) {
        return to_answer(Failed(Fault::host, error.what()));
    }
}

/// Never returns to what the parent is doing.
[[noreturn]] void live_in_jail(Jail jail, pid_t parent, int out,
                               const std::function<std::string(Counters&)>& job, Counters& counters)
{
    jail.descriptors.push_back(out);
    std::string answer = answer_of(
        [&](Counters& own) {
            enter_jail(jail);
            // Becoming another user has cleared it, so it comes last.
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::getppid() != parent) ::_exit(1);
            return job(own);
        },
        counters);
    answer.resize(std::min(answer.size(), answer_bytes_max));
    // Fits into a pipe at once. Who does not read it any more has no use for it.
    [[maybe_unused]] const auto ignored = ::write(out, answer.data(), answer.size());
    ::_exit(0);
}

/// Until the child has no more to say, or is gone.
std::string listen(int in, const std::function<void()>& watch)
{
    std::string answer;
    std::array<char, answer_bytes_max> bytes{};
    while (answer.size() < answer_bytes_max) {
        pollfd ready{in, POLLIN, 0};
        if (::poll(&ready, 1, watch_every) <= 0) {
            watch();
            continue;
        }
        const ssize_t count = ::read(in, bytes.data(), answer_bytes_max - answer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        answer.append(bytes.data(), static_cast<std::size_t>(count));
    }
    return answer;
}

std::string how_it_ended(int status)
{
    if (WIFEXITED(status)) return fmt::format("exit {}", WEXITSTATUS(status));
    const char* name = ::sigabbrev_np(WTERMSIG(status));
    return fmt::format("SIG{}", name != nullptr ? name : "?");
}

std::string sentence_of_end(int status)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        return "reading it takes more processor time than is allowed";
    return "the process that does it has ended: " + how_it_ended(status);
}

/// A parser that crashes has met something that was made for it; one that is killed has not.
Fault fault_of_end(int status, bool unpacks)
{
    const bool is_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (is_killed || !WIFSIGNALED(status)) return Fault::host;
    return unpacks ? Fault::release : Fault::source;
}

} // namespace

std::string run_jailed(const Jail& jail, const std::function<std::string(Counters&)>& job,
                       const std::function<void(const Counters&)>& watch)
{
    const SharedCounters counters = share_counters();
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail_by_errno("pipe");
    OwnedFd in(ends[0]);
    OwnedFd out(ends[1]);
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) fail_by_errno("fork");
    if (child == 0) live_in_jail(jail, parent, out.get(), job, *counters);
    out.reset();

    const std::string answer = listen(in.get(), [&] { watch(*counters); });
    int status = 0;
    // It has ended, or is about to, or has been taken over and hangs.
    ::kill(child, SIGKILL);
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR) fail_by_errno("wait for the child");
    watch(*counters);
    if (!answer.empty() && answer.front() == good) return answer.substr(1);
    if (answer.size() >= failure_head) throw_answer(answer);
    throw Failed(fault_of_end(status, jail.directory >= 0), sentence_of_end(status));
}

} // namespace keel::deploy
