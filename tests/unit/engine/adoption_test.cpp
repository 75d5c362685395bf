// What a new engine makes of what the last one left behind.
#include "tests/unit/engine/engine_fixture.hpp"

namespace keel::engine {
namespace {

using namespace std::chrono_literals;
using core::ExitStatus;

using Adoption = EngineFixture;

constexpr ExitStatus killed{ExitStatus::Kind::signal, 9, false};

TEST_F(Adoption, TakesTheLaterProcessBackWhenTheJournalKnowsOnlyTheOneBefore)
{
    kernel_.memory = sim::FakeKernel::Memory::lossy;
    start();
    run(1min);
    const std::size_t written = journal_.tail_bytes();
    kernel_.end(SpawnId{1}, killed);
    run(1min);
    ASSERT_EQ(spawn_of(0), SpawnId{2});
    die();
    start(journal_.tail_bytes() - written);
    run(1min);
    EXPECT_EQ(spawn_of(0), SpawnId{2});
    EXPECT_TRUE(kernel_.main_lives(SpawnId{2}));
}

TEST_F(Adoption, KeepsTheTimesOfTheLastStart)
{
    start();
    run(1min);
    const core::LastStart before = unit(0).instances[0].last_start;
    ASSERT_TRUE(before.began && before.ready);
    die();
    start();
    run(1min);
    EXPECT_EQ(unit(0).instances[0].last_start.began, before.began);
    EXPECT_EQ(unit(0).instances[0].last_start.ready, before.ready);
}

TEST_F(Adoption, TakesAProcessThatIsYoungerThanAHoldForASignThatTheHoldIsOver)
{
    kernel_.memory = sim::FakeKernel::Memory::lossy;
    start();
    run(1min);
    ask("a", core::Verb::stop);
    run(1min);
    const std::size_t written = journal_.tail_bytes();
    ask("a", core::Verb::start);
    run(1min);
    die();
    start(journal_.tail_bytes() - written);
    run(1min);
    EXPECT_TRUE(core::is_wanted_up(unit(0)));
    EXPECT_EQ(core::state_name(unit(0).instances[0].state), "ready");
}

TEST_F(Adoption, DropsAStopThatALaterStartHasOvertaken)
{
    kernel_.memory = sim::FakeKernel::Memory::lossy;
    start();
    run(1min);
    ask("a", core::Verb::stop);
    const std::size_t written = journal_.tail_bytes();
    run(1min);
    ask("a", core::Verb::start);
    run(1min);
    die();
    start(journal_.tail_bytes() - written);
    run(1s);
    EXPECT_TRUE(core::is_wanted_up(unit(0)));
    EXPECT_FALSE(unit(0).operation) << "the stop would never be over";
}

TEST_F(Adoption, GivesNoSpawnTheNumberOfAnEndThatIsStillToBeTold)
{
    kernel_.memory = sim::FakeKernel::Memory::lossy;
    specs_.push_back(spec_named("b"));
    start();
    run(1min);
    const std::size_t written = journal_.tail_bytes();
    kernel_.end(SpawnId{2}, killed); // spawn 3 follows, of which the journal will know nothing
    run(1min);
    die();
    kernel_.end(SpawnId{1}, killed);
    kernel_.end(SpawnId{3}, killed);
    start(journal_.tail_bytes() - written);
    run(1min);
    EXPECT_EQ(spawn_of(0), SpawnId{4});
    EXPECT_EQ(spawn_of(1), SpawnId{5});
    EXPECT_TRUE(kernel_.main_lives(SpawnId{4}));
    EXPECT_TRUE(kernel_.main_lives(SpawnId{5}));
}

TEST_F(Adoption, EndsTheChildrenOfAProcessThatNobodyKnows)
{
    kernel_.memory = sim::FakeKernel::Memory::lossy;
    start();
    run(1min);
    const std::size_t written = journal_.tail_bytes();
    fate_.children = 2;
    kernel_.end(SpawnId{1}, killed);
    run(1min);
    die();
    kernel_.end(SpawnId{2}, killed);
    fate_.children = 0;
    start(journal_.tail_bytes() - written);
    run(1min);
    EXPECT_FALSE(kernel_.anything_lives(SpawnId{2}));
}

TEST_F(Adoption, RemembersAPersonsWordThatMovedNoInstance)
{
    // A start of b, which is blocked on a, takes b back to the first rung and moves nothing.
    specs_.push_back(spec_named("b"));
    specs_[1].requires_units = {"a"};
    specs_[1].escalation.failures = 1;
    specs_[0].restart.delay = specs_[0].restart.delay_max = 1h;
    start();
    run(1min);
    kernel_.end(SpawnId{2}, killed);
    run(1min);
    ASSERT_EQ(unit(1).rung, 1);
    fate_.failure = ports::SpawnFailure{core::SetupStage::exec, 2};
    kernel_.end(SpawnId{1}, killed);
    run(1s);
    kernel_.end(SpawnId{3}, killed);
    run(1s);
    ASSERT_EQ(core::state_name(unit(1).instances[0].state), "blocked");
    ask("b", core::Verb::start);
    ASSERT_EQ(core::state_name(unit(1).instances[0].state), "blocked");
    ASSERT_EQ(unit(1).rung, 0);
    die();
    start();
    EXPECT_EQ(unit(1).rung, 0);
}

TEST_F(Adoption, StartsAgainWhatAnUnfinishedEndOfKeeldWasStopping)
{
    fate_.term = sim::Fate::Term::ignores;
    start();
    run(1min);
    engine_->shut_down("SIGTERM");
    die();
    start();
    run(5min);
    EXPECT_EQ(core::state_name(unit(0).instances[0].state), "ready");
    EXPECT_NE(spawn_of(0), SpawnId{1});
}

TEST_F(Adoption, DecidesNothingBeforeItKnowsWhatHappenedMeanwhile)
{
    // a died in the gap; b, whose pause was over in the gap too, must not start beside its corpse.
    specs_.push_back(spec_named("b"));
    specs_[1].requires_units = {"a"};
    specs_[1].restart.delay = 20s;
    start();
    run(1min);
    fate_.failure = ports::SpawnFailure{core::SetupStage::exec, 2};
    kernel_.end(SpawnId{2}, killed); // its restart fails, and the next one waits 20 s
    run(1s);
    ASSERT_EQ(core::state_name(unit(1).instances[0].state), "backoff");
    die();
    kernel_.end(SpawnId{1}, killed);
    loop_.move_to(loop_.now().mono + 1min);
    start();
    run(1ms);
    EXPECT_EQ(core::state_name(unit(1).instances[0].state), "blocked");
}

TEST_F(Adoption, SetsLimitsAgainThatWhoeverLeftLastHasTakenBack)
{
    specs_[0].resources.memory_max = 1000;
    start();
    run(1s);
    const SpawnId spawn = *spawn_of(0);
    die();
    kernel_.set_resources(spawn, {});
    start();
    run(1s);
    EXPECT_EQ(kernel_.resources_of(spawn).memory_max, 1000U);
}

TEST_F(Adoption, KeepsCountsOfAVersionThatCountedLess)
{
    fate_.failure = ports::SpawnFailure{core::SetupStage::exec, 2};
    start();
    run(1s);
    const auto count = [this] {
        constexpr auto exec = static_cast<std::size_t>(core::SetupStage::exec);
        return engine_->counters_of("a").spawn_failures[exec];
    };
    const auto before = count();
    ASSERT_GT(before, 0U);
    die();
    journal_.reopen(0);
    std::string record = journal_.recovered().at("unit/a");
    const std::size_t counts = record.find("\"spawn_failures\":[");
    const std::size_t end = record.find(']', counts);
    record.erase(record.rfind(',', end), end - record.rfind(',', end));
    journal_.put("unit/a", record);
    start();
    EXPECT_EQ(count(), before);
}

} // namespace
} // namespace keel::engine
