// Which channels there are, and what each of them takes up from: by commands, of which this test
// says how they end.
#include "notify/notifier.hpp"
#include "tests/support/manual_loop.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/core/host_bench.hpp"
#include "tests/unit/notify/kept.hpp"
#include "tests/unit/notify/noting_spawner.hpp"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keel::notify {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;

units::ChannelSpec by_command()
{
    units::ChannelSpec spec;
    spec.kind = units::ChannelKind::exec;
    spec.command = {"page"};
    return spec;
}

class Notifiers : public testing::Test {
protected:
    Notifiers()
    {
        bench.apply(core::HostBooted{});
        bench.tell("db", core::Spawned{bench.spawn("db")});
    }
    static units::UnitSpec unit()
    {
        auto spec = core::unit_named("db");
        spec.notify = {"ops"};
        return spec;
    }
    /// An earlier engine told of an outage on that channel, and died.
    void was_told(const std::string& channel)
    {
        Channel earlier(channel, by_command(), kept);
        Notification opened;
        opened.unit = "db";
        opened.about = "outage-1";
        opened.id = "outage-1-outage-opened";
        earlier.take(opened, loop.now());
        ASSERT_NE(earlier.send(loop.now()), nullptr);
        earlier.arrived();
        kept.reopen();
    }
    void begin(const units::Channels& channels)
    {
        NotifierOptions options;
        options.take_spawn_id = [this] { return SpawnId{++spawns}; };
        notifier.emplace(loop, spawner, kept, options);
        notifier->set_channels(channels);
        notifier->begin(*bench.host);
        loop.advance(0s);
    }
    void latest_command_does_its_work()
    {
        notifier->commands().on_exit(SpawnId{spawns}, {core::ExitStatus::Kind::code, 0, false});
        notifier->commands().on_tree_empty(SpawnId{spawns});
        loop.advance(0s);
    }
    [[nodiscard]] std::uint64_t delivered() const
    {
        return notifier->counts().at("ops").at(
            static_cast<std::size_t>(ports::NotificationResult::delivered));
    }

    test::ManualLoop loop;
    NotingSpawner spawner;
    KeptRecords kept;
    core::Bench bench{{unit()}};
    std::uint64_t spawns = 0;
    const units::Channels ops{{"ops", by_command()}};
    std::optional<Notifier> notifier;
};

TEST_F(Notifiers, TakeUpWhatAnEarlierEngineTold)
{
    was_told("ops");
    begin(ops);
    EXPECT_EQ(spawns, 1U) << "the end of that outage is news";
    latest_command_does_its_work();
    EXPECT_EQ(delivered(), 2U);
}

TEST_F(Notifiers, BeginAChannelThatIsGivenBackAnew)
{
    was_told("ops");
    begin(ops);
    latest_command_does_its_work();
    notifier->set_channels({});
    EXPECT_THAT(kept.records, IsEmpty());
    notifier->set_channels(ops);
    loop.advance(0s);
    EXPECT_EQ(spawns, 1U) << "what it was told before it was taken away is no news";
    EXPECT_EQ(delivered(), 0U);
}

TEST_F(Notifiers, BeginAChannelAnewThatIsGivenBackToAnEngineThatDidNotHaveIt)
{
    was_told("ops");
    begin({});
    EXPECT_THAT(kept.records, IsEmpty()) << "it was taken away while nobody was there";
    notifier->set_channels(ops);
    loop.advance(0s);
    EXPECT_EQ(spawns, 0U);
}

TEST_F(Notifiers, KeepNothingOfChannelsThatAreNotConfigured)
{
    was_told("ops");
    was_told("pager");
    begin(ops);
    for (const auto& [key, record] : kept.records)
        EXPECT_TRUE(key.starts_with("ops/")) << key;
}

class NotifiersByFiles : public Notifiers {
protected:
    units::ChannelSpec by_file(const std::string& name)
    {
        units::ChannelSpec spec;
        spec.kind = units::ChannelKind::webhook;
        spec.target_file = folder / name;
        spec.timeout = 10s;
        std::ofstream(spec.target_file) << "http://127.0.0.1:1/";
        std::filesystem::permissions(spec.target_file, std::filesystem::perms::owner_read);
        return spec;
    }
    [[nodiscard]] std::uint64_t failed() const
    {
        return notifier->counts().at("ops").at(
            static_cast<std::size_t>(ports::NotificationResult::failed));
    }

    test::TempDir folder;
};

TEST_F(NotifiersByFiles, WaitForADiskNoLongerThanForAnAnswer)
{
    was_told("ops");
    begin({{"ops", by_file("target")}});
    ASSERT_EQ(loop.offloaded.size(), 1U);
    loop.advance(10s);
    EXPECT_EQ(failed(), 1U);
    loop.advance(1s);
    EXPECT_EQ(loop.offloaded.size(), 1U) << "a disk that hangs is not asked again";
    std::filesystem::remove(folder / "target");
    loop.finish_one();
    EXPECT_EQ(failed(), 1U) << "what it says at last is of a try that is over";
    loop.advance(10s);
    EXPECT_EQ(failed(), 2U);
    loop.advance(2s);
    EXPECT_EQ(loop.offloaded.size(), 1U) << "and then it is";
}

TEST_F(NotifiersByFiles, SendTheSecretOfOneTargetToNoOther)
{
    was_told("ops");
    begin({{"ops", by_file("former")}});
    notifier->set_channels({{"ops", by_file("latter")}});
    ASSERT_EQ(loop.offloaded.size(), 1U);
    loop.finish_one();
    loop.advance(0s);
    EXPECT_EQ(loop.offloaded.size(), 1U) << "the latter's files are read";
    EXPECT_EQ(failed(), 0U);
}

} // namespace
} // namespace keel::notify
