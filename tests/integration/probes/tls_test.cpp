#include "tests/integration/probes/fixture.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <spawn.h>
#include <sys/wait.h>

namespace keel::test {
namespace {

/// tls_server.py, for as long as this lives.
class TlsServer {
public:
    TlsServer()
    {
        EXPECT_NE(nullptr, ::mkdtemp(folder_.data()));
        std::array<int, 2> input{}, output{};
        EXPECT_EQ(0, ::pipe2(input.data(), O_CLOEXEC));
        EXPECT_EQ(0, ::pipe2(output.data(), O_CLOEXEC));
        const OwnedFd their_input(input[0]), their_output(output[1]);
        input_ = OwnedFd(input[1]);
        const OwnedFd answers(output[0]);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, their_input.get(), 0);
        posix_spawn_file_actions_adddup2(&actions, their_output.get(), 1);
        std::string program = "/usr/bin/python3", no_cache = "-B";
        std::string script = KEEL_SOURCE_DIR "/tests/integration/probes/tls_server.py";
        std::array<char*, 5> words{program.data(), no_cache.data(), script.data(), folder_.data(),
                                   nullptr};
        EXPECT_EQ(0,
                  ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, words.data(), environ));
        posix_spawn_file_actions_destroy(&actions);
        for (char byte = 0; ::read(answers.get(), &byte, 1) == 1 && byte != '\n';)
            port_ += byte;
    }
    ~TlsServer()
    {
        input_.reset();
        ::waitpid(pid_, nullptr, 0);
        std::filesystem::remove_all(folder_);
    }
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;

    [[nodiscard]] const std::string& port() const { return port_; }
    [[nodiscard]] std::string ca() const { return folder_ + "/ca.pem"; }

private:
    std::string folder_ = testing::TempDir() + "keel-tls-XXXXXX";
    OwnedFd input_;
    pid_t pid_ = -1;
    std::string port_;
};

class HttpsProbe : public ProberTest {
protected:
    HttpsProbe()
    {
        set_lookup([](const std::string&) {
            return transfer::Resolution{transfer::Resolution::Kind::found, {"127.0.0.1"}, {}};
        });
    }
    static units::HttpTarget https(const std::string& host, const std::string& port)
    {
        units::HttpTarget target;
        target.url = "https://" + host + ":" + port + "/";
        return target;
    }
};

TEST_F(HttpsProbe, TrustsWhomTheUnitTrusts)
{
    const TlsServer server;
    auto target = https("panel.example", server.port());
    EXPECT_TRUE(is(probe(target), Verdict::fail, VerdictKind::tls, "self-signed certificate"));
    target.tls_ca = server.ca();
    EXPECT_TRUE(is(probe(target), Verdict::pass, VerdictKind::none, "200 in "));
    auto other = https("other.example", server.port());
    other.tls_ca = server.ca();
    EXPECT_TRUE(is(probe(other), Verdict::fail, VerdictKind::tls, "other.example"));
    other.tls_verify = false;
    EXPECT_TRUE(is(probe(other), Verdict::pass, VerdictKind::none));
    // Whom one probe accepts is no matter to the next.
    EXPECT_TRUE(is(probe(https("panel.example", server.port())), Verdict::fail, VerdictKind::tls));
}

TEST_F(HttpsProbe, IsUnknownWithoutTheAuthorityItIsToTrust)
{
    const TlsServer server;
    auto target = https("panel.example", server.port());
    target.tls_ca = server.ca() + ".gone";
    EXPECT_TRUE(is(probe(target), Verdict::unknown, VerdictKind::internal, ".gone"));
}

TEST_F(HttpsProbe, FailsWhereNobodySpeaksTls)
{
    const Server plain([](Peer& peer) {
        (void)peer.read_some();
        peer.write(http_answer("400 Bad Request", ""));
        peer.hold();
    });
    EXPECT_TRUE(is(probe(https("127.0.0.1", plain.port())), Verdict::fail, VerdictKind::tls));
    const Server silent([](Peer& peer) { peer.hold(); });
    EXPECT_TRUE(is(probe(https("127.0.0.1", silent.port()), 200ms), Verdict::fail,
                   VerdictKind::timeout, "no TLS handshake within 200ms"));
    const Server resetting([](Peer& peer) {
        (void)peer.read_some();
        peer.close_by_reset();
    });
    EXPECT_TRUE(is(probe(https("127.0.0.1", resetting.port())), Verdict::fail, VerdictKind::reset));
}

} // namespace
} // namespace keel::test
