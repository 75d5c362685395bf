#include "base/ensure.hpp"
#include "tests/unit/core/host_bench.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace keel::core {
namespace {

using Names = std::vector<std::string>;

// ---- order and gates ----------------------------------------------------------------------------

TEST(Host, StartsAUnitOnlyWhenWhatItRequiresIsReady)
{
    Bench b(
        {unit_named("worker", {"api"}), unit_named("api", {"backbone"}), unit_named("backbone")});
    b.apply(HostBooted{});
    EXPECT_EQ(b.spawned, Names({"backbone"}));
    EXPECT_EQ(b.why("api"), "blocked on backbone");
    EXPECT_EQ(b.why("worker"), "blocked on api");
    b.runs("backbone");
    EXPECT_EQ(b.spawned, Names({"backbone", "api"}));
    b.runs("api");
    EXPECT_EQ(b.spawned, Names({"backbone", "api", "worker"}));
}

TEST(Host, TellsWhoWaitsForAHeldUnitOnceItsStartHasFailed)
{
    Bench b({unit_named("api", {"backbone"}), unit_named("backbone")});
    b.boot_all();
    b.runs("api");
    b.asks(Verb::stop, "backbone");
    b.exits("backbone", 1, 0);
    b.exits("api"); // Now it is blocked.
    const auto outage_of = [&](std::string_view name) {
        return open_outage(b.host->unit(b.id(name)).outage);
    };
    ASSERT_NE(outage_of("api"), nullptr);
    EXPECT_EQ(outage_of("api")->planned, Outage::Planned::yes);
    b.asks(Verb::start, "backbone");
    EXPECT_EQ(outage_of("api")->planned, Outage::Planned::yes);
    b.exits("backbone");
    b.pass(1min);
    b.apply(HostTick{});
    ASSERT_NE(outage_of("backbone"), nullptr);
    ASSERT_NE(outage_of("api"), nullptr);
    EXPECT_EQ(outage_of("api")->planned, Outage::Planned::no);
}

TEST(Host, RequiresMeansMinReadyNotAll)
{
    auto backbone = unit_named("backbone");
    backbone.instances = 3;
    backbone.min_ready = 2;
    Bench b({backbone, unit_named("api", {"backbone"})});
    b.apply(HostBooted{});
    b.runs("backbone", 1);
    EXPECT_EQ(b.state("api"), "blocked");
    b.runs("backbone", 2);
    EXPECT_EQ(b.state("api"), "starting");
}

TEST(Host, AfterWaitsUntilTheOtherIsReadyOrItsStartFailed)
{
    Bench b({unit_named("first"), unit_named("second", {}, {"first"})});
    b.apply(HostBooted{});
    EXPECT_EQ(b.why("second"), "blocked on first");
    b.exits("first");
    EXPECT_EQ(b.state("second"), "starting");
}

TEST(Host, AfterDoesNotWaitForWhatIsNotWanted)
{
    auto first = unit_named("first");
    first.enabled = false;
    Bench b({first, unit_named("second", {}, {"first"})});
    b.apply(HostBooted{});
    EXPECT_EQ(b.state("second"), "starting");
}

TEST(Host, AfterStopsWaitingWhenTheOtherIsStoppedByAPerson)
{
    Bench b({unit_named("first"), unit_named("second", {}, {"first"})});
    b.apply(HostBooted{});
    b.asks(Verb::stop, "first");
    EXPECT_EQ(b.state("second"), "starting");
}

TEST(Host, ARequirementThatGoesAwayStopsNobodyButHoldsRestartsBack)
{
    Bench b({unit_named("backbone"), unit_named("api", {"backbone"})});
    b.boot_all();
    b.pass(1h);
    b.exits("backbone");
    EXPECT_EQ(b.state("api"), "ready");
    b.exits("api");
    EXPECT_EQ(b.why("api"), "blocked on backbone");
    EXPECT_TRUE(b.instance("api").history.charged.empty()) << "not its own failure";
    b.runs("backbone");
    EXPECT_EQ(b.state("api"), "starting");
}

TEST(Host, SortsUnitsBehindWhatTheyNeed)
{
    Bench b({unit_named("d", {"c", "b"}), unit_named("c", {"a"}), unit_named("b", {}, {"a"}),
             unit_named("a")});
    std::vector<UnitId> order = b.host->start_order();
    const auto place = [&](const char* name) { return std::ranges::find(order, b.id(name)); };
    EXPECT_LT(place("a"), place("b"));
    EXPECT_LT(place("a"), place("c"));
    EXPECT_LT(place("b"), place("d"));
    EXPECT_LT(place("c"), place("d"));
}

TEST(Host, StartWantsTheWholeClosureUp)
{
    auto backbone = unit_named("backbone");
    backbone.enabled = false;
    Bench b({backbone, unit_named("api", {"backbone"}), unit_named("worker", {"api"}),
             unit_named("other")});
    b.apply(HostBooted{});
    b.asks(Verb::stop, "api");
    b.asks(Verb::start, "worker");
    EXPECT_EQ(b.state("backbone"), "starting");
    EXPECT_EQ(b.why("api"), "blocked on backbone");
    b.runs("backbone");
    b.runs("api");
    EXPECT_EQ(b.state("worker"), "starting");
}

// ---- spawn and outage ids -----------------------------------------------------------------------

TEST(Host, NeverReusesASpawnIdNorAnOutageId)
{
    auto worker = unit_named("worker");
    worker.instances = 3;
    worker.min_ready = 3;
    Bench b({worker, unit_named("other")});
    std::vector<std::uint64_t> spawns;
    std::vector<std::uint64_t> outages;
    const auto note = [&] {
        for (const auto& a : b.last.actions)
            if (const auto* s = std::get_if<Spawn>(&a.action)) spawns.push_back(number(s->spawn));
        for (const auto& n : b.last.notes)
            if (const auto* o = std::get_if<OutageOpened>(&n.note))
                outages.push_back(number(o->record.id));
    };
    b.apply(HostBooted{});
    note();
    for (Slot slot = 1; slot <= 3; ++slot)
        b.runs("worker", slot);
    b.runs("other");
    for (Slot slot = 1; slot <= 3; ++slot) {
        b.exits("worker", slot);
        note();
    }
    b.exits("other");
    note();
    EXPECT_EQ(spawns, (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8}));
    EXPECT_EQ(outages, (std::vector<std::uint64_t>{1, 2}));
    EXPECT_EQ(b.host->counters().next_spawn, SpawnId{9});
}

// ---- the dependency's outage --------------------------------------------------------------------

TEST(Host, OutageOfADependantNamesTheOutageThatCausedItAlsoIfBothOpenAtOnce)
{
    for (const bool dependant_first : {false, true}) {
        auto backbone = unit_named("backbone");
        backbone.ready = units::ReadyBy::probe;
        backbone.probes = {probe_named("tcp")};
        const auto api = unit_named("api", {"backbone"});
        Bench b(dependant_first ? std::vector{api, backbone} : std::vector{backbone, api});
        b.apply(HostBooted{});
        b.pass(30s);
        b.apply(HostTick{});
        const Outage* cause = open_outage(b.host->unit(b.id("backbone")).outage);
        const Outage* effect = open_outage(b.host->unit(b.id("api")).outage);
        ASSERT_NE(cause, nullptr);
        ASSERT_NE(effect, nullptr);
        EXPECT_EQ(effect->cause, OutageCause::dependency);
        EXPECT_EQ(effect->caused_by, cause->id);
    }
}

TEST(Host, OutageOfWhatIsBlockedOnAHeldUnitIsPlanned)
{
    Bench b({unit_named("backbone"), unit_named("api", {"backbone"})});
    b.boot_all();
    b.asks(Verb::stop, "backbone");
    b.exits("backbone");
    b.exits("api");
    const Outage* outage = open_outage(b.host->unit(b.id("api")).outage);
    ASSERT_NE(outage, nullptr);
    EXPECT_EQ(outage->planned, Outage::Planned::yes);
}

// ---- the storm brake ----------------------------------------------------------------------------

struct Storm : testing::Test {
    std::unique_ptr<Bench> b;
    void begin(std::vector<units::UnitSpec> specs, StormBrakeSpec storm)
    {
        for (auto& spec : specs)
            spec.escalation.failures = 0;
        b = std::make_unique<Bench>(std::move(specs), HostOptions{storm});
        b->boot_all();
        crash_all();
        for (std::uint32_t i = 0; i < b->host->size(); ++i)
            b->runs(name(i));
        b->spawned.clear();
    }
    [[nodiscard]] std::string name(std::uint32_t i) const { return b->host->spec(UnitId{i}).name; }
    void crash_all()
    {
        for (std::uint32_t i = 0; i < b->host->size(); ++i)
            if (b->state(name(i)) == "ready") b->exits(name(i));
    }
};

TEST_F(Storm, ChargesSecondRestartsAndLetsTheRestGoAsTokensCome)
{
    std::vector<units::UnitSpec> specs;
    for (char c = 'a'; c <= 'e'; ++c)
        specs.push_back(unit_named(std::string(1, c)));
    begin(specs, {1, 2});
    crash_all();
    b->pass(200ms);
    b->apply(HostTick{});
    EXPECT_EQ(b->spawned.size(), 2U);
    EXPECT_EQ(b->why("e"), "blocked by the storm brake");
    const MonoTime began = b->in.now.mono;
    while (b->spawned.size() < 5U) {
        const auto due = b->host->deadline();
        ASSERT_TRUE(due);
        ASSERT_LE(*due, began + 10s);
        b->tick();
    }
    EXPECT_GE(b->in.now.mono, began + 3s);
}

TEST_F(Storm, LetsGoFirstWhatOthersNeedThenByPriorityThenByName)
{
    auto vip = unit_named("vip");
    vip.priority = 10;
    begin({unit_named("zebra"), unit_named("alpha"), vip, unit_named("base"),
           unit_named("user", {}, {"base"})},
          {1, 1});
    b->pass(10s);
    b->apply(HostTick{});
    b->spawned.clear();
    crash_all();
    for (int i = 0; i < 40 && b->spawned.size() < 5; ++i)
        b->tick();
    EXPECT_EQ(b->spawned, Names({"base", "vip", "alpha", "user", "zebra"}));
}

TEST_F(Storm, APersonsStartNeedsNoToken)
{
    begin({unit_named("a"), unit_named("b")}, {1, 1});
    crash_all();
    b->pass(200ms);
    b->apply(HostTick{});
    ASSERT_EQ(b->why("b"), "blocked by the storm brake");
    b->asks(Verb::start, "b");
    EXPECT_EQ(b->state("b"), "starting");
}

TEST_F(Storm, ANewHostThatFindsUnitsBlockedByTheBrakeLetsThemGo)
{
    begin({unit_named("a"), unit_named("b")}, {1, 1});
    crash_all();
    b->pass(200ms);
    b->apply(HostTick{});
    ASSERT_EQ(b->why("b"), "blocked by the storm brake");

    Bench next({unit_named("a"), unit_named("b")}, HostOptions{{1, 1}});
    next.in = b->in;
    for (const UnitId id : b->host->start_order())
        next.host->restore(id, b->host->unit(id));
    ASSERT_TRUE(next.host->deadline());
    next.tick();
    EXPECT_EQ(next.state("b"), "starting");
}

// ---- stopping everything ------------------------------------------------------------------------

struct Shutdown : testing::Test {
    Bench b{{unit_named("backbone"), unit_named("api", {"backbone"}), unit_named("worker", {"api"}),
             unit_named("other")}};
    void stops(std::string_view name)
    {
        b.tell(name, ProcessExited{b.spawn(name), by_signal(SIGTERM), TreeState::empty});
    }
};

TEST_F(Shutdown, StopsInReverseOrderEachWhenNothingThatNeedsItLives)
{
    b.boot_all();
    b.apply(ShutdownWanted{"SIGTERM", 0});
    EXPECT_EQ(b.signalled.size(), 2U);
    EXPECT_EQ(b.state("worker"), "stopping");
    EXPECT_EQ(b.state("other"), "stopping");
    EXPECT_EQ(b.state("api"), "ready");
    stops("other");
    stops("worker");
    EXPECT_EQ(b.state("api"), "stopping");
    EXPECT_EQ(b.state("backbone"), "ready");
    EXPECT_FALSE(b.last.exit_code);
    stops("api");
    stops("backbone");
    EXPECT_EQ(b.last.exit_code, 0);
}

TEST_F(Shutdown, WithNothingRunningEndsAtOnce)
{
    b.apply(ShutdownWanted{"SIGTERM", 3});
    EXPECT_EQ(b.last.exit_code, 3);
}

TEST_F(Shutdown, StartsNothingAnyMore)
{
    b.boot_all();
    b.pass(1h);
    b.apply(ShutdownWanted{"SIGTERM", 0});
    b.spawned.clear();
    b.exits("backbone");
    b.exits("api");
    b.asks(Verb::start, "other");
    stops("other");
    stops("worker");
    EXPECT_TRUE(b.spawned.empty());
    EXPECT_EQ(b.last.exit_code, 0);
}

TEST_F(Shutdown, EscalatesToKillForWhatDoesNotEnd)
{
    b.boot_all();
    b.apply(ShutdownWanted{"SIGTERM", 0});
    b.tick();
    EXPECT_TRUE(std::ranges::any_of(b.last.actions, [](const HostAction& a) {
        return std::holds_alternative<KillTree>(a.action);
    }));
}

TEST_F(Shutdown, LeavesNoDeadlineInThePastBehind)
{
    auto prevented = unit_named("prevented");
    prevented.restart.policy = units::RestartWhen::never;
    Bench p({prevented, unit_named("slow")});
    p.boot_all();
    p.asks(Verb::restart, "prevented");
    Bench fresh({prevented, unit_named("slow")});
    fresh.apply(HostBooted{});
    fresh.exits("prevented");
    fresh.runs("slow");
    EXPECT_EQ(fresh.state("prevented"), "failed");
    fresh.apply(ShutdownWanted{"SIGTERM", 0});
    fresh.pass(60s);
    fresh.apply(HostTick{});
    EXPECT_GT(fresh.host->deadline().value_or(MonoTime::max()), fresh.in.now.mono);
}

TEST_F(Shutdown, WaitsForNoUnitThatIsFrozenAfterAMistakeOfKeelsOwn)
{
    set_on_invariant_failure(OnInvariantFailure::throw_exception);
    b.boot_all();
    b.tell("worker", Tick{}, 7); // there is no seventh instance
    set_on_invariant_failure(OnInvariantFailure::abort);
    ASSERT_FALSE(b.last.notes.empty());
    EXPECT_TRUE(std::holds_alternative<Frozen>(b.last.notes.back().note));
    b.exits("worker");
    EXPECT_EQ(b.state("worker"), "ready") << "nothing more is decided about it";

    b.apply(ShutdownWanted{"SIGTERM", 0});
    for (const char* who : {"other", "api", "backbone"})
        stops(who);
    EXPECT_EQ(b.last.exit_code, 0);
}

TEST_F(Shutdown, TheLaddersLastWordEndsKeeldWithAFailure)
{
    auto spec = unit_named("vital");
    spec.escalation.ladder = {units::Rung::restart, units::Rung::exit};
    spec.escalation.failures = 1;
    Bench v({spec, unit_named("other")});
    v.boot_all();
    v.exits("vital");
    EXPECT_EQ(v.state("other"), "stopping");
    EXPECT_FALSE(v.last.exit_code);
    v.exits("other");
    if (!v.last.exit_code) v.exits("vital");
    EXPECT_EQ(v.last.exit_code, 1);
}

// ---- deadlines ----------------------------------------------------------------------------------

TEST(Host, HasNoDeadlineWhenAllIsWell)
{
    Bench b({unit_named("a"), unit_named("b", {"a"})});
    b.boot_all();
    EXPECT_FALSE(b.host->deadline());
}

TEST(Host, ATickThatComesEarlyOrTwiceChangesNothing)
{
    Bench b({unit_named("a")});
    b.boot_all();
    b.exits("a");
    b.runs("a");
    b.exits("a");
    ASSERT_EQ(b.state("a"), "backoff");
    const auto due = b.host->deadline();
    b.apply(HostTick{});
    EXPECT_TRUE(b.last.actions.empty());
    EXPECT_EQ(b.host->deadline(), due);
    b.tick();
    EXPECT_EQ(b.spawned.size(), 3U);
    b.apply(HostTick{});
    EXPECT_EQ(b.spawned.size(), 3U);
}

TEST(Host, UnitsThatFailInOneStepDoNotComeBackInOneStep)
{
    auto a = unit_named("a");
    auto c = unit_named("c");
    a.restart.jitter = c.restart.jitter = 0.5;
    Bench b({a, c});
    b.boot_all();
    for (int turn = 0; turn < 2; ++turn)
        for (const char* who : {"a", "c"}) {
            b.exits(who);
            if (turn == 0) b.runs(who);
        }
    EXPECT_NE(std::get<Backoff>(b.instance("a").state).retry_at,
              std::get<Backoff>(b.instance("c").state).retry_at);
}

} // namespace
} // namespace keel::core
