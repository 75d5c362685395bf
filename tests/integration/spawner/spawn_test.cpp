// What a child is born with, and what is said when it cannot be.
#include "host.hpp"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace keel::test {
namespace {

/// Both ways of cloning must give the same children.
class Spawn : public testing::TestWithParam<const char*> {
protected:
    Spawn()
    {
        if (*GetParam() != '\0') host.environment[GetParam()] = "1";
        host.start_keeper();
        engine.emplace(host.engine());
        engine->tell("adopt");
        engine->await("adopted");
    }

    std::multimap<std::string, std::string> report(const std::string& spawn)
    {
        engine->tell(spawn + " report " + host.path("report") + " hang");
        engine->await("spawned");
        std::istringstream lines(await_file(host.path("report")));
        std::multimap<std::string, std::string> facts;
        for (std::string line; std::getline(lines, line);)
            facts.emplace(line.substr(0, line.find(' ')), line.substr(line.find(' ') + 1));
        return facts;
    }

    static std::string only(const std::multimap<std::string, std::string>& facts,
                            const std::string& key)
    {
        return facts.count(key) == 1 ? facts.find(key)->second : "not once";
    }

    Host host;
    std::optional<EngineLink> engine;
};
INSTANTIATE_TEST_SUITE_P(Clone, Spawn, testing::Values("", "KEEL_NO_CLONE3"),
                         [](const auto& kind) { return *kind.param ? "clone" : "clone3"; });

TEST_P(Spawn, InheritsNothingOfTheSupervisor)
{
    const auto facts = report("spawn 1 - " + host.puppet());
    EXPECT_EQ(only(facts, "session"), only(facts, "pid"));
    EXPECT_EQ(only(facts, "group"), only(facts, "pid"));
    EXPECT_EQ(only(facts, "descriptors"), "0,1,2");
    EXPECT_EQ(only(facts, "umask"), "18");
    EXPECT_EQ(only(facts, "blocked"), "0");
    EXPECT_EQ(only(facts, "nofile"), "1024");
    EXPECT_EQ(only(facts, "core"), "0");
    EXPECT_EQ(only(facts, "directory"), "/");
    EXPECT_EQ(only(facts, "ignored"), "");
}

TEST_P(Spawn, IsAChildOfTheKeeperNotOfTheEngine)
{
    EXPECT_EQ(only(report("spawn 1 - " + host.puppet()), "parent"), std::to_string(host.keeper()));
}

TEST_P(Spawn, HasTheEnvironmentOfThePlanAndItsOwnName)
{
    const auto facts = report("spawn 7 - " + host.puppet());
    std::vector<std::string> environment;
    for (auto [at, end] = facts.equal_range("environment"); at != end; ++at)
        environment.push_back(at->second);
    const std::vector<std::string> expected{"KEEL_SPAWN=7", "KEEL_RUN=" + host.path("run/keel"),
                                            "KEEL_UNIT=unit", "KEEL_INSTANCE=7", "GREETING=hello"};
    EXPECT_EQ(environment, expected);
}

TEST_P(Spawn, WritesToTheOutputItWasGiven)
{
    const std::string fifo = host.path("fifo");
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    const int reader = ::open(fifo.c_str(), O_RDWR | O_CLOEXEC);
    engine->tell("spawn 1 " + fifo + " " + host.puppet() + " say words");
    engine->await("exit 1 exit_0 empty");
    char text[16] = "";
    EXPECT_EQ(::read(reader, text, sizeof text), 6);
    EXPECT_STREQ(text, "words\n");
    ::close(reader);
}

TEST_P(Spawn, ReadsTheInputItWasGivenAndNoOther)
{
    std::ofstream(host.path("input")) << "words\n";
    const std::string fifo = host.path("fifo");
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    const int reader = ::open(fifo.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
    engine->tell("input " + host.path("input"));
    engine->tell("spawn 1 " + fifo + " /bin/cat");
    engine->await("exit 1 exit_0 empty");
    char text[16] = "";
    EXPECT_EQ(::read(reader, text, sizeof text), 6);
    EXPECT_STREQ(text, "words\n");
    engine->tell("input -");
    engine->tell("spawn 2 " + fifo + " /bin/cat");
    engine->await("exit 2 exit_0 empty");
    EXPECT_EQ(::read(reader, text, sizeof text), -1) << "/dev/null says nothing";
    ::close(reader);
}

TEST_P(Spawn, FindsWhatItShowsReadinessByAtItsNumber)
{
    std::uint64_t id = 0;
    for (const char* fd : {"3", "4", "5", "6", "7", "8", "9", "10", "255"}) {
        engine->tell("show " + std::string(fd));
        std::filesystem::remove(host.path("report"));
        const auto facts = report("spawn " + std::to_string(++id) + " - " + host.puppet());
        EXPECT_EQ(only(facts, "descriptors"), "0,1,2," + std::string(fd));
    }
}

TEST_P(Spawn, TakesTheCredentialsOfThePlan)
{
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    ASSERT_EQ(::chmod(host.path("").c_str(), 0777), 0);
    // That user may not be allowed into the folder of the build, such as /root.
    const std::string puppet = host.path("puppet");
    std::filesystem::copy_file(host.puppet(), puppet);
    engine->tell("as 1234 2345 77 88");
    const auto facts = report("spawn 1 - " + puppet);
    EXPECT_EQ(only(facts, "user"), "1234,1234");
    EXPECT_EQ(only(facts, "gid"), "2345,2345");
    EXPECT_EQ(only(facts, "groups"), "77,88");
}

TEST_P(Spawn, TakesTheLimitsAndTheStandingOfThePlan)
{
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    engine->tell("stand 5 300 0027 0");
    engine->tell("limit nofile 2000 3000");
    const auto facts = report("spawn 1 - " + host.puppet());
    EXPECT_EQ(only(facts, "nice"), "5");
    EXPECT_EQ(only(facts, "oom-score"), "300");
    EXPECT_EQ(only(facts, "umask"), std::to_string(0027));
    EXPECT_EQ(only(facts, "processors"), "0");
    EXPECT_EQ(only(facts, "nofile"), "2000");
    EXPECT_EQ(only(facts, "nofile-hard"), "3000");
    EXPECT_EQ(only(facts, "core"), "0") << "what the unit does not name stays as at a login";
}

TEST_P(Spawn, FailsWhereALimitThatWasAskedForCannotBeHad)
{
    engine->tell("limit nofile 99999999999 99999999999");
    engine->tell("spawn 1 - " + host.puppet());
    EXPECT_EQ(engine->await("failed 1"), (Words{"failed", "1", "limits", std::to_string(EPERM)}));
    engine->tell("limit nofile 100 100");
    engine->tell("stand 0 0 0022 1023");
    engine->tell("spawn 2 - " + host.puppet());
    EXPECT_EQ(engine->await("failed 2"), (Words{"failed", "2", "limits", std::to_string(EINVAL)}));
}

TEST_P(Spawn, NamesTheStageThatFailed)
{
    engine->tell("spawn 1 - no-such-program-anywhere");
    EXPECT_EQ(engine->await("failed 1"), (Words{"failed", "1", "exec", std::to_string(ENOENT)}));
    engine->tell("spawn 2 - " + host.path("log"));
    EXPECT_EQ(engine->await("failed 2"), (Words{"failed", "2", "exec", std::to_string(EACCES)}));
    engine->tell("in /no/such/directory");
    engine->tell("spawn 3 - " + host.puppet());
    EXPECT_EQ(engine->await("failed 3"),
              (Words{"failed", "3", "directory", std::to_string(ENOENT)}));
}

TEST_P(Spawn, SaysNothingOfTheEndOfAChildThatWasNeverSetUp)
{
    engine->tell("spawn 1 - /no/such/program");
    engine->await("failed 1 exec");
    engine->tell("spawn 2 - " + host.puppet() + " exit 5");
    engine->await("spawned 2");
    EXPECT_EQ(engine->next(), (Words{"exit", "2", "exit_5", "empty"}));
    // Nor does the keeper keep it for the next engine.
    engine->tell("ack 2");
    engine->tell("end");
    EngineLink second = host.engine();
    second.tell("adopt");
    EXPECT_EQ(second.next(), Words{"adopted"});
    second.tell("spawn 3 - " + host.puppet() + " exit 6");
    second.await("spawned 3");
    EXPECT_EQ(second.next(), (Words{"exit", "3", "exit_6", "empty"}));
}

TEST_P(Spawn, TellsSignalsFromExitCodes)
{
    engine->tell("spawn 1 - " + host.puppet() + " raise 9");
    engine->await("exit 1 SIGKILL empty");
    engine->tell("spawn 2 - " + host.puppet() + " exit 255");
    engine->await("exit 2 exit_255 empty");
    engine->tell("spawn 3 - " + host.puppet() + " hang");
    engine->await("spawned 3");
    engine->tell("signal 3 15");
    engine->await("exit 3 SIGTERM empty");
}

} // namespace
} // namespace keel::test
