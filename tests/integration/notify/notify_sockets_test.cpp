// Notify sockets with real senders: who is heeded, what is bounded, what outlives an engine.
#include "sys/notify_sockets.hpp"
#include "tests/support/child.hpp"
#include "tests/support/loop_fixture.hpp"
#include "tests/support/temp_dir.hpp"

#include <array>
#include <cstring>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <set>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace keel::sys {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Sends one datagram, with descriptors if there are any. False: it could not be sent.
bool send_to(const std::string& path, std::string_view text, const std::vector<int>& fds = {})
{
    const OwnedFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    std::string bytes(text);
    iovec part{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_name = &address;
    message.msg_namelen = sizeof address;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    std::vector<char> control(CMSG_SPACE(fds.size() * sizeof(int)));
    if (!fds.empty()) {
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        cmsghdr* head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
        std::memcpy(CMSG_DATA(head), fds.data(), fds.size() * sizeof(int));
    }
    return ::sendmsg(fd.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

std::size_t open_descriptors()
{
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        count += entry.path().empty() ? 0U : 1U;
    return count;
}

/// A pipe whose reader sees when the last writer is gone.
struct Pipe {
    Pipe()
    {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        reader = OwnedFd(ends[0]);
        writer = OwnedFd(ends[1]);
    }
    [[nodiscard]] bool is_over() const
    {
        pollfd end{reader.get(), POLLIN, 0};
        return ::poll(&end, 1, 0) == 1;
    }
    OwnedFd reader, writer;
};

class Sockets : public testing::Test {
protected:
    Sockets() { begin(); }

    /// Another engine: nothing is left of the last one but what the keeper holds.
    void begin()
    {
        sockets.reset();
        NotifyOptions options;
        options.dir = dir / "notify";
        options.hold = [this](std::uint64_t key, int fd) {
            held[key] = OwnedFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
        };
        options.drop = [this](std::uint64_t key) { held.erase(key); };
        options.fetch = [this](std::uint64_t key) {
            loop.defer([this, key] {
                const auto found = held.find(key);
                sockets->take(key, found == held.end()
                                       ? OwnedFd()
                                       : OwnedFd(::fcntl(found->second.get(), F_DUPFD_CLOEXEC, 0)));
            });
        };
        options.has_member = [this](SpawnId, pid_t pid) { return members.contains(pid); };
        sockets.emplace(loop, options);
        sockets->set_handlers(
            {.on_notice =
                 [this](SpawnId id, const core::Notice& notice) {
                     heard.push_back(std::to_string(number(id)) + " " + core::to_text(notice));
                     if (notice.main) mains.push_back(*notice.main);
                 },
             .on_trouble = [this](SpawnId, const std::string& text) { troubles.push_back(text); }});
    }
    std::string open(std::uint64_t id)
    {
        auto path = sockets->open(SpawnId{id});
        EXPECT_TRUE(path) << path.error().text();
        return *path;
    }
    testing::AssertionResult until_heard(std::size_t count)
    {
        return test::run_until(loop, [&] { return heard.size() >= count; });
    }

    test::TempDir dir;
    UvLoop loop;
    std::map<std::uint64_t, OwnedFd> held; ///< by the keeper
    std::set<pid_t> members{::getpid()};
    std::vector<std::string> heard, troubles;
    std::vector<int> mains;
    std::optional<NotifySockets> sockets;
};

TEST_F(Sockets, TellWhatTheirOwnSpawnSaysInOrder)
{
    const std::string one = open(1), two = open(2);
    EXPECT_TRUE(send_to(one, "STATUS=a"));
    EXPECT_TRUE(send_to(one, "READY=1"));
    EXPECT_TRUE(send_to(two, "STOPPING=1"));
    ASSERT_TRUE(until_heard(3));
    std::erase(heard, "2 STOPPING=1");
    EXPECT_THAT(heard, ElementsAre("1 \"a\"", "1 READY=1"));
    EXPECT_THAT(troubles, IsEmpty());
}

TEST_F(Sockets, CanBeSentToByAnyUser)
{
    struct stat seen {};
    const std::string path = open(1);
    ASSERT_EQ(::stat(path.c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 0777U, 0666U);
    ASSERT_EQ(::stat((dir / "notify").c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 0777U, 0711U);
}

TEST_F(Sockets, DoNotHeedStrangersAndSayItOnceAndInTheEnd)
{
    const std::string path = open(1);
    members.clear();
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(send_to(path, "READY=1"));
    sockets->hear(SpawnId{1});
    EXPECT_THAT(heard, IsEmpty());
    ASSERT_EQ(troubles.size(), 1U);
    EXPECT_THAT(troubles[0], HasSubstr("not heeded: it is gone, or none of this unit's"));
    sockets->close(SpawnId{1});
    ASSERT_EQ(troubles.size(), 2U);
    EXPECT_EQ(troubles[1], "3 notices in all were not heeded");
}

TEST_F(Sockets, TakeAMainProcessOnlyFromAmongTheSpawnsOwn)
{
    const std::string path = open(1);
    EXPECT_TRUE(send_to(path, "READY=1\nMAINPID=999999999"));
    EXPECT_TRUE(send_to(path, "MAINPID=" + std::to_string(::getpid())));
    ASSERT_TRUE(until_heard(2));
    EXPECT_THAT(mains, ElementsAre(::getpid()));
    EXPECT_THAT(heard[0], "1 READY=1");
    EXPECT_EQ(troubles.size(), 1U);
}

TEST_F(Sockets, RefuseWhatIsTooLong)
{
    const std::string path = open(1);
    EXPECT_TRUE(send_to(path, "READY=1\nX=" + std::string(core::notice_bytes_max, 'x')));
    EXPECT_TRUE(send_to(path, "STOPPING=1"));
    ASSERT_TRUE(until_heard(1));
    EXPECT_THAT(heard, ElementsAre("1 STOPPING=1"));
    EXPECT_THAT(troubles, ElementsAre(HasSubstr("too long")));
}

TEST_F(Sockets, LetABarrierGoWhenAllBeforeItIsSeenTo)
{
    const std::string path = open(1);
    Pipe barrier;
    EXPECT_TRUE(send_to(path, "READY=1"));
    EXPECT_TRUE(send_to(path, "BARRIER=1", {barrier.writer.get()}));
    barrier.writer.reset();
    EXPECT_FALSE(barrier.is_over());
    ASSERT_TRUE(test::run_until(loop, [&] { return barrier.is_over(); }));
    EXPECT_THAT(heard, testing::Contains("1 READY=1"));
}

TEST_F(Sockets, KeepNoDescriptorsThatComeAlong)
{
    const std::string path = open(1);
    const std::size_t before = open_descriptors();
    const std::vector<int> many(100, STDERR_FILENO);
    for (int i = 0; i < 5; ++i)
        EXPECT_TRUE(send_to(path, "FDSTORE=1\nFDNAME=x", many));
    ASSERT_TRUE(until_heard(5));
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(Sockets, HearWhatWasSaidWhileNoEngineWas)
{
    const std::string path = open(7);
    sockets.reset();
    EXPECT_TRUE(send_to(path, "READY=1"));
    begin();
    sockets->take_over({SpawnId{7}});
    ASSERT_TRUE(until_heard(1));
    EXPECT_THAT(heard, ElementsAre("7 READY=1"));
}

TEST_F(Sockets, TellAgainWhatAnEngineDiedOver)
{
    const std::string path = open(7);
    EXPECT_TRUE(send_to(path, "READY=1"));
    sockets->set_handlers(
        {.on_notice = [](SpawnId, const core::Notice&) { throw 1; }, .on_trouble = {}});
    EXPECT_ANY_THROW(sockets->hear(SpawnId{7}));
    begin();
    sockets->take_over({SpawnId{7}});
    ASSERT_TRUE(until_heard(1));
    sockets->hear(SpawnId{7});
    EXPECT_THAT(heard, ElementsAre("7 READY=1"));
}

TEST_F(Sockets, AreMadeAnewWhereTheKeeperIsANewOne)
{
    const std::string path = open(7);
    held.clear();
    begin();
    EXPECT_FALSE(send_to(path, "READY=1"));
    sockets->take_over({SpawnId{7}});
    ASSERT_TRUE(test::run_until(loop, [&] { return send_to(path, "READY=1"); }));
    ASSERT_TRUE(until_heard(1));
    EXPECT_EQ(held.size(), 1U);
}

TEST_F(Sockets, OfSpawnsThatAreOverGoWithThem)
{
    const std::string over = open(7), closed = open(8);
    sockets->close(SpawnId{8});
    EXPECT_FALSE(std::filesystem::exists(closed));
    begin();
    sockets->take_over({});
    EXPECT_FALSE(std::filesystem::exists(over));
    EXPECT_THAT(held, IsEmpty());
}

TEST_F(Sockets, TellWhatIsLeftBeforeTheyClose)
{
    const std::string path = open(1);
    EXPECT_TRUE(send_to(path, "STATUS=bye"));
    sockets->close(SpawnId{1});
    EXPECT_THAT(heard, ElementsAre("1 \"bye\""));
}

TEST_F(Sockets, DoNotKeepTheLoopFromOthersWhenTheyAreFlooded)
{
    const std::string path = open(1), other = open(2);
    const test::Child flooder([&] {
        for (;;)
            if (!send_to(path, "WATCHDOG=1")) ::poll(nullptr, 0, 1);
    });
    members.insert(::getppid()); // whoever it is, the flooder is a stranger: checking is what costs
    ASSERT_TRUE(test::run_until(loop, [&] { return !troubles.empty(); }));
    EXPECT_TRUE(send_to(other, "READY=1"));
    EXPECT_TRUE(until_heard(1));
}

TEST_F(Sockets, SayWhyTheyCannotBeOpened)
{
    NotifyOptions options;
    options.dir = dir / std::string(120, 'x');
    NotifySockets deep(loop, options);
    const auto refused = deep.open(SpawnId{1});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().text(), HasSubstr("bind notify socket"));
}

} // namespace
} // namespace keel::sys
