// The engine's end of the channel, against a double of the keeper on a socketpair.
#include "sys/keeper_client.hpp"

#include "sys/loop.hpp"
#include "tests/support/loop_fixture.hpp"

#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <map>
#include <sys/socket.h>
#include <unistd.h>

namespace keel::sys {
namespace {

using wire::Kind;
using wire::Record;

class KeeperChannel : public testing::Test {
protected:
    KeeperChannel()
    {
        int pair[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        keeper = OwnedFd(pair[0]);
        engine = OwnedFd(pair[1]);
        client.emplace(loop, engine.get());
        client->on_exited([this](const Record& record) { ends.push_back(record.id); });
        client->set_orders({[this] { ++shutdowns; }, [this] { ++applies; }, [this] { ++leaves; },
                            [this] { ++losses; }, nullptr});
    }

    void say(const Record& record) const
    {
        EXPECT_EQ(::send(keeper.get(), &record, sizeof record, 0), ssize_t{sizeof record});
    }

    /// The next record that the keeper would read; kind 0 if there is none.
    Record heard() const
    {
        Record record{};
        Record raw{};
        const ssize_t size = ::recv(keeper.get(), &raw, sizeof raw, MSG_DONTWAIT);
        if (size <= 0) return record;
        EXPECT_TRUE(decode(wire::Reader::keeper, &raw, static_cast<std::size_t>(size), record));
        return record;
    }

    /// Where the engine has come to when it begins to hear of news.
    void listed()
    {
        say({.kind = Kind::list_end});
        EXPECT_TRUE(client->list().complete);
    }

    static Record end(std::uint64_t id)
    {
        return {.kind = Kind::exited, .pid = 5, .id = id, .start_ticks = 6};
    }

    UvLoop loop;
    OwnedFd keeper, engine;
    std::optional<KeeperClient> client;
    std::vector<std::uint64_t> ends;
    int shutdowns = 0, applies = 0, leaves = 0, losses = 0;
};

TEST_F(KeeperChannel, PassesOnWhatTheKeeperSays)
{
    listed();
    say(end(1));
    say({.kind = Kind::orders, .value = wire::shutdown});
    EXPECT_TRUE(test::run_until(loop, [this] { return shutdowns == 1; }));
    EXPECT_EQ(ends, std::vector<std::uint64_t>{1});
}

TEST_F(KeeperChannel, TellsOrdersApart)
{
    listed();
    say({.kind = Kind::orders, .value = wire::apply});
    say({.kind = Kind::orders, .value = wire::apply | wire::leave});
    say({.kind = Kind::orders, .value = wire::shutdown});
    EXPECT_TRUE(test::run_until(loop, [this] { return shutdowns == 1; }));
    EXPECT_EQ(applies, 2);
    EXPECT_EQ(leaves, 1);
}

TEST_F(KeeperChannel, IgnoresNonsense)
{
    listed();
    say({.kind = Kind::orders, .id = 1, .value = wire::shutdown});
    EXPECT_EQ(::send(keeper.get(), "x", 1, 0), 1);
    say(end(1));
    EXPECT_TRUE(test::run_until(loop, [this] { return !ends.empty(); }));
    EXPECT_EQ(shutdowns, 0);
}

TEST_F(KeeperChannel, TellsOfTheKeepersDeathOnce)
{
    listed();
    say(end(1));
    keeper.reset();
    EXPECT_TRUE(test::run_until(loop, [this] { return losses == 1; }));
    EXPECT_EQ(ends.size(), 1U) << "what it said before still counts";
    client->heartbeat(); // harmless
}

TEST_F(KeeperChannel, ListsAndReportsEndsInTheirTurn)
{
    say({.kind = Kind::child, .pid = 3, .id = 9, .start_ticks = 4});
    say(end(1));
    say({.kind = Kind::orders, .value = wire::shutdown});
    say(end(2));
    say({.kind = Kind::list_end});
    const auto listing = client->list();
    EXPECT_TRUE(listing.complete);
    EXPECT_EQ(listing.children.size(), 1U);
    EXPECT_EQ(listing.ends.size(), 2U);
    EXPECT_TRUE(ends.empty());
    bool later = false;
    loop.defer([&] {
        EXPECT_EQ(ends.size(), 2U) << "reported before anything that is deferred after the list";
        later = true;
    });
    EXPECT_TRUE(test::run_until(loop, [&] { return later; }));
}

TEST_F(KeeperChannel, IsGivenWhatTheKeeperHolds)
{
    listed();
    std::map<std::uint64_t, bool> given;
    client->on_held([&](std::uint64_t key, const OwnedFd& fd) { given[key] = bool(fd); });
    client->fetch(7);
    EXPECT_EQ(heard().kind, Kind::fetch);
    say({.kind = Kind::held, .id = 6}); // a descriptor that got lost: to be asked for again
    say({.kind = Kind::not_held, .id = 8});
    Record record{.kind = Kind::held, .id = 7};
    iovec part{&record, sizeof record};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const int fd = STDERR_FILENO;
    *CMSG_FIRSTHDR(&message) = {CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS};
    std::memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &fd, sizeof fd);
    EXPECT_GT(::sendmsg(keeper.get(), &message, 0), 0);
    EXPECT_TRUE(test::run_until(loop, [&] { return given.size() == 2; }));
    EXPECT_EQ(given, (std::map<std::uint64_t, bool>{{7, true}, {8, false}}));
}

TEST_F(KeeperChannel, KeepsInOrderWhatTheChannelDoesNotTake)
{
    constexpr std::uint64_t count = 5000; // the kernel takes a few hundred
    for (std::uint64_t id = 1; id <= count; ++id)
        client->acknowledge(SpawnId{id});
    std::uint64_t expected = 1;
    EXPECT_TRUE(test::run_until(loop, [&] {
        for (Record record = heard(); record.kind == Kind::acknowledge; record = heard())
            EXPECT_EQ(record.id, expected++);
        return expected > count;
    }));
    EXPECT_EQ(client->dropped(), 0U);
}

TEST_F(KeeperChannel, HasABoundAndCountsWhatItRefuses)
{
    for (std::uint64_t id = 1; id <= 40'000; ++id)
        client->acknowledge(SpawnId{id});
    EXPECT_GT(client->dropped(), 0U);
    EXPECT_LT(client->dropped(), 8'000U);
}

TEST_F(KeeperChannel, MakesTextFitForSystemd)
{
    client->status("two\nlines");
    EXPECT_STREQ(heard().text, "STATUS=two lines");
    std::string umlauts;
    for (int i = 0; i < 60; ++i)
        umlauts += "ä";
    client->status("x" + umlauts);
    const std::string text = heard().text;
    EXPECT_EQ(text.size(), 7U + 1 + 78) << "cut between characters, not inside one";
}

TEST_F(KeeperChannel, HandsDescriptorsOver)
{
    client->hold(5, engine.get());
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    Record record{};
    iovec part{&record, sizeof record};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ASSERT_GT(::recvmsg(keeper.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC), 0);
    EXPECT_EQ(record.kind, Kind::hold);
    ASSERT_NE(CMSG_FIRSTHDR(&message), nullptr);
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    EXPECT_GE(::fcntl(fd, F_GETFD), 0);
    ::close(fd);
}

} // namespace
} // namespace keel::sys
