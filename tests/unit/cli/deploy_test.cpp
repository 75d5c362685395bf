// What people are shown of releases and of a deployment while it is under way.
#include "cli/deploy_progress.hpp"
#include "cli/releases.hpp"
#include "cli/status.hpp"
#include "cli/words.hpp"
#include "tests/support/fake_supervisor.hpp"
#include "tests/support/golden.hpp"

#include <cstdlib>
#include <gmock/gmock.h>
#include <sstream>

namespace keel::cli {
namespace {

using namespace std::chrono_literals;
using test::morning;
using testing::ElementsAre;
using testing::IsEmpty;
using Lines = std::vector<std::string>;
using Status = core::DeployStep::Status;

const WallTime now = morning(2h + 5min);
constexpr std::uint64_t mebi = 1U << 20;

struct DeployProgressTest : testing::Test {
    DeployProgressTest()
    {
        unit.operation = core::OperationView{OperationId{12}, core::Verb::deploy, "ann", {}};
        auto& deployment = unit.deployment.emplace();
        deployment.release = "v2";
        deployment.from = "v1";
        deployment.by = "ann";
        deployment.since = now - 12s;
        deployment.steps = {{"fetch", Status::todo},
                            {"migrate db", Status::todo},
                            {"roll", Status::todo},
                            {"commit", Status::todo}};
    }

    void stand(std::size_t step, Status status, std::string told = {})
    {
        auto& of = unit.deployment->steps.at(step);
        of.status = status;
        unit.deployment->step = told.empty() ? of.name : told;
        unit.deployment->bytes = 0;
        unit.deployment->total.reset();
    }
    void carry(std::uint64_t bytes, std::optional<std::uint64_t> total)
    {
        unit.deployment->bytes = bytes;
        unit.deployment->total = total;
    }
    Lines see(Duration at) { return progress.see(unit, MonoTime(at)); }
    std::string present(Duration at) { return progress.present(MonoTime(at)); }

    core::UnitView unit = test::unit_up("web", 3);
    DeployProgress progress{OperationId{12}, Colour::off};
};

TEST_F(DeployProgressTest, HasALineForEachStepThatIsOver)
{
    stand(0, Status::doing);
    EXPECT_THAT(see(1s), ElementsAre("web: deploying v2 in the place of v1, operation 12"));
    EXPECT_THAT(see(2s), IsEmpty());
    stand(0, Status::done);
    stand(1, Status::doing);
    EXPECT_THAT(see(3s), ElementsAre("  fetch       done in 2 s"));
    stand(1, Status::done);
    stand(2, Status::doing);
    EXPECT_THAT(see(3s + 250ms), ElementsAre("  migrate db  done in 250 ms"));
    EXPECT_THAT(progress.finish(MonoTime(5s + 250ms)),
                ElementsAre("  roll        done in 2 s", "  commit      done"));
    EXPECT_EQ(present(6s), "");
}

TEST_F(DeployProgressTest, TellsHowMuchIsThereAndHowFastMoreComes)
{
    stand(0, Status::doing);
    (void)see(0s);
    EXPECT_EQ(present(0s), "  fetch       0 s");
    carry(10 * mebi, 500 * mebi);
    (void)see(2s);
    EXPECT_EQ(present(2s + 900ms), "  fetch       10.0 MiB of 500.0 MiB (2%), 5.0 MiB/s, 2 s");
    for (std::uint64_t second = 3; second <= 12; ++second) {
        carry((10 + second) * mebi, 500 * mebi);
        (void)see(std::chrono::seconds(second));
    }
    EXPECT_EQ(present(12s), "  fetch       22.0 MiB of 500.0 MiB (4%), 1.0 MiB/s, 12 s");
    carry(mebi, {}); // Begun anew.
    (void)see(13s);
    EXPECT_EQ(present(13s), "  fetch       1.0 MiB, 13 s");
}

TEST_F(DeployProgressTest, TellsHowManyInstancesHaveRolled)
{
    stand(2, Status::doing);
    unit.instances[0].release = "v2";
    unit.instances[1].release = "v2";
    unit.instances[1].state = "starting";
    unit.instances[2].release = "v1";
    (void)see(0s);
    EXPECT_EQ(present(65s), "  roll        1 of 3 instances, 1 min 5 s");
}

TEST_F(DeployProgressTest, TellsWhyAStepWaits)
{
    stand(0, Status::doing, "waiting for the source");
    (void)see(0s);
    EXPECT_EQ(present(3s), "  fetch       waiting for the source, 3 s");
    progress.hear("fetch: connection refused\x1b[2J; again in 4s");
    EXPECT_EQ(present(3s), "  fetch       fetch: connection refused\\x1b[2J; again in 4s, 3 s");
}

TEST_F(DeployProgressTest, TellsOfWhatIsUndone)
{
    for (std::size_t step : {0U, 1U})
        stand(step, Status::done);
    stand(2, Status::doing);
    EXPECT_EQ(see(0s).size(), 3U);
    unit.deployment->failure = "roll: web.1: exit 1";
    stand(2, Status::undoing, "undoing roll");
    EXPECT_THAT(see(1s), ElementsAre("  roll: web.1: exit 1; what was done is being undone"));
    EXPECT_EQ(present(2s), "  roll        being undone, 1 s");
    stand(2, Status::undone);
    stand(1, Status::undoing, "undoing migrate db");
    EXPECT_THAT(see(3s), ElementsAre("  roll        undone in 2 s"));
    stand(1, Status::stuck);
    stand(0, Status::undone);
    EXPECT_THAT(see(4s), ElementsAre("  migrate db  could not be undone: see to it by hand"))
        << "nobody saw that anything was undone of the fetch";
}

TEST_F(DeployProgressTest, IsAboutTheOperationThatWasAskedFor)
{
    stand(0, Status::doing);
    unit.operation->id = OperationId{13};
    EXPECT_THAT(see(0s), IsEmpty());
    unit.operation.reset();
    EXPECT_THAT(see(0s), IsEmpty());
    EXPECT_EQ(present(1s), "");
    EXPECT_THAT(progress.finish(MonoTime(1s)), IsEmpty());
}

TEST_F(DeployProgressTest, SaysWhereARollbackLeads)
{
    unit.deployment->kind = core::UnitDeployment::Kind::rollback;
    EXPECT_THAT(see(0s), ElementsAre("web: rolling back to v2 in the place of v1, operation 12"));
    unit.deployment->kind = core::UnitDeployment::Kind::deploy;
    unit.deployment->from.clear();
    DeployProgress first(OperationId{12}, Colour::off);
    EXPECT_THAT(first.see(unit, MonoTime{}),
                ElementsAre("web: deploying v2, its first release, operation 12"));
}

core::ReleasesView some_releases()
{
    core::ReleasesView view;
    view.known = {{"2026.11.2", now - 5min, 512 * mebi, true, false, false, 2},
                  {"2026.11.1", now - 26h, 498 * mebi, false, true, true, 1},
                  {"2026.10.9+hotfix", now - 700h, 0, false, true, false, 0},
                  {"2026.10.8", now - 800h, 97 * mebi, false, false, false, 0}};
    view.denied = {{"2026.9.1", now - 900h, "rolled back from by ann (uid 1000)"},
                   {"2026.10.8", now - 701h, "roll: web.1: exit 1"}};
    return view;
}

TEST(ReleasesTable, FitsEightyColumns)
{
    ::setenv("TZ", "UTC", 1);
    std::string text = releases_table("web", some_releases(), now, {Colour::off, 80});
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        EXPECT_LE(width_of(line), 80U) << line;
    text += "\n" + releases_table("web", some_releases(), now, {});
    text += "\n" + releases_table("web", {}, now, {});
    test::expect_golden("tests/golden/cli-releases.txt", text);
}

TEST_F(DeployProgressTest, HasItsLineInTheUnitsDetails)
{
    ::setenv("TZ", "UTC", 1);
    stand(0, Status::doing);
    carry(12 * mebi, 500 * mebi);
    unit.release = "v1";
    unit.release_good = core::UnitView::Good::yes;
    for (auto& instance : unit.instances)
        instance.release = "v1";
    unit.instances[0].release = "v2";
    std::string text = unit_details(unit, now, {Colour::off, 80});
    unit.deployment->failure = "fetch: no room";
    unit.deployment->step = "undoing fetch";
    text += "\n" + deployment_of(unit, now) + "\n";
    unit.deployment.reset();
    unit.operation.reset();
    text += "\n" + unit_details(unit, now, {Colour::off, 80});
    text += "\n" + status_table({unit}, now, {Colour::off, 80});
    test::expect_golden("tests/golden/cli-deploy-status.txt", text);
}

} // namespace
} // namespace keel::cli
