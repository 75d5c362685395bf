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

class Newlines : public EngineFixture {
protected:
    Newlines()
    {
        specs_[0].ready = units::ReadyBy::descriptor;
        specs_[0].ready_fd = 3;
    }
    using Content = sim::FakeReadyPipes::Content;
    std::string_view state() { return core::state_name(unit(0).instances.at(0).state); }
    [[nodiscard]] std::string told() const
    {
        std::string text;
        for (const core::EventView& event : engine_->events_after(0, 1000))
            if (event.kind == "ready") text += event.text;
        return text;
    }
};

TEST_F(Newlines, MakeAUnitReady)
{
    start();
    run(1s);
    ASSERT_EQ(state(), "starting");
    ready_pipes_.put(spawn_of(0).value(), Content::newline);
    run(1s);
    EXPECT_EQ(state(), "ready");
    EXPECT_EQ(unit(0).instances[0].reason, "wrote a newline to descriptor 3");
}

TEST_F(Newlines, ThatCameWhileNoEngineLivedAreHeardByTheNext)
{
    start();
    run(1s);
    const SpawnId spawn = spawn_of(0).value();
    die();
    ready_pipes_.put(spawn, Content::newline);
    start();
    run(1s);
    EXPECT_EQ(state(), "ready");
    EXPECT_EQ(spawn_of(0), spawn);
}

TEST_F(Newlines, ThatCannotComeAnyMoreAreToldWhileTheyAreAwaited)
{
    start();
    run(1s);
    ready_pipes_.put(spawn_of(0).value(), Content::end);
    EXPECT_EQ(told(), "it has closed descriptor 3 and written no newline to it: it cannot become "
                      "ready any more");
    EXPECT_EQ(state(), "starting") << "its deadline decides";
}

TEST_F(Newlines, AreOfNoInterestOnceTheUnitIsReady)
{
    start();
    run(1s);
    const SpawnId spawn = spawn_of(0).value();
    ready_pipes_.put(spawn, Content::newline);
    run(1s);
    die();
    ready_pipes_.put(spawn, Content::end); // The newline was taken out long ago.
    start();
    run(1s);
    EXPECT_EQ(state(), "ready");
    EXPECT_EQ(told(), "");
}

TEST_F(Newlines, AreAwaitedFromLivingProcessesAlone)
{
    start();
    run(1s);
    const SpawnId spawn = spawn_of(0).value();
    EXPECT_TRUE(ready_pipes_.is_open(spawn));
    kernel_.end(spawn, {core::ExitStatus::Kind::code, 1, false});
    run(1s);
    EXPECT_FALSE(ready_pipes_.is_open(spawn));
    fate_.failure = ports::SpawnFailure{core::SetupStage::exec, 2};
    kernel_.end(spawn_of(0).value(), {core::ExitStatus::Kind::code, 1, false});
    run(10ms);
    fate_.failure.reset();
    run(1min);
    EXPECT_TRUE(ready_pipes_.is_open(spawn_of(0).value()));
}

} // namespace
} // namespace keel::engine
