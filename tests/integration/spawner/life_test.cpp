// The keeper's own life: one per root, restarts of the engine, orders, systemd, held descriptors.
#include "host.hpp"

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace keel::test {
namespace {

TEST(Keeper, PrintsItsVersion)
{
    const Host host;
    const auto [code, said] = host.run_daemon({"--version"});
    EXPECT_EQ(code, 0);
    EXPECT_TRUE(said.starts_with("keeld ")) << said;
}

TEST(Keeper, RefusesWhatItDoesNotUnderstand)
{
    const Host host;
    const auto [code, said] = host.run_daemon({"--rooot", "/x"});
    EXPECT_EQ(code, 2);
    EXPECT_NE(said.find("--rooot"), std::string::npos) << said;
    EXPECT_EQ(host.run_daemon({"--root"}).first, 2);
}

TEST(Keeper, RefusesARootThatHasAKeeperAndNamesIt)
{
    Host host;
    host.start_keeper();
    const EngineLink engine = host.engine();
    const auto [code, said] = host.run_keeper({"--root", host.path("")});
    EXPECT_EQ(code, 1);
    EXPECT_NE(said.find("pid " + std::to_string(host.keeper())), std::string::npos) << said;
    EXPECT_EQ(await_pid(host.path("run/keel/keeld.pid")), host.keeper());
    EXPECT_TRUE(is_alive(engine.pid));
}

TEST(Keeper, WritesWhoRuns)
{
    Host host;
    host.start_keeper();
    EngineLink engine = host.engine();
    EXPECT_EQ(await_pid(host.path("run/keel/keeld.pid")), host.keeper());
    EXPECT_EQ(await_pid(host.path("run/keel/engine.pid")), engine.pid);
    engine.tell("exit 0");
    host.await_keeper();
    EXPECT_NE(::access(host.path("run/keel/keeld.pid").c_str(), F_OK), 0);
    EXPECT_NE(::access(host.path("run/keel/engine.pid").c_str(), F_OK), 0);
}

TEST(Keeper, RestartsAnEngineThatDiesAndSaysSo)
{
    Host host;
    host.start_keeper();
    EngineLink first = host.engine();
    EXPECT_TRUE(first.flags.empty());
    ::kill(first.pid, SIGKILL);
    const EngineLink second = host.engine();
    EXPECT_NE(second.pid, first.pid);
    EXPECT_EQ(second.flags, Words{"--after-crash"});
}

TEST(Keeper, SetsStateAsideAfterThreeDeathsBeforeAGoodTurn)
{
    Host host;
    host.start_keeper();
    for (int death = 0; death < 3; ++death) {
        const EngineLink engine = host.engine();
        EXPECT_EQ(std::count(engine.flags.begin(), engine.flags.end(), "--state-aside"), 0);
        ::kill(engine.pid, SIGKILL);
    }
    EngineLink fourth = host.engine();
    EXPECT_EQ(fourth.flags, (Words{"--after-crash", "--state-aside"}));
    fourth.tell("ready");
    fourth.tell("adopt"); // its answer says that `ready` was read
    fourth.await("adopted");
    ::kill(fourth.pid, SIGKILL);
    EXPECT_EQ(host.engine().flags, Words{"--after-crash"});
}

TEST(Keeper, KillsAnEngineThatStopsTurning)
{
    Host host("keeld_hasty");
    host.start_keeper();
    EngineLink engine = host.engine();
    engine.tell("beat");
    ::kill(engine.pid, SIGSTOP);
    EXPECT_NE(host.engine().pid, engine.pid);
    EXPECT_NE(host.log().find("has not turned"), std::string::npos) << host.log();
}

TEST(Keeper, KillsAnEngineThatNeverBegins)
{
    Host host("keeld_hasty");
    host.start_keeper();
    EngineLink engine = host.engine();
    EXPECT_NE(host.engine().pid, engine.pid);
}

TEST(Keeper, PassesOnWhatItIsAskedByOnceEach)
{
    Host host;
    host.start_keeper();
    EngineLink engine = host.engine();
    engine.tell("adopt");
    engine.await("adopted");
    host.signal_keeper(SIGHUP);
    EXPECT_EQ(engine.next(), Words{"apply"});
    host.signal_keeper(SIGTERM);
    EXPECT_EQ(engine.next(), Words{"shutdown"});
    host.signal_keeper(SIGTERM);
    host.signal_keeper(SIGHUP);
    EXPECT_EQ(engine.next(), Words{"apply"}) << "a second SIGTERM is not passed on";
    engine.tell("exit 7");
    const int status = host.await_keeper();
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(Keeper, RemembersAnOrderOverTheEnginesDeath)
{
    Host host;
    host.start_keeper();
    EngineLink first = host.engine();
    host.signal_keeper(SIGTERM);
    ::kill(first.pid, SIGKILL);
    EngineLink second = host.engine();
    second.tell("adopt");
    second.await("shutdown");
    second.tell("exit 0");
    EXPECT_EQ(host.await_keeper(), 0);
}

TEST(Keeper, GivesUpStoppingWhenNoEngineLives)
{
    Host host;
    host.start_keeper();
    for (int death = 0; death < 5; ++death) {
        const EngineLink engine = host.engine();
        host.signal_keeper(SIGTERM);
        ::kill(engine.pid, SIGKILL);
    }
    EXPECT_EQ(WEXITSTATUS(host.await_keeper()), 1);
}

TEST(Keeper, LeavesUnitsRunningWhenToldTo)
{
    Host host;
    host.start_keeper();
    EngineLink engine = host.engine();
    engine.tell("adopt");
    engine.tell("spawn 1 - " + host.puppet() + " hang");
    const pid_t child = std::stoi(engine.await("spawned 1").at(2));
    host.signal_keeper(SIGUSR2);
    engine.await("leave");
    engine.tell("exit 0");
    EXPECT_EQ(host.await_keeper(), 0);
    EXPECT_TRUE(is_alive(child));
    host.start_keeper();
    EXPECT_TRUE(host.engine().flags.empty()) << "leaving is no crash";
}

TEST(Keeper, KeepsDescriptorsOpenOverTheEnginesDeath)
{
    Host host;
    const std::string fifo = host.path("held");
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    host.start_keeper();
    EngineLink first = host.engine();
    first.tell("hold 5 " + fifo);
    first.tell("adopt");
    first.await("adopted");
    ::kill(first.pid, SIGKILL);
    EngineLink second = host.engine();
    second.tell("adopt");
    second.await("adopted");
    const int writer = ::open(fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    ASSERT_GE(writer, 0) << "nobody holds the other end";
    second.tell("drop 5");
    pollfd hung_up{writer, 0, 0};
    EXPECT_EQ(::poll(&hung_up, 1, 30'000), 1);
    ::close(writer);
}

/// What systemd would receive.
class Manager {
public:
    explicit Manager(const std::string& path)
        : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            ADD_FAILURE();
    }
    ~Manager() { ::close(socket_); }
    std::string next() const
    {
        pollfd one{socket_, POLLIN, 0};
        char text[256] = "";
        if (::poll(&one, 1, 30'000) == 1) (void)!::recv(socket_, text, sizeof text - 1, 0);
        return text;
    }

private:
    int socket_;
};

TEST(Keeper, TellsSystemdWhatTheEngineSays)
{
    Host host;
    const Manager manager(host.path("notify"));
    host.environment["NOTIFY_SOCKET"] = host.path("notify");
    host.start_keeper();
    EngineLink engine = host.engine();
    engine.tell("ready");
    EXPECT_EQ(manager.next(), "READY=1");
    engine.tell("status well");
    EXPECT_EQ(manager.next(), "STATUS=well");
    engine.tell("stopping");
    EXPECT_EQ(manager.next(), "STOPPING=1");
}

TEST(Keeper, FeedsTheWatchdogByItself)
{
    Host host;
    const Manager manager(host.path("notify"));
    host.environment = {{"NOTIFY_SOCKET", host.path("notify")}, {"WATCHDOG_USEC", "20000"}};
    host.start_keeper();
    const EngineLink engine = host.engine();
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(manager.next(), "WATCHDOG=1");
}

} // namespace
} // namespace keel::test
