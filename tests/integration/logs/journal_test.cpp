// Output that goes to systemd's journal, which is a socket of this test's here.
#include "sys/journal_stream.hpp"
#include "sys/loop.hpp"
#include "tests/support/log_fixture.hpp"

#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace keel::sys {
namespace {

/// As journald listens.
class Journal {
public:
    explicit Journal(const std::string& path)
        : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        ::unlink(path.c_str());
        EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address),
                  0);
        EXPECT_EQ(::listen(listener_.get(), 8), 0);
    }
    /// The next connection.
    OwnedFd take() { return OwnedFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }

private:
    OwnedFd listener_;
};

/// All that was written to a connection until its writers are gone.
std::string all_of(const OwnedFd& connection)
{
    std::string text;
    char part[4096];
    for (ssize_t size = 0; (size = ::read(connection.get(), part, sizeof part)) > 0;)
        text.append(part, static_cast<std::size_t>(size));
    return text;
}

class ToJournal : public testing::Test {
protected:
    [[nodiscard]] LogSinkOptions options()
    {
        LogSinkOptions options = place.options();
        options.journal_socket = socket;
        options.tell = [this](const std::string& unit, Slot, const std::string& text) {
            told.push_back(unit + ": " + text);
        };
        return options;
    }
    /// What the next process of the unit would be given.
    static int output(LogSink& sink, const std::string& unit = "web")
    {
        units::LogSpec spec;
        spec.target = units::LogTarget::journal;
        const auto fd = sink.output_of(unit, 1, spec, {});
        EXPECT_TRUE(fd);
        return fd ? *fd : -1;
    }
    /// That process's own.
    static OwnedFd own(int fd) { return OwnedFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

    test::LogPlace place;
    const std::string socket = place.log().string() + ".journal";
    std::vector<std::string> told;
    UvLoop loop;
};

TEST_F(ToJournal, BeginsByTellingWhoseLinesFollow)
{
    Journal journal(socket);
    OwnedFd connection;
    {
        LogSink sink(loop, options());
        const OwnedFd process = own(output(sink));
        connection = journal.take();
        ASSERT_EQ(::write(process.get(), "<3>broken\n", 10), 10);
    }
    EXPECT_EQ(all_of(connection), "web\n\n6\n1\n0\n0\n0\n<3>broken\n");
    EXPECT_TRUE(told.empty());
}

TEST_F(ToJournal, GivesEachSpawnAConnectionOfItsOwn)
{
    Journal journal(socket);
    LogSink sink(loop, options());
    const OwnedFd first = own(output(sink));
    const OwnedFd taken = journal.take();
    std::optional<Journal> another(std::in_place, socket); // The journal began anew.
    OwnedFd second = own(output(sink));
    const OwnedFd connection = another->take();
    (void)output(sink, "other"); // What the sink had of it is closed.
    second.reset();
    EXPECT_EQ(all_of(connection), "web\n\n6\n1\n0\n0\n0\n");
}

TEST_F(ToJournal, GivesProcessesAnOutputThatBlocksAndCannotBeRead)
{
    Journal journal(socket);
    LogSink sink(loop, options());
    const int fd = output(sink);
    EXPECT_EQ(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    char byte = 0;
    EXPECT_EQ(::read(fd, &byte, 1), 0);
}

TEST_F(ToJournal, WithoutOneGoesWhereKeeldsOwnOutputGoesAndIsTold)
{
    LogSink sink(loop, options());
    EXPECT_EQ(output(sink), STDERR_FILENO);
    EXPECT_EQ(output(sink), STDERR_FILENO);
    ASSERT_EQ(told.size(), 1U) << "once";
    EXPECT_EQ(told[0], "web: its output goes where keeld's own does, not to the journal: connect "
                       "to " +
                           socket + ": No such file or directory");
    {
        const Journal journal(socket);
        EXPECT_NE(output(sink), STDERR_FILENO);
    }
    EXPECT_EQ(output(sink), STDERR_FILENO) << "nobody listens any more";
    EXPECT_EQ(told.size(), 2U) << "and again";
}

TEST_F(ToJournal, DoesNotWaitForAJournalThatTakesNobodyIn)
{
    Journal journal(socket);
    std::vector<OwnedFd> waiting;
    for (;;) {
        auto connected = connect_to_journal(socket, "web");
        if (!connected) {
            EXPECT_EQ(connected.error().errno_value, EAGAIN);
            break;
        }
        waiting.push_back(std::move(*connected));
        ASSERT_LT(waiting.size(), 100U);
    }
}

TEST_F(ToJournal, OpensNoFileOfKeels)
{
    Journal journal(socket);
    LogSink sink(loop, options());
    (void)output(sink);
    EXPECT_FALSE(std::filesystem::exists(place.fifo() / "web.1"));
    EXPECT_FALSE(std::filesystem::exists(place.log() / "web"));
}

} // namespace
} // namespace keel::sys
