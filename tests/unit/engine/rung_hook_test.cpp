// The hook of a rung, carried out, and over the engine's own death.
#include "tests/unit/engine/engine_fixture.hpp"

#include <chrono>
#include <gmock/gmock.h>

namespace keel::engine {
namespace {

using namespace std::chrono_literals;
using core::ExitStatus;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using units::Rung;

class RungHooks : public EngineFixture {
protected:
    RungHooks()
    {
        specs_[0].escalation.failures = 1;
        specs_[0].escalation.ladder = {Rung::restart, Rung(Rung::run, "page"), Rung::retry};
        specs_[0].hooks = {{"page", {{"/bin/page", "{unit}"}, 20s}}};
    }
    /// It crashes once; from then on whatever is spawned stays.
    void climb()
    {
        start();
        run(1s);
        kernel_.end(spawn_of(0).value(), {ExitStatus::Kind::code, 1, false});
        run(1s);
        ASSERT_TRUE(unit(0).rung_hook);
    }
    std::vector<std::string> told()
    {
        std::vector<std::string> texts;
        for (const core::EventView& event : engine_->events_after(0, 1000))
            if (event.kind == "hook") texts.push_back(event.text);
        return texts;
    }
};

TEST_F(RungHooks, RunBesideTheUnitAndTheirEndIsTold)
{
    climb();
    const SpawnId hook = unit(0).rung_hook->spawn;
    EXPECT_TRUE(kernel_.main_lives(hook));
    EXPECT_EQ(core::state_name(unit(0).instances[0].state), "ready");
    EXPECT_THAT(engine_->why("a")->now, Contains(HasSubstr("its hook page has been running for")));
    EXPECT_THAT(engine_->why("a")->next, Contains(HasSubstr("hook page is killed if it still")));
    EXPECT_EQ(engine_->unit("a")->rung, "run:page");
    kernel_.end(hook, ExitStatus{});
    run(1s);
    EXPECT_FALSE(unit(0).rung_hook);
    EXPECT_THAT(told(), ElementsAre(HasSubstr("run:page: exit 0 after")));
}

TEST_F(RungHooks, OutliveTheirEngineAndTheirEndIsTheNextOnesToHear)
{
    climb();
    const SpawnId hook = unit(0).rung_hook->spawn;
    die();
    start();
    run(1s);
    ASSERT_TRUE(unit(0).rung_hook);
    EXPECT_EQ(unit(0).rung_hook->spawn, hook) << "one that lives is not begun again";
    EXPECT_EQ(unit(0).rung_hook->name, "page");
    die();
    kernel_.end(hook, {ExitStatus::Kind::code, 3, false});
    start();
    run(1s);
    EXPECT_FALSE(unit(0).rung_hook);
    EXPECT_EQ(unit(0).rung, 2);
    EXPECT_THAT(told(), ElementsAre(HasSubstr("run:page failed after")));
}

TEST_F(RungHooks, ThatWereDecidedAndNeverBegunAreBegunByTheNextEngine)
{
    climb();
    const SpawnId hook = unit(0).rung_hook->spawn;
    kernel_.host_booted(); // As if the engine had died before it could.
    die();
    start();
    run(1s);
    ASSERT_TRUE(unit(0).rung_hook);
    EXPECT_NE(unit(0).rung_hook->spawn, hook);
    EXPECT_EQ(unit(0).rung, 1);
}

TEST_F(RungHooks, ThatTheJournalDoesNotKnowAreEnded)
{
    climb();
    const SpawnId hook = unit(0).rung_hook->spawn;
    die();
    journal_.lose_everything();
    kernel_.memory = sim::FakeKernel::Memory::lossy;
    start();
    run(1s);
    EXPECT_FALSE(kernel_.anything_lives(hook));
}

TEST_F(RungHooks, ThatKeelTomlHasNoLongerHaveFailed)
{
    specs_[0].hooks.clear();
    start();
    run(1s);
    kernel_.end(spawn_of(0).value(), {ExitStatus::Kind::code, 1, false});
    run(1s);
    EXPECT_FALSE(unit(0).rung_hook);
    EXPECT_EQ(unit(0).rung, 2);
    EXPECT_THAT(told(), ElementsAre(HasSubstr("keel.toml has no hook `page` of use")));
}

TEST_F(RungHooks, RunAsKeeldUnderANameBesideTheUnit)
{
    specs_[0].user = "nobody";
    specs_[0].environment = {{"A", "1"}};
    Identity own;
    own.home = "/root";
    const auto plan = make_rung_hook_plan(specs_[0], {"page", specs_[0].hooks.at("page"), "exit 1"},
                                          own, "/run/keel/units");
    EXPECT_EQ(plan.unit, "a.ladder");
    EXPECT_EQ(plan.slot, whole_unit);
    EXPECT_FALSE(plan.credentials);
    EXPECT_THAT(plan.argv, ElementsAre("/bin/page", "a"));
    EXPECT_FALSE(plan.environment.contains("A"));
    EXPECT_EQ(plan.environment.at("HOME"), "/root");
    EXPECT_EQ(plan.environment.at("KEEL_HOOK"), "page");
    EXPECT_EQ(plan.environment.at("KEEL_REASON"), "exit 1");
}

} // namespace
} // namespace keel::engine
