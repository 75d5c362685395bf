// Units that leave and come back with others: binds_to and restart_with; and oneshots.
#include "tests/unit/core/host_bench.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace keel::core {
namespace {

units::UnitSpec bound(std::string name, std::string to)
{
    auto spec = unit_named(std::move(name));
    spec.binds_to = {std::move(to)};
    return spec;
}

units::UnitSpec oneshot(std::string name)
{
    auto spec = unit_named(std::move(name));
    spec.type = units::UnitType::oneshot;
    spec.restart.policy = units::RestartWhen::on_failure;
    return spec;
}

// ---- binds_to -----------------------------------------------------------------------------------

TEST(BindsTo, IsARequirement)
{
    Bench b({unit_named("backbone"), bound("worker", "backbone")});
    b.apply(HostBooted{});
    EXPECT_EQ(b.why("worker"), "blocked on backbone");
    b.runs("backbone");
    EXPECT_EQ(b.state("worker"), "starting");
}

TEST(BindsTo, StopsAUnitWhoseOtherIsGoneAndBringsItBackWithoutAFailure)
{
    Bench b({unit_named("backbone"), bound("worker", "backbone")});
    b.boot_all();
    b.pass(1h);
    b.exits("backbone");
    EXPECT_EQ(b.signalled, std::vector<std::string>{"worker"});
    EXPECT_EQ(b.state("worker"), "stopping");
    EXPECT_EQ(b.why("worker"), "backbone is gone");
    b.exits("worker", 1, 0);
    EXPECT_EQ(b.why("worker"), "blocked on backbone");
    b.runs("backbone");
    EXPECT_EQ(b.state("worker"), "starting");
    b.runs("worker");
    EXPECT_EQ(b.state("worker"), "ready");
    EXPECT_EQ(b.instance("worker").history.charged.size(), 0U);
    EXPECT_EQ(b.instance("worker").history.in_a_row, 0U);
    EXPECT_EQ(b.instance("worker").restarts, 1U);
}

TEST(BindsTo, CallsTheOutageOneOfTheDependency)
{
    Bench b({unit_named("backbone"), bound("worker", "backbone")});
    b.boot_all();
    b.pass(1h);
    b.exits("backbone");
    const Outage* cause = open_outage(b.host->unit(b.id("backbone")).outage);
    const Outage* outage = open_outage(b.host->unit(b.id("worker")).outage);
    ASSERT_NE(cause, nullptr);
    ASSERT_NE(outage, nullptr);
    EXPECT_EQ(outage->cause, OutageCause::dependency);
    EXPECT_EQ(outage->cause_text, "dependency backbone");
    EXPECT_EQ(outage->caused_by, cause->id);
}

TEST(BindsTo, LeavesAUnitAloneWhoseOtherIsMerelyUnready)
{
    auto backbone = unit_named("backbone");
    backbone.probes = {probe_named("tcp")};
    backbone.probes[0].role = {true, true, false};
    backbone.probes[0].failures = 1;
    backbone.ready = units::ReadyBy::probe;
    Bench b({backbone, bound("worker", "backbone")});
    b.apply(HostBooted{});
    b.runs("backbone");
    b.tell("backbone", ProbeAnswered{b.spawn("backbone"), 0, 1, passes()});
    b.runs("worker");
    b.tick();
    b.tell("backbone", ProbeAnswered{b.spawn("backbone"), 0, 2, fails()});
    ASSERT_EQ(b.state("backbone"), "unready");
    EXPECT_EQ(b.state("worker"), "ready");
    b.tell("backbone", ProcessExited{b.spawn("backbone"), by_signal(SIGKILL), TreeState::empty});
    EXPECT_EQ(b.state("worker"), "stopping");
}

TEST(BindsTo, StaysWhileOneOfSeveralInstancesIsThere)
{
    auto backbone = unit_named("backbone");
    backbone.instances = 2;
    Bench b({backbone, bound("worker", "backbone")});
    b.boot_all();
    b.exits("backbone", 1);
    EXPECT_EQ(b.state("worker"), "ready");
    b.exits("backbone", 2);
    EXPECT_EQ(b.state("worker"), "stopping");
}

TEST(BindsTo, FollowsAPersonsStop)
{
    Bench b({unit_named("backbone"), bound("worker", "backbone")});
    b.boot_all();
    b.asks(Verb::stop, "backbone");
    EXPECT_EQ(b.state("worker"), "stopping");
    b.exits("worker", 1, 0);
    EXPECT_EQ(b.why("worker"), "blocked on backbone");
    const Outage* outage = open_outage(b.host->unit(b.id("worker")).outage);
    ASSERT_NE(outage, nullptr);
    EXPECT_EQ(outage->planned, Outage::Planned::yes);
}

TEST(BindsTo, HoldsEvenWhereNoReadyInstanceIsAskedFor)
{
    auto backbone = unit_named("backbone");
    backbone.min_ready = 0;
    Bench b({backbone, bound("worker", "backbone")});
    b.boot_all();
    b.exits("backbone");
    b.exits("worker", 1, 0);
    EXPECT_EQ(b.why("worker"), "blocked on backbone");
}

// ---- restart_with -------------------------------------------------------------------------------

TEST(RestartWith, RestartsAUnitWhenItsCompanionHasANewProcess)
{
    auto proxy = unit_named("proxy");
    proxy.restart_with = {"api"};
    Bench b({unit_named("api"), proxy});
    b.boot_all();
    EXPECT_EQ(b.instance("proxy").restarts, 0U) << "a first start restarts nobody";
    b.exits("api");
    EXPECT_EQ(b.state("proxy"), "ready") << "there is no new process yet";
    b.runs("api");
    EXPECT_EQ(b.state("proxy"), "stopping");
    EXPECT_EQ(b.why("proxy"), "api was restarted");
    b.exits("proxy", 1, 0);
    b.runs("proxy");
    EXPECT_EQ(b.instance("proxy").restarts, 1U);
    EXPECT_EQ(b.instance("proxy").history.in_a_row, 0U);
}

TEST(RestartWith, StartsNothingThatIsDown)
{
    auto proxy = unit_named("proxy");
    proxy.restart_with = {"api"};
    proxy.enabled = false;
    Bench b({unit_named("api"), proxy});
    b.boot_all();
    b.asks(Verb::restart, "api");
    b.exits("api");
    b.runs("api");
    EXPECT_EQ(b.state("proxy"), "stopped");
}

// ---- oneshot ------------------------------------------------------------------------------------

TEST(Oneshot, IsDoneOnceItHasEndedWellAndThenServesItsDependants)
{
    Bench b({oneshot("migrate"), unit_named("api", {"migrate"})});
    b.boot_all();
    EXPECT_EQ(b.state("migrate"), "starting");
    EXPECT_EQ(b.state("api"), "blocked");
    b.exits("migrate", 1, 0);
    EXPECT_EQ(b.state("migrate"), "done");
    EXPECT_EQ(status_of(b.host->spec(b.id("migrate")), b.host->unit(b.id("migrate"))),
              UnitStatus::done);
    EXPECT_EQ(b.state("api"), "starting");
}

TEST(Oneshot, TakesTheTimeItTakesWithoutAnOutage)
{
    Bench b({oneshot("migrate")});
    b.boot_all();
    EXPECT_EQ(b.host->deadline(), std::nullopt);
    b.pass(24h);
    b.apply(HostTick{});
    EXPECT_EQ(b.state("migrate"), "starting");
    EXPECT_EQ(open_outage(b.host->unit(b.id("migrate")).outage), nullptr);
}

TEST(Oneshot, IsTriedAgainAfterAFailureAndIsThenInOutage)
{
    Bench b({oneshot("migrate")});
    b.boot_all();
    b.pass(1h);
    b.exits("migrate");
    EXPECT_EQ(b.state("migrate"), "starting") << "the first one waits 0";
    EXPECT_NE(open_outage(b.host->unit(b.id("migrate")).outage), nullptr);
    b.runs("migrate");
    b.exits("migrate");
    EXPECT_EQ(b.state("migrate"), "backoff");
}

TEST(Oneshot, GoesOnUnderANewEngine)
{
    Bench b({oneshot("migrate")});
    b.boot_all();
    b.tell("migrate", Adopted{b.spawn("migrate")});
    EXPECT_EQ(b.state("migrate"), "starting");
    EXPECT_EQ(b.host->deadline(), std::nullopt);
    b.exits("migrate", 1, 0);
    EXPECT_EQ(b.state("migrate"), "done");
}

} // namespace
} // namespace keel::core
