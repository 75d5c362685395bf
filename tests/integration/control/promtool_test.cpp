// Prometheus' own judge of the metrics page.
#include "metrics/collector.hpp"
#include "tests/support/fake_supervisor.hpp"
#include "tests/support/temp_dir.hpp"

#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

namespace keel::metrics {
namespace {

/// A unit of which everything can be told.
UnitSnapshot eventful_unit()
{
    UnitSnapshot unit;
    unit.view = test::unit_up("worker", 3);
    unit.view.description = "Says \"hello\", a \\ and\na line";
    unit.view.outage.emplace();
    unit.view.outage->counted = core::OutageFold::Counted::yes;
    unit.view.outage->length = std::chrono::seconds(3);
    unit.probes = {"http", "tcp"};
    unit.counters.probes.resize(2);
    return unit;
}

/// Runs `promtool check metrics < file`; its exit code, or −1 if it does not run.
int judge(const std::string& file)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, file.c_str(), O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, 2, 1);
    char program[] = "promtool", check[] = "check", metrics[] = "metrics";
    char* const words[] = {program, check, metrics, nullptr};
    pid_t child = -1;
    const int failed = ::posix_spawnp(&child, program, &actions, nullptr, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    int status = 0;
    if (failed != 0 || ::waitpid(child, &status, 0) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(MetricsPage, HasNothingThatPromtoolFindsFaultWith)
{
    Snapshot snapshot{"1.2.3", {eventful_unit()}, {}};
    snapshot.host.restart_latency.observe(0.0021);
    const test::TempDir folder;
    const std::string file = folder / "metrics.txt";
    std::ofstream(file) << page_of(snapshot);
    EXPECT_EQ(judge(file), 0) << "-1: promtool is missing (apt-get install prometheus)";
}

} // namespace
} // namespace keel::metrics
