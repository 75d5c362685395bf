// Hooks that outlive the engine that began them, and those that do not.
#include "tests/unit/engine/engine_fixture.hpp"

#include <chrono>
#include <gmock/gmock.h>

namespace keel::engine {
namespace {

using namespace std::chrono_literals;
using core::ExitStatus;
using units::Hook;

class Hooks : public EngineFixture {
protected:
    core::Instance instance() { return unit(0).instances[0]; }
    std::string_view state() { return core::state_name(instance().state); }
    std::optional<Hook> running()
    {
        return instance().hook ? std::optional(instance().hook->hook) : std::nullopt;
    }
    std::vector<std::string> told()
    {
        std::vector<std::string> texts;
        for (const core::EventView& event : engine_->events_after(0, 1000))
            if (event.kind == "hook") texts.push_back(event.text);
        return texts;
    }
};

TEST_F(Hooks, AHookOutlivesItsEngineAndItsEndIsTheNextOnesToHear)
{
    specs_[0].start.pre = {"/bin/prepare"};
    start();
    run(1s);
    ASSERT_EQ(running(), Hook::start_pre);
    const SpawnId hook = instance().hook->spawn;
    die();
    start();
    run(1s);
    ASSERT_TRUE(instance().hook);
    EXPECT_EQ(instance().hook->spawn, hook) << "one that lives is not begun again";
    kernel_.end(hook, ExitStatus{});
    run(1s);
    EXPECT_EQ(state(), "ready");
}

TEST_F(Hooks, AHookThatEndedWhileNoEngineRanIsNotRunAgain)
{
    specs_[0].start.pre = {"/bin/prepare"};
    start();
    run(1s);
    const SpawnId hook = instance().hook->spawn;
    die();
    kernel_.end(hook, ExitStatus{});
    start();
    run(1s);
    EXPECT_EQ(state(), "ready");
    EXPECT_EQ(spawn_of(0), SpawnId{number(hook) + 1});
}

TEST_F(Hooks, AStopThatWaitsForItsHookGoesOnUnderTheNextEngine)
{
    specs_[0].stop.pre = {"/bin/drain"};
    specs_[0].stop.post = {"/bin/clean-up"};
    start();
    run(1s);
    ask("a", core::Verb::stop);
    run(1s);
    ASSERT_EQ(running(), Hook::stop_pre);
    die();
    hook_fate_.ends_after = 10ms;
    start();
    run(1min);
    EXPECT_EQ(state(), "stopped");
    EXPECT_THAT(told(), testing::ElementsAre(testing::HasSubstr("stop.pre: not over within 10s")));
}

TEST_F(Hooks, AHookThatTheJournalDoesNotKnowIsEnded)
{
    specs_[0].start.post = {"/bin/announce"};
    start();
    run(1s);
    const SpawnId hook = instance().hook->spawn;
    die();
    journal_.lose_everything();
    kernel_.memory = sim::FakeKernel::Memory::lossy;
    start();
    run(1s);
    EXPECT_FALSE(kernel_.anything_lives(hook));
    EXPECT_EQ(state(), "ready") << "and the process is taken back";
}

TEST_F(Hooks, AHookIsSpawnedAsTheUnitIsButUnderANameBesideIt)
{
    units::UnitSpec spec = spec_named("api");
    spec.stop.pre = {"/bin/drain", "{instance}"};
    spec.environment = {{"A", "1"}};
    const auto plan = make_hook_plan(spec, 3, Hook::stop_pre, Identity{}, "/run/keel/units", "");
    EXPECT_EQ(plan.unit, "api.hook");
    EXPECT_EQ(plan.slot, 3);
    EXPECT_THAT(plan.argv, testing::ElementsAre("/bin/drain", "3"));
    EXPECT_EQ(plan.environment.at("A"), "1");
    EXPECT_EQ(plan.environment.at("KEEL_HOOK"), "stop.pre");
}

} // namespace
} // namespace keel::engine
