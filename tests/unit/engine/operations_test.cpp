// What becomes of requests: over engines, under keys, cancelled.
#include "tests/unit/engine/engine_fixture.hpp"

namespace keel::engine {
namespace {

using namespace std::chrono_literals;
using core::OperationResult;
using core::Verb;
using enum core::OperationResult::Outcome;
using Kind = ports::Refusal::Kind;

class Operations : public EngineFixture {
protected:
    Operations()
    {
        specs_[0].instances = 3;
        fate_.term_takes = 1s; // a rolling restart takes three
    }
    void SetUp() override
    {
        start();
        run(1min);
    }
    std::variant<OperationId, ports::Refusal> ask_for(Verb verb, const std::string& key)
    {
        return engine_->request({"a", verb, {}, "ann", "", {}, key},
                                [this](const OperationResult& result) { told_.push_back(result); });
    }
    OperationId begun(Verb verb, const std::string& key = {})
    {
        const auto answer = ask_for(verb, key);
        const auto* id = std::get_if<OperationId>(&answer);
        EXPECT_NE(nullptr, id);
        return id != nullptr ? *id : OperationId{};
    }
    std::optional<Kind> refused(Verb verb, const std::string& key)
    {
        const auto answer = ask_for(verb, key);
        const auto* refusal = std::get_if<ports::Refusal>(&answer);
        return refusal != nullptr ? std::optional(refusal->kind) : std::nullopt;
    }
    std::vector<std::uint64_t> spawns()
    {
        std::vector<std::uint64_t> all;
        for (const core::Instance& instance : unit(0).instances)
            all.push_back(number(core::spawn_of(instance.state).value_or(SpawnId{})));
        return all;
    }

    std::vector<OperationResult> told_;
};

TEST_F(Operations, AreToldAgainUnderTheSameKeyAndNotDoneAgain)
{
    const OperationId first = begun(Verb::restart, "k");
    EXPECT_EQ(first, begun(Verb::restart, "k")) << "while it is under way";
    run(1min);
    const auto after = spawns();
    EXPECT_EQ(first, begun(Verb::restart, "k")) << "after its end";
    run(1min);
    EXPECT_EQ(after, spawns());
    ASSERT_EQ(3U, told_.size());
    for (const OperationResult& result : told_) {
        EXPECT_EQ(first, result.id);
        EXPECT_EQ(done, result.outcome);
    }
}

TEST_F(Operations, WithoutAKeyAreEachTheirOwn)
{
    const OperationId first = begun(Verb::restart);
    run(1min);
    EXPECT_NE(first, begun(Verb::restart));
}

TEST_F(Operations, RefuseAKeyThatBelongsToAnotherRequest)
{
    (void)begun(Verb::restart, "k");
    EXPECT_EQ(Kind::key_reused, refused(Verb::stop, "k"));
    EXPECT_EQ(Kind::conflict, refused(Verb::restart, "another"));
}

TEST_F(Operations, GoOnWhenTheEngineDiesAndAreToldByTheNext)
{
    const auto before = spawns();
    const OperationId id = begun(Verb::restart, "k");
    run(1500ms); // the first instance is through, the second on its way
    die();
    start();
    run(500ms);
    EXPECT_EQ(id, begun(Verb::restart, "k"));
    run(1min);
    ASSERT_EQ(1U, told_.size());
    EXPECT_EQ(done, told_[0].outcome);
    for (std::size_t i = 0; i < before.size(); ++i)
        EXPECT_GT(spawns()[i], before[i]) << "instance " << i + 1;
    EXPECT_EQ(before.back() + 3, spawns().back()) << "each was restarted once";
}

TEST(OperationRecords, OfKeelsThatDidNotSayWhatWasDeployedAreReadAllTheSame)
{
    core::OperationRecord record;
    record.id = OperationId{7};
    record.unit = "a";
    record.verb = Verb::deploy;
    const auto older = decode_operation(encode(KeyedOperation{record, "k"}));
    ASSERT_TRUE(older);
    EXPECT_EQ(older->key, "k");
    EXPECT_FALSE(older->deploy) << "any release may have been meant";
    const auto newer = decode_operation(encode(KeyedOperation{record, "k", {{"v2", "/v2.tar"}}}));
    ASSERT_TRUE(newer && newer->deploy);
    EXPECT_EQ(*newer->deploy, (core::DeployTerms{"v2", "/v2.tar"}));
}

TEST_F(Operations, AreOnRecordWithTheirOutcomeOverEngines)
{
    (void)begun(Verb::restart, "k");
    run(1min);
    die();
    start();
    run(1s);
    const auto records = engine_->operations();
    ASSERT_EQ(1U, records.size());
    EXPECT_EQ("ann", records[0].by);
    EXPECT_EQ(done, records[0].outcome);
    EXPECT_EQ("ready in 3 s", records[0].text);
}

TEST_F(Operations, AreCountedByVerbAndOutcomeAlsoOverEngines)
{
    const auto count_of = [this](Verb verb, OperationResult::Outcome outcome) {
        return engine_->counters()
            .operations[static_cast<std::size_t>(verb)][static_cast<std::size_t>(outcome)];
    };
    (void)begun(Verb::restart);
    run(1min);
    const OperationId second = begun(Verb::restart);
    run(500ms);
    EXPECT_FALSE(engine_->cancel(second, "bob"));
    run(1min);
    (void)begun(Verb::stop);
    run(1min);
    die();
    start();
    EXPECT_EQ(1U, count_of(Verb::restart, done));
    EXPECT_EQ(1U, count_of(Verb::restart, cancelled));
    EXPECT_EQ(0U, count_of(Verb::restart, failed));
    EXPECT_EQ(1U, count_of(Verb::stop, done));
}

TEST_F(Operations, LeaveWhatHasNotBegunAloneWhenTheyAreCancelled)
{
    const auto before = spawns();
    const OperationId id = begun(Verb::restart);
    run(500ms);
    EXPECT_FALSE(engine_->cancel(id, "bob"));
    run(1min);
    ASSERT_EQ(1U, told_.size());
    EXPECT_EQ(cancelled, told_[0].outcome);
    EXPECT_EQ("cancelled by bob; 2 of 3 instances keep their process", told_[0].text);
    EXPECT_NE(before[0], spawns()[0]) << "that one had been asked to end";
    EXPECT_EQ(before[1], spawns()[1]);
    EXPECT_EQ(before[2], spawns()[2]);
}

TEST_F(Operations, AreNotCancelledWhenTheyAreOverOrGoToTheirEnd)
{
    const OperationId over = begun(Verb::restart);
    run(1min);
    EXPECT_EQ(Kind::too_late, engine_->cancel(over, "bob")->kind);
    const OperationId stop = begun(Verb::stop);
    EXPECT_EQ(Kind::too_late, engine_->cancel(stop, "bob")->kind);
    EXPECT_EQ(Kind::no_such_operation, engine_->cancel(OperationId{99}, "bob")->kind);
}

TEST_F(Operations, OfLongAgoAreForgotten)
{
    fate_.term_takes = 0s;
    for (std::size_t i = 0; i < OperationBook::ended_max + 5; ++i) {
        (void)begun(Verb::restart);
        run(1min);
    }
    EXPECT_EQ(OperationBook::ended_max, engine_->operations().size());
    die();
    start();
    EXPECT_EQ(OperationBook::ended_max, engine_->operations().size());
}

TEST_F(Operations, OneWhoseEndIsOnRecordIsNotGoneOnWith)
{
    const OperationId id = begun(Verb::restart);
    run(1s);
    ASSERT_TRUE(unit(0).operation);
    const std::string midway = encode(unit(0), core::UnitCounters{});
    ASSERT_FALSE(engine_->cancel(id, "bob"));
    run(10s);
    journal_.put("unit/a", midway); // The unit's last record was lost, and that of the end was not.
    die();
    start();
    EXPECT_FALSE(unit(0).operation);
}

} // namespace
} // namespace keel::engine
