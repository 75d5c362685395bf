// The last words of an outage: asked for before anything follows from the failure, kept with the
// record, in the journal and in the ledger.
#include "tests/unit/engine/engine_fixture.hpp"

#include <gmock/gmock.h>

namespace keel::engine {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class LastWords : public EngineFixture {
protected:
    LastWords()
    {
        specs_[0].outage.settle = 10s;
        logs_.asked_for_words = [this](const std::string& unit, Slot slot, auto done) {
            asked_.push_back(unit + "." + std::to_string(slot));
            answers_.push_back(std::move(done));
        };
    }
    void fail(int code = 1, std::uint32_t index = 0)
    {
        kernel_.end(*spawn_of(index), {core::ExitStatus::Kind::code, code, false});
        run(1s);
    }
    void answer(std::size_t which, std::vector<std::string> lines)
    {
        std::exchange(answers_.at(which),
                      nullptr)(std::make_shared<const std::vector<std::string>>(std::move(lines)));
        run(1s);
    }
    std::vector<std::string> told(std::uint64_t id)
    {
        for (const core::OutageView& view : engine_->outages())
            if (view.record.id == OutageId{id})
                return view.last_words ? *view.last_words : std::vector<std::string>{"null"};
        return {"no record"};
    }
    std::vector<std::string> written(std::uint64_t id)
    {
        const auto words = ledger_.words.find(OutageId{id});
        return words == ledger_.words.end() ? std::vector<std::string>{"null"} : *words->second;
    }

    std::vector<std::string> asked_;
    std::vector<std::function<void(core::LastWords)>> answers_;
};

TEST_F(LastWords, AreAskedForBeforeTheSuccessorRunsAndKeptWithTheRecord)
{
    start();
    run(1min);
    const SpawnId ended = kernel_.latest_id();
    SpawnId latest_then{};
    logs_.asked_for_words = [&, then = logs_.asked_for_words](const auto& unit, Slot slot,
                                                              auto done) {
        latest_then = kernel_.latest_id();
        then(unit, slot, std::move(done));
    };
    fail();
    EXPECT_THAT(asked_, ElementsAre("a.1"));
    EXPECT_EQ(latest_then, ended);
    EXPECT_NE(kernel_.latest_id(), ended) << "nobody waits for them";
    EXPECT_THAT(told(1), ElementsAre("null"));
    answer(0, {"going down", "now"});
    EXPECT_THAT(told(1), ElementsAre("going down", "now"));
    EXPECT_THAT(written(1), ElementsAre("going down", "now"));
}

TEST_F(LastWords, MayComeWhenTheOutageIsOver)
{
    start();
    run(1min);
    fail();
    run(1min);
    answer(0, {"late"});
    EXPECT_THAT(told(1), ElementsAre("late"));
    EXPECT_THAT(written(1), ElementsAre("late"));
}

TEST_F(LastWords, OfFurtherFailuresDoNotTakeTheirPlace)
{
    start();
    run(1min);
    fail();
    fail(2);
    EXPECT_THAT(asked_, SizeIs(1));
    answer(0, {"first"});
    EXPECT_THAT(told(1), ElementsAre("first"));
}

TEST_F(LastWords, OfAFirstStartThatFailsTimeAndAgainAreThoseOfItsLatestFailure)
{
    specs_[0].ready = units::ReadyBy::notify;
    specs_[0].start.timeout = 30s;
    specs_[0].restart.delay = 20s;
    start();
    run(1s);
    fail(3); // It comes back at once, and fails again.
    fail(4);
    ASSERT_THAT(engine_->outages(), SizeIs(0));
    ASSERT_THAT(asked_, SizeIs(2));
    answer(1, {"the second try"});
    run(1min);
    EXPECT_THAT(told(1), ElementsAre("the second try"));
    EXPECT_THAT(asked_, SizeIs(2)) << "nobody was asked when the time was over";
}

TEST_F(LastWords, BelongToTheInstanceWhoseFailureOpenedTheRecord)
{
    specs_[0].instances = 2;
    start();
    run(1min);
    kernel_.end(*core::spawn_of(unit(0).instances.at(1).state),
                {core::ExitStatus::Kind::code, 1, false});
    run(1s);
    EXPECT_THAT(asked_, ElementsAre("a.2"));
}

TEST_F(LastWords, AreNotSoughtWhereNoProcessOfTheUnitFailed)
{
    specs_.push_back(spec_named("b"));
    specs_[1].binds_to = {"a"};
    start();
    run(1min);
    ask("b", core::Verb::restart);
    run(1min);
    EXPECT_THAT(asked_, IsEmpty());
    fail();
    EXPECT_THAT(asked_, ElementsAre("a.1")) << "b was recalled";
}

TEST_F(LastWords, AreNotSoughtWhereOutputGoesElsewhere)
{
    specs_[0].log.target = units::LogTarget::journal;
    start();
    run(1min);
    fail();
    EXPECT_THAT(asked_, IsEmpty());
    EXPECT_THAT(told(1), ElementsAre("null"));
}

TEST_F(LastWords, AreKnownToTheNextEngine)
{
    start();
    run(1min);
    fail();
    answer(0, {"going down"});
    run(1min); // It is over.
    fail();
    answer(1, {"again"});
    ledger_.words.clear(); // They waited to be written.
    die();
    start();
    run(1s);
    EXPECT_THAT(told(1), ElementsAre("going down"));
    EXPECT_THAT(told(2), ElementsAre("again"));
    EXPECT_THAT(written(1), ElementsAre("going down"));
    EXPECT_THAT(written(2), ElementsAre("again"));
    EXPECT_THAT(asked_, SizeIs(2));
}

TEST_F(LastWords, ThatAnEngineAskedForAndWasNotToldAreAskedForAgainIfNobodyHasComeAfterThem)
{
    specs_[0].restart.policy = units::RestartWhen::never;
    start();
    run(1min);
    fail();
    die();
    start();
    run(1s);
    ASSERT_THAT(asked_, SizeIs(2));
    answer(1, {"going down"});
    EXPECT_THAT(told(1), ElementsAre("going down"));
}

TEST_F(LastWords, AreNotTakenFromWhoCameAfter)
{
    start();
    run(1min);
    fail();
    die();
    start();
    run(1s);
    EXPECT_THAT(asked_, SizeIs(1));
    EXPECT_THAT(told(1), ElementsAre("null"));
}

TEST_F(LastWords, AreForgottenWithTheirRecords)
{
    start();
    run(1min);
    for (std::size_t i = 0; i < 201; ++i) {
        fail();
        answer(i, {"going down"});
        run(1min);
    }
    EXPECT_THAT(engine_->outages(), SizeIs(200));
    std::size_t kept = 0;
    journal_.reopen(0);
    for (const auto& [key, record] : journal_.recovered())
        if (key.starts_with("words/")) ++kept;
    EXPECT_EQ(kept, 200U);
}

} // namespace
} // namespace keel::engine
