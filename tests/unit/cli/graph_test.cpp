// keel graph: trees, DOT, JSON and the critical path, from views.
#include "cli/graph.hpp"
#include "tests/support/fake_supervisor.hpp"
#include "tests/support/golden.hpp"

#include <gmock/gmock.h>

namespace keel::cli {
namespace {

using namespace std::chrono_literals;
using test::morning;
using testing::ElementsAre;

/// Up, from `began` to `ready` after the morning.
core::UnitView unit(const std::string& name, Duration began, Duration ready,
                    core::EdgesView edges = {})
{
    core::UnitView unit = test::unit_up(name);
    unit.edges = std::move(edges);
    unit.instances[0].last_start = {morning(began), morning(ready)};
    return unit;
}

std::vector<core::UnitView> panel()
{
    auto down = unit("reports", 0ms, 0ms, {{"database"}, {}, {"api-server"}, {}});
    down.status = core::UnitStatus::blocked;
    down.ready = 0;
    down.instances[0].last_start = {};
    return {unit("api-server", 122ms, 512ms, {{"database", "network-backbone"}, {}, {}, {}}),
            unit("database", 0ms, 120ms, {{}, {}, {"filesystem"}, {}}),
            unit("network-backbone", 0ms, 22ms),
            down,
            unit("worker", 23ms, 31ms, {{}, {"network-backbone"}, {}, {"network-backbone"}}),
            unit("cron", 1ms, 2ms)};
}

std::vector<std::string> names_of(const std::vector<StartLink>& path)
{
    std::vector<std::string> names;
    for (const StartLink& link : path)
        names.push_back(link.unit);
    return names;
}

TEST(Graph, AsTreeDotAndJson)
{
    const Graph all(panel(), {});
    std::string text =
        all.tree({}) + "\n==== of worker alone\n" + Graph(panel(), {"worker"}).tree({});
    auto found = panel();
    found[5].instances[0].last_start = {};
    text += "\n==== a start that is not known\n" + Graph({found[5]}, {}).tree({});
    text += "\n==== no units\n" + Graph({}, {}).tree({});
    text += "\n==== DOT\n" + all.dot() + "\n==== JSON\n" + all.json();
    test::expect_golden("tests/golden/cli-graph.txt", text);
}

TEST(CriticalPath, LeadsFromTheLastReadyUnitOverWhatEachWaitedFor)
{
    EXPECT_THAT(names_of(Graph(panel(), {}).critical_path()),
                ElementsAre("database", "api-server"));
    EXPECT_THAT(names_of(Graph(panel(), {"worker"}).critical_path()),
                ElementsAre("network-backbone", "worker"));
    EXPECT_TRUE(Graph({}, {}).critical_path().empty());
}

TEST(CriticalPath, EndsAtAUnitThatWasStartedLongAfterWhatItNeedsWasReady)
{
    auto units = panel();
    units[0].instances[0].last_start = {morning(1h), morning(1h + 390ms)};
    EXPECT_THAT(names_of(Graph(units, {}).critical_path()), ElementsAre("api-server"));
}

TEST(CriticalPath, GoesNotToWhatWasStartedAnewMeanwhile)
{
    auto units = panel();
    units[1].instances[0].last_start = {morning(200ms), morning(300ms)};
    EXPECT_THAT(names_of(Graph(units, {}).critical_path()),
                ElementsAre("network-backbone", "api-server"));
}

TEST(StartOf, TakesTheInstanceThatMadeTheUnitReady)
{
    core::UnitView unit = test::unit_up("worker", 3);
    unit.min_ready = 2;
    unit.instances[0].last_start = {morning(), morning(9s)};
    unit.instances[2].last_start = {morning(1s), morning(4s)};
    ASSERT_TRUE(start_of(unit));
    EXPECT_EQ(start_of(unit)->ready, morning(9s)) << "two of three, and the other never was";
    unit.instances[1].last_start = {morning(2s), morning(5s)};
    EXPECT_EQ(start_of(unit)->began, morning(2s));
    unit.min_ready = 3;
    unit.instances[1].last_start.ready.reset();
    EXPECT_FALSE(start_of(unit));
}

TEST(GraphTree, EndsInACircleOfRestarts)
{
    auto a = unit("a", 0ms, 1ms, {{}, {}, {}, {"b"}});
    auto b = unit("b", 0ms, 1ms, {{}, {}, {}, {"a"}});
    const std::string tree = Graph({a, b}, {}).tree({});
    EXPECT_THAT(tree, testing::StartsWith("a  up\n└─ restart_with b  up\n   └─ restart_with a  up  "
                                          "(as above)\n"));
}

} // namespace
} // namespace keel::cli
