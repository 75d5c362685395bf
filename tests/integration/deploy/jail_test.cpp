// The jail from inside, and what becomes of jobs that do not end well.
#include "deploy/failed.hpp"
#include "deploy/jail.hpp"
#include "deploy/limits.hpp"
#include "tests/integration/deploy/release_fixture.hpp"

#include <csignal>
#include <linux/landlock.h>
#include <sys/resource.h>
#include <sys/syscall.h>

namespace keel::deploy {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string run(const std::function<std::string(Counters&)>& job, int directory = -1)
{
    return run_jailed({directory, {}}, job, [](const Counters&) {});
}

/// How this job fails when it is done for an archive.
Failed failure_of(const std::function<std::string(Counters&)>& job)
{
    const test::TempDir dir;
    const OwnedFd directory(::open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    try {
        (void)run(job, directory.get());
    } catch (const Failed& failed) {
        return failed;
    }
    ADD_FAILURE() << "it did not fail";
    return {Fault::host, "it did not fail"};
}

Fault fault_of(const std::function<std::string(Counters&)>& job) { return failure_of(job).fault(); }

TEST(Jail, TellsWhatItsJobReturns)
{
    EXPECT_EQ(run([](Counters&) { return std::string("answer"); }), "answer");
    EXPECT_EQ(run([](Counters&) { return std::string(10'000, 'x'); }).size(), answer_bytes_max - 1);
    std::uint64_t seen = 0;
    (void)run_jailed(
        {},
        [](Counters& counters) {
            counters.bytes = 7;
            return std::string();
        },
        [&](const Counters& counters) { seen = counters.bytes; });
    EXPECT_EQ(seen, 7U);
}

TEST(Jail, PassesAFailureOnAsItIs)
{
    try {
        (void)run(
            [](Counters&) -> std::string { throw Failed(Fault::source, "so it is\x1b", ENOSPC); });
        FAIL();
    } catch (const Failed& failed) {
        EXPECT_EQ(failed.fault(), Fault::source);
        EXPECT_STREQ(failed.what(), "so it is\\x1b");
        EXPECT_TRUE(failed.is_full());
    }
}

TEST(Jail, BlamesTheArchiveForACrashAndForGreed)
{
    EXPECT_EQ(fault_of([](Counters&) -> std::string {
                  std::signal(SIGSEGV, SIG_DFL);
                  ::raise(SIGSEGV);
                  return {};
              }),
              Fault::release);
    EXPECT_EQ(fault_of([](Counters&) -> std::string { throw std::bad_alloc(); }), Fault::release);
}

TEST(Jail, BlamesTheArchiveForTheTimeThatItTakes)
{
    const Failed failed = failure_of([](Counters&) -> std::string {
        // All but the last second of it is over.
        const auto gone = static_cast<rlim_t>(unpack_processor_time_max.count()) - 1;
        rlimit time{};
        if (::getrlimit(RLIMIT_CPU, &time) != 0) return "getrlimit";
        time = {time.rlim_cur - gone, time.rlim_max - gone};
        if (::setrlimit(RLIMIT_CPU, &time) != 0) return "setrlimit";
        for (volatile int turns = 0;;)
            turns = turns + 1;
    });
    EXPECT_EQ(failed.fault(), Fault::release);
    EXPECT_STREQ(failed.what(), "reading it takes more processor time than is allowed");
}

TEST(Jail, BlamesTheHostForAKill)
{
    EXPECT_EQ(fault_of([](Counters&) -> std::string {
                  ::raise(SIGKILL);
                  return {};
              }),
              Fault::host);
    EXPECT_EQ(fault_of([](Counters&) -> std::string { ::_exit(0); }), Fault::host);
}

TEST(Jail, DoesNotWaitForAChildThatHangsOnceItHasAnswered)
{
    EXPECT_THROW((void)run([](Counters&) -> std::string {
                     ::close_range(3, ~0U, 0); // its answer's way too
                     for (;;)
                         ::pause();
                 }),
                 Failed);
}

/// What `job` says in a process of another user, or of this one if it is not root.
std::string as_nobody_special(const test::TempDir& dir, const std::function<std::string()>& job)
{
    constexpr uid_t user = 64321;
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const OwnedFd in(ends[0]);
    OwnedFd out(ends[1]);
    const bool is_root = ::geteuid() == 0;
    if (is_root) {
        EXPECT_EQ(::chown(dir.path().c_str(), user, user), 0);
    }
    const pid_t pid = ::fork();
    if (pid == 0) {
        std::string said = "cannot change user";
        if (!is_root || (::setgid(user) == 0 && ::setuid(user) == 0)) said = job();
        [[maybe_unused]] const auto ignored = ::write(out.get(), said.data(), said.size());
        ::_exit(0);
    }
    out.reset();
    std::array<char, 512> bytes{};
    const ssize_t count = ::read(in.get(), bytes.data(), bytes.size());
    EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
    return {bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
}

TEST(Jail, WithoutRootCanChangeNothingButItsDirectory)
{
    const long version =
        ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 2) GTEST_SKIP() << "this kernel has no Landlock that will do";
    const test::TempDir dir;
    const std::string said = as_nobody_special(dir, [&] {
        ::mkdir((dir / "inside").c_str(), 0755);
        ::mkdir((dir / "outside").c_str(), 0755);
        test::write_file(dir / "outside/file", "as it was");
        const OwnedFd directory(
            ::open((dir / "inside").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        const auto tries = [&](Counters&) {
            const auto error = [](int answer) { return answer < 0 ? errno : 0; };
            const std::string outside = dir / "outside/file";
            std::string all;
            all += std::to_string(error(::open("in", O_WRONLY | O_CREAT | O_EXCL, 0600))) + " ";
            all += std::to_string(error(::mkdir("d", 0700))) + " ";
            all += std::to_string(error(::link("in", "d/again"))) + " ";
            all += std::to_string(error(::truncate("in", 1))) + " ";
            all += std::to_string(error(::open(outside.c_str(), O_WRONLY))) + " ";
            all += std::to_string(error(::unlink(outside.c_str()))) + " ";
            all += std::to_string(error(::mkdir("../outside/d", 0700)));
            if (version >= 3) all += " " + std::to_string(error(::truncate(outside.c_str(), 0)));
            return all;
        };
        try {
            return run(tries, directory.get());
        } catch (const Failed& failed) {
            return std::string(failed.what());
        }
    });
    const std::string refused = version < 3 ? "13 13 13" : "13 13 13 13";
    EXPECT_EQ(said, "0 0 0 0 " + refused) << "EACCES outside";
    EXPECT_EQ(test::read_file(dir / "outside/file"), "as it was");
}

} // namespace
} // namespace keel::deploy
