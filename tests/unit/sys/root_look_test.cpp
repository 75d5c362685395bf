// Roots of releases: what is found there, and those that do not answer.
#include "sys/root_look.hpp"

#include "tests/support/temp_dir.hpp"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <gtest/gtest.h>

namespace keel::sys {
namespace {

using namespace std::chrono_literals;

/// Roots below /hung do not answer before the end of the test.
struct Disk {
    std::promise<void> recovers;
    std::shared_future<void> has_recovered{recovers.get_future().share()};
    std::shared_ptr<std::atomic<int>> asked = std::make_shared<std::atomic<int>>(0);

    [[nodiscard]] RootLook::Look look() const
    {
        return [back = has_recovered, count = asked](const std::string& root) {
            ++*count;
            if (root.starts_with("/hung")) back.wait();
            return RootLook::Found{"v1", {"v1"}};
        };
    }
    ~Disk() { recovers.set_value(); }
};

TEST(RootLook, TellsWhatIsThere)
{
    Disk disk;
    RootLook look(1min, disk.look());
    const auto found = look.at("/srv/a");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->current, "v1");
}

TEST(RootLook, IsWithoutAnAnswerWhereADiskHangsAndDoesNotAskItAgain)
{
    Disk disk;
    RootLook look(50ms, disk.look());
    EXPECT_FALSE(look.at("/hung"));
    EXPECT_EQ(*disk.asked, 1);
    EXPECT_FALSE(look.at("/hung"));
    EXPECT_EQ(*disk.asked, 1) << "one thread hangs there, and no more";
}

TEST(RootLook, IsPatientOnceForAllRootsTogether)
{
    Disk disk;
    RootLook look(400ms, disk.look());
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < 20; ++i)
        EXPECT_FALSE(look.at("/hung/" + std::to_string(i)));
    EXPECT_LT(std::chrono::steady_clock::now() - began, 4s) << "each alone would make it 8 s";
}

TEST(RootLook, ReadsDirectoriesThatAreNamedAsReleasesAreAndTheLink)
{
    namespace fs = std::filesystem;
    const test::TempDir root;
    fs::create_directories(root.path() / "releases/v1");
    fs::create_directories(root.path() / "releases/v2");
    fs::create_directories(root.path() / "releases/.v3.partial");
    std::ofstream(root.path() / "releases/v4") << "a file";
    fs::create_directory_symlink("v1", root.path() / "releases/v5");
    fs::create_directory_symlink("releases/v2", root.path() / "current");
    const auto found = look_at_root(root.path());
    EXPECT_EQ(found.all, (std::vector<std::string>{"v1", "v2"}));
    EXPECT_EQ(found.current, "v2");
    EXPECT_EQ(look_at_root(root.path() / "none").all.size(), 0U);
}

} // namespace
} // namespace keel::sys
