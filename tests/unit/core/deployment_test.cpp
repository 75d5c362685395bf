#include "core/deployment.hpp"

#include <deque>
#include <gmock/gmock.h>

namespace keel::core {
namespace {

using namespace std::chrono_literals;
using Outcome = CloseDeployment::Outcome;
using Status = DeployStep::Status;
using Undo = DeployStep::Undo;
using Way = DeployWorked::Way;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

DeployStep step_named(DeployStepKind kind, std::string name, Undo undo = Undo::needed)
{
    return {kind, std::move(name), undo, 1min, Status::todo};
}

std::vector<DeployStep> usual_steps()
{
    using enum DeployStepKind;
    return {step_named(fetch, "fetch"), step_named(unpack, "unpack"),
            step_named(run, "migrate"), step_named(run, "warm-up", Undo::needless),
            step_named(roll, "roll"),   step_named(commit, "commit", Undo::needless)};
}

/// A machine whose records are on disk at once, and whose effects end when the test says so.
struct Bench {
    Deployment d;
    MonoTime now{1000s};
    std::vector<std::string> log;   ///< `fetch`, `undo migrate`, `end unpack`, `committed`
    std::string reason;             ///< those of all steps
    std::optional<Deployment> disk; ///< the latest record
    enum class Disk : std::uint8_t { writes, waits } writes = Disk::writes;

    Bench() { d.steps = usual_steps(); }

    void feed(const DeployEvent& event)
    {
        DeploymentStep made = step(std::move(d), event, now);
        d = std::move(made.next);
        if (!made.reason.empty()) reason += made.reason + '\n';
        for (const DeployAction& action : made.actions)
            act(action);
    }
    void act(const DeployAction& action)
    {
        if (const auto* write = std::get_if<WriteDeployment>(&action)) {
            if (writes == Disk::waits) return;
            disk = d;
            feed(DeployWritten{write->record});
        }
        if (const auto* doing = std::get_if<DoDeployStep>(&action))
            log.push_back(d.steps[doing->step].name);
        if (const auto* undoing = std::get_if<UndoDeployStep>(&action))
            log.push_back("undo " + d.steps[undoing->step].name);
        if (const auto* ending = std::get_if<EndDeployStep>(&action))
            log.push_back("end " + d.steps[ending->step].name);
        if (const auto* close = std::get_if<CloseDeployment>(&action))
            log.emplace_back(name(close->outcome));
    }
    void worked(DeployFault fault = DeployFault::none, std::string what = {})
    {
        const Way way = d.course == Deployment::Course::forward ? Way::doing : Way::undoing;
        feed(DeployWorked{present_step(d).value(), way, fault, std::move(what)});
    }
    void worked_until(const std::string& step)
    {
        if (log.empty()) feed(DeployBegun{});
        while (log.back() != step)
            worked();
    }
    void tick()
    {
        now = deadline_of(d).value();
        feed(DeployTick{});
    }
    std::vector<std::string> rest()
    {
        std::vector<std::string> all = std::exchange(log, {});
        return all;
    }
};

class DeploymentMachine : public ::testing::Test {
protected:
    Bench b;
};

TEST_F(DeploymentMachine, GoesThroughItsStepsAndCommits)
{
    b.worked_until("committed");
    EXPECT_THAT(
        b.log, ElementsAre("fetch", "unpack", "migrate", "warm-up", "roll", "commit", "committed"));
    EXPECT_EQ(present_step(b.d), std::nullopt);
    EXPECT_EQ(deadline_of(b.d), std::nullopt);
}

TEST_F(DeploymentMachine, BeginsNothingThatIsNotOnRecord)
{
    b.writes = Bench::Disk::waits;
    b.feed(DeployBegun{});
    b.feed(DeployWritten{7});
    EXPECT_THAT(b.log, IsEmpty());
    b.feed(DeployWritten{1});
    EXPECT_THAT(b.log, ElementsAre("fetch"));
    b.worked();
    b.feed(DeployWritten{1}); // It was said before.
    EXPECT_THAT(b.log, ElementsAre("fetch"));
}

TEST_F(DeploymentMachine, UndoesInReverseWhatWasDoneAndWhatWasOnlyBegun)
{
    b.worked_until("roll");
    b.rest();
    b.worked(DeployFault::release, "api.1: exit 1");
    EXPECT_EQ(b.d.fault, DeployFault::release);
    EXPECT_EQ(b.d.failure, "roll: api.1: exit 1");
    while (present_step(b.d))
        b.worked();
    EXPECT_THAT(b.log,
                ElementsAre("undo roll", "undo migrate", "undo unpack", "undo fetch", "undone"));
}

TEST_F(DeploymentMachine, WaitsForASourceThatCannotBeReached)
{
    b.feed(DeployBegun{});
    Duration waited{};
    for (const Duration delay : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
        b.worked(DeployFault::source, "refused");
        waited = deadline_of(b.d).value() - b.now;
        EXPECT_EQ(waited, delay);
        EXPECT_THAT(b.reason, HasSubstr("refused"));
        b.tick();
    }
    b.worked_until("committed");
    EXPECT_EQ(b.log.size(), 8U + 7U);
}

TEST_F(DeploymentMachine, LeavesWhatCannotBeUndoneAndSaysSo)
{
    b.worked_until("warm-up");
    b.rest();
    b.worked(DeployFault::release, "exit 1");
    for (int i = 0; i < 2; ++i) {
        b.worked(DeployFault::release, "exit 3");
        b.tick();
    }
    b.worked(DeployFault::release, "exit 3");
    EXPECT_THAT(b.reason, HasSubstr("migrate cannot be undone: exit 3"));
    b.worked();
    b.worked();
    EXPECT_THAT(b.log, ElementsAre("undo migrate", "undo migrate", "undo migrate", "undo unpack",
                                   "undo fetch", "stuck"));
    EXPECT_EQ(b.d.steps[2].status, Status::stuck);
}

TEST_F(DeploymentMachine, EndsAStepThatTakesTooLong)
{
    b.worked_until("migrate");
    b.tick();
    EXPECT_EQ(b.log.back(), "end migrate");
    b.worked(DeployFault::release, "SIGKILL");
    EXPECT_EQ(b.d.failure, "migrate: not over within 1m");
    EXPECT_EQ(b.log.back(), "undo migrate");
}

TEST_F(DeploymentMachine, TakesAStepForDoneThatEndedAsItsTimeWasOver)
{
    b.worked_until("migrate");
    b.tick();
    b.worked();
    EXPECT_EQ(b.log.back(), "warm-up");
}

TEST_F(DeploymentMachine, GivesARollMoreTimeAsLongAsItGetsOn)
{
    b.worked_until("roll");
    b.now += 50s;
    b.feed(DeployGotOn{});
    EXPECT_EQ(deadline_of(b.d), b.now + 1min);
    b.tick();
    EXPECT_EQ(b.log.back(), "undo roll") << "what is undone needs no other end";
    EXPECT_EQ(b.d.fault, DeployFault::release);
}

TEST_F(DeploymentMachine, IsUndoneWhereverAPersonWantsOtherwise)
{
    for (const std::string step : {"fetch", "unpack", "migrate", "warm-up", "roll"}) {
        Bench each;
        each.worked_until(step);
        each.feed(DeployAborted{"stop asked for by ann"});
        if (step != "roll") {
            EXPECT_EQ(each.log.back(), "end " + step);
            each.worked(); // It was just done.
        }
        while (present_step(each.d))
            each.worked();
        EXPECT_EQ(each.log.back(), "undone") << step;
        EXPECT_EQ(each.d.fault, DeployFault::person);
    }
}

TEST_F(DeploymentMachine, IsUndoneWhileItWaits)
{
    b.feed(DeployBegun{});
    b.worked(DeployFault::source, "refused");
    b.feed(DeployAborted{"stop asked for by ann"});
    EXPECT_EQ(b.log.back(), "undo fetch");
}

TEST_F(DeploymentMachine, IsUndoneBeforeItsFirstEffectToo)
{
    b.writes = Bench::Disk::waits;
    b.feed(DeployBegun{});
    b.writes = Bench::Disk::writes;
    b.feed(DeployAborted{"stop asked for by ann"});
    b.feed(DeployWritten{1}); // of what is no longer wanted
    EXPECT_THAT(b.log, ElementsAre("undo fetch"));
}

TEST_F(DeploymentMachine, IsNotUndoneOnceItsCommitIsUnderWay)
{
    b.worked_until("commit");
    EXPECT_FALSE(can_be_undone(b.d));
    b.feed(DeployAborted{"stop asked for by ann"});
    for (int i = 0; i < 2; ++i) {
        b.worked(DeployFault::host, "no space left");
        b.tick();
    }
    b.worked(DeployFault::host, "no space left");
    EXPECT_EQ(b.log.back(), "committed") << "what is left of it is for people's eyes";
}

TEST_F(DeploymentMachine, PassesOverTheEndOfWhatIsNotUnderWay)
{
    b.worked_until("migrate");
    b.feed(DeployWorked{1, Way::doing, DeployFault::none, {}});
    b.feed(DeployWorked{2, Way::undoing, DeployFault::none, {}});
    EXPECT_EQ(b.log.back(), "migrate");
}

TEST_F(DeploymentMachine, DoesNothingEarlyOrTwice)
{
    b.worked_until("migrate");
    b.feed(DeployTick{});
    b.feed(DeployGotOn{});
    EXPECT_EQ(b.log.back(), "migrate");
    EXPECT_EQ(deadline_of(b.d), b.now + 1min);
}

// ---- the end of Keel, everywhere ----------------------------------------------------------------

/// How each step ends the first time that it is done.
enum class End : std::uint8_t { done, release_fails, host_fails, hangs };

/// One deployment in which Keel dies after the `deadly`-th record, before the effect or in it.
/// False: there were not so many records.
bool live(std::size_t failing, End end, std::size_t deadly, bool in_effect, Outcome& outcome,
          std::vector<bool>& is_done)
{
    Deployment d;
    d.steps = usual_steps();
    is_done.assign(d.steps.size(), false);
    std::optional<Deployment> disk;
    std::deque<DeployEvent> events{DeployBegun{}};
    MonoTime now{1000s};
    std::size_t records = 0;
    bool has_died = false, has_failed = false;
    std::optional<Outcome> over;
    while (!over) {
        if (events.empty()) { // Something hangs.
            now = deadline_of(d).value();
            events.emplace_back(DeployTick{});
        }
        DeploymentStep made = step(std::move(d), events.front(), now);
        events.pop_front();
        d = std::move(made.next);
        for (const DeployAction& action : made.actions) {
            if (const auto* write = std::get_if<WriteDeployment>(&action)) {
                disk = d;
                events.emplace_back(DeployWritten{write->record});
                const bool dies = !has_died && ++records == deadly;
                if (!dies) continue;
                has_died = true;
                const std::size_t at = present_step(d).value();
                if (in_effect) is_done[at] = d.course == Deployment::Course::forward;
                d = Deployment{disk->steps, disk->course, disk->failure, disk->fault};
                events = {DeployResumed{}};
                break;
            }
            if (const auto* doing = std::get_if<DoDeployStep>(&action)) {
                is_done[doing->step] = true;
                const bool fails = doing->step == failing && !has_failed && end != End::done;
                has_failed = has_failed || fails;
                if (fails && end == End::hangs) continue;
                const auto fault = !fails                      ? DeployFault::none
                                   : end == End::release_fails ? DeployFault::release
                                                               : DeployFault::host;
                events.emplace_back(DeployWorked{doing->step, Way::doing, fault, "exit 1"});
            }
            if (const auto* undoing = std::get_if<UndoDeployStep>(&action)) {
                is_done[undoing->step] = false;
                events.emplace_back(DeployWorked{undoing->step, Way::undoing, {}, {}});
            }
            if (const auto* ending = std::get_if<EndDeployStep>(&action))
                events.emplace_back(
                    DeployWorked{ending->step, Way::doing, DeployFault::release, "SIGKILL"});
            if (const auto* close = std::get_if<CloseDeployment>(&action)) over = close->outcome;
        }
    }
    outcome = *over;
    return has_died;
}

TEST(DeploymentOverTheEndOfKeel, IsAlwaysDoneOrUndoneAndNeverAMix)
{
    const auto steps = usual_steps();
    unsigned cases = 0;
    for (std::size_t failing = 0; failing < steps.size(); ++failing)
        for (const End end : {End::done, End::release_fails, End::host_fails, End::hangs})
            for (const bool in_effect : {false, true})
                for (std::size_t deadly = 1;; ++deadly) {
                    Outcome outcome{};
                    std::vector<bool> is_done;
                    if (!live(failing, end, deadly, in_effect, outcome, is_done)) break;
                    ++cases;
                    for (std::size_t at = 0; at < steps.size(); ++at) {
                        const bool counts =
                            outcome == Outcome::committed || steps[at].undo == Undo::needed;
                        if (!counts) continue;
                        ASSERT_EQ(is_done[at], outcome == Outcome::committed)
                            << steps[at].name << " after record " << deadly;
                    }
                    ASSERT_NE(outcome, Outcome::stuck);
                }
    RecordProperty("cases", static_cast<int>(cases));
    EXPECT_EQ(cases, 284U);
}

} // namespace
} // namespace keel::core
