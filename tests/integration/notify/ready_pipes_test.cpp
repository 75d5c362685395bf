// Pipes by which readiness is shown, real ones: what counts, what is passed over, what outlives an
// engine.
#include "sys/ready_pipes.hpp"
#include "tests/support/loop_fixture.hpp"
#include "tests/support/temp_dir.hpp"

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <set>
#include <unistd.h>

namespace keel::sys {
namespace {

using test::run_until;

constexpr SpawnId spawn{7};

class Pipes : public testing::Test {
protected:
    Pipes()
    {
        ::signal(SIGPIPE, SIG_IGN);
        begin_engine();
    }
    void begin_engine()
    {
        ReadyPipeOptions options;
        options.dir = dir / "ready";
        // As the keeper: a duplicate that outlives the engine.
        options.hold = [this](std::uint64_t key, int fd) { held[key] = OwnedFd(::dup(fd)); };
        options.drop = [this](std::uint64_t key) { held.erase(key); };
        pipes = std::make_unique<ReadyPipes>(loop, options);
        pipes->set_handlers({.on_newline = [this](SpawnId id) { newlines.push_back(id); },
                             .on_shut = [this](SpawnId id) { shut.push_back(id); }});
    }
    void end_engine() { pipes.reset(); }

    /// The process's own end.
    OwnedFd begin_process()
    {
        const auto end = pipes->open(spawn);
        EXPECT_TRUE(end);
        OwnedFd own(::fcntl(*end, F_DUPFD_CLOEXEC, 0));
        pipes->begun(spawn);
        return own;
    }
    static bool write(const OwnedFd& to, const std::string& text)
    {
        return ::write(to.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    }
    testing::AssertionResult is_ready()
    {
        return run_until(loop, [this] { return !newlines.empty(); });
    }
    /// Whatever was written by now has been looked at.
    void settle()
    {
        bool over = false;
        const auto timer = loop.after(std::chrono::milliseconds(20), [&over] { over = true; });
        (void)run_until(loop, [&over] { return over; });
    }

    test::TempDir dir;
    UvLoop loop;
    std::map<std::uint64_t, OwnedFd> held;
    std::vector<SpawnId> newlines, shut;
    std::unique_ptr<ReadyPipes> pipes;
};

TEST_F(Pipes, TellANewline)
{
    const OwnedFd process = begin_process();
    EXPECT_TRUE(write(process, "still loading"));
    settle();
    EXPECT_TRUE(newlines.empty());
    EXPECT_TRUE(write(process, ", done\nand more"));
    EXPECT_TRUE(is_ready());
    EXPECT_EQ(newlines, std::vector{spawn});
}

TEST_F(Pipes, PassOverWhatFollowsANewline)
{
    const OwnedFd process = begin_process();
    EXPECT_TRUE(write(process, "\n"));
    EXPECT_TRUE(is_ready());
    const std::string much(60'000, '\n'); // Ten times that is more than a pipe holds.
    for (int i = 0; i < 10; ++i) {
        EXPECT_TRUE(write(process, much));
        settle();
    }
    EXPECT_EQ(newlines.size(), 1U);
}

TEST_F(Pipes, TellOfAnEndWithoutANewline)
{
    OwnedFd process = begin_process();
    EXPECT_TRUE(write(process, "no"));
    process.reset();
    EXPECT_TRUE(run_until(loop, [this] { return !shut.empty(); }));
    settle();
    EXPECT_EQ(shut.size(), 1U);
    EXPECT_TRUE(newlines.empty());
}

TEST_F(Pipes, TellNothingOfAnEndAfterANewline)
{
    OwnedFd process = begin_process();
    EXPECT_TRUE(write(process, "\n"));
    process.reset();
    EXPECT_TRUE(is_ready());
    settle();
    EXPECT_TRUE(shut.empty());
}

TEST_F(Pipes, TellTheNextEngineWhatNoneHasRead)
{
    OwnedFd process = begin_process();
    end_engine();
    EXPECT_TRUE(write(process, "\n"));
    process.reset(); // Only the keeper holds it now.
    begin_engine();
    pipes->take_over({spawn});
    EXPECT_TRUE(is_ready());
}

TEST_F(Pipes, GoOnUnderTheNextEngine)
{
    const OwnedFd process = begin_process();
    end_engine();
    begin_engine();
    pipes->take_over({spawn});
    settle();
    EXPECT_TRUE(newlines.empty());
    EXPECT_TRUE(shut.empty());
    EXPECT_TRUE(write(process, "\n"));
    EXPECT_TRUE(is_ready());
}

TEST_F(Pipes, TellTheNextEngineOfAnEnd)
{
    OwnedFd process = begin_process();
    end_engine();
    process.reset();
    begin_engine();
    pipes->take_over({spawn});
    EXPECT_TRUE(run_until(loop, [this] { return !shut.empty(); }));
}

TEST_F(Pipes, KeepANewlineThatAnEngineDiesOver)
{
    const OwnedFd process = begin_process();
    pipes->set_handlers(
        {.on_newline = [](SpawnId) { throw std::runtime_error("dies"); }, .on_shut = {}});
    EXPECT_TRUE(write(process, "\n"));
    EXPECT_THROW(pipes->hear(spawn), std::runtime_error);
    end_engine();
    begin_engine();
    pipes->take_over({spawn});
    EXPECT_TRUE(is_ready());
}

TEST_F(Pipes, AreHeardAtOnceWhereThatIsAsked)
{
    const OwnedFd process = begin_process();
    EXPECT_TRUE(write(process, "\n"));
    pipes->hear(spawn);
    EXPECT_EQ(newlines.size(), 1U);
    pipes->hear(SpawnId{99});
}

TEST_F(Pipes, LeaveNothingBehind)
{
    const OwnedFd process = begin_process();
    pipes->close(spawn);
    EXPECT_TRUE(held.empty());
    EXPECT_TRUE(std::filesystem::is_empty(dir / "ready"));
    pipes->close(SpawnId{99});
}

TEST_F(Pipes, OfTheDeadAreRemovedByTheNextEngine)
{
    (void)begin_process();
    end_engine();
    begin_engine();
    pipes->take_over({SpawnId{8}});
    EXPECT_TRUE(held.empty());
    EXPECT_TRUE(std::filesystem::is_empty(dir / "ready"));
}

TEST_F(Pipes, AreNotForOthersToOpen)
{
    const OwnedFd process = begin_process();
    const auto mode = std::filesystem::status(dir / "ready").permissions();
    EXPECT_EQ(mode, std::filesystem::perms::owner_all);
}

TEST_F(Pipes, ThatCannotBeMadeSaySo)
{
    std::filesystem::create_symlink("/dev/null", dir / "ready");
    const auto refused = pipes->open(spawn);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().text().find("make fifo"), std::string::npos);
}

} // namespace
} // namespace keel::sys
