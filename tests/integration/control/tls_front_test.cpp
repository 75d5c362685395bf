// TLS in front of the HTTP server, which this test is itself: what becomes of a connection once
// that has hung up.
#include "control/tls_front.hpp"
#include "tests/support/certificate.hpp"
#include "tests/support/temp_dir.hpp"
#include "units/tls_files.hpp"

#include <array>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

namespace keel::control {
namespace {

using namespace std::chrono_literals;

constexpr int patience = 30'000; ///< milliseconds; met only by a defect

/// The other end of a connection to the front.
class Stranger {
public:
    explicit Stranger(TlsFront& front)
    {
        std::array<int, 2> pair{-1, -1};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
        fd_ = OwnedFd(pair[0]);
        const int small = 4096; // the least that the kernel holds for who does not read
        ::setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        ::fcntl(pair[1], F_SETFL, O_NONBLOCK);
        inside_ = front.admit(OwnedFd(pair[1]));
    }

    [[nodiscard]] bool is_admitted() const { return static_cast<bool>(inside_); }
    /// What the HTTP server holds of it.
    OwnedFd& inside() { return inside_; }

    [[nodiscard]] bool shake_hands()
    {
        SSL_set_fd(ssl_.get(), fd_.get());
        return SSL_connect(ssl_.get()) == 1;
    }

    /// All until the end, in good order; none: the connection broke.
    std::optional<std::string> read_all()
    {
        std::string all;
        std::array<char, 4096> part;
        int count = 0;
        while ((count = SSL_read(ssl_.get(), part.data(), part.size())) > 0)
            all.append(part.data(), static_cast<std::size_t>(count));
        if (SSL_get_error(ssl_.get(), count) != SSL_ERROR_ZERO_RETURN) return std::nullopt;
        return all;
    }

    [[nodiscard]] bool is_ended() const
    {
        pollfd one{fd_.get(), POLLRDHUP, 0};
        return ::poll(&one, 1, patience) == 1;
    }

private:
    OwnedFd fd_, inside_;
    std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_{SSL_CTX_new(TLS_client_method()),
                                                          SSL_CTX_free};
    std::unique_ptr<SSL, void (*)(SSL*)> ssl_{SSL_new(context_.get()), SSL_free};
};

/// More than the front and the outside's socket hold together.
const std::string answer(100'000, 'a');

/// The HTTP server answers and hangs up.
void answer_and_leave(Stranger& stranger)
{
    std::string_view left = answer;
    while (!left.empty()) {
        pollfd one{stranger.inside().get(), POLLOUT, 0};
        ASSERT_EQ(::poll(&one, 1, patience), 1);
        const ssize_t count = ::send(one.fd, left.data(), left.size(), MSG_NOSIGNAL);
        if (count > 0) left.remove_prefix(static_cast<std::size_t>(count));
    }
    stranger.inside().reset();
}

struct TlsFrontTest : testing::Test {
    test::TempDir folder;

    std::unique_ptr<TlsFront> start(TlsFront::Limits limits)
    {
        const units::TlsSpec files{folder / "web1.pem", folder / "web1.key"};
        test::make_certificate(files, 24h);
        auto front = std::move(*TlsFront::start(limits));
        front->use(std::get<units::TlsIdentity>(units::read_tls_files(files)).context);
        return front;
    }
};

TEST_F(TlsFrontTest, EndsWhoDoesNotTakeWhatWasSaidLast)
{
    const auto front = start({.connections = 2, .leaving_time = 50ms});
    std::array strangers{std::make_unique<Stranger>(*front), std::make_unique<Stranger>(*front)};
    for (const auto& each : strangers) {
        ASSERT_TRUE(each->is_admitted());
        ASSERT_TRUE(each->shake_hands());
        answer_and_leave(*each);
    }
    for (const auto& each : strangers)
        EXPECT_TRUE(each->is_ended());
    // Its place is free a moment after the connection is.
    const auto late = std::chrono::steady_clock::now() + 30s;
    bool is_admitted = false;
    while (!is_admitted && std::chrono::steady_clock::now() < late)
        is_admitted = Stranger(*front).is_admitted();
    EXPECT_TRUE(is_admitted) << "others have their places";
}

TEST_F(TlsFrontTest, LeavesTimeToTakeWhatWasSaidLast)
{
    const auto front = start({.connections = 1});
    Stranger stranger(*front);
    ASSERT_TRUE(stranger.shake_hands());
    answer_and_leave(stranger);
    EXPECT_EQ(stranger.read_all(), answer);
}

} // namespace
} // namespace keel::control
