// What processes say of themselves, and what of it an engine's death leaves standing.
#include "tests/unit/engine/engine_fixture.hpp"

namespace keel::engine {
namespace {

using namespace std::chrono_literals;

class Notices : public EngineFixture {
protected:
    Notices()
    {
        specs_[0].ready = units::ReadyBy::notify;
        specs_[0].start.timeout = 30s;
    }
    void says(std::string_view text)
    {
        notices_.say(spawn_of(0).value(), core::parse_notice(text));
        run(10ms);
    }
    const core::Instance& instance() { return unit(0).instances.at(0); }
    std::string_view state() { return core::state_name(instance().state); }
};

TEST_F(Notices, MakeAUnitReady)
{
    start();
    run(10s);
    EXPECT_EQ(state(), "starting");
    says("READY=1\nSTATUS=well");
    EXPECT_EQ(state(), "ready");
    EXPECT_EQ(engine_->unit("a")->instances[0].says, "well");
}

TEST_F(Notices, AreKnownToTheNextEngine)
{
    start();
    run(1s);
    says("READY=1\nSTATUS=well");
    says("STATUS=better");
    die();
    start();
    run(1min);
    EXPECT_EQ(state(), "ready");
    EXPECT_EQ(instance().said.status, "better");
    EXPECT_EQ(instance().restarts, 0U);
}

TEST_F(Notices, ThatCameWhileNoEngineLivedAreHeardByTheNext)
{
    start();
    run(1s);
    const SpawnId spawn = spawn_of(0).value();
    die();
    notices_.say(spawn, core::parse_notice("READY=1"));
    start();
    run(1s);
    EXPECT_EQ(state(), "ready");
    EXPECT_EQ(spawn_of(0), spawn);
}

TEST_F(Notices, ThatAnEngineDiesOverAreHeardByTheNext)
{
    start();
    run(1s);
    const SpawnId spawn = spawn_of(0).value();
    notices_.say(spawn, core::parse_notice("READY=1"));
    fuse_.light(1);
    EXPECT_ANY_THROW(run(1s));
    fuse_.put_out();
    die();
    start();
    run(1s);
    EXPECT_EQ(state(), "ready");
    EXPECT_EQ(spawn_of(0), spawn);
}

TEST_F(Notices, OfEarlierSpawnsAreNotHeard)
{
    start();
    run(1s);
    const SpawnId first = spawn_of(0).value();
    kernel_.end(first, {core::ExitStatus::Kind::code, 1, false});
    run(1s);
    ASSERT_NE(spawn_of(0), first);
    EXPECT_EQ(notices_.waiting(first), nullptr) << "its socket is closed";
    EXPECT_EQ(state(), "starting");
}

TEST_F(Notices, LetTheWatchdogBeginAnewUnderANewEngine)
{
    specs_[0].watchdog = 10s;
    start();
    run(1s);
    says("READY=1");
    run(9s);
    die();
    start();
    run(9s);
    EXPECT_EQ(state(), "ready");
    says("WATCHDOG=1");
    run(9s);
    EXPECT_EQ(state(), "ready");
    run(2s);
    EXPECT_NE(state(), "ready");
}

} // namespace
} // namespace keel::engine
