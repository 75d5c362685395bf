// Another configuration in the place of the one in force: what is touched, in which order, what
// brings the former one back, and what an engine finds that comes after a death in the middle.
#include "tests/unit/engine/engine_fixture.hpp"

#include <algorithm>

namespace keel::engine {
namespace {

using namespace std::chrono_literals;
using core::ApplyView;
using core::Verb;
using enum core::ApplyView::Outcome;

class Applies : public EngineFixture {
protected:
    Applies()
    {
        specs_ = {spec_named("a"), spec_named("b")};
        wanted_ = specs_;
        // A program of the name crashes; what runs is what the engine's host says just then.
        fate_of_ = [this](const std::string& unit) {
            sim::Fate fate;
            const auto id = engine_->host().find(unit);
            if (id && engine_->host().spec(*id).command.at(0) == "/bin/crash") {
                fate.ends_after = 1s;
                fate.status = {core::ExitStatus::Kind::code, 3, false};
            }
            return fate;
        };
    }
    void start_all()
    {
        start();
        run(1min);
    }
    std::optional<ports::Refusal>
    apply(ApplyOrder::IfItFails if_it_fails = ApplyOrder::IfItFails::revert)
    {
        view_.reset();
        ApplyOrder order;
        order.units = configured(wanted_);
        order.by = "ann";
        order.if_it_fails = if_it_fails;
        order.store = [this](const ApplyOrder::Stored& stored) {
            loop_.defer([this, stored] {
                ++stores_;
                if (disk_is_full_) return stored(Error{"write", "disk", ENOSPC});
                on_disk_ = wanted_;
                stored(std::uint64_t{7});
            });
        };
        return engine_->apply(std::move(order), [this](const ApplyView& view) { view_ = view; });
    }
    units::UnitSpec& wanted(const std::string& name)
    {
        return *std::ranges::find(wanted_, name, &units::UnitSpec::name);
    }
    std::optional<SpawnId> spawn(const std::string& name, Slot slot = 1)
    {
        const auto& instances = known(name).instances;
        return slot <= instances.size() ? core::spawn_of(instances[slot - 1U].state) : std::nullopt;
    }
    const core::Unit& known(const std::string& name)
    {
        return engine_->host().unit(engine_->host().find(name).value());
    }
    std::string_view state(const std::string& name)
    {
        return core::state_name(known(name).instances.at(0).state);
    }
    const units::UnitSpec& spec(const std::string& name)
    {
        return engine_->host().spec(engine_->host().find(name).value());
    }

    std::vector<units::UnitSpec> wanted_; ///< what is applied next
    std::optional<std::vector<units::UnitSpec>> on_disk_;
    std::optional<ApplyView> view_;
    int stores_ = 0;
    bool disk_is_full_ = false;
};

TEST_F(Applies, RestartOnlyWhatIsMadeDifferently)
{
    start_all();
    const auto before = spawn("b");
    wanted("a").command = {"/bin/other"};
    ASSERT_FALSE(apply());
    run(9s);
    EXPECT_FALSE(view_) << "the trial is not over";
    EXPECT_EQ(stores_, 0);
    run(5s);
    ASSERT_TRUE(view_);
    EXPECT_EQ(view_->outcome, applied);
    EXPECT_EQ(view_->generation, 7U);
    EXPECT_EQ(view_->changes, (std::vector<ApplyView::Change>{{"a", "restart"}}));
    EXPECT_EQ(spawn("a"), SpawnId{3});
    EXPECT_EQ(spawn("b"), before);
    EXPECT_EQ(stores_, 1);
    EXPECT_EQ(engine_->counters().last_apply.outcome, core::LastApply::Outcome::in_force);
}

TEST_F(Applies, TakeLiveKeysOverWithoutARestart)
{
    start_all();
    wanted("a").restart.delay = 7s;
    wanted("b").start.timeout = 3s;
    ASSERT_FALSE(apply());
    EXPECT_EQ(spec("a").restart.delay, 7s);
    run(15s);
    ASSERT_TRUE(view_);
    EXPECT_EQ(view_->outcome, applied);
    EXPECT_EQ(view_->changes, (std::vector<ApplyView::Change>{{"a", "live"}, {"b", "next start"}}));
    EXPECT_EQ(spawn("a"), SpawnId{1});
    EXPECT_EQ(spawn("b"), SpawnId{2});
}

TEST_F(Applies, ThatChangeNothingAreOverAtOnce)
{
    start_all();
    ASSERT_FALSE(apply());
    run(0s);
    ASSERT_TRUE(view_);
    EXPECT_EQ(view_->outcome, unchanged);
    EXPECT_EQ(spawn("a"), SpawnId{1});
}

TEST_F(Applies, AreRevertedWhenTheNewCommandCrashes)
{
    start_all();
    wanted("a").command = {"/bin/crash"};
    wanted("b").restart.delay = 7s;
    ASSERT_FALSE(apply());
    run(5s);
    ASSERT_TRUE(view_);
    EXPECT_EQ(view_->outcome, reverted);
    EXPECT_EQ(view_->unit, "a");
    EXPECT_EQ(view_->why, "exit 3");
    EXPECT_EQ(spec("a").command.at(0), "/bin/true");
    EXPECT_EQ(spec("b").restart.delay, units::RestartSpec{}.delay);
    EXPECT_EQ(state("a"), "ready");
    EXPECT_EQ(spawn("b"), SpawnId{2});
    EXPECT_EQ(stores_, 0);
    EXPECT_EQ(engine_->counters().last_apply.outcome, core::LastApply::Outcome::failed);
}

TEST_F(Applies, StayWhenAskedToEvenIfTheNewCommandCrashes)
{
    start_all();
    wanted("a").command = {"/bin/crash"};
    ASSERT_FALSE(apply(ApplyOrder::IfItFails::stay));
    run(0s);
    EXPECT_EQ(stores_, 1) << "before anything is touched";
    run(15s);
    ASSERT_TRUE(view_);
    EXPECT_EQ(view_->outcome, kept);
    EXPECT_EQ(view_->unit, "a");
    EXPECT_EQ(spec("a").command.at(0), "/bin/crash");
}

TEST_F(Applies, ThatCannotBeStoredAreReverted)
{
    start_all();
    disk_is_full_ = true;
    wanted("a").command = {"/bin/other"};
    ASSERT_FALSE(apply());
    run(1min);
    ASSERT_TRUE(view_);
    EXPECT_EQ(view_->outcome, reverted);
    EXPECT_NE(view_->why.find("it cannot be stored"), std::string::npos) << view_->why;
    EXPECT_EQ(spec("a").command.at(0), "/bin/true");
    EXPECT_EQ(state("a"), "ready");
}

TEST_F(Applies, AddUnitsAndForgetThoseThatAreGone)
{
    specs_.push_back(spec_named("c"));
    start_all();
    const auto gone = spawn("b");
    wanted_ = {specs_[0], spec_named("c")};
    wanted_[1].name = "d";
    specs_.push_back(wanted_[1]);
    ASSERT_FALSE(apply());
    run(30s);
    ASSERT_TRUE(view_);
    EXPECT_EQ(view_->outcome, applied);
    EXPECT_EQ(engine_->host().size(), 2U);
    EXPECT_FALSE(engine_->host().find("b"));
    EXPECT_FALSE(kernel_.main_lives(*gone));
    EXPECT_EQ(state("d"), "ready");
    EXPECT_EQ(engine_->units().size(), 2U);
    specs_ = wanted_;
    die();
    start();
    run(1min);
    EXPECT_EQ(state("d"), "ready");
}

TEST_F(Applies, BringBackWhatWasRemovedWithItsHold)
{
    start_all();
    ask("b", Verb::hold);
    run(1s);
    wanted_ = {spec_named("a")};
    wanted("a").command = {"/bin/crash"};
    ASSERT_FALSE(apply());
    run(30s);
    ASSERT_TRUE(view_);
    EXPECT_EQ(view_->outcome, reverted);
    ASSERT_TRUE(std::holds_alternative<core::Held>(known("b").wanted));
    EXPECT_EQ(state("b"), "stopped");
    ask("b", Verb::start);
    run(1s);
    EXPECT_EQ(state("b"), "ready");
}

TEST_F(Applies, RestartWhatIsNeededFirst)
{
    specs_[0].requires_units = {"b"};
    wanted_ = specs_;
    start_all();
    wanted("a").command = wanted("b").command = {"/bin/other"};
    ASSERT_FALSE(apply());
    run(15s);
    ASSERT_TRUE(view_);
    EXPECT_EQ(view_->outcome, applied);
    EXPECT_EQ(spawn("b"), SpawnId{3});
    EXPECT_EQ(spawn("a"), SpawnId{4});
}

TEST_F(Applies, AreRefusedOnlyIfAUnitThatChangesHasAnOperation)
{
    fate_of_ = nullptr;
    fate_.term_takes = 5s;
    start_all();
    ask("b", Verb::restart);
    wanted("b").command = {"/bin/other"};
    const auto refusal = apply();
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->kind, ports::Refusal::Kind::conflict);
    ASSERT_TRUE(refusal->in_the_way);
    wanted("b") = specs_[1];
    wanted("a").command = {"/bin/other"};
    EXPECT_FALSE(apply());
    EXPECT_TRUE(apply()) << "one at a time";
    run(1min);
    ASSERT_TRUE(view_);
    EXPECT_EQ(view_->outcome, applied);
}

TEST_F(Applies, GiveUpAOneshotThatCannotStartAndWaitForOneThatWorks)
{
    specs_[1].type = units::UnitType::oneshot;
    specs_[1].restart.policy = units::RestartWhen::on_failure;
    specs_[1].requires_units = {"a"};
    specs_[0].restart.policy = units::RestartWhen::never;
    wanted_ = specs_;
    Duration work = 1s;
    fate_of_ = [&work](const std::string& unit) {
        sim::Fate fate;
        if (unit == "b") fate.ends_after = work;
        return fate;
    };
    start_all();
    ASSERT_EQ("done", state("b"));
    work = 1h;
    wanted("b").command = {"/bin/other"};
    ASSERT_FALSE(apply());
    run(2h);
    ASSERT_TRUE(view_);
    EXPECT_EQ(applied, view_->outcome) << view_->why;

    kernel_.end(*spawn("a"), {core::ExitStatus::Kind::code, 1, false});
    run(1s);
    ASSERT_EQ("failed", state("a"));
    wanted("b").command = {"/bin/another"};
    ASSERT_FALSE(apply());
    run(1h);
    ASSERT_TRUE(view_) << "it waits for a oneshot that cannot start";
    EXPECT_EQ(reverted, view_->outcome);
    EXPECT_EQ("b", view_->unit);
    EXPECT_NE(std::string::npos, view_->why.find("blocked on a")) << view_->why;
}

TEST_F(Applies, AreNotCancelledUnitByUnit)
{
    fate_of_ = [](const std::string&) {
        sim::Fate fate;
        fate.term_takes = 1s;
        return fate;
    };
    start_all();
    wanted("a").command = {"/bin/other"};
    ASSERT_FALSE(apply());
    run(500ms);
    ASSERT_TRUE(known("a").operation);
    const auto refusal = engine_->cancel(known("a").operation->id, "bob");
    ASSERT_TRUE(refusal);
    EXPECT_EQ(ports::Refusal::Kind::too_late, refusal->kind);
    EXPECT_NE(std::string::npos, refusal->text.find("Keel's own, for apply of ann"))
        << refusal->text;
    EXPECT_TRUE(known("a").operation);
}

TEST_F(Applies, DoNotWaitForWhatAPersonStopsMeanwhile)
{
    start_all();
    wanted("a").command = {"/bin/other"};
    wanted("b").command = {"/bin/other"};
    ASSERT_FALSE(apply());
    run(5s);
    ask("a", Verb::stop);
    run(15s);
    ASSERT_TRUE(view_);
    EXPECT_EQ(view_->outcome, applied);
    EXPECT_EQ(state("a"), "stopped");
}

TEST_F(Applies, ThatAreCutShortAreUndoneByTheNextEngine)
{
    start_all();
    const auto before = spawn("b");
    wanted("a").command = {"/bin/other"};
    wanted_.push_back(spec_named("c"));
    specs_.push_back(wanted_[2]);
    ASSERT_FALSE(apply());
    run(5s);
    const auto stranger = spawn("c");
    ASSERT_TRUE(stranger);
    const auto other = spawn("a");
    EXPECT_GT(other, SpawnId{2});
    die();
    specs_.pop_back();
    start();
    specs_.push_back(wanted_[2]); // The fixture still has to know whose it is.
    run(1min);
    EXPECT_GT(spawn("a"), other) << "made from what is not in force";
    EXPECT_EQ(state("a"), "ready");
    EXPECT_EQ(spawn("b"), before);
    EXPECT_FALSE(kernel_.anything_lives(*stranger));
    specs_.pop_back();
    const auto now = spawn("a");
    die();
    start();
    run(1min);
    EXPECT_EQ(spawn("a"), now) << "put right once";
}

TEST_F(Applies, ChangeTheNumberOfInstances)
{
    specs_[0].instances = 3;
    wanted_ = specs_;
    start_all();
    const auto first = spawn("a", 1);
    const auto third = spawn("a", 3);
    wanted("a").instances = 1;
    ASSERT_FALSE(apply());
    run(15s);
    EXPECT_EQ(known("a").instances.size(), 1U);
    EXPECT_FALSE(kernel_.main_lives(*third));
    EXPECT_EQ(spawn("a", 1), first);
    wanted("a").instances = 2;
    ASSERT_FALSE(apply());
    run(15s);
    EXPECT_EQ(view_->outcome, applied);
    EXPECT_EQ(known("a").instances.size(), 2U);
    EXPECT_EQ(core::ready_count(known("a")), 2);
    EXPECT_EQ(spawn("a", 1), first);
}

TEST_F(Applies, StartAndStopWhatIsEnabledOrNot)
{
    specs_[1].enabled = false;
    wanted_ = specs_;
    start_all();
    EXPECT_EQ(state("b"), "stopped");
    wanted("a").enabled = false;
    wanted("b").enabled = true;
    ASSERT_FALSE(apply());
    run(15s);
    EXPECT_EQ(view_->outcome, applied);
    EXPECT_EQ(state("a"), "stopped");
    EXPECT_EQ(state("b"), "ready");
}

TEST_F(Applies, FailWhenAChangedUnitDoesNotGetReady)
{
    specs_[1].requires_units = {"a"};
    wanted_ = specs_;
    start_all();
    ask("a", Verb::hold);
    run(1s);
    wanted("b").command = {"/bin/other"};
    ASSERT_FALSE(apply());
    run(10min);
    ASSERT_TRUE(view_);
    EXPECT_EQ(view_->outcome, reverted);
    EXPECT_EQ(view_->unit, "b");
    EXPECT_NE(view_->why.find("blocked on a"), std::string::npos) << view_->why;
}

TEST_F(Applies, AskNothingOfWhatWasGivenUpBeforeUnlessItIsMadeAnew)
{
    specs_[0].restart.policy = units::RestartWhen::never;
    wanted_ = specs_;
    start_all();
    kernel_.end(*spawn("a"), {core::ExitStatus::Kind::code, 1, false});
    run(1s);
    ASSERT_EQ(state("a"), "failed");
    wanted("a").description = "live";
    ASSERT_FALSE(apply());
    run(1s);
    ASSERT_TRUE(view_) << "it waits for what nobody has asked to start";
    EXPECT_EQ(view_->outcome, applied) << view_->why;
    EXPECT_EQ(state("a"), "failed");
    wanted("a").command = {"/bin/other"};
    ASSERT_FALSE(apply());
    run(15s);
    EXPECT_EQ(view_->outcome, applied) << view_->why;
    EXPECT_EQ(state("a"), "ready");
}

TEST_F(Applies, DoNotWaitForEverForWhatNeedsAUnitThatWasGivenUp)
{
    specs_[0].restart.policy = units::RestartWhen::never;
    specs_[1].requires_units = {"a"};
    wanted_ = specs_;
    start_all();
    kernel_.end(*spawn("a"), {core::ExitStatus::Kind::code, 1, false});
    run(1s);
    wanted("a").description = "live";
    wanted("b").command = {"/bin/other"};
    ASSERT_FALSE(apply());
    run(1h);
    ASSERT_TRUE(view_);
    EXPECT_EQ(view_->outcome, reverted);
    EXPECT_NE(view_->why.find("blocked on a"), std::string::npos) << view_->why;
}

TEST_F(Applies, RunProbesAsTheyAreNow)
{
    start_all();
    units::ProbeSpec probe;
    probe.name = "tcp";
    probe.target = units::TcpTarget{"a:1:tcp", {}, {}};
    probe.interval = 1s;
    wanted("a").probes = {probe};
    wanted("a").ready = units::ReadyBy::probe;
    probe_fate_.answer.verdict = core::Verdict::pass;
    ASSERT_FALSE(apply());
    run(15s);
    EXPECT_EQ(view_->outcome, applied);
    EXPECT_EQ(spawn("a"), SpawnId{1});
    ASSERT_EQ(known("a").instances[0].probes.size(), 1U);
    EXPECT_TRUE(known("a").instances[0].probes[0].last);
    probe_fate_.answer.verdict = core::Verdict::fail;
    run(10s);
    wanted("a").probes[0].name = "other";
    wanted("a").probes.push_back(probe);
    ASSERT_FALSE(apply());
    run(1min);
    EXPECT_EQ(view_->outcome, reverted);
    EXPECT_EQ(engine_->counters_of("a").probes.size(), 1U);
}

TEST_F(Applies, ChangesLimitsOfWhatRunsWithoutARestart)
{
    wanted("a").instances = 2;
    wanted("a").resources.memory_max = 1000;
    specs_ = wanted_;
    start_all();
    const auto first = spawn("a", 1), second = spawn("a", 2);
    EXPECT_EQ(kernel_.resources_of(*second).memory_max, 1000U) << "it is born with them";
    wanted("a").resources.memory_max = 2000;
    wanted("a").resources.pids_max = 5;
    ASSERT_FALSE(apply());
    run(1min);
    EXPECT_EQ(spawn("a", 1), first);
    for (const auto& one : {first, second})
        EXPECT_EQ(kernel_.resources_of(*one), wanted("a").resources);
    ASSERT_EQ(view_->changes.size(), 1U);
    EXPECT_EQ(view_->changes[0].effect, "live");
    wanted("a").resources = {};
    ASSERT_FALSE(apply());
    run(1min);
    EXPECT_EQ(kernel_.resources_of(*first), units::ResourcesSpec{});
}

TEST_F(Applies, TakesLimitsBackWithTheRest)
{
    start_all();
    wanted("a").resources.memory_max = 1000;
    wanted("b").command = {"/bin/crash"};
    ASSERT_FALSE(apply());
    run(2min);
    EXPECT_EQ(view_->outcome, reverted);
    EXPECT_EQ(kernel_.resources_of(*spawn("a")), units::ResourcesSpec{});
}

} // namespace
} // namespace keel::engine
