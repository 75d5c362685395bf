#include "units/placeholders.hpp"

#include <gmock/gmock.h>

namespace keel::units {
namespace {

const PlaceholderValues values{"worker", "3", "8082", "/srv/worker/releases/7", "/run/keel/worker"};

TEST(Placeholders, AreFilledIn)
{
    EXPECT_EQ(fill("{unit}.{instance} on {port} in {runtime_dir} of {release}", values),
              "worker.3 on 8082 in /run/keel/worker of /srv/worker/releases/7");
    EXPECT_EQ(fill("", values), "");
    EXPECT_EQ(fill("{port}{port}", values), "80828082");
}

TEST(Placeholders, DoubledBracesAreBraces)
{
    EXPECT_EQ(fill("{{port}}", values), "{port}");
    EXPECT_EQ(fill("{{{port}}}", values), "{8082}");
    EXPECT_EQ(fill("{{\"a\": {{}}}}", values), "{\"a\": {}}");
}

TEST(Placeholders, AnythingElseStaysAsItIs)
{
    for (const char* text : {"{", "}", "{prot}", "{ port }", "{}", "a{b", "a}b", "{port", "port}"})
        EXPECT_EQ(fill(text, values), text);
}

TEST(Placeholders, AreNotFilledInTwice)
{
    EXPECT_EQ(fill("{unit}", {"{port}", "1", "2", "", ""}), "{port}");
}

TEST(Placeholders, OfAnInstanceCountPortsFromPortBase)
{
    UnitSpec spec;
    spec.name = "worker";
    spec.port_base = 8080;
    const PlaceholderValues third = placeholder_values(spec, 3, "/run/keel/worker");
    EXPECT_EQ(third.unit, "worker");
    EXPECT_EQ(third.instance, "3");
    EXPECT_EQ(third.port, "8082");
    EXPECT_EQ(third.runtime_dir, "/run/keel/worker");
    spec.port_base = 0;
    EXPECT_EQ(placeholder_values(spec, 1, "").port, "");
}

TEST(Placeholders, AreCheckedByName)
{
    EXPECT_FALSE(check_placeholders("{unit} {{x}} {port} {release}").has_value());
    EXPECT_FALSE(check_placeholders("no braces").has_value());
    EXPECT_EQ(check_placeholders("{unit}{uint}")->message, "unknown placeholder {uint}");
    for (const char* text : {"{", "}", "{port", "port}", "{po{rt}", "{{}", "{}", "{ unit}"})
        EXPECT_TRUE(check_placeholders(text).has_value()) << text;
}

TEST(Placeholders, AreFoundOnlyWhereTheyCount)
{
    EXPECT_TRUE(uses_placeholder("a{port}b", "port"));
    EXPECT_FALSE(uses_placeholder("{{port}}", "port"));
    EXPECT_FALSE(uses_placeholder("{unit}", "port"));
}

TEST(Placeholders, OfAnHttpTargetAreFilledInEverywhereButInTheExpression)
{
    HttpTarget http;
    http.url = "http://h:{port}/{unit}";
    http.headers = {{"X-{unit}", "{instance}"}};
    http.tls_ca = "{runtime_dir}/ca.pem";
    http.body = "{port}";
    const auto filled = std::get<HttpTarget>(fill(ProbeTarget(http), values));
    EXPECT_EQ(filled.url, "http://h:8082/worker");
    EXPECT_EQ(filled.headers.at("X-{unit}"), "3");
    EXPECT_EQ(filled.tls_ca, "/run/keel/worker/ca.pem");
    EXPECT_EQ(filled.body, "{port}");
}

TEST(Placeholders, OfOtherTargetsAreFilledIn)
{
    EXPECT_EQ(fill(ProbeTarget(TcpTarget{"h:{port}", "{unit}", "{instance}"}), values),
              ProbeTarget(TcpTarget{"h:8082", "worker", "3"}));
    EXPECT_EQ(fill(ProbeTarget(ExecTarget{{"check", "{port}"}}), values),
              ProbeTarget(ExecTarget{{"check", "8082"}}));
}

TEST(Placeholders, OfASourceAreTheReleasesIdAndTheUnit)
{
    UnitSpec spec;
    spec.name = "api";
    spec.deploy.root = "/srv/api";
    EXPECT_EQ(release_directory(spec, "7"), "/srv/api/releases/7");
    EXPECT_EQ(fill_source(spec, "https://h/{unit}/{release}.tar?{{x}}", "7"),
              "https://h/api/7.tar?{x}");
    EXPECT_FALSE(check_source_placeholders("/srv/{unit}/{release}").has_value());
    for (const char* text : {"{port}", "{instance}", "{runtime_dir}", "{relase}", "{"})
        EXPECT_TRUE(check_source_placeholders(text).has_value()) << text;
}

TEST(Placeholders, OfMapsAreFilledInInValuesOnly)
{
    const std::map<std::string, std::string> environment = {{"{unit}", "{unit}"}};
    EXPECT_EQ(fill(environment, values).at("{unit}"), "worker");
}

} // namespace
} // namespace keel::units
