// Deployments carried out by the engine, on a disk that is pretended; and engines that end at every
// single call of what is outside them.
#include "deploy_fixture.hpp"

#include <gmock/gmock.h>
#include <iostream>

namespace keel::engine {
namespace {

using namespace std::chrono_literals;
using core::DeployFault;
using testing::HasSubstr;

class Deploys : public DeployFixture {};

TEST_F(Deploys, WhatTheRootShowsIsTheCurrentReleaseWhereNothingIsOnRecord)
{
    start();
    run(1s);
    EXPECT_EQ(releases().current, "v1");
    EXPECT_EQ(unit(0).instances[0].release.id, "v1");
    EXPECT_EQ(core::status_of(engine_->host().spec(UnitId{0}), unit(0)), core::UnitStatus::up);
}

TEST_F(Deploys, AReleaseIsFetchedUnpackedMigratedRolledAndPointedTo)
{
    start();
    run(1min);
    deploy("v2");
    run(10s);
    ASSERT_TRUE(answer_);
    EXPECT_EQ(answer_->outcome, core::OperationResult::Outcome::done) << answer_->text;
    EXPECT_EQ(releases().current, "v2");
    EXPECT_EQ(disk_.current, "v2");
    EXPECT_EQ(disk_.applied["v2"].size(), 1U);
    EXPECT_EQ(Disk::release_in(kernel_.command_of(*spawn_of(0))), "v2");
    ASSERT_EQ(ledger_.deployments.size(), 1U);
    EXPECT_EQ(ledger_.deployments[0].by, "ann");
    EXPECT_EQ(engine_->counters_of("a").deploys[0], 1U);
}

TEST_F(Deploys, AnAdoptedProcessKeepsTheReleaseItWasSpawnedWith)
{
    start();
    run(1min);
    deploy("v2");
    run(10s);
    const auto spawn = spawn_of(0);
    die();
    start();
    run(1s);
    EXPECT_EQ(spawn_of(0), spawn);
    EXPECT_EQ(unit(0).instances[0].release.id, "v2");
}

TEST_F(Deploys, ReleasesOutliveABoot)
{
    start();
    run(1min);
    deploy("v2");
    run(10s);
    releases_.on_disk = {};
    die();
    kernel_.host_booted();
    journal_.lose_everything();
    releases_.reopen(sim::FakeReleaseStore::After::boot);
    start();
    run(1s);
    EXPECT_EQ(releases().current, "v2");
    EXPECT_EQ(unit(0).instances[0].release.id, "v2");
}

TEST_F(Deploys, ARemovalThatWasCutShortIsDoneByTheNextEngineOrAfterABoot)
{
    for (const bool boots : {false, true}) {
        specs_[0].deploy.keep = 1;
        start();
        run(1min);
        const std::string former = releases().current;
        deploy(boots ? "v3" : "v2");
        while (!unit(0).deploy_effect ||
               unit(0).deploy_effect->about != core::DeployEffect::About::removal ||
               unit(0).deploy_effect->stage != core::DeployEffect::Stage::runs)
            run(10ms);
        ASSERT_TRUE(disk_.trees.contains(former));
        die();
        if (boots) {
            kernel_.host_booted();
            journal_.lose_everything();
            releases_.reopen(sim::FakeReleaseStore::After::boot);
        }
        start();
        run(1min);
        EXPECT_FALSE(disk_.trees.contains(former)) << (boots ? "after a boot" : "");
        die();
    }
}

TEST_F(Deploys, ADeploymentGoesOnAfterAnOrderlyEndThoughAnotherUnitIsHeld)
{
    specs_[0].requires_units = {"db", "net"};
    specs_.push_back(spec_named("db"));
    specs_.push_back(spec_named("net"));
    fate_by_plan_ = [this](const ports::SpawnPlan& plan) {
        return plan.unit == "db" || plan.unit == "net" ? std::nullopt : fate_of_plan(plan);
    };
    start();
    run(1min);
    ask("db", core::Verb::hold);
    run(1min);
    deploy("v2");
    run(100ms);
    bool has_stopped = false;
    engine_->on_stopped([&](int) { has_stopped = true; });
    engine_->shut_down("a test wants it");
    run(10s);
    ASSERT_TRUE(has_stopped);
    journal_.put(key_of_clean_end, "yes");
    die();
    start();
    run(1s);
    ASSERT_TRUE(unit(0).deployment);
    EXPECT_EQ(unit(0).deployment->course.failure, "");
    ask("db", core::Verb::start);
    run(1min);
    EXPECT_EQ(releases().current, "v2");
}

TEST_F(Deploys, WhatAnOlderEngineHasKeptIsUnderstood)
{
    start();
    run(1min);
    deploy("v2");
    run(10s);
    std::string record = encode_releases(unit(0), specs_[0].deploy.root);
    for (const std::string newer : {R"("formers":[],)", R"("link":0,)", R"(,"surplus":[])"}) {
        const auto at = record.find(newer);
        ASSERT_NE(at, record.npos) << newer << " in " << record;
        record.erase(at, newer.size());
    }
    core::Unit read;
    EXPECT_TRUE(decode_releases(record, specs_[0].deploy.root, read));
    EXPECT_EQ(read.releases.current, "v2");
}

TEST_F(Deploys, WhatIsKeptOfAnotherRootIsNotHeeded)
{
    start();
    run(1min);
    deploy("v2");
    run(10s);
    die();
    kernel_.host_booted();
    journal_.lose_everything();
    specs_[0].deploy.root = "/srv/elsewhere";
    releases_.on_disk = {"v1", {"v1"}};
    start();
    run(1s);
    EXPECT_EQ(releases().current, "v1");
}

TEST_F(Deploys, AHelpersOwnWordsAreTheAnswer)
{
    endings_["fetch"] = {4, DeployFault::release};
    start();
    run(1min);
    deploy("v2");
    run(10s);
    ASSERT_TRUE(answer_);
    EXPECT_EQ(answer_->text, "fetch: as told; v1 is the current release");
    EXPECT_FALSE(disk_.trees.contains("v2"));
}

TEST_F(Deploys, AHelperThatDiesSilentDoesNotInheritTheWordsOfTheLast)
{
    endings_["fetch"] = {4, DeployFault::source, 1};
    start();
    run(1min);
    deploy("v2");
    run(1s);
    endings_["fetch"] = {1, DeployFault::none};
    run(1h);
    ASSERT_TRUE(answer_) << "a source that cannot be reached would be waited for";
    EXPECT_THAT(answer_->text, HasSubstr("fetch: "));
    EXPECT_THAT(answer_->text, Not(HasSubstr("as told")));
}

TEST_F(Deploys, ARootThatDoesNotAnswerIsSaidAndLookedAtAgainByTheNextEngine)
{
    releases_.root_answers = false;
    start();
    run(1min);
    EXPECT_EQ(releases().current, "");
    EXPECT_EQ(std::ranges::count(engine_->events_after(0, EventFeed::kept_max),
                                 "its root does not answer: /srv/a", &core::EventView::text),
              1);
    die();
    releases_.root_answers = true;
    start();
    run(1s);
    EXPECT_EQ(releases().current, "v1");
}

TEST_F(Deploys, AKeyBelongsToTheReleaseAndTheFileItWasUsedFor)
{
    const auto ask_for = [this](const std::string& release, const std::string& source) {
        ports::RequestSpec what{"a", core::Verb::deploy, {}, "ann", ""};
        what.key = "k";
        what.deploy = {release, source};
        return engine_->request(what, [](const core::OperationResult&) {});
    };
    const auto is_refused = [&](const std::string& release, const std::string& source) {
        const auto answer = ask_for(release, source);
        const auto* refusal = std::get_if<ports::Refusal>(&answer);
        return refusal != nullptr && refusal->kind == ports::Refusal::Kind::key_reused;
    };
    start();
    run(1min);
    const auto first = ask_for("v2", "/tmp/v2.tar");
    ASSERT_TRUE(std::holds_alternative<OperationId>(first));
    run(10s);
    die();
    start();
    run(1s);
    const auto again = ask_for("v2", "/tmp/v2.tar");
    ASSERT_TRUE(std::holds_alternative<OperationId>(again));
    EXPECT_EQ(std::get<OperationId>(first), std::get<OperationId>(again));
    EXPECT_TRUE(is_refused("v3", "/tmp/v2.tar"));
    EXPECT_TRUE(is_refused("v2", "/tmp/other.tar"));
    EXPECT_TRUE(is_refused("v2", ""));
}

TEST_F(Deploys, WhyDoesNotSayThatALateFetchIsUndone)
{
    start();
    run(1min);
    fetch_takes_ = 3h;
    deploy("v2");
    run(1min);
    EXPECT_THAT(engine_->why("a")->next, Contains(AllOf(HasSubstr("counts as unreachable"),
                                                        HasSubstr("if that is not over in 1 h"))));
    run(2h);
    ASSERT_TRUE(unit(0).deployment) << "and it is not undone";
    EXPECT_EQ(unit(0).deployment->release, "v2");
}

TEST_F(Deploys, ProgressIsToldInPassingAndDrownsNothing)
{
    start();
    run(1min);
    fetch_takes_ = 30min;
    deploy("v2");
    std::vector<core::EventView> told;
    const auto subscription =
        engine_->subscribe([&](const core::EventView& event) { told.push_back(event); });
    run(1s);
    releases_.progress.emplace().step = "download";
    run(10min);
    ASSERT_GT(std::ranges::count(told, "progress", &core::EventView::kind), 500);
    EXPECT_THAT(told.back().text, HasSubstr("download"));
    const auto kept = engine_->events_after(0, EventFeed::kept_max);
    EXPECT_EQ(std::ranges::count(kept, "progress", &core::EventView::kind), 0);
    for (std::size_t i = 1; i < kept.size(); ++i)
        EXPECT_EQ(kept[i].id, kept[i - 1].id + 1);
}

TEST_F(Deploys, AStopTakesPrecedence)
{
    start();
    run(1min);
    deploy("v2");
    run(300ms);
    ask("a", core::Verb::stop);
    run(10s);
    EXPECT_TRUE(std::holds_alternative<core::Held>(unit(0).wanted));
    EXPECT_FALSE(unit(0).deployment);
    EXPECT_EQ(disk_.applied["v2"].size(), 0U);
    EXPECT_FALSE(disk_.trees.contains("v2"));
    EXPECT_EQ(disk_.current, "v1");
}

TEST_F(Deploys, NobodyElseMayInterfere)
{
    start();
    run(1min);
    deploy("v2");
    const auto answer = engine_->request({"a", core::Verb::restart, {}, "bob", ""},
                                         [](const core::OperationResult&) {});
    ASSERT_TRUE(std::holds_alternative<ports::Refusal>(answer));
    EXPECT_EQ(std::get<ports::Refusal>(answer).kind, ports::Refusal::Kind::conflict);
}

TEST_F(Deploys, TheRedeployRungUnpacksAndTheReleaseRunsAgain)
{
    start();
    run(20min);
    ASSERT_TRUE(core::is_current_good(releases()));
    crash_ = {"v1"};
    bool unpacked = false;
    work_ended_ = [&](const std::vector<std::string>& argv, core::ExitStatus) {
        if (Disk::verb_of(argv) == "unpack") crash_.clear();
        unpacked = true;
    };
    kernel_.end(*spawn_of(0), {core::ExitStatus::Kind::code, 3, false});
    run(10min);
    EXPECT_TRUE(unpacked);
    EXPECT_EQ(core::status_of(engine_->host().spec(UnitId{0}), unit(0)), core::UnitStatus::up);
    EXPECT_EQ(releases().making, 1U);
}

// ---- every end of an engine ---------------------------------------------------------------------

class DeployDeaths : public DeployFixture {
protected:
    enum class Death : std::uint8_t { of_engine, of_host };
    enum class Leaves : std::uint8_t { settled, stuck };

    /// A course that a deployment can take, as it is set up before.
    struct Course {
        std::string name;
        std::function<void(DeployDeaths&)> set_up;
        Leaves leaves = Leaves::settled;
        std::optional<Duration> cancelled_after{};
    };

    void begin_world(const Course& course)
    {
        if (course.set_up) course.set_up(*this);
        start();
        run(1min);
    }
    /// From the request to long after the end; false: the engine has died on the way.
    bool live(const Course& course)
    {
        try {
            deploy("v2");
            if (course.cancelled_after) {
                run(*course.cancelled_after);
                (void)engine_->cancel(unit(0).operation ? unit(0).operation->id : OperationId{},
                                      "bob");
            }
            run(20s);
            return true;
        } catch (const sim::EngineDied&) {
            return false;
        }
    }
    void next_engine(Death death)
    {
        fuse_.put_out();
        die();
        if (death == Death::of_host) {
            kernel_.host_booted();
            journal_.lose_everything();
            releases_.reopen(sim::FakeReleaseStore::After::boot);
        }
        start();
        run(10min);
    }
    void judge(const Course& course)
    {
        ASSERT_FALSE(unit(0).deployment);
        EXPECT_FALSE(unit(0).deploy_effect);
        EXPECT_FALSE(unit(0).operation);
        const std::string current = releases().current;
        ASSERT_TRUE(current == "v1" || current == "v2") << current;
        EXPECT_EQ(core::status_of(engine_->host().spec(UnitId{0}), unit(0)), core::UnitStatus::up);
        EXPECT_EQ(unit(0).instances[0].release.id, current);
        EXPECT_TRUE(disk_.is_whole(current));
        EXPECT_EQ(disk_.current, current);
        const bool is_new = current == "v2";
        EXPECT_EQ(disk_.is_whole("v1"), true);
        EXPECT_FALSE(is_new && crash_.contains("v2"));
        if (course.leaves == Leaves::stuck) return;
        EXPECT_EQ(disk_.applied["v2"].size(), is_new ? 1U : 0U);
        EXPECT_EQ(disk_.trees.contains("v2"), is_new) << "nothing is left behind";
        EXPECT_EQ(disk_.archives.contains("v2"), is_new);
    }
    static std::vector<Course> courses()
    {
        using enum DeployFault;
        const auto ends = [](std::string what, Ending how) {
            return [what = std::move(what), how](DeployDeaths& d) { d.endings_[what] = how; };
        };
        return {
            {"all goes well", {}},
            {"the source is unreachable twice", ends("fetch", {3, source, 2})},
            {"the archive is no good", ends("fetch", {4, release})},
            {"no room to fetch", ends("fetch", {5, host})},
            {"no room to unpack", ends("unpack", {5, host})},
            {"the archive is hostile", ends("unpack", {4, release})},
            {"the migration fails", ends("up", {1, none})},
            {"the release crashes", [](DeployDeaths& d) { d.crash_ = {"v2"}; }},
            {"the link can be set only at the third try", ends("point", {5, host, 2})},
            {"the migration cannot be undone",
             [](DeployDeaths& d) {
                 d.crash_ = {"v2"};
                 d.endings_["down"] = {1, none};
             },
             Leaves::stuck},
            {"it cannot be removed",
             [](DeployDeaths& d) {
                 d.crash_ = {"v2"};
                 d.endings_["remove"] = {5, host};
             },
             Leaves::stuck},
            {"cancelled while it is fetched", {}, Leaves::settled, 20ms},
            {"cancelled while it is rolled", {}, Leaves::settled, 1s},
        };
    }
};

/// Each in a world of its own.
class DeployDeath : public DeployDeaths {
public:
    void TestBody() override {}
    unsigned calls(const Course& course)
    {
        begin_world(course);
        constexpr unsigned plenty = 1'000'000;
        fuse_.light(plenty);
        EXPECT_TRUE(live(course));
        const unsigned used = plenty - fuse_.left();
        fuse_.put_out();
        run(10min);
        judge(course);
        return used;
    }
    void die_at(const Course& course, unsigned call, Death death)
    {
        begin_world(course);
        fuse_.light(call);
        const bool lived = live(course);
        if (!lived) next_engine(death);
        fuse_.put_out();
        if (lived) run(10min);
        judge(course);
    }
    using DeployDeaths::courses;
    using DeployDeaths::Death;
};

TEST(DeployDeathsAll, AfterTheEndOfAnEngineAtAnyCallThereIsOneReleaseWholeAndRunning)
{
    std::size_t cases = 0;
    for (const auto& course : DeployDeath::courses()) {
        const unsigned calls = DeployDeath().calls(course);
        for (unsigned call = 1; call <= calls; ++call)
            for (const auto death : {DeployDeath::Death::of_engine, DeployDeath::Death::of_host}) {
                SCOPED_TRACE(testing::Message()
                             << course.name << ", call " << call << " of " << calls << ", of the "
                             << (death == DeployDeath::Death::of_host ? "host" : "engine"));
                DeployDeath().die_at(course, call, death);
                ++cases;
                if (testing::Test::HasFailure()) return;
            }
    }
    std::cout << cases << " ends of an engine or of the host\n";
}

} // namespace
} // namespace keel::engine
