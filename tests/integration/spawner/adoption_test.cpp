// No end of a process is lost, doubled or invented, whoever dies when.
#include "host.hpp"

#include "sys/pidfd.hpp"
#include "sys/process_tree.hpp"

#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <set>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

namespace keel::test {
namespace {

std::string hang(const Host& host) { return host.puppet() + " hang"; }

/// `ID:PID:TICKS`, as a state journal would tell the next engine.
std::string journal_entry(const Words& spawned)
{
    return spawned.at(1) + ":" + spawned.at(2) + ":" + spawned.at(3);
}

bool kernel_is_at_least(int major, int minor)
{
    utsname system{};
    ::uname(&system);
    char* dot = nullptr;
    const long has_major = std::strtol(system.release, &dot, 10);
    const long has_minor = *dot == '.' ? std::strtol(dot + 1, nullptr, 10) : 0;
    return has_major > major || (has_major == major && has_minor >= minor);
}

TEST(Adoption, FindsTheChildrenOfADeadEngine)
{
    Host host;
    host.start_keeper();
    EngineLink first = host.engine();
    first.tell("adopt");
    first.tell("spawn 3 - " + hang(host));
    const Words spawned = first.await("spawned 3");
    ::kill(first.pid, SIGKILL);
    EngineLink second = host.engine();
    second.tell("adopt");
    const Words survivor{"survivor", "3", spawned.at(2), spawned.at(3), "unit", "3"};
    EXPECT_EQ(second.next(), survivor);
    EXPECT_EQ(second.next(), Words{"adopted"});
    second.tell("signal 3 15");
    second.await("exit 3 SIGTERM empty");
}

TEST(Adoption, KeepsEndsUntilTheyAreAcknowledged)
{
    Host host;
    host.start_keeper();
    EngineLink first = host.engine();
    first.tell("adopt");
    first.tell("spawn 1 - " + host.puppet() + " exit 33");
    first.await("exit 1 exit_33");
    first.tell("spawn 2 - " + host.puppet() + " raise 11");
    first.await("exit 2 SIGSEGV");
    ::kill(first.pid, SIGKILL);

    EngineLink second = host.engine();
    second.tell("adopt");
    second.await("adopted");
    EXPECT_EQ(second.next(), (Words{"exit", "1", "exit_33", "empty"}));
    EXPECT_EQ(second.next(), (Words{"exit", "2", "SIGSEGV", "empty"}));
    second.tell("ack 1");
    second.tell("end");
    EXPECT_TRUE(second.rest().empty());

    EngineLink third = host.engine();
    third.tell("adopt");
    third.await("adopted");
    EXPECT_EQ(third.next(), (Words{"exit", "2", "SIGSEGV", "empty"}));
}

TEST(Adoption, LosesAndDoublesNoEndWhileEnginesDie)
{
    Host host("keeld_eager");
    host.start_keeper();
    std::set<std::string> living, ended;
    constexpr int rounds = 30, per_round = 10;
    int next = 1;
    for (int round = 0; round < rounds; ++round) {
        EngineLink engine = host.engine();
        engine.tell("ready"); // so that the one after it starts without delay
        engine.tell("adopt");
        engine.await("adopted");
        for (int i = 0; i < per_round; ++i, ++next) {
            engine.tell("spawn " + std::to_string(next) + " - " + hang(host));
            const Words spawned = engine.await("spawned " + std::to_string(next));
            living.insert(spawned.at(1));
            // Some end under this engine, some while none lives, some under the next.
            if (i % 2 == 0) ::kill(std::stoi(spawned.at(2)), SIGTERM);
        }
        ::kill(engine.pid, SIGKILL);
    }
    EngineLink last = host.engine();
    last.tell("adopt");
    std::set<std::string> survivors;
    for (auto line = last.next(); line->at(0) != "adopted"; line = last.next())
        if (line->at(0) == "survivor") survivors.insert(line->at(1));
    while (ended.size() + survivors.size() < living.size()) {
        const auto line = last.next();
        ASSERT_TRUE(line);
        ASSERT_EQ(line->at(0), "exit");
        EXPECT_EQ(line->at(2), "SIGTERM");
        EXPECT_TRUE(ended.insert(line->at(1)).second) << "told twice: " << line->at(1);
        EXPECT_FALSE(survivors.contains(line->at(1)));
    }
    EXPECT_EQ(ended.size(), rounds * per_round / 2U);
}

/// Engines are killed at many different moments of spawning. Whatever lives then must be on the
/// keeper's list for the next engine, but for a child that had not said hello yet: it must end by
/// itself, and will never be the program, which hangs.
TEST(Adoption, KnowsEveryChildOfAnEngineThatDiedSpawning)
{
    Host host("keeld_eager");
    host.start_keeper();
    long first = 1;
    for (int round = 0; round < 300; ++round, first += 1000) {
        EngineLink engine = host.engine();
        engine.tell("ready");
        engine.tell("adopt");
        engine.await("adopted");
        engine.tell("storm " + std::to_string(first) + " 1000 " + hang(host));
        engine.await("storming");
        const timespec moment{0, round * 37'000 % 2'000'000};
        ::ppoll(nullptr, 0, &moment, nullptr); // waits for nothing: it is to hit another place
        ::kill(engine.pid, SIGKILL);

        EngineLink next = host.engine();
        next.tell("ready");
        next.tell("adopt");
        std::set<pid_t> listed;
        for (auto line = next.next(); line->at(0) != "adopted"; line = next.next())
            if (line->at(0) == "survivor") listed.insert(std::stoi(line->at(2)));
        for (const auto& row : sys::read_process_table({})) {
            if (row.parent != host.keeper() || row.identity.pid == next.pid || row.dead) continue;
            if (!listed.contains(row.identity.pid)) await_death(row.identity.pid);
        }
        for (const pid_t pid : listed)
            ::kill(pid, SIGKILL);
        next.tell("end");
        next.rest();
        if (HasFailure()) break;
    }
}

class NewKeeper : public testing::TestWithParam<const char*> {
protected:
    void SetUp() override
    {
        if (*GetParam() != '\0') host.environment[GetParam()] = "1";
        host.start_keeper();
        EngineLink engine = host.engine();
        ASSERT_EQ(::mkfifo(host.path("gate").c_str(), 0600), 0);
        engine.tell("adopt");
        engine.await("adopted");
        engine.tell("spawn 1 - " + host.puppet() + " wait " + host.path("gate") + " exit 21");
        engine.tell("spawn 2 - " + hang(host));
        lives = engine.await("spawned 1");
        dies = engine.await("spawned 2");
        host.kill_keeper();
        EXPECT_TRUE(engine.rest().empty()) << "an engine without a keeper ends";
    }
    Host host;
    Words lives, dies;
};
INSTANTIATE_TEST_SUITE_P(By, NewKeeper, testing::Values("", "KEEL_NO_PIDFD_INFO"),
                         [](const auto& kind) { return *kind.param ? "proc" : "pidfd"; });

TEST_P(NewKeeper, AdoptsWhatTheJournalTellsOf)
{
    host.start_keeper();
    EngineLink engine = host.engine();
    EXPECT_EQ(engine.flags, Words{"--after-crash"});
    engine.tell("adopt " + journal_entry(lives) + " " + journal_entry(dies));
    EXPECT_EQ(engine.await("survivor 1").at(2), lives.at(2));
    engine.await("survivor 2");
    engine.await("adopted");
    engine.tell("signal 2 15");
    engine.await("exit 2 SIGTERM empty");
    ::close(::open(host.path("gate").c_str(), O_WRONLY | O_CLOEXEC));
    engine.await("exit 1 exit_21 empty");
}

TEST_P(NewKeeper, LearnsTheEndOfAnAdoptedProcessThatIsAlreadyReaped)
{
    host.start_keeper();
    EngineLink engine = host.engine();
    engine.tell("adopt " + journal_entry(lives));
    engine.await("adopted");
    ::kill(engine.pid, SIGSTOP);
    ::close(::open(host.path("gate").c_str(), O_WRONLY | O_CLOEXEC));
    const pid_t pid = std::stoi(lives.at(2));
    ASSERT_EQ(::waitpid(pid, nullptr, __WALL), pid); // it was orphaned to this process
    ::kill(engine.pid, SIGCONT);
    const std::string end = engine.await("exit 1").at(2);
    const bool kernel_tells = *GetParam() == '\0' && kernel_is_at_least(6, 15);
    EXPECT_EQ(end, kernel_tells ? "exit_21" : "ended_unseen");
}

TEST_P(NewKeeper, DoesNotTakeAStrangerForAnAdoptedProcess)
{
    host.start_keeper();
    EngineLink engine = host.engine();
    // The same pid with another start time: the number was used again.
    engine.tell("adopt 1:" + lives.at(2) + ":1 " + journal_entry(dies));
    EXPECT_EQ(engine.next()->at(1), "2");
    EXPECT_EQ(engine.next(), Words{"adopted"});
    EXPECT_EQ(engine.next()->at(2), "ended_unseen");
    engine.tell("signal 1 9");
    engine.tell("signal 2 9");
    engine.await("exit 2");
    EXPECT_TRUE(is_alive(std::stoi(lives.at(2))));
}

TEST_P(NewKeeper, SaysUnseenOfAnEndThatNobodySaw)
{
    const pid_t pid = std::stoi(dies.at(2));
    ::kill(pid, SIGKILL);
    ASSERT_EQ(::waitpid(pid, nullptr, __WALL), pid); // it was orphaned to this process
    host.start_keeper();
    EngineLink engine = host.engine();
    engine.tell("adopt " + journal_entry(dies));
    engine.await("adopted");
    EXPECT_EQ(engine.next()->at(2), "ended_unseen");
}

} // namespace
} // namespace keel::test
