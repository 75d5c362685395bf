// What browsers are served over TCP: who gets in, by what, and with which headers.
#include "tests/integration/control/running_server.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

namespace keel {
namespace {

using test::RunningServer;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* token = "a-token-of-many-characters";

control::ControlServer::Options with_token()
{
    control::ControlServer::Options options{.version = "1.2.3"};
    options.web.token = token;
    return options;
}

std::string asked(const RunningServer& server, const std::string& request_line,
                  const std::string& more = {})
{
    const int fd = test::connect_to_port(server.port);
    test::send_all(fd, request_line + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" +
                           more + "\r\n");
    std::string answer = test::read_to_end(fd);
    ::close(fd);
    return answer;
}

/// The path of a new link.
std::string link_of(const RunningServer& server)
{
    const auto link = control::decode_link(server.call("POST", "/v1/web/links").body);
    EXPECT_TRUE(link.ok());
    const std::string url = link.ok() ? link->url : "";
    EXPECT_THAT(url, HasSubstr(fmt::format("http://127.0.0.1:{}/enter/", server.port)));
    return url.substr(url.find("/enter/"));
}

/// The header by which a browser shows the session that the link has opened.
std::string session_of(const std::string& answer)
{
    constexpr std::string_view name = "Set-Cookie: ";
    const auto found = answer.find(name);
    if (found == std::string::npos) return "";
    const auto from = found + name.size();
    return "Cookie: " + answer.substr(from, answer.find(';', from) - from) + "\r\n";
}

TEST(WebPages, TellNothingWithoutAPass)
{
    RunningServer server(with_token());
    server.on_loop([&] { server.engine.put(test::unit_up("worker")); });
    for (const char* path :
         {"/v1/units", "/v1/units/worker", "/v1/units/worker/why", "/v1/units/worker/log",
          "/v1/events?follow=0", "/v1/outages", "/v1/operations", "/v1/operations/7", "/v1/version",
          "/", "/web/dashboard.js"}) {
        const std::string answer = asked(server, std::string("GET ") + path);
        EXPECT_THAT(answer, AllOf(HasSubstr("HTTP/1.1 401"), Not(HasSubstr("worker")))) << path;
        const std::string wrong =
            asked(server, std::string("GET ") + path,
                  "Authorization: Bearer a-token-of-many-characterz\r\n" +
                      fmt::format("Cookie: keel-{}=0123456789abcdef\r\n", server.port));
        EXPECT_THAT(wrong, AllOf(HasSubstr("HTTP/1.1 401"), Not(HasSubstr("worker")))) << path;
    }
}

TEST(WebPages, TellWhatTheApiTellsToWhomHasTheToken)
{
    RunningServer server(with_token());
    server.on_loop([&] { server.engine.put(test::unit_up("worker")); });
    const std::string bearer = fmt::format("Authorization: Bearer {}\r\n", token);
    EXPECT_THAT(asked(server, "GET /v1/units", bearer),
                AllOf(HasSubstr("HTTP/1.1 200"), HasSubstr("\"worker\"")));
    EXPECT_THAT(asked(server, "GET /", bearer), HasSubstr("HTTP/1.1 200"));
}

TEST(WebPages, ChangeNothingWithAPassEither)
{
    RunningServer server(with_token());
    server.on_loop([&] { server.engine.put(test::unit_up("worker")); });
    const std::string bearer = fmt::format("Authorization: Bearer {}\r\n", token);
    for (const char* line :
         {"POST /v1/units/worker/stop", "POST /v1/units/worker/restart", "POST /v1/config/apply",
          "POST /v1/units/worker/probe", "DELETE /v1/operations/7", "POST /v1/web/links"})
        EXPECT_THAT(asked(server, line, bearer + "Content-Length: 0\r\n"),
                    HasSubstr("HTTP/1.1 404"))
            << line;
    server.on_loop([&] { EXPECT_TRUE(server.engine.requests.empty()); });
}

TEST(WebPages, AreOpenedByALinkOnce)
{
    RunningServer server;
    server.on_loop([&] { server.engine.put(test::unit_up("worker")); });
    const std::string link = link_of(server);
    EXPECT_THAT(asked(server, "HEAD " + link), Not(HasSubstr("Set-Cookie")))
        << "what only looks at the link must not use it up";
    const std::string entered = asked(server, "GET " + link);
    EXPECT_THAT(entered, AllOf(HasSubstr("HTTP/1.1 200"), HasSubstr("; HttpOnly; SameSite=Strict"),
                               HasSubstr("Path=/;"), HasSubstr("url=/\"")));
    EXPECT_THAT(asked(server, "GET /v1/units", session_of(entered)), HasSubstr("\"worker\""));
    EXPECT_THAT(asked(server, "GET " + link),
                AllOf(HasSubstr("HTTP/1.1 401"), Not(HasSubstr("Set-Cookie"))));
}

TEST(WebPages, OfOnePortDoNotTakeTheCookieOfAnother)
{
    RunningServer one, other;
    const std::string session = session_of(asked(one, "GET " + link_of(one)));
    EXPECT_THAT(session, HasSubstr(fmt::format("keel-{}=", one.port)));
    // A browser sends it to both, as cookies know no ports. One that was entered here later must
    // not take the place of that one.
    const std::string second = session_of(asked(other, "GET " + link_of(other)));
    const auto pair_of = [](const std::string& line) { return line.substr(8, line.size() - 10); };
    const std::string jar = fmt::format("Cookie: {}; {}\r\n", pair_of(session), pair_of(second));
    EXPECT_THAT(asked(one, "GET /v1/version", jar), HasSubstr("HTTP/1.1 200"));
    EXPECT_THAT(asked(other, "GET /v1/version", jar), HasSubstr("HTTP/1.1 200"));
    EXPECT_THAT(asked(other, "GET /v1/version", session), HasSubstr("HTTP/1.1 401"));
}

TEST(WebPages, OfASessionEndWithItAlsoStreamsThatAreOpen)
{
    RunningServer server;
    const std::string session = session_of(asked(server, "GET " + link_of(server)));
    const int stream = test::connect_to_port(server.port);
    test::send_all(stream, "GET /v1/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" +
                               session + "\r\n");
    char first = 0;
    ASSERT_EQ(::recv(stream, &first, 1, 0), 1) << "it is open";
    EXPECT_THAT(asked(server, "POST /leave"), HasSubstr("HTTP/1.1 401"));
    const std::string left = asked(server, "POST /leave", session + "Content-Length: 0\r\n");
    EXPECT_THAT(left, AllOf(HasSubstr("HTTP/1.1 200"), HasSubstr("Max-Age=0;")));
    const auto asked_at = std::chrono::steady_clock::now();
    EXPECT_THAT(test::read_to_end(stream), HasSubstr("\r\n0\r\n")) << "ended in good order";
    EXPECT_LT(std::chrono::steady_clock::now() - asked_at, control::PassWatch::look_pause / 2)
        << "not only when it is looked after anyway";
    ::close(stream);
    EXPECT_THAT(asked(server, "GET /v1/units", session), HasSubstr("HTTP/1.1 401"));
}

TEST(WebPages, LetNoPageOfOthersInOrOut)
{
    RunningServer server;
    const std::string session = session_of(asked(server, "GET " + link_of(server)));
    for (const char* path : {"/", "/status", "/web/dashboard.css"}) {
        const std::string answer = asked(server, std::string("GET ") + path, session);
        EXPECT_THAT(answer,
                    AllOf(HasSubstr("HTTP/1.1 200"), HasSubstr("default-src 'none'"),
                          HasSubstr("frame-ancestors 'none'"), HasSubstr("nosniff"),
                          Not(HasSubstr("unsafe-inline")), Not(HasSubstr("Access-Control-Allow"))))
            << path;
    }
    EXPECT_THAT(asked(server, "GET /web/nothing.js", session), HasSubstr("HTTP/1.1 404"));
}

TEST(WebPages, AskNoOtherHostForAnything)
{
    RunningServer server;
    for (const char* name : {"dashboard.html", "dashboard.css", "dashboard.js", "model.js",
                             "detail.js", "stream.js", "pass.html", "enter.html", "status.css"})
        EXPECT_THAT(server.get(std::string("/web/") + name),
                    AllOf(Not(HasSubstr("https://")), Not(HasSubstr("url(")),
                          Not(HasSubstr(" style=")), Not(HasSubstr("innerHTML"))))
            << name;
}

TEST(WebPages, HaveNoLinkWhereThereIsNoPort)
{
    RunningServer server;
    server.on_loop([&] {
        server.server.reset();
        const control::ControlServer::Sources sources{server.loop(), server.engine, server.logs,
                                                      [](const auto&) {}, server.configurer};
        server.server.emplace(sources, control::ControlServer::Options{});
        EXPECT_TRUE(server.server->listen_on_socket(server.socket_path).ok());
    });
    const auto answer = server.call("POST", "/v1/web/links");
    EXPECT_EQ(answer.status, 422);
    EXPECT_THAT(answer.body, HasSubstr("no-pages"));
}

TEST(StatusPageOverTcp, IsForEverybody)
{
    RunningServer server;
    server.on_loop([&] {
        auto unit = test::unit_up("worker");
        unit.public_title = "Jobs";
        server.engine.put(unit);
    });
    EXPECT_THAT(asked(server, "GET /status"),
                AllOf(HasSubstr("HTTP/1.1 200"), HasSubstr("Jobs"), Not(HasSubstr("worker"))));
    EXPECT_THAT(asked(server, "GET /status.css"), HasSubstr("HTTP/1.1 200"));
    EXPECT_THAT(asked(server, "GET /icon.svg"), HasSubstr("image/svg+xml"));
}

TEST(KeelWeb, PrintsALinkAloneOnALine)
{
    RunningServer server;
    const auto ended = test::run_keel({"web", "--root", server.root});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_THAT(ended.out,
                testing::MatchesRegex("http://127\\.0\\.0\\.1:[0-9]+/enter/[0-9a-f]+\n"));
    const std::string path = ended.out.substr(ended.out.find("/enter/"));
    EXPECT_THAT(asked(server, "GET " + path.substr(0, path.size() - 1)), HasSubstr("Set-Cookie"));
}

} // namespace
} // namespace keel
