#include "tests/integration/probes/fixture.hpp"

namespace keel::test {
namespace {

using TcpProbe = ProberTest;
using units::TcpTarget;

TEST_F(TcpProbe, PassesOnceItIsConnected)
{
    const Server server([](Peer& peer) { peer.hold(); });
    EXPECT_TRUE(is(probe(TcpTarget{server.address(), "", ""}), Verdict::pass, VerdictKind::none,
                   "connected in "));
    EXPECT_TRUE(is(probe(TcpTarget{"localhost:" + server.port(), "", ""}), Verdict::pass,
                   VerdictKind::none));
}

TEST_F(TcpProbe, PassesWhenTheExpectedTextComesBack)
{
    const Server server([](Peer& peer) {
        EXPECT_EQ("PING\r\n", peer.read_some());
        peer.write("+PONG\r\n");
        peer.hold();
    });
    EXPECT_TRUE(is(probe(TcpTarget{server.address(), "PING\r\n", "+PONG"}), Verdict::pass,
                   VerdictKind::none, "+PONG in "));
}

TEST_F(TcpProbe, FindsTextThatComesInPieces)
{
    const Server server([](Peer& peer) {
        peer.drip("220 mail.example ESMTP ready\r\n", 1);
        peer.hold();
    });
    EXPECT_TRUE(
        is(probe(TcpTarget{server.address(), "", "ESMTP"}), Verdict::pass, VerdictKind::none));
}

TEST_F(TcpProbe, SendsMoreThanASocketHolds)
{
    std::atomic<std::size_t> received = 0;
    const Server server([&](Peer& peer) {
        for (std::string data; !(data = peer.read_some(1 << 20)).empty();)
            received += data.size();
    });
    const std::string much(8 << 20, 'x');
    EXPECT_TRUE(is(probe(TcpTarget{server.address(), much, ""}), Verdict::pass, VerdictKind::none,
                   "connected and sent in "));
}

TEST_F(TcpProbe, LeavesByResetSoThatNothingLingers)
{
    const Signal gone;
    int error = 0;
    const Server server([&](Peer& peer) {
        char byte = 0;
        (void)peer.wait_readable();
        error = ::recv(peer.fd(), &byte, 1, 0) < 0 ? errno : 0;
        gone.set();
    });
    EXPECT_TRUE(is(probe(TcpTarget{server.address(), "", ""}), Verdict::pass, VerdictKind::none));
    ASSERT_TRUE(gone.wait());
    EXPECT_EQ(ECONNRESET, error);
}

TEST_F(TcpProbe, FailsWhenNobodyListens)
{
    const std::string port = Server([](Peer&) {}).port();
    EXPECT_TRUE(is(probe(TcpTarget{"127.0.0.1:" + port, "", ""}), Verdict::fail,
                   VerdictKind::refused, "connection refused"));
    EXPECT_TRUE(
        is(probe(TcpTarget{"localhost:" + port, "", ""}), Verdict::fail, VerdictKind::refused));
}

TEST_F(TcpProbe, FailsWhenNoAnswerComes)
{
    const Server server([](Peer& peer) { peer.hold(); });
    EXPECT_TRUE(is(probe(TcpTarget{server.address(), "", "220 "}, 100ms), Verdict::fail,
                   VerdictKind::timeout, "no answer within 100ms"));
}

TEST_F(TcpProbe, TellsWhatCameInsteadOfTheExpectedText)
{
    const Server talking([](Peer& peer) {
        (void)peer.read_some();
        peer.write("-LOADING Redis is loading\r\n");
        peer.hold();
    });
    EXPECT_TRUE(is(probe(TcpTarget{talking.address(), "PING\r\n", "+PONG"}, 200ms), Verdict::fail,
                   VerdictKind::timeout, "no `+PONG` within 200ms, got `-LOADING Redis"));
    const Server closing([](Peer& peer) { peer.write("421 too many\r\n"); });
    EXPECT_TRUE(is(probe(TcpTarget{closing.address(), "", "220 "}), Verdict::fail,
                   VerdictKind::body, "no `220 ` in the answer, got `421 too many"));
}

TEST_F(TcpProbe, FailsWhenTheAnswerDripsIn)
{
    const Server server([](Peer& peer) { peer.drip("+PONG\r\n", 1000); });
    EXPECT_TRUE(is(probe(TcpTarget{server.address(), "", "+PONG"}, 100ms), Verdict::fail,
                   VerdictKind::timeout));
}

TEST_F(TcpProbe, LooksForTheTextInTheFirst64KiB)
{
    const Server flood([](Peer& peer) {
        const std::string block(64 << 10, 'x');
        for (std::size_t written = 0; written < 1U << 30; written += block.size())
            if (!peer.write(block)) return;
    });
    EXPECT_TRUE(is(probe(TcpTarget{flood.address(), "", "y"}), Verdict::fail, VerdictKind::body,
                   "no `y` in the first 64 KiB"));
    const Server late([](Peer& peer) {
        peer.write(std::string((64 << 10) - 2, 'x') + "ok");
        peer.hold();
    });
    EXPECT_TRUE(is(probe(TcpTarget{late.address(), "", "ok"}), Verdict::pass, VerdictKind::none));
    const Server too_late([](Peer& peer) {
        peer.write(std::string((64 << 10) - 1, 'x') + "ok");
        peer.hold();
    });
    EXPECT_TRUE(
        is(probe(TcpTarget{too_late.address(), "", "ok"}), Verdict::fail, VerdictKind::body));
}

TEST_F(TcpProbe, FailsWhenTheConnectionIsCutOff)
{
    const Server closing([](Peer&) {});
    EXPECT_TRUE(is(probe(TcpTarget{closing.address(), "", "x"}), Verdict::fail, VerdictKind::reset,
                   "connection closed without an answer"));
    const Server resetting([](Peer& peer) {
        (void)peer.read_some();
        peer.close_by_reset();
    });
    EXPECT_TRUE(is(probe(TcpTarget{resetting.address(), "x", "y"}), Verdict::fail,
                   VerdictKind::reset, "connection reset"));
}

TEST_F(TcpProbe, TriesEachAddressOfAName)
{
    const Server server([](Peer& peer) { peer.hold(); });
    set_lookup([](const std::string&) {
        return transfer::Resolution{
            transfer::Resolution::Kind::found, {"127.0.0.2", "127.0.0.3", "127.0.0.1"}, {}};
    });
    EXPECT_TRUE(is(probe(TcpTarget{"backbone.example:" + server.port(), "", ""}), Verdict::pass,
                   VerdictKind::none));
}

TEST_F(TcpProbe, TellsAMissingNameFromAResolverThatIsNotThere)
{
    transfer::Resolution resolution{transfer::Resolution::Kind::missing, {}, "no such name"};
    set_lookup([&](const std::string&) { return resolution; });
    EXPECT_TRUE(is(probe(TcpTarget{"nowhere.example:1", "", ""}), Verdict::fail, VerdictKind::dns,
                   "no such name"));
    resolution = {transfer::Resolution::Kind::unavailable, {}, "no server"};
    EXPECT_TRUE(is(probe(TcpTarget{"nowhere.example:1", "", ""}), Verdict::unknown,
                   VerdictKind::dns, "no server"));
}

TEST_F(TcpProbe, IsUnknownWhenTheResolverHangs)
{
    const Signal release;
    set_lookup([&](const std::string&) {
        EXPECT_TRUE(release.wait());
        return transfer::Resolution{};
    });
    EXPECT_TRUE(is(probe(TcpTarget{"slow.example:1", "", ""}, 100ms), Verdict::unknown,
                   VerdictKind::dns, "no answer from the resolver within 100ms"));
    release.set();
    await_lookups(1);
}

TEST_F(TcpProbe, ClosesTheConnectionWhenItIsCancelled)
{
    const Signal accepted, gone;
    const Server server([&](Peer& peer) {
        accepted.set();
        peer.hold();
        gone.set();
    });
    std::optional<ProbeAnswer> answer;
    const auto attempt = begin(TcpTarget{server.address(), "", "x"}, 20s, answer);
    ASSERT_TRUE(reached(accepted));
    prober_.cancel(attempt);
    EXPECT_TRUE(gone.wait());
    EXPECT_TRUE(idle_turns(3));
    EXPECT_FALSE(answer);
}

TEST_F(TcpProbe, DropsAnAnswerThatIsCancelledBeforeItIsTold)
{
    std::optional<ProbeAnswer> answer;
    const auto attempt = begin(TcpTarget{"no address at all", "", ""}, 20s, answer);
    prober_.cancel(attempt);
    prober_.cancel(attempt);
    EXPECT_TRUE(idle_turns(3));
    EXPECT_FALSE(answer);
}

} // namespace
} // namespace keel::test
