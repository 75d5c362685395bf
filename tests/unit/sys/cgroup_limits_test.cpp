// Limits of control groups, against a model of the kernel's rules for them.
#include "sys/cgroup_limits.hpp"
#include "tests/unit/sys/fake_cgroups.hpp"

#include <gmock/gmock.h>
#include <memory>

namespace keel::sys {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Names = std::set<std::string>;

class Limits : public testing::Test {
protected:
    Limits()
    {
        for (const char* group : {"api", "api/1", "api/2", "web", "web/1", "_keeld"})
            kernel->make(group);
        all.memory_high = 900;
        all.memory_max = 1000;
        all.cpu_max = 150;
        all.cpu_weight = 200;
        all.pids_max = 64;
        all.io_weight = 50;
    }
    /// Errors as text; empty: it was done.
    std::string set(const std::string& group, const units::ResourcesSpec& resources)
    {
        const auto outcome = limits.set(group, resources);
        return outcome ? "" : outcome.error().text();
    }

    units::ResourcesSpec all, none;
    std::shared_ptr<FakeCgroups> kernel =
        std::make_shared<FakeCgroups>(Names{"cpu", "cpuset", "io", "memory", "pids"});
    CgroupLimits limits{kernel};
};

TEST_F(Limits, AreWrittenAsTheKernelWantsThem)
{
    EXPECT_EQ(set("api/1", all), "");
    EXPECT_EQ(kernel->limit("api/1/memory.high"), "900");
    EXPECT_EQ(kernel->limit("api/1/memory.max"), "1000");
    EXPECT_EQ(kernel->limit("api/1/cpu.max"), "150000 100000");
    EXPECT_EQ(kernel->limit("api/1/cpu.weight"), "200");
    EXPECT_EQ(kernel->limit("api/1/pids.max"), "64");
    EXPECT_EQ(kernel->limit("api/1/io.weight"), "50");
}

TEST_F(Limits, AreOfOneInstanceAlone)
{
    EXPECT_EQ(set("api/1", all), "");
    EXPECT_EQ(kernel->limit("api/memory.max"), "max") << "instances do not share one";
    EXPECT_EQ(kernel->limit("api/2/memory.max"), "max");
    EXPECT_EQ(kernel->limit("_keeld/memory.max"), "max");
}

TEST_F(Limits, TakeOnlyTheControllersThatTheyNeed)
{
    units::ResourcesSpec some;
    some.pids_max = 64;
    EXPECT_EQ(set("api/1", some), "");
    EXPECT_EQ(kernel->handed_down_by(""), Names{"pids"});
    EXPECT_EQ(kernel->handed_down_by("api"), Names{"pids"});
    EXPECT_THAT(kernel->handed_down_by("web"), IsEmpty());
    EXPECT_EQ(kernel->limit("api/1/memory.max"), "nothing");
}

TEST_F(Limits, ThatNobodyAskedForTouchNothing)
{
    EXPECT_EQ(set("api/1", none), "");
    EXPECT_THAT(kernel->writes(), IsEmpty());
}

TEST_F(Limits, ThatAreAskedForNoMoreAreTakenBack)
{
    EXPECT_EQ(set("api/1", all), "");
    EXPECT_EQ(set("api/1", none), "");
    EXPECT_EQ(kernel->limit("api/1/memory.high"), "max");
    EXPECT_EQ(kernel->limit("api/1/memory.max"), "max");
    EXPECT_EQ(kernel->limit("api/1/cpu.max"), "max 100000");
    EXPECT_EQ(kernel->limit("api/1/cpu.weight"), "100");
    EXPECT_EQ(kernel->limit("api/1/pids.max"), "max");
    EXPECT_EQ(kernel->limit("api/1/io.weight"), "100");
}

TEST_F(Limits, ThatAGroupInheritsFromAnEarlierSpawnAreTakenBackOneByOne)
{
    EXPECT_EQ(set("api/1", all), "");
    units::ResourcesSpec some;
    some.pids_max = 8;
    EXPECT_EQ(set("api/1", some), "");
    EXPECT_EQ(kernel->limit("api/1/pids.max"), "8");
    EXPECT_EQ(kernel->limit("api/1/memory.max"), "max");
}

TEST_F(Limits, WithoutTheirControllerAreRefusedByName)
{
    const auto poor = std::make_shared<FakeCgroups>(Names{"cpu"});
    poor->make("api");
    poor->make("api/1");
    const auto outcome = CgroupLimits(poor).set("api/1", all);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().text(),
              "memory_high: keeld's control group has no controller `memory`");
    EXPECT_EQ(poor->limit("api/1/cpu.max"), "150000 100000") << "what can be had is had";
}

TEST_F(Limits, AreRefusedWhereProcessesAreInTheWay)
{
    kernel->put_a_process_into("");
    EXPECT_THAT(set("api/1", all), HasSubstr("memory_high: processes live in the group itself, "));
}

TEST_F(Limits, ThatTheKernelDoesNotTakeAreToldWithItsReason)
{
    kernel->refused["memory.max"] = EBUSY;
    EXPECT_EQ(set("api/1", all), "memory_max: write api/1/memory.max: Device or resource busy");
    EXPECT_EQ(kernel->limit("api/1/pids.max"), "64") << "what can be had is had";
}

TEST_F(Limits, ReachDisksByBfqWhereThereIsNoIoCost)
{
    const auto old = std::make_shared<FakeCgroups>(Names{"io"});
    old->files_missing = {"io.weight"};
    old->make("api");
    old->make("api/1");
    units::ResourcesSpec heavy;
    heavy.io_weight = 10'000;
    EXPECT_TRUE(CgroupLimits(old).set("api/1", heavy));
    EXPECT_EQ(old->limit("api/1/io.bfq.weight"), "1000");
    EXPECT_TRUE(CgroupLimits(old).set("api/1", none));
    EXPECT_EQ(old->limit("api/1/io.bfq.weight"), "100");
    EXPECT_EQ(bfq_weight(1), 1U);
    EXPECT_EQ(bfq_weight(100), 100U);
    EXPECT_EQ(bfq_weight(5'050), 550U);
}

TEST_F(Limits, OfDisksNeedSomebodyWhoHeedsThem)
{
    const auto bare = std::make_shared<FakeCgroups>(Names{"io"});
    bare->files_missing = {"io.weight", "io.bfq.weight"};
    bare->make("api");
    bare->make("api/1");
    units::ResourcesSpec heavy;
    heavy.io_weight = 200;
    const auto outcome = CgroupLimits(bare).set("api/1", heavy);
    ASSERT_FALSE(outcome);
    EXPECT_THAT(outcome.error().text(),
                HasSubstr("io_weight: the kernel weighs no disks: it has neither io.cost nor BFQ"));
}

TEST_F(Limits, AreSetAgainAfterARelease)
{
    EXPECT_EQ(set("api/1", all), "");
    EXPECT_EQ(set("web/1", all), "");
    limits.release();
    for (const char* group : {"", "api", "web"})
        EXPECT_THAT(kernel->handed_down_by(group), IsEmpty()) << "`" << group << "`";
    EXPECT_TRUE(CgroupLimits(kernel).set("api/1", all)); // The next engine's.
    EXPECT_EQ(kernel->limit("api/1/memory.max"), "1000");
}

TEST_F(Limits, AreNotHandedDownByOneWhoIsLeaving)
{
    limits.release();
    EXPECT_EQ(set("api/1", all), "memory_high: keeld is leaving");
    EXPECT_THAT(kernel->handed_down_by(""), IsEmpty());
}

TEST_F(Limits, AreReleasedWhoeverHandedThemDown)
{
    for (const char* group : {"", "api"})
        ASSERT_TRUE(kernel->write(std::string(group) + (*group == '\0' ? "" : "/") +
                                      "cgroup.subtree_control",
                                  "+cpuset"));
    limits.release();
    EXPECT_THAT(kernel->handed_down_by("api"), IsEmpty());
    EXPECT_THAT(kernel->handed_down_by(""), IsEmpty());
}

TEST_F(Limits, WriteWhatIsTakenBackGentlyFirst)
{
    EXPECT_EQ(set("api/1", all), "");
    const auto writes = kernel->writes();
    const auto at = [&](const std::string& write) { return std::ranges::find(writes, write); };
    EXPECT_LT(at("api/1/memory.high 900"), at("api/1/memory.max 1000"));
    EXPECT_LT(at("cgroup.subtree_control +memory"), at("api/cgroup.subtree_control +memory"));
}

} // namespace
} // namespace keel::sys
