#include "metrics/collector.hpp"

#include "metrics/catalogue.hpp"
#include "tests/support/fake_supervisor.hpp"

#include <gmock/gmock.h>
#include <set>

namespace keel::metrics {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

UnitSnapshot unit_with_probe(const std::string& name)
{
    UnitSnapshot unit;
    unit.view = test::unit_up(name, 2);
    unit.probes = {"http"};
    unit.counters.probes.resize(1);
    return unit;
}

/// The value of a series on a page; `series` with its labels. The page must have it once.
std::string value_of(const std::string& page, const std::string& series)
{
    const std::string line = "\n" + series + " ";
    const auto at = page.find(line);
    if (at == std::string::npos) return "(missing)";
    EXPECT_EQ(page.find(line, at + 1), std::string::npos) << series << " is there twice";
    const auto begin = at + line.size();
    return page.substr(begin, page.find('\n', begin) - begin);
}

TEST(Catalogue, NamesEveryMetricOnceAndByPrometheusConventions)
{
    std::set<std::string_view> names;
    for (const MetricSpec& spec : catalogue) {
        EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
        EXPECT_TRUE(spec.name.starts_with("keel_")) << spec.name;
        EXPECT_EQ(spec.kind == Kind::counter, spec.name.ends_with("_total")) << spec.name;
        EXPECT_TRUE(spec.help.ends_with('.')) << spec.name;
    }
}

TEST(Collector, ShowsEverySeriesAtZeroBeforeAnythingHappens)
{
    Snapshot snapshot{"1.2.3", {unit_with_probe("worker")}, {}, {{"ops", {}}}};
    const std::string page = page_of(snapshot);
    for (const MetricSpec& spec : catalogue)
        EXPECT_THAT(page, HasSubstr("# HELP " + std::string(spec.name) + " "));
    for (const auto status : names_of<core::UnitStatus>)
        EXPECT_NE(value_of(page, "keel_unit_status{unit=\"worker\",status=\"" +
                                     std::string(status) + "\"}"),
                  "(missing)");
    EXPECT_EQ(value_of(page, "keel_restarts_total{unit=\"worker\",reason=\"liveness\"}"), "0");
    EXPECT_EQ(value_of(page, "keel_spawn_failures_total{unit=\"worker\",stage=\"exec\"}"), "0");
    EXPECT_EQ(value_of(page, "keel_outages_total{unit=\"worker\",cause=\"dependency\"}"), "0");
    EXPECT_EQ(value_of(page, "keel_outage_open_since_timestamp_seconds{unit=\"worker\"}"), "0");
    EXPECT_EQ(value_of(page, "keel_probe_up{unit=\"worker\",instance=\"2\",probe=\"http\"}"), "0");
    EXPECT_EQ(
        value_of(page,
                 "keel_probe_verdicts_total{unit=\"worker\",probe=\"http\",verdict=\"unknown\"}"),
        "0");
    EXPECT_EQ(value_of(page, "keel_restart_latency_seconds_bucket{le=\"+Inf\"}"), "0");
    for (const auto result : names_of<ports::NotificationResult>)
        EXPECT_EQ(value_of(page, "keel_notifications_total{channel=\"ops\",result=\"" +
                                     std::string(result) + "\"}"),
                  "0");
    EXPECT_EQ(value_of(page, "keel_build_info{version=\"1.2.3\"}"), "1");
}

TEST(Collector, CountsWhatBecameOfNotifications)
{
    Snapshot snapshot{"1", {}, {}, {{"ops", {3, 2, 1, 4}}, {"page", {}}}};
    const std::string page = page_of(snapshot);
    const auto count = [&](const std::string& result) {
        return value_of(page,
                        "keel_notifications_total{channel=\"ops\",result=\"" + result + "\"}");
    };
    EXPECT_EQ(count("delivered"), "3");
    EXPECT_EQ(count("failed"), "2");
    EXPECT_EQ(count("dropped"), "1");
    EXPECT_EQ(count("kept-back"), "4");
}

TEST(Collector, DoesNotCountAFirstStartAsARestart)
{
    Snapshot snapshot{"1", {unit_with_probe("worker")}, {}};
    EXPECT_THAT(page_of(snapshot), Not(HasSubstr("reason=\"wanted\"")));
}

TEST(Collector, CountsRestartsByTheirReason)
{
    Snapshot snapshot{"1", {unit_with_probe("worker")}, {}};
    auto& starts = snapshot.units[0].counters.starts;
    starts[static_cast<std::size_t>(core::StartCause::signal)] = 7;
    const std::string page = page_of(snapshot);
    EXPECT_EQ(value_of(page, "keel_restarts_total{unit=\"worker\",reason=\"signal\"}"), "7");
    EXPECT_EQ(value_of(page, "keel_restarts_total{unit=\"worker\",reason=\"exit\"}"), "0");
}

TEST(Collector, ShowsAUnitThatLacksInstancesAsNotUp)
{
    Snapshot snapshot{"1", {unit_with_probe("worker")}, {}};
    auto& view = snapshot.units[0].view;
    view.ready = 1;
    view.min_ready = 2;
    view.status = core::UnitStatus::down;
    const std::string page = page_of(snapshot);
    EXPECT_EQ(value_of(page, "keel_unit_up{unit=\"worker\"}"), "0");
    EXPECT_EQ(value_of(page, "keel_unit_status{unit=\"worker\",status=\"down\"}"), "1");
    EXPECT_EQ(value_of(page, "keel_unit_status{unit=\"worker\",status=\"up\"}"), "0");
}

core::OutageView open_outage(core::OutageFold::Counted counted, core::Outage::Planned planned)
{
    core::OutageView outage;
    outage.record.opened.wall = test::morning();
    outage.record.planned = planned;
    outage.length = 2500ms;
    outage.counted = counted;
    return outage;
}

TEST(Collector, AddsTheOpenOutageToTheSecondsOfThoseThatClosed)
{
    using Counted = core::OutageFold::Counted;
    using Planned = core::Outage::Planned;
    Snapshot snapshot{"1", {unit_with_probe("worker")}, {}};
    auto& unit = snapshot.units[0];
    unit.counters.outage_seconds = 10;
    unit.view.outage = open_outage(Counted::yes, Planned::no);
    std::string page = page_of(snapshot);
    EXPECT_EQ(value_of(page, "keel_outage_seconds_total{unit=\"worker\"}"), "12.5");
    EXPECT_EQ(value_of(page, "keel_outage_open{unit=\"worker\"}"), "1");
    EXPECT_THAT(value_of(page, "keel_outage_open_since_timestamp_seconds{unit=\"worker\"}"),
                HasSubstr("1738314902.48"));

    // Within its grace it may still turn out a blip, and a counter never goes back.
    unit.view.outage = open_outage(Counted::no, Planned::no);
    EXPECT_EQ(value_of(page_of(snapshot), "keel_outage_seconds_total{unit=\"worker\"}"), "10");
    unit.view.outage = open_outage(Counted::yes, Planned::yes);
    EXPECT_EQ(value_of(page_of(snapshot), "keel_outage_seconds_total{unit=\"worker\"}"), "10");
    EXPECT_EQ(value_of(page_of(snapshot), "keel_outage_open{unit=\"worker\"}"), "0");
}

TEST(Collector, ShowsEachInstancesLatestAnswer)
{
    Snapshot snapshot{"1", {unit_with_probe("worker")}, {}};
    auto& instances = snapshot.units[0].view.instances;
    instances[0].probes = {{"http", core::Verdict::pass, core::VerdictKind::none, 3ms, "200"}};
    instances[1].probes = {{"http", core::Verdict::fail, core::VerdictKind::status, 4ms, "503"}};
    const std::string page = page_of(snapshot);
    EXPECT_EQ(value_of(page, "keel_probe_up{unit=\"worker\",instance=\"1\",probe=\"http\"}"), "1");
    EXPECT_EQ(value_of(page, "keel_probe_up{unit=\"worker\",instance=\"2\",probe=\"http\"}"), "0");
    EXPECT_EQ(
        value_of(page,
                 "keel_probe_duration_seconds{unit=\"worker\",instance=\"1\",probe=\"http\"}"),
        "0.003");
}

TEST(Collector, CountsOperationsByVerbAndResult)
{
    Snapshot snapshot{"1", {}, {}};
    const auto restart = static_cast<std::size_t>(core::Verb::restart);
    const auto failed = static_cast<std::size_t>(core::OperationResult::Outcome::failed);
    snapshot.host.operations[restart][failed] = 4;
    const std::string page = page_of(snapshot);
    EXPECT_EQ(value_of(page, "keel_operations_total{verb=\"restart\",result=\"failed\"}"), "4");
    EXPECT_EQ(value_of(page, "keel_operations_total{verb=\"restart\",result=\"done\"}"), "0");
    EXPECT_EQ(value_of(page, "keel_operations_total{verb=\"hold\",result=\"cancelled\"}"), "0");
}

TEST(Collector, AddsUpTheBucketsOfHistograms)
{
    Snapshot snapshot{"1", {}, {}};
    snapshot.host.loop_lag.observe(0.00005);
    snapshot.host.loop_lag.observe(0.003);
    snapshot.host.loop_lag.observe(7);
    const std::string page = page_of(snapshot);
    EXPECT_EQ(value_of(page, "keel_loop_lag_seconds_bucket{le=\"0.0001\"}"), "1");
    EXPECT_EQ(value_of(page, "keel_loop_lag_seconds_bucket{le=\"0.005\"}"), "2");
    EXPECT_EQ(value_of(page, "keel_loop_lag_seconds_bucket{le=\"1\"}"), "2");
    EXPECT_EQ(value_of(page, "keel_loop_lag_seconds_bucket{le=\"+Inf\"}"), "3");
    EXPECT_EQ(value_of(page, "keel_loop_lag_seconds_count"), "3");
}

TEST(Collector, PassesADescriptionOnWithoutWhatWouldBreakThePage)
{
    Snapshot snapshot{"1", {unit_with_probe("worker")}, {}};
    snapshot.units[0].view.description = "says \"hi\"\n\xff";
    EXPECT_EQ(value_of(page_of(snapshot),
                       R"(keel_unit_info{unit="worker",description="says \"hi\"\\n\\xff"})"),
              "1");
}

TEST(Collector, AddsTheLabelsThatTheUnitFileNames)
{
    Snapshot snapshot{"1", {unit_with_probe("worker")}, {}};
    snapshot.units[0].view.labels = {{"team", "panel"}, {"tier", "2\n"}};
    EXPECT_EQ(
        value_of(
            page_of(snapshot),
            R"(keel_unit_info{unit="worker",description="The worker",team="panel",tier="2\\n"})"),
        "1");
}

TEST(Snapshot, HasTheVolumeOfEachUnitsLogAndWhatItUses)
{
    test::FakeSupervisor supervisor;
    supervisor.put(test::unit_up("api"));
    supervisor.put(test::unit_up("worker"));
    supervisor.host_counters.engine_starts = 2;
    const auto volume_of = [](const std::string& unit) {
        return unit == "api" ? LogVolume{1000, 3} : LogVolume{};
    };
    const ports::UsageByUnit usage{{"worker", {1500ms, 2, 4096, 3}}, {"gone", {1h, 0, 0, 0}}};
    const std::string page = page_of(take_snapshot(supervisor, volume_of, usage, "1"));
    EXPECT_EQ(value_of(page, "keel_log_bytes_total{unit=\"api\"}"), "1000");
    EXPECT_EQ(value_of(page, "keel_log_dropped_bytes_total{unit=\"api\"}"), "3");
    EXPECT_EQ(value_of(page, "keel_log_bytes_total{unit=\"worker\"}"), "0");
    EXPECT_EQ(value_of(page, "keel_unit_cpu_seconds_total{unit=\"worker\"}"), "1.5");
    EXPECT_EQ(value_of(page, "keel_unit_memory_bytes{unit=\"worker\"}"), "4096");
    EXPECT_EQ(value_of(page, "keel_unit_processes{unit=\"worker\"}"), "3");
    EXPECT_EQ(value_of(page, "keel_unit_oom_kills_total{unit=\"worker\"}"), "2");
    EXPECT_EQ(value_of(page, "keel_unit_cpu_seconds_total{unit=\"api\"}"), "0");
    EXPECT_THAT(page, Not(HasSubstr("gone")));
    EXPECT_EQ(value_of(page, "keel_engine_starts_total"), "2");
}

} // namespace
} // namespace keel::metrics
