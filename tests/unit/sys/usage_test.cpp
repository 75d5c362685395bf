// Adding up what units use, over the ends of processes and groups.
#include "base/owned_fd.hpp"
#include "sys/usage_meter.hpp"
#include "tests/support/temp_dir.hpp"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

namespace keel::sys {
namespace {

using namespace std::chrono_literals;
using Age = UsageReading::Age;

UsageReading group(const std::string& source, std::uint64_t identity, Duration cpu,
                   std::uint64_t oom_kills = 0)
{
    UsageReading reading;
    reading.unit = source.substr(0, source.find('.'));
    reading.source = source;
    reading.identity = identity;
    reading.cpu = cpu;
    reading.oom_kills = oom_kills;
    reading.memory_bytes = 1000;
    reading.processes = 2;
    return reading;
}

UsageReading tree(const std::string& source, Duration cpu, Age age = Age::of_this_engine)
{
    UsageReading reading = group(source, 0, cpu);
    reading.kind = UsageReading::Kind::tree;
    reading.age = age;
    return reading;
}

struct Usage : testing::Test {
    UsageBook book;

    void take(const std::vector<UsageReading>& all)
    {
        book.expect();
        book.take(all);
    }
    ports::Usage of(const std::string& unit)
    {
        const auto found = book.units().find(unit);
        return found != book.units().end() ? found->second : ports::Usage{};
    }
};

TEST_F(Usage, AddsUpAllThatRunsForAUnit)
{
    take({group("api", 7, 3s, 1), group("api.hook", 8, 1s), group("worker", 9, 5s)});
    EXPECT_EQ(of("api").cpu, 4s);
    EXPECT_EQ(of("api").oom_kills, 1U);
    EXPECT_EQ(of("api").processes, 4U);
    EXPECT_EQ(of("api").memory_bytes, 2000U);
    EXPECT_EQ(of("worker").cpu, 5s);
}

TEST_F(Usage, CountsWhatCameSinceTheLastReading)
{
    take({group("api", 7, 3s)});
    take({group("api", 7, 4s)});
    EXPECT_EQ(of("api").cpu, 4s);
    EXPECT_EQ(of("api").processes, 2U) << "of now, not a sum over time";
}

TEST_F(Usage, DoesNotCountWhatWasUsedBeforeTheEngineBegan)
{
    book.begin({group("api", 7, 10s, 3)});
    take({group("api", 7, 12s, 4), tree("worker", 20s, Age::older)});
    EXPECT_EQ(of("api").cpu, 2s);
    EXPECT_EQ(of("api").oom_kills, 1U);
    EXPECT_EQ(of("worker").cpu, 0s);
    take({tree("worker", 21s, Age::older)});
    EXPECT_EQ(of("worker").cpu, 1s);
}

TEST_F(Usage, LosesNothingOfAGroupThatGoes)
{
    take({group("api", 7, 3s)});
    book.note(group("api", 7, 5s, 1)); // read for the last time
    take({});
    EXPECT_EQ(of("api").cpu, 5s);
    EXPECT_EQ(of("api").oom_kills, 1U);
    EXPECT_EQ(of("api").processes, 0U);
    take({group("api", 8, 1s)});
    EXPECT_EQ(of("api").cpu, 6s) << "of the group that came after it";
}

TEST_F(Usage, IsNotFooledByAReadingThatWasOvertaken)
{
    book.expect(); // the reading begins, and the group goes meanwhile, comes anew and goes again
    book.note(group("api", 7, 5s, 2));
    book.note(group("api", 8, 1s));
    book.take(std::vector{group("api", 7, 4s, 1)});
    EXPECT_EQ(of("api").cpu, 6s);
    EXPECT_EQ(of("api").oom_kills, 2U);
    take({group("api", 9, 1s)});
    EXPECT_EQ(of("api").cpu, 7s);
}

TEST_F(Usage, IsNotCountedTwiceAfterAReadingThatFailed)
{
    take({group("api", 7, 3s, 1), tree("spawn 1", 10s)});
    book.expect();
    book.take(Error{"list", "the groups", EMFILE});
    EXPECT_EQ(of("api").processes, 2U) << "as was known before";
    take({group("api", 7, 4s, 1), tree("spawn 1", 11s)});
    EXPECT_EQ(of("api").cpu, 4s);
    EXPECT_EQ(of("api").oom_kills, 1U);
    EXPECT_EQ(of("spawn 1").cpu, 11s);
}

TEST_F(Usage, OfAGroupThatGoesIsNotForgottenBeforeItsLastReadingIsIn)
{
    take({group("api", 7, 3s, 1)});
    book.expect_last("api");
    take({}); // It is gone already, and its last reading comes only now.
    book.note_last("api", group("api", 7, 5s, 1));
    EXPECT_EQ(of("api").cpu, 5s);
    EXPECT_EQ(of("api").oom_kills, 1U);
    take({});
    take({group("api", 8, 1s)});
    EXPECT_EQ(of("api").cpu, 6s);
}

TEST_F(Usage, OfATreeMayFallWhenAnOrphanEnds)
{
    take({tree("spawn 1", 10s)});
    take({tree("spawn 1", 4s)});
    take({tree("spawn 1", 5s)});
    EXPECT_EQ(of("spawn 1").cpu, 11s);
}

TEST(UsageOfGroups, IsReadFromTheirFiles)
{
    const test::TempDir base;
    const auto write = [&](const std::string& file, const std::string& text) {
        const std::filesystem::path path = base / file;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << text;
    };
    write("_keeld/cpu.stat", "usage_usec 1\n");
    write("api/cpu.stat", "user_usec 9\nusage_usec 2500000\nusage_usec_more 1\n");
    write("api/memory.events", "low 0\noom 4\noom_kill 3\noom_group_kill 9\n");
    write("api/memory.current", "8192\n");
    write("api/1/cgroup.procs", "11\n12\n");
    write("api/2/cgroup.procs", "13\n");
    write("api/2/of-its-own/cgroup.procs", "14\n");
    const auto readings = read_groups(base / "", UsageDepth::everything);
    ASSERT_TRUE(readings.ok());
    ASSERT_EQ(readings->size(), 1U);
    EXPECT_EQ(readings->front().unit, "api");
    EXPECT_EQ(readings->front().cpu, 2500ms);
    EXPECT_EQ(readings->front().oom_kills, 3U);
    EXPECT_EQ(readings->front().memory_bytes, 8192U);
    EXPECT_EQ(readings->front().processes, 4U);
    const auto gone = read_group(base / "", "worker", UsageDepth::counters);
    ASSERT_TRUE(gone.ok());
    EXPECT_FALSE(gone->has_value());
}

TEST(UsageOfGroups, IsNotTakenForNothingIfItCannotBeRead)
{
    const test::TempDir base;
    EXPECT_FALSE(read_groups(base / "nowhere", UsageDepth::counters).ok());
    std::filesystem::create_directories(base / "api/cpu.stat"); // which no one can read
    EXPECT_FALSE(read_group(base / "", "api", UsageDepth::counters).ok());
    EXPECT_FALSE(read_groups(base / "", UsageDepth::counters).ok());
    std::filesystem::create_directories(base / "worker/memory.events");
    std::ofstream(base / "worker/cpu.stat") << "usage_usec 1\n";
    EXPECT_FALSE(read_group(base / "", "worker", UsageDepth::counters).ok());
}

TEST(UsageOfTrees, IsNotTakenForNothingWhereThereAreNoDescriptors)
{
    const std::vector<LooseTree> trees{{{SpawnId{1}, {::getpid(), 1}, {}}, "api"}};
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const OwnedFd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    for (const int spare : {0, 1}) { // for nothing at all; for /proc, but for no process
        rlimit few = before;
        few.rlim_cur = static_cast<rlim_t>(next.get() + 1 + spare);
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
        const auto readings = read_trees(trees, {});
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
        EXPECT_FALSE(readings.ok()) << spare;
    }
    EXPECT_TRUE(read_trees(trees, {}).ok());
}

TEST(UsageOfGroups, AddsUpProcessesWhereTheGroupDoesNotCountMemory)
{
    const test::TempDir base;
    std::filesystem::create_directories(base / "api.hook/1");
    std::ofstream(base / "api.hook/cpu.stat") << "usage_usec 1\n";
    std::ofstream(base / "api.hook/1/cgroup.procs") << ::getpid() << "\n";
    const auto reading = read_group(base / "", "api.hook", UsageDepth::everything);
    ASSERT_TRUE(reading.ok() && reading->has_value());
    EXPECT_EQ((*reading)->unit, "api");
    EXPECT_GT((*reading)->memory_bytes, 100'000U);
    EXPECT_EQ((*reading)->processes, 1U);
}

} // namespace
} // namespace keel::sys
