#include "units/rules.hpp"
#include "units/signals.hpp"

#include <csignal>
#include <gmock/gmock.h>

namespace keel::units {
namespace {

bool accepts(const TextRule& rule, std::string_view text) { return !rule.check(text).has_value(); }

TEST(ProbeUrl, TakesHostsAddressesPortsAndSockets)
{
    for (const char* url :
         {"http://localhost", "http://localhost/", "https://panel.example.com:8443/healthz?x=1#y",
          "http://127.0.0.1:8080/healthz", "http://[::1]/", "http://[fe80::1]:65535", "http://a?b",
          "unix:/run/a.sock:/healthz", "unix:/run/a.sock:/", "unix:/run/a:b.sock:/x:/y"})
        EXPECT_TRUE(accepts(probe_url, url)) << url;
}

TEST(ProbeUrl, RefusesWhatNoProberCouldAsk)
{
    for (const char* url : {"",
                            "localhost",
                            "//localhost/",
                            "HTTP://localhost",
                            "ftp://localhost",
                            "http://",
                            "http:///x",
                            "http://:80/",
                            "http://host:0/",
                            "http://host:65536/",
                            "http://host:/",
                            "http://host:+1/",
                            "http://host:8o/",
                            "http://ho st/",
                            "http://host/\x01",
                            "http://[::1",
                            "http://[::1]x",
                            "http://[localhost]/",
                            "http://::1/",
                            "http://me@host/",
                            "http://hö.de/",
                            "unix:",
                            "unix:/run/a.sock",
                            "unix:run/a.sock:/x",
                            "http://127.0.0.256/"})
        EXPECT_FALSE(accepts(probe_url, url)) << url;
    EXPECT_TRUE(accepts(probe_url, "unix:/" + std::string(106, 'a') + ":/"));
    EXPECT_FALSE(accepts(probe_url, "unix:/" + std::string(107, 'a') + ":/"));
}

TEST(HostAndPort, NeedsBoth)
{
    for (const char* text : {"localhost:1", "127.0.0.1:65535", "[::1]:80", "a_b-c.d:80"})
        EXPECT_TRUE(accepts(host_and_port, text)) << text;
    for (const char* text : {"", ":", "localhost", "localhost:", ":80", "80", "localhost:0",
                             "localhost:65536", "::1:80", "[::1]", "[::1]80", "[]:80", "a b:80",
                             "127.0.0.256:80", "1.2.3:80", "host:-1", "host: 80", "host:080x"})
        EXPECT_FALSE(accepts(host_and_port, text)) << text;
}

TEST(AbsolutePath, BeginsWithASlashAndIsPrintable)
{
    EXPECT_TRUE(accepts(absolute_path, "/"));
    EXPECT_TRUE(accepts(absolute_path, "/srv/mit Leerzeichen/ü"));
    EXPECT_FALSE(accepts(absolute_path, ""));
    EXPECT_FALSE(accepts(absolute_path, "srv"));
    EXPECT_FALSE(accepts(absolute_path, std::string_view("/a\0b", 4)));
}

TEST(AccountName, IsANameOrANumber)
{
    for (const char* text : {"redis", "www-data", "_apt", "1000", "DOMAIN\\user", "a.b@c", "x$"})
        EXPECT_TRUE(accepts(account_name, text)) << text;
    for (const char* text : {"", "-x", "a b", "a:b", "a/b", "ü"})
        EXPECT_FALSE(accepts(account_name, text)) << text;
}

TEST(Expression, IsCompiled)
{
    for (const char* text :
         {"", "ok", R"x("status":\s*"(up|ok)")x", "a{2,3}", "[[:digit:]]+", "(?i)ok", "a{2"})
        EXPECT_TRUE(accepts(expression, text)) << text;
    for (const char* text : {"(", "[", ")", "[z-a]", "a{3,2}", R"(\)", R"(\1)", "*", "a**",
                             "[[:nix:]]", "(?=a)", "\xff", "(((a{200}){200}){200}){200}"})
        EXPECT_FALSE(accepts(expression, text)) << text;
}

TEST(Expression, OfTheLongestKindDoesNotExhaustTheStack)
{
    EXPECT_TRUE(accepts(expression, std::string(512, '(') + std::string(512, ')')));
    EXPECT_FALSE(accepts(expression, std::string(1024, '(')));
    EXPECT_TRUE(accepts(expression, std::string(1024, 'a')));
}

TEST(Names, AreLowerCaseAndShort)
{
    for (const char* text : {"a", "0", "network-backbone", "a_b-9"})
        EXPECT_TRUE(is_name(text)) << text;
    for (const char* text : {"", "-a", "_a", "A", "a.b", "a b", "ä"})
        EXPECT_FALSE(is_name(text)) << text;
    EXPECT_TRUE(is_name(std::string(64, 'a')));
    EXPECT_FALSE(is_name(std::string(65, 'a')));
}

TEST(Command, NeedsAProgramAndNoNul)
{
    EXPECT_FALSE(check_command({"a", ""}).has_value());
    EXPECT_TRUE(check_command({}).has_value());
    EXPECT_TRUE(check_command({"", "a"}).has_value());
    EXPECT_TRUE(check_command({"a", std::string("b\0c", 3)}).has_value());
    EXPECT_FALSE(check_command({"a", std::string(argument_length_max, 'x')}).has_value());
    EXPECT_TRUE(check_command({"a", std::string(argument_length_max + 1, 'x')}).has_value());
}

TEST(Signals, AreNamedWithOrWithoutSig)
{
    EXPECT_EQ(parse_signal("TERM"), SIGTERM);
    EXPECT_EQ(parse_signal("SIGTERM"), SIGTERM);
    EXPECT_EQ(parse_signal("USR1"), SIGUSR1);
    EXPECT_EQ(parse_signal("RTMIN"), SIGRTMIN);
    EXPECT_EQ(parse_signal("SIGRTMIN+3"), SIGRTMIN + 3);
    EXPECT_EQ(parse_signal("RTMAX-1"), SIGRTMAX - 1);
}

TEST(Signals, ThatDoNotExistAreRefused)
{
    for (const char* name :
         {"", "SIG", "term", "15", "TERMX", "SIGSIGTERM", "RTMIN-1", "RTMIN+", "RTMIN+99",
          "RTMIN++1", "RTMAX+1", "RTMAX-99", "RTMIN+1x", "RTMIN+99999999999"})
        EXPECT_EQ(parse_signal(name), std::nullopt) << name;
}

TEST(Signals, AreShownAsTheyAreRead)
{
    for (int number = 1; number <= SIGRTMAX; ++number) {
        if (number > 31 && number < SIGRTMIN) continue; // kept by the C library
        EXPECT_EQ(parse_signal(signal_text(number)), number) << signal_text(number);
    }
}

} // namespace
} // namespace keel::units
