#include "tests/integration/probes/fixture.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>

namespace keel::test {
namespace {

units::HttpTarget http(const std::string& url)
{
    units::HttpTarget target;
    target.url = url;
    return target;
}

units::HttpTarget http_with_body(const std::string& url, const std::string& expression)
{
    units::HttpTarget target = http(url);
    target.body = expression;
    return target;
}

/// A free port: bound once and given back.
std::string closed_port()
{
    return Server([](Peer&) {}).port();
}

/// Writes a body of 1 GiB, or as much of it as the client takes.
struct Flood {
    std::atomic<std::uint64_t> written = 0;
    const Signal over;
    const Server server{[this](Peer& peer) {
        (void)peer.read_request();
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\nhello");
        const std::string block(64 << 10, 'x');
        while (written < 1U << 30 && peer.write(block))
            written += block.size();
        over.set();
    }};
};

/// What a client that reads 64 KiB makes a server send: the buffers of both kernels' sides.
constexpr std::uint64_t little_enough = 32U << 20;

using HttpProbe = ProberTest;

// ---- status -------------------------------------------------------------------------------------

TEST_F(HttpProbe, PassesAtAGoodStatus)
{
    const Server server(answering(http_answer("200 OK", "fine")));
    const ProbeAnswer answer = probe(http(server.url()));
    EXPECT_TRUE(is(answer, Verdict::pass, VerdictKind::none, "200 in "));
    EXPECT_GT(answer.latency, 0ns);
}

TEST_F(HttpProbe, FailsAtABadStatus)
{
    const Server server(answering(http_answer("503 Service Unavailable", "no backbone")));
    EXPECT_TRUE(is(probe(http(server.url())), Verdict::fail, VerdictKind::status, "status 503"));
}

TEST_F(HttpProbe, TakesTheStatusRangesOfTheUnit)
{
    const Server server(answering(http_answer("418 I'm a teapot", "")));
    auto target = http(server.url());
    target.status = {{204, 204}, {410, 420}};
    EXPECT_TRUE(is(probe(target), Verdict::pass, VerdictKind::none, "418 in "));
    target.status = {{200, 399}, {419, 420}};
    EXPECT_TRUE(is(probe(target), Verdict::fail, VerdictKind::status, "status 418"));
}

TEST_F(HttpProbe, SkipsInterimAnswers)
{
    const Server server(
        answering("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + http_answer("500 Oops", "")));
    EXPECT_TRUE(is(probe(http(server.url())), Verdict::fail, VerdictKind::status, "status 500"));
}

TEST_F(HttpProbe, OpensAFreshConnectionEachTime)
{
    const Server server(answering(http_answer("200 OK", "fine")));
    for (int i = 0; i < 3; ++i)
        (void)probe(http(server.url()));
    EXPECT_EQ(3, server.accepted());
}

TEST_F(HttpProbe, SendsWhatTheUnitSays)
{
    const Server server([](Peer& peer) { peer.write(http_answer("200 OK", peer.read_request())); });
    auto target = http_with_body(server.url("/deep?x=1"), "^POST /deep\\?x=1 HTTP/1\\.1\r\n");
    target.method = "POST";
    target.headers = {{"X-Probe", "yes"}, {"Host", "panel.internal"}, {"X-Empty", ""}};
    EXPECT_TRUE(is(probe(target), Verdict::pass, VerdictKind::none));
    for (const char* line : {"X-Probe: yes", "Host: panel.internal", "X-Empty:",
                             "Content-Length: 0", "Connection: close", "User-Agent: keel"}) {
        target.body = fmt::format("\n{}\r\n", line);
        EXPECT_TRUE(is(probe(target), Verdict::pass, VerdictKind::none)) << line;
    }
}

TEST_F(HttpProbe, AsksForTheHeadAlone)
{
    const Server server([](Peer& peer) {
        EXPECT_TRUE(peer.read_request().starts_with("HEAD / "));
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        peer.hold();
    });
    auto target = http(server.url());
    target.method = "HEAD";
    EXPECT_TRUE(is(probe(target), Verdict::pass, VerdictKind::none, "200 in "));
}

// ---- body ---------------------------------------------------------------------------------------

TEST_F(HttpProbe, SearchesTheBody)
{
    const Server server(answering(http_answer("200 OK", R"({"status": "ok"})")));
    EXPECT_TRUE(is(probe(http_with_body(server.url(), R"x("status":\s*"(up|ok)")x")), Verdict::pass,
                   VerdictKind::none, "200 in "));
    EXPECT_TRUE(is(probe(http_with_body(server.url(), "degraded")), Verdict::fail,
                   VerdictKind::body, "no match for `degraded`"));
}

TEST_F(HttpProbe, SearchesABodyThatComesInPieces)
{
    const Server server([](Peer& peer) {
        (void)peer.read_request();
        peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        peer.drip("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 1);
        peer.hold();
    });
    EXPECT_TRUE(
        is(probe(http_with_body(server.url(), "^hello$")), Verdict::pass, VerdictKind::none));
}

TEST_F(HttpProbe, DoesNotSearchTheBodyOfABadStatus)
{
    const Server server(answering(http_answer("500 Oops", "ok")));
    EXPECT_TRUE(is(probe(http_with_body(server.url(), "ok")), Verdict::fail, VerdictKind::status));
}

TEST_F(HttpProbe, ReadsNoMoreOfAnEndlessBodyThanItNeeds)
{
    struct Case {
        const char* body;
        Verdict verdict;
        VerdictKind kind;
    };
    for (const Case& each : {Case{"", Verdict::pass, VerdictKind::none},
                             Case{"^hellox", Verdict::pass, VerdictKind::none},
                             Case{"y", Verdict::fail, VerdictKind::body}}) {
        Flood flood;
        const auto target = http_with_body(flood.server.url(), each.body);
        EXPECT_TRUE(is(probe(target), each.verdict, each.kind)) << each.body;
        EXPECT_TRUE(reached(flood.over));
        EXPECT_LT(flood.written, little_enough);
    }
}

TEST_F(HttpProbe, SearchesTheFirst64KiB)
{
    const Server server(
        answering(http_answer("200 OK", std::string((64 << 10) - 2, 'x') + "okay")));
    EXPECT_TRUE(is(probe(http_with_body(server.url(), "xok")), Verdict::pass, VerdictKind::none));
    EXPECT_TRUE(is(probe(http_with_body(server.url(), "xoka")), Verdict::fail, VerdictKind::body));
}

TEST_F(HttpProbe, IsNotStalledByAnExpensiveExpression)
{
    const Server server(answering(http_answer("200 OK", std::string(60'000, 'a'))));
    EXPECT_TRUE(is(probe(http_with_body(server.url(), "(a*)*(a*)*(a|aa)*b$")), Verdict::fail,
                   VerdictKind::body));
    EXPECT_TRUE(is(probe(http_with_body(server.url(), "(x+x+)+y|(a?){60}a{60}")), Verdict::pass,
                   VerdictKind::none));
}

TEST_F(HttpProbe, KnowsTheVerdictBeforeTheBodyAndStillTakesItOffTheServer)
{
    const Signal judged, gone;
    int last_error = -1;
    const Server server([&](Peer& peer) {
        (void)peer.read_request();
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
        EXPECT_TRUE(judged.wait());
        EXPECT_TRUE(peer.is_open());
        EXPECT_TRUE(peer.write("hello"));
        // An orderly end, not a reset: the body was read.
        char byte = 0;
        (void)peer.wait_readable();
        last_error = ::recv(peer.fd(), &byte, 1, 0) == 0 ? 0 : errno;
        gone.set();
    });
    EXPECT_TRUE(is(probe(http(server.url())), Verdict::pass, VerdictKind::none));
    judged.set();
    EXPECT_TRUE(reached(gone));
    EXPECT_EQ(0, last_error);
}

// ---- redirects ----------------------------------------------------------------------------------

TEST_F(HttpProbe, ReportsARedirectUnlessItIsToFollowIt)
{
    const Server server([](Peer& peer) {
        const std::string request = peer.read_request();
        peer.write(request.starts_with("GET /here ")
                       ? http_answer("302 Found", "", "Location: ../there?a=b\r\n")
                   : request.starts_with("GET /there?a=b ") ? http_answer("404 Not Found", "")
                                                            : http_answer("500 Oops", ""));
        peer.hold();
    });
    auto target = http(server.url("/here"));
    EXPECT_TRUE(is(probe(target), Verdict::pass, VerdictKind::none, "302 in "));
    target.follow_redirects = true;
    EXPECT_TRUE(is(probe(target), Verdict::fail, VerdictKind::status, "status 404"));
    EXPECT_EQ(3, server.accepted());
}

TEST_F(HttpProbe, GivesUpOnRedirectsThatGoRound)
{
    const Server server(answering(http_answer("301 Moved", "", "Location: /\r\n")));
    auto target = http(server.url());
    target.follow_redirects = true;
    EXPECT_TRUE(is(probe(target), Verdict::fail, VerdictKind::status, "redirects"));
    EXPECT_EQ(9, server.accepted());
}

TEST_F(HttpProbe, FollowsARedirectByNameThroughTheResolverAndLeavesSecretsBehind)
{
    const Server there([](Peer& peer) { peer.write(http_answer("200 OK", peer.read_request())); });
    const Server here(answering(
        http_answer("307 Moved", "", "Location: http://there.example:" + there.port() + "/\r\n")));
    set_lookup([](const std::string& host) {
        EXPECT_EQ("there.example", host);
        return transfer::Resolution{transfer::Resolution::Kind::found, {"127.0.0.1"}, {}};
    });
    auto target = http_with_body(here.url(), "^GET / HTTP/1.1\r\nHost: there.example");
    target.follow_redirects = true;
    target.headers = {{"authorization", "Bearer secret"}, {"X-Plain", "kept"}};
    EXPECT_TRUE(is(probe(target), Verdict::pass, VerdictKind::none));
    target.body = "X-Plain: kept";
    EXPECT_TRUE(is(probe(target), Verdict::pass, VerdictKind::none));
    target.body = "secret";
    EXPECT_TRUE(is(probe(target), Verdict::fail, VerdictKind::body));
}

TEST_F(HttpProbe, FollowsNoRedirectOutOfHttp)
{
    const Server server(
        answering(http_answer("302 Found", "", "Location: file:///etc/passwd\r\n")));
    auto target = http(server.url());
    target.follow_redirects = true;
    EXPECT_TRUE(is(probe(target), Verdict::pass, VerdictKind::none, "302 in "));
}

// ---- connections --------------------------------------------------------------------------------

TEST_F(HttpProbe, FailsWhenNobodyListens)
{
    EXPECT_TRUE(is(probe(http("http://127.0.0.1:" + closed_port())), Verdict::fail,
                   VerdictKind::refused, "connection refused"));
}

TEST_F(HttpProbe, FailsWhenNoAnswerComes)
{
    const Server server([](Peer& peer) { peer.hold(); });
    EXPECT_TRUE(is(probe(http(server.url()), 100ms), Verdict::fail, VerdictKind::timeout,
                   "no answer within 100ms"));
}

TEST_F(HttpProbe, FailsWhenTheAnswerDripsIn)
{
    const Server server([](Peer& peer) { peer.drip(http_answer("200 OK", "fine"), 1000); });
    EXPECT_TRUE(is(probe(http(server.url()), 100ms), Verdict::fail, VerdictKind::timeout));
}

TEST_F(HttpProbe, FailsWhenTheBodyToSearchDripsIn)
{
    const Server server([](Peer& peer) {
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
        peer.drip(std::string(100, 'x'), 1000);
    });
    EXPECT_TRUE(is(probe(http_with_body(server.url(), "x"), 100ms), Verdict::fail,
                   VerdictKind::timeout, "status 200, but the body was not complete within 100ms"));
}

TEST_F(HttpProbe, FailsWhenTheConnectionIsCutOff)
{
    const Server reset([](Peer& peer) {
        (void)peer.read_request();
        peer.close_by_reset();
    });
    EXPECT_TRUE(is(probe(http(reset.url())), Verdict::fail, VerdictKind::reset));
    const Server closing([](Peer& peer) { (void)peer.read_request(); });
    EXPECT_TRUE(is(probe(http(closing.url())), Verdict::fail, VerdictKind::reset,
                   "connection closed without an answer"));
    const Server half([](Peer& peer) {
        (void)peer.read_request();
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfine");
    });
    EXPECT_TRUE(is(probe(http_with_body(half.url(), "fine")), Verdict::fail, VerdictKind::reset));
}

TEST_F(HttpProbe, FailsWhenTheAnswerIsNotHttp)
{
    const Server server(answering("SSH-2.0-OpenSSH_9.2p1\r\n\r\n\r\n"));
    EXPECT_TRUE(is(probe(http(server.url())), Verdict::fail, VerdictKind::status));
}

TEST_F(HttpProbe, FailsWhenTheHeadHasNoEnd)
{
    const Server many([](Peer& peer) {
        (void)peer.read_request();
        peer.write("HTTP/1.1 200 OK\r\n");
        while (peer.write("X-More: of the same\r\n")) {
        }
    });
    EXPECT_TRUE(is(probe(http(many.url())), Verdict::fail, VerdictKind::status, "head"));
    const Server one([](Peer& peer) {
        (void)peer.read_request();
        peer.write("HTTP/1.1 200 OK\r\nX-Long: ");
        while (peer.write(std::string(4096, 'x'))) {
        }
    });
    EXPECT_TRUE(is(probe(http(one.url())), Verdict::fail, VerdictKind::status));
}

TEST_F(HttpProbe, GoesThroughAUnixSocket)
{
    std::string folder = testing::TempDir() + "keel-probes-XXXXXX";
    ASSERT_NE(nullptr, ::mkdtemp(folder.data()));
    const std::string path = folder + "/api.sock";
    {
        const Server server(
            [](Peer& peer) { peer.write(http_answer("200 OK", peer.read_request())); }, path);
        EXPECT_TRUE(
            is(probe(http_with_body("unix:" + path + ":/healthz?deep",
                                    "^GET /healthz\\?deep HTTP/1.1\r\nHost: localhost\r\n")),
               Verdict::pass, VerdictKind::none));
    }
    EXPECT_TRUE(is(probe(http("unix:" + path + ":/")), Verdict::fail, VerdictKind::refused,
                   "connection refused"));
    std::filesystem::remove_all(folder);
    EXPECT_TRUE(is(probe(http("unix:" + path + ":/")), Verdict::fail, VerdictKind::refused,
                   "No such file"));
}

TEST_F(HttpProbe, TakesNoProxyFromTheEnvironment)
{
    const Server proxy(answering(http_answer("502 Bad Gateway", "")));
    const Server server(answering(http_answer("200 OK", "")));
    ::setenv("http_proxy", proxy.url().c_str(), 1);
    EXPECT_TRUE(is(probe(http(server.url())), Verdict::pass, VerdictKind::none));
    ::unsetenv("http_proxy");
    EXPECT_EQ(0, proxy.accepted());
}

TEST_F(HttpProbe, ClosesEverythingWhenItIsCancelled)
{
    const Signal asked, gone;
    const Server server([&](Peer& peer) {
        (void)peer.read_request();
        asked.set();
        peer.hold();
        gone.set();
    });
    std::optional<ProbeAnswer> answer;
    const auto attempt = begin(http(server.url()), 20s, answer);
    ASSERT_TRUE(reached(asked));
    prober_.cancel(attempt);
    EXPECT_TRUE(gone.wait());
    EXPECT_TRUE(idle_turns(3));
    EXPECT_FALSE(answer);
}

// ---- names --------------------------------------------------------------------------------------

TEST_F(HttpProbe, ConnectsToTheAddressesOfAName)
{
    const Server server(answering(http_answer("200 OK", "")));
    set_lookup([](const std::string& host) {
        EXPECT_EQ("panel.example", host);
        return transfer::Resolution{
            transfer::Resolution::Kind::found, {"127.0.0.2", "127.0.0.1"}, {}};
    });
    EXPECT_TRUE(
        is(probe(http("http://Panel.Example:" + server.port())), Verdict::pass, VerdictKind::none));
    EXPECT_TRUE(
        is(probe(http("http://localhost:" + server.port())), Verdict::pass, VerdictKind::none));
}

TEST_F(HttpProbe, FailsWhenTheNameDoesNotExist)
{
    set_lookup([](const std::string&) {
        return transfer::Resolution{transfer::Resolution::Kind::missing, {}, "no such name"};
    });
    EXPECT_TRUE(is(probe(http("http://nowhere.example/")), Verdict::fail, VerdictKind::dns,
                   "no such name"));
}

TEST_F(HttpProbe, IsUnknownWhenTheNameCannotBeLookedUp)
{
    set_lookup([](const std::string&) {
        return transfer::Resolution{transfer::Resolution::Kind::unavailable, {}, "no server"};
    });
    EXPECT_TRUE(is(probe(http("http://nowhere.example/")), Verdict::unknown, VerdictKind::dns,
                   "no server"));
}

TEST_F(HttpProbe, IsUnknownWhenTheResolverHangs)
{
    const Signal release;
    set_lookup([&](const std::string&) {
        EXPECT_TRUE(release.wait());
        return transfer::Resolution{};
    });
    EXPECT_TRUE(is(probe(http("http://slow.example/"), 100ms), Verdict::unknown, VerdictKind::dns,
                   "no answer from the resolver within 100ms"));
    release.set();
    await_lookups(1);
}

} // namespace
} // namespace keel::test
