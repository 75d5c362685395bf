// Who was killed by the kernel for want of memory: by what its counts say, and by nothing else.
#include "sys/oom_watch.hpp"
#include "tests/support/temp_dir.hpp"

#include <csignal>
#include <fstream>
#include <gtest/gtest.h>

namespace keel::sys {
namespace {

using core::ExitStatus;

class OomWatchTest : public testing::Test {
protected:
    /// As the kernel writes it.
    void counted(int oom_kills, const std::string& group = "api/1")
    {
        std::filesystem::create_directories(dir / group);
        std::ofstream(dir / group / "memory.events")
            << "low 0\nhigh 17\nmax 40\noom 3\noom_kill " << oom_kills << "\noom_group_kill 0\n";
    }
    ExitStatus decoded(std::uint64_t before, ExitStatus status, const std::string& group = "api/1")
    {
        return watch.decode(status, group, before);
    }

    test::TempDir dir;
    OomWatch watch{std::make_shared<CgroupFolder>(dir.path().string())};
    ExitStatus kill{ExitStatus::Kind::signal, SIGKILL, false};
};

TEST_F(OomWatchTest, AKillByWhichTheCountHasGrownIsTheKernels)
{
    counted(2);
    EXPECT_EQ(watch.kills_in("api/1"), 2U);
    EXPECT_FALSE(decoded(2, kill).oom_killed);
    counted(3);
    EXPECT_TRUE(decoded(2, kill).oom_killed);
    EXPECT_EQ(to_text(decoded(2, kill)), "OOM-killed");
}

TEST_F(OomWatchTest, AnyOtherEndIsWhatItIs)
{
    counted(3);
    for (const ExitStatus status : {ExitStatus{ExitStatus::Kind::code, 137, false},
                                    ExitStatus{ExitStatus::Kind::signal, SIGTERM, false},
                                    ExitStatus{ExitStatus::Kind::unknown, 0, false}})
        EXPECT_EQ(decoded(0, status), status);
}

TEST_F(OomWatchTest, NothingIsToldWhereNothingIsCounted)
{
    EXPECT_EQ(decoded(0, kill), kill);
    counted(3, "");
    EXPECT_EQ(decoded(0, kill, ""), kill);
    EXPECT_EQ(OomWatch(nullptr).decode(kill, "api/1", 0), kill);
}

} // namespace
} // namespace keel::sys
