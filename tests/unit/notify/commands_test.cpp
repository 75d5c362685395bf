// What a command that tells people may do to Keel, and what Keel does to it.
#include "notify/commands.hpp"
#include "tests/support/manual_loop.hpp"
#include "tests/unit/notify/noting_spawner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keel::notify {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class CommandsTest : public testing::Test {
protected:
    void start()
    {
        Command command;
        command.unit = "web";
        command.argv = {"page"};
        command.input = "{}";
        command.timeout = 10s;
        handle = commands.start(command, [this](const std::string& trouble) {
            handle.reset(); // As its owner does.
            ended.push_back(trouble);
        });
    }
    static core::ExitStatus exit_code(int code)
    {
        return {core::ExitStatus::Kind::code, code, false};
    }

    test::ManualLoop loop;
    NotingSpawner spawner;
    const SpawnId id{5};
    Commands commands{loop, spawner, [this] { return id; }};
    std::unique_ptr<Commands::Handle> handle;
    std::vector<std::string> ended;
};

TEST_F(CommandsTest, AreToldOnTheirInputAndHaveANameBesideTheUnits)
{
    start();
    EXPECT_EQ(spawner.input, "{}");
    EXPECT_EQ(spawner.plan.unit, "web.notify-5");
    EXPECT_EQ(spawner.plan.slot, whole_unit);
    EXPECT_TRUE(commands.claims(id));
}

TEST_F(CommandsTest, EndWhenNothingOfThemLives)
{
    start();
    commands.on_exit(id, exit_code(0));
    EXPECT_THAT(ended, IsEmpty());
    EXPECT_THAT(spawner.calls, ElementsAre("kill tree", "acknowledge"));
    commands.on_tree_empty(id);
    EXPECT_THAT(ended, ElementsAre(""));
    EXPECT_FALSE(commands.claims(id));
}

TEST_F(CommandsTest, FailByAnyOtherEnd)
{
    start();
    commands.on_exit(id, exit_code(3));
    commands.on_tree_empty(id);
    start();
    commands.on_exit(id, {core::ExitStatus::Kind::signal, 9, false});
    commands.on_tree_empty(id);
    start();
    commands.on_exit(id, {core::ExitStatus::Kind::unknown, 0, false});
    commands.on_tree_empty(id);
    ASSERT_EQ(ended.size(), 3U);
    EXPECT_EQ(ended[0], "exit 3");
    EXPECT_EQ(ended[1], "SIGKILL");
    EXPECT_NE(ended[2], "") << "nobody knows that it has done its work";
}

TEST_F(CommandsTest, AreKilledWhenTheirTimeIsOver)
{
    start();
    loop.advance(9s);
    EXPECT_THAT(spawner.calls, IsEmpty());
    loop.advance(1s);
    EXPECT_THAT(spawner.calls, ElementsAre("signal", "kill tree"));
    commands.on_exit(id, exit_code(0)); // At the last moment.
    EXPECT_THAT(ended, IsEmpty());
    commands.on_tree_empty(id);
    EXPECT_THAT(ended, ElementsAre("not over within 10s"));
}

TEST_F(CommandsTest, MayBeSearchedForOnceMoreIfTheyWereEmptyBeforeTheirEnd)
{
    start();
    loop.advance(10s);
    commands.on_tree_empty(id);
    EXPECT_THAT(ended, IsEmpty());
    commands.on_exit(id, exit_code(0));
    EXPECT_THAT(spawner.calls, ElementsAre("signal", "kill tree", "kill tree", "acknowledge"));
    commands.on_tree_empty(id);
    EXPECT_THAT(ended, ElementsAre("not over within 10s"));
}

TEST_F(CommandsTest, ThatCannotBeginSaySoLater)
{
    spawner.refusal = ports::SpawnFailure{core::SetupStage::exec, ENOENT, {}};
    start();
    EXPECT_THAT(ended, IsEmpty());
    loop.advance(0s);
    EXPECT_THAT(ended, ElementsAre("exec: No such file or directory"));
    EXPECT_FALSE(commands.claims(id));
}

TEST_F(CommandsTest, ThatNobodyWantsAnyMoreAreEndedWithoutAWord)
{
    start();
    handle.reset();
    EXPECT_THAT(spawner.calls, ElementsAre("signal", "kill tree"));
    bool is_idle = false;
    commands.when_idle(1min, [&] { is_idle = true; });
    loop.advance(1s);
    EXPECT_FALSE(is_idle);
    commands.on_exit(id, exit_code(0));
    commands.on_tree_empty(id);
    EXPECT_TRUE(is_idle);
    EXPECT_THAT(ended, IsEmpty());
}

TEST_F(CommandsTest, AreNotWaitedForWithoutEnd)
{
    start();
    handle.reset();
    bool is_idle = false;
    commands.when_idle(2s, [&] { is_idle = true; });
    loop.advance(2s);
    EXPECT_TRUE(is_idle);
}

} // namespace
} // namespace keel::notify
