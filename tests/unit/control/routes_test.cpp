#include "control/client.hpp"
#include "control/host_names.hpp"
#include "control/listeners.hpp"
#include "control/peer.hpp"
#include "control/routes.hpp"

#include <gtest/gtest.h>

namespace keel::control {
namespace {

const RouteMatch* match_of(const std::variant<RouteMatch, NoSuchPath, WrongMethod>& found)
{
    return std::get_if<RouteMatch>(&found);
}

TEST(Routes, AreFoundByMethodAndPath)
{
    const auto found = find_route("GET", "/v1/units/worker/why");
    ASSERT_NE(match_of(found), nullptr);
    EXPECT_EQ(match_of(found)->spec->route, Route::why);
    EXPECT_EQ(match_of(found)->name, "worker");
    EXPECT_NE(match_of(find_route("HEAD", "/healthz")), nullptr);
}

TEST(Routes, AreNotFoundByAPathThatOnlyLooksLikeThem)
{
    for (const char* path : {"", "//", "/v1", "/v1/units/", "/v1/units//why", "/v1/units/a/why/b",
                             "v1/units", "/v1/unitsx", "/v1/units/a/b", "//v1/units", "/metrics/"})
        EXPECT_TRUE(std::holds_alternative<NoSuchPath>(find_route("GET", path))) << path;
}

TEST(Routes, TellWhichMethodsAPathHas)
{
    const auto found = find_route("DELETE", "/v1/units/worker/stop");
    ASSERT_TRUE(std::holds_alternative<WrongMethod>(found));
    EXPECT_EQ(std::get<WrongMethod>(found).allowed, "POST");
}

TEST(Routes, ThatChangeSomethingNeedAnOperatorAndTheControlSocket)
{
    for (const RouteSpec& spec : routes()) {
        if (spec.method == "GET" || spec.route == Route::leave) continue; // only one's own session
        EXPECT_EQ(spec.served_on, ServedOn::control_only) << spec.pattern;
        // Who may look may also look by a browser.
        EXPECT_EQ(spec.role, spec.route == Route::link ? Role::reader : Role::operator_)
            << spec.pattern;
    }
}

TEST(Roles, ComeFromUserAndGroups)
{
    const RoleGroups groups{gid_t{100}, gid_t{200}};
    const auto role = [&](uid_t uid, gid_t gid, std::vector<gid_t> more) {
        return role_of({1, uid, gid, std::move(more)}, groups, 500);
    };
    EXPECT_EQ(role(0, 0, {}), Role::operator_);
    EXPECT_EQ(role(500, 500, {}), Role::operator_) << "Keel's own user";
    EXPECT_EQ(role(1000, 100, {}), Role::operator_);
    EXPECT_EQ(role(1000, 1000, {4, 100}), Role::operator_);
    EXPECT_EQ(role(1000, 1000, {4, 200}), Role::reader);
    EXPECT_EQ(role(1000, 1000, {4}), Role::nobody);
    EXPECT_EQ(role_of({1, 1000, 100, {200}}, {}, 500), Role::nobody) << "no group holds a role";
}

TEST(HostHeader, NamesThisHostByAddressOrName)
{
    const std::vector<std::string> names = {"web1", "", "*.example.org"};
    for (const char* host :
         {"127.0.0.1", "10.1.2.3:9632", "[::1]", "[fe80::1]:9632", "localhost", "localhost:9632",
          "web1", "web1:80", "WEB1", "Web1.", "web1.:9632", "LocalHost", "panel.Example.org:9632"})
        EXPECT_TRUE(names_this_host(host, names)) << host;
    for (const char* host : {"",
                             "evil.example",
                             "web10",
                             "localhost.evil.example",
                             "127.0.0.1.evil.example",
                             "[::1",
                             "web1evil",
                             ":80",
                             "web1.evil.example",
                             "web1.evil.example:9632",
                             "web1..",
                             ".",
                             "example.org",
                             ".example.org",
                             "a.b.example.org",
                             "panel.example.org.evil.example",
                             "web1:80.evil.example",
                             "web1:evil.example",
                             "[::1].evil.example",
                             "[::1]:80x",
                             "[web1]",
                             "127.0.0.1:evil"})
        EXPECT_FALSE(names_this_host(host, names)) << host;
}

TEST(HostNames, AreAllThatTheHostsFileGivesToThisHost)
{
    constexpr std::string_view file = "127.0.0.1\tlocalhost\n"
                                      "127.0.1.1  Web1.example.org web1 # web1-old\n"
                                      "10.0.0.7 web10.example.org web10\n"
                                      "10.0.0.8 panel.example.org WEB1";
    EXPECT_EQ(names_beside("web1", file),
              (std::vector<std::string>{"web1", "Web1.example.org", "panel.example.org"}));
    EXPECT_EQ(names_beside("web1", ""), std::vector<std::string>{"web1"});
}

TEST(TcpAddress, IsAnAddressAndAPort)
{
    EXPECT_EQ(parse_tcp_address("127.0.0.1:9632")->port, 9632);
    EXPECT_EQ(parse_tcp_address("localhost:0")->host, "127.0.0.1");
    EXPECT_EQ(parse_tcp_address("[::1]:80")->host, "::1");
    for (const char* text : {"", "127.0.0.1", "127.0.0.1:", ":80", "::1:80", "[127.0.0.1]:80",
                             "example.org:80", "127.0.0.1:70000", "127.0.0.1:-1", "127.0.0.1:80x"})
        EXPECT_FALSE(parse_tcp_address(text).has_value()) << text;
}

TEST(UrlEncoded, LeavesNothingThatMeansSomethingInAUrl)
{
    EXPECT_EQ(url_encoded("worker-1_a.b~"), "worker-1_a.b~");
    EXPECT_EQ(url_encoded("a/b?c=d&e %\n"), "a%2Fb%3Fc%3Dd%26e%20%25%0A");
}

} // namespace
} // namespace keel::control
