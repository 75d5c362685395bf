// Holds over an engine's death, over keeld's end and over the host's boots.
#include "tests/unit/engine/engine_fixture.hpp"

#include <algorithm>

namespace keel::engine {
namespace {

using namespace std::chrono_literals;
using core::Held;
using core::Verb;

class Holds : public EngineFixture {
protected:
    void boot_the_host(Duration off_for = 1min)
    {
        engine_->shut_down("reboot");
        run(1min);
        die();
        kernel_.host_booted();
        journal_.lose_everything();
        loop_.move_to(loop_.now().mono + off_for);
        start();
        run(1s);
    }
    const Held* hold() { return std::get_if<Held>(&unit(0).wanted); }
    std::string_view state() { return core::state_name(unit(0).instances[0].state); }
    [[nodiscard]] bool was_told(std::string_view text) const
    {
        return std::ranges::any_of(engine_->events_after(0, 1000), [&](const auto& event) {
            return event.text.find(text) != std::string::npos;
        });
    }
};

TEST_F(Holds, OutliveTheEngineWithTheirDeadline)
{
    start();
    run(1min);
    ask("a", Verb::hold, {30min, Held::Process::left_running});
    const MonoTime until = hold()->until->mono;
    die();
    start();
    run(10min);
    ASSERT_TRUE(hold());
    EXPECT_EQ(hold()->until->mono, until);
    EXPECT_EQ(hold()->process, Held::Process::left_running);
    EXPECT_EQ(state(), "ready");
    run(20min);
    EXPECT_FALSE(hold());
    EXPECT_TRUE(was_told("no longer held by ann for: gdb: its time is over"));
}

TEST_F(Holds, OfAPersonOutliveABoot)
{
    start();
    run(1min);
    ask("a", Verb::hold);
    run(1min);
    boot_the_host();
    ASSERT_TRUE(hold());
    EXPECT_EQ(hold()->by, "ann");
    EXPECT_EQ(hold()->why, "gdb");
    EXPECT_EQ(state(), "stopped");
    ask("a", Verb::start);
    run(1min);
    boot_the_host();
    EXPECT_FALSE(hold());
    EXPECT_EQ(state(), "ready");
}

TEST_F(Holds, OfAStopEndWithTheBoot)
{
    start();
    run(1min);
    ask("a", Verb::stop);
    run(1min);
    boot_the_host();
    EXPECT_FALSE(hold());
    EXPECT_EQ(state(), "ready");
}

TEST_F(Holds, HaveWhatIsLeftOfTheirTimeAfterABoot)
{
    start();
    run(1min);
    ask("a", Verb::hold, {30min, Held::Process::stopped});
    run(1min);
    boot_the_host(10min);
    ASSERT_TRUE(hold());
    EXPECT_EQ(state(), "stopped");
    run(17min);
    EXPECT_TRUE(hold());
    run(2min);
    EXPECT_FALSE(hold());
    EXPECT_EQ(state(), "ready");
}

TEST_F(Holds, WhoseTimeWasOverWhileTheHostWasOffAreNoMore)
{
    start();
    run(1min);
    ask("a", Verb::hold, {30min, Held::Process::stopped});
    run(1min);
    boot_the_host(1h);
    EXPECT_FALSE(hold());
    EXPECT_EQ(state(), "ready");
    EXPECT_TRUE(was_told("its time was over before keeld began"));
}

TEST_F(Holds, OfAUnitThatIsNotEnabledLeaveItDownAfterABoot)
{
    specs_[0].enabled = false;
    start();
    ask("a", Verb::start);
    run(1min);
    ask("a", Verb::hold, {30min, Held::Process::stopped});
    run(1min);
    boot_the_host();
    ASSERT_TRUE(hold());
    run(1h);
    EXPECT_FALSE(hold());
    EXPECT_EQ(state(), "stopped");
}

TEST_F(Holds, KeepWhatRunsWhenTheStateIsLost)
{
    start();
    run(1min);
    ask("a", Verb::hold, {{}, Held::Process::left_running});
    die();
    journal_.lose_everything();
    start();
    run(1min);
    ASSERT_TRUE(hold());
    EXPECT_EQ(spawn_of(0), SpawnId{1});
    EXPECT_TRUE(kernel_.main_lives(SpawnId{1}));
}

TEST_F(Holds, StopWhatWasToBeStoppedWhenTheStateIsLost)
{
    fate_.term = sim::Fate::Term::ignores;
    start();
    run(1min);
    ask("a", Verb::hold);
    die();
    journal_.lose_everything();
    start();
    run(1min);
    ASSERT_TRUE(hold());
    EXPECT_EQ(state(), "stopped");
    EXPECT_FALSE(kernel_.main_lives(SpawnId{1}));
}

TEST(HoldRecord, IsNeverLongerThanTheHoldWhateverTheWallClockSays)
{
    const WallTime since{1'700'000'000s};
    Held held{"ann", "gdb", since, Now{MonoTime{}, since + 30min}};
    const Now unset_clock{MonoTime{5s}, WallTime{1000s}};
    const auto read = decode_hold(encode(held), unset_clock);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->until->mono, MonoTime{5s} + 30min);
    EXPECT_EQ(read->until->wall, since + 30min);
    EXPECT_EQ(read->lasts, Held::Lasts::over_boots);
    EXPECT_FALSE(decode_hold(R"({"by":"ann"})", unset_clock));
}

} // namespace
} // namespace keel::engine
