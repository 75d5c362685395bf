// Limits of a spawn's control group, on the real kernel as far as it has the controllers.
#include "cgroup.hpp"
#include "host.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace keel::test {
namespace {

class Resources : public testing::TestWithParam<const char*> {
protected:
    void start()
    {
        if (*GetParam() != '\0') host.environment[GetParam()] = "1";
        host.start_keeper();
        engine.emplace(host.engine());
        engine->tell("adopt");
        engine->await("adopted");
    }
    /// In a cgroup of its own.
    void start_in_cgroup()
    {
        host.environment["KEEL_CGROUP"] = cgroup.path;
        start();
    }
    [[nodiscard]] std::vector<std::string> words(const std::string& file) const
    {
        return Cgroup::words(cgroup.path + "/" + file);
    }

    Cgroup cgroup; ///< outlives the host, whose end empties it
    Host host;
    std::optional<EngineLink> engine;
};
INSTANTIATE_TEST_SUITE_P(Clone, Resources, testing::Values("", "KEEL_NO_CLONE3"),
                         [](const auto& kind) { return *kind.param ? "clone" : "clone3"; });

TEST_P(Resources, AreNoReasonToRunWithoutThem)
{
    host.environment["KEEL_CGROUP"] = "";
    start();
    engine->tell("use 67108864");
    engine->tell("spawn 1 - " + host.puppet() + " hang");
    EXPECT_EQ(engine->await("failed 1"),
              (Words{"failed", "1", "resources", "0", "keeld_has_no_control_group_of_its_own"}));
}

TEST_P(Resources, AreInForceWhenTheProcessBegins)
{
    if (cgroup.path.empty()) GTEST_SKIP() << "no writable cgroup v2 here";
    start_in_cgroup();
    engine->tell("use 67108864");
    engine->tell("spawn 1 - " + host.puppet() + " exit 0");
    const auto controllers = words("cgroup.controllers");
    if (std::ranges::count(controllers, "memory") != 0) {
        engine->await("spawned 1");
        EXPECT_EQ(words("unit/1/memory.max"), Words{"67108864"});
        return;
    }
    EXPECT_EQ(engine->await("failed 1"),
              (Words{"failed", "1", "resources", "0",
                     "memory_max:_keeld's_control_group_has_no_controller_`memory`"}));
    EXPECT_NE(::access((cgroup.path + "/unit").c_str(), F_OK), 0) << "nothing is left of it";
}

TEST_P(Resources, LeaveNoControllerHandedDownBehind)
{
    const std::string controller = cgroup.path.empty() ? "" : cgroup.some_controller();
    if (controller.empty()) GTEST_SKIP() << "no controller of cgroup v2 can be had here";
    start_in_cgroup();
    engine->tell("spawn 1 - " + host.puppet() + " hang");
    engine->await("spawned 1");
    for (const char* group : {"", "/unit"})
        ASSERT_TRUE(
            Cgroup::write(cgroup.path + group + "/cgroup.subtree_control", "+" + controller));
    // What systemd would run into: a group that hands down takes in no process.
    EXPECT_FALSE(Cgroup::write(cgroup.path + "/cgroup.procs", "0"));
    engine->tell("exit 0");
    host.await_keeper();
    EXPECT_EQ(words("cgroup.subtree_control"), Words{});
    EXPECT_EQ(words("unit/cgroup.subtree_control"), Words{});
    EXPECT_EQ(words("unit/1/cgroup.procs").size(), 1U) << "and the process still runs";
}

} // namespace
} // namespace keel::test
