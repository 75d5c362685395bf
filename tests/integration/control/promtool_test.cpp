// Prometheus' own judge of the metrics page.
#include "metrics/collector.hpp"
#include "tests/support/fake_supervisor.hpp"

#include <csignal>
#include <cstdio>
#include <gtest/gtest.h>
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

TEST(MetricsPage, HasNothingThatPromtoolFindsFaultWith)
{
    Snapshot snapshot{"1.2.3", {eventful_unit()}, {}};
    snapshot.host.restart_latency.observe(0.0021);
    const std::string page = page_of(snapshot);
    // A judge that does not start must fail the test, not end it.
    std::signal(SIGPIPE, SIG_IGN);
    FILE* judge = ::popen("promtool check metrics 2>&1", "w");
    ASSERT_NE(judge, nullptr);
    EXPECT_EQ(std::fwrite(page.data(), 1, page.size(), judge), page.size());
    const int status = ::pclose(judge);
    EXPECT_NE(WEXITSTATUS(status), 127) << "promtool is missing: apt-get install prometheus";
    EXPECT_EQ(status, 0) << page;
}

} // namespace
} // namespace keel::metrics
