// Nothing of a spawn is left: with a cgroup, and without one.
#include "cgroup.hpp"
#include "host.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace keel::test {
namespace {

enum class Mode { proc, cgroup, cgroup_by_hand };

class Tree : public testing::TestWithParam<Mode> {
protected:
    void SetUp() override
    {
        if (GetParam() != Mode::proc) {
            if (cgroup.path.empty()) GTEST_SKIP() << "no writable cgroup v2 here";
            host.environment["KEEL_CGROUP"] = cgroup.path;
        }
        if (GetParam() == Mode::cgroup_by_hand) host.environment["KEEL_NO_CLONE3"] = "1";
        host.start_keeper();
        engine.emplace(host.engine());
        engine->tell("adopt");
        engine->await("adopted");
    }

    /// A main process that ignores SIGTERM, with relatives of every kind.
    std::vector<pid_t> spawn_family(const std::string& end)
    {
        std::string line = "spawn 1 - " + host.puppet() + " ignore 15";
        for (const char* kind : {"fork", "session", "daemon", "bare-daemon"})
            line += std::string(" ") + kind + " " + host.path(kind);
        engine->tell(line + " pid " + host.path("main") + " " + end);
        std::vector<pid_t> family;
        for (const char* kind : {"fork", "session", "daemon", "bare-daemon", "main"})
            family.push_back(await_pid(host.path(kind)));
        return family;
    }

    Cgroup cgroup; ///< outlives the host, whose end empties it
    Host host;
    std::optional<EngineLink> engine;
};
const char* name_of(Mode mode)
{
    if (mode == Mode::proc) return "proc";
    return mode == Mode::cgroup ? "cgroup" : "cgroup_by_hand";
}
INSTANTIATE_TEST_SUITE_P(Kind, Tree,
                         testing::Values(Mode::proc, Mode::cgroup, Mode::cgroup_by_hand),
                         [](const auto& kind) { return name_of(kind.param); });

TEST_P(Tree, KillsEveryProcessThatALivingMainEverHad)
{
    const auto family = spawn_family("hang");
    engine->tell("signal 1 15");
    engine->tell("kill 1");
    engine->await("exit 1 SIGKILL");
    engine->await("empty 1");
    for (const pid_t pid : family)
        EXPECT_FALSE(is_alive(pid)) << pid;
}

TEST_P(Tree, KillsWhatAnEndedMainLeftInItsGroup)
{
    engine->tell("spawn 1 - " + host.puppet() + " fork " + host.path("fork") + " exit 3");
    engine->await("exit 1 exit_3 alive");
    const pid_t left = await_pid(host.path("fork"));
    EXPECT_TRUE(is_alive(left));
    engine->tell("kill 1");
    engine->await("empty 1");
    EXPECT_FALSE(is_alive(left));
}

TEST_P(Tree, IsEmptyAfterTheEndOfALonelyProcess)
{
    engine->tell("spawn 1 - " + host.puppet() + " exit 0");
    engine->await("exit 1 exit_0 empty");
    engine->tell("kill 1");
    engine->await("empty 1");
    engine->tell("kill 99");
    engine->await("empty 99");
}

TEST_P(Tree, LeavesOtherSpawnsAlone)
{
    engine->tell("spawn 2 - " + host.puppet() + " daemon " + host.path("other") + " hang");
    const pid_t daemon = await_pid(host.path("other"));
    const pid_t main = std::stoi(engine->await("spawned 2").at(2));
    spawn_family("hang");
    engine->tell("kill 1");
    engine->await("empty 1");
    EXPECT_TRUE(is_alive(daemon));
    EXPECT_TRUE(is_alive(main));
}

TEST_P(Tree, IsKilledByTheNextEngineToo)
{
    const auto family = spawn_family("hang");
    ::kill(engine->pid, SIGKILL);
    EngineLink second = host.engine();
    second.tell("adopt");
    second.await("survivor 1");
    second.tell("kill 1");
    second.await("exit 1 SIGKILL");
    second.await("empty 1");
    for (const pid_t pid : family)
        EXPECT_FALSE(is_alive(pid)) << pid;
}

/// Where a cgroup would have told of it at once.
class TreeWithoutCgroup : public Tree {};
INSTANTIATE_TEST_SUITE_P(Kind, TreeWithoutCgroup, testing::Values(Mode::proc));

TEST_P(TreeWithoutCgroup, SweepsUpWhatLeftTheGroupBeforeTheMainEnded)
{
    engine->tell("spawn 1 - " + host.puppet() + " daemon " + host.path("daemon") + " exit 1");
    engine->await("exit 1 exit_1 empty");
    engine->tell("ack 1");
    await_death(await_pid(host.path("daemon")));
}

TEST_P(TreeWithoutCgroup, FindsAStragglerThatLostParentSessionAndEnvironment)
{
    engine->tell("spawn 1 - " + host.puppet() + " bare-daemon " + host.path("daemon") + " exit 1");
    engine->await("exit 1 exit_1 empty");
    await_death(await_pid(host.path("daemon")));
}

} // namespace
} // namespace keel::test
