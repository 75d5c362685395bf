#include "tests/unit/units/helpers.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace keel::units {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Loader, MakesAUnitOfOneLine)
{
    const LoadedUnit loaded =
        load_unit("command = \"redis-server /etc/redis/backbone.conf\"", "units/backbone.toml");
    ASSERT_TRUE(loaded.spec.has_value());
    EXPECT_EQ(loaded.name, "backbone");
    EXPECT_EQ(loaded.path, "units/backbone.toml");
    EXPECT_EQ(loaded.spec->name, "backbone");
    EXPECT_THAT(loaded.spec->command, ElementsAre("redis-server", "/etc/redis/backbone.conf"));
    EXPECT_EQ(loaded.spec->ready, ReadyBy::exec);
    EXPECT_EQ(loaded.spec->restart.delay, 200ms);
    EXPECT_THAT(loaded.spec->restart.success_exit, ElementsAre(ExitMatch{}));
    EXPECT_THAT(loaded.spec->probes, IsEmpty());
}

TEST(Loader, ReadsTheExampleOfTheManual)
{
    const UnitSpec spec = load_good(R"(
description = "Message backbone between the panel and the game hosts"
command     = ["redis-server", "/etc/redis/backbone.conf"]
user        = "redis"

[[probe]]
tcp    = "127.0.0.1:6379"
send   = "PING\r\n"
expect = "+PONG"
)");
    EXPECT_EQ(spec.user, "redis");
    ASSERT_EQ(spec.probes.size(), 1U);
    EXPECT_EQ(spec.probes[0].name, "tcp");
    EXPECT_EQ(spec.probes[0].target, ProbeTarget(TcpTarget{"127.0.0.1:6379", "PING\r\n", "+PONG"}));
    EXPECT_EQ(spec.ready, ReadyBy::probe);
}

TEST(Loader, BeginsEachProbeAfresh)
{
    const UnitSpec spec = load_good("command = \"web\"\n[[probe]]\nname = \"a\"\ntcp = \"h:1\"\n"
                                    "send = \"x\"\nfailures = 9\n[[probe]]\ntcp = \"h:2\"");
    ASSERT_EQ(spec.probes.size(), 2U);
    EXPECT_EQ(spec.probes[1].name, "tcp");
    EXPECT_EQ(spec.probes[1].failures, 3U);
    EXPECT_EQ(spec.probes[1].target, ProbeTarget(TcpTarget{"h:2", "", ""}));
}

TEST(Loader, TakesACommandAsWordsOrAsALine)
{
    EXPECT_EQ(load_good("command = \"sh -c 'exec web  $PORT'\"").command,
              load_good("command = [\"sh\", \"-c\", \"exec web  $PORT\"]").command);
    EXPECT_THAT(load_good("command = [\"web\", \"|\", \"\"]").command, ElementsAre("web", "|", ""));
}

TEST(Loader, TakesDottedKeysInlineTablesAndSectionsAlike)
{
    const auto delay = [](const std::string& lines) {
        return load_good("command = \"web\"\n" + lines).restart.delay;
    };
    EXPECT_EQ(delay("restart.delay = \"3s\""), 3s);
    EXPECT_EQ(delay("restart = { delay = \"3s\" }"), 3s);
    EXPECT_EQ(delay("[restart]\ndelay = \"3s\""), 3s);
    EXPECT_EQ(load_good("command = \"web\"\nprobe = [{ tcp = \"a:1\" }, { tcp = \"b:1\" }]")
                  .probes.size(),
              2U);
}

TEST(Loader, ChoosesReadyByTheRolesOfTheProbes)
{
    const auto ready = [](const std::string& role) {
        return load_good("command = \"web\"\n[[probe]]\ntcp = \"a:1\"\nrole = " + role).ready;
    };
    EXPECT_EQ(ready("[\"startup\"]"), ReadyBy::probe);
    EXPECT_EQ(ready("\"readiness\""), ReadyBy::probe);
    EXPECT_EQ(ready("\"liveness\""), ReadyBy::exec);
    EXPECT_EQ(load_good("command = \"web\"\nready = \"exec\"\n[[probe]]\ntcp = \"a:1\"").ready,
              ReadyBy::exec);
}

TEST(Loader, NamesProbesThatHaveNoName)
{
    const UnitSpec spec = load_good(R"(
command = "web"
probe = [{ http = "http://a" }, { tcp = "a:1" }, { http = "http://b" }, { exec = "true" },
         { http = "http://c", name = "http-2" }, { tcp = "b:1", name = "tcp" }]
)");
    std::vector<std::string> names;
    for (const ProbeSpec& probe : spec.probes)
        names.push_back(probe.name);
    EXPECT_THAT(names, ElementsAre("http", "tcp-2", "http-3", "exec", "http-2", "tcp"));
}

TEST(Loader, KeepsOneProbesKeysOutOfTheNext)
{
    const UnitSpec spec = load_good(R"(
command = "web"
[[probe]]
http = "http://a"
interval = "1s"
method = "HEAD"
[[probe]]
http = "http://b"
)");
    ASSERT_EQ(spec.probes.size(), 2U);
    EXPECT_EQ(spec.probes[1].interval, ProbeSpec{}.interval);
    EXPECT_EQ(std::get<HttpTarget>(spec.probes[1].target).method, "GET");
}

TEST(Loader, AcceptsPlaceholdersWhereTheyAreFilledIn)
{
    const UnitSpec spec = load_good(R"(
command = ["web", "{unit}", "{instance}", "{port}", "{runtime_dir}", "{{}}"]
directory = "{runtime_dir}/x"
environment = { LISTEN = "127.0.0.1:{port}" }
port_base = 8080
[[probe]]
http = "http://127.0.0.1:{port}/"
headers = { X-Instance = "{instance}" }
[[probe]]
http = "unix:{runtime_dir}/web.sock:/healthz"
[[probe]]
tcp = "127.0.0.1:{port}"
)");
    EXPECT_EQ(spec.command[3], "{port}") << "they are filled in later";
}

TEST(Loader, ChecksWhatATextWouldBeWithItsPlaceholdersFilledIn)
{
    EXPECT_THAT(problems_of("command = \"web\"\ndirectory = \"{unit}\""),
                ElementsAre(HasSubstr("must be an absolute path")));
    EXPECT_THAT(problems_of("command = \"web\"\nport_base = 1\n[[probe]]\ntcp = \"{port}\""),
                ElementsAre(HasSubstr("names no host")));
}

TEST(Loader, LeavesBracesOfExpressionsAlone)
{
    const UnitSpec spec =
        load_good("command = \"web\"\n[[probe]]\nhttp = \"http://a\"\nbody = '^\\{\"ok\":.{3}'");
    EXPECT_EQ(std::get<HttpTarget>(spec.probes[0].target).body, R"(^\{"ok":.{3})");
}

TEST(Loader, ReportsAMisspeltPortBaseOnce)
{
    EXPECT_THAT(problems_of("command = \"web {port}\"\nport_base = \"8080\""),
                ElementsAre(HasSubstr("write 8080")));
}

TEST(Loader, DoesNotJudgeAKeyTwice)
{
    EXPECT_THAT(problems_of("command = \"web\"\ninstances = 2000\nmin_ready = 500"),
                ElementsAre(HasSubstr("instances")));
    EXPECT_THAT(problems_of("command = \"web\"\nrestart.delay_max = 3\nrestart.delay = \"1m\""),
                ElementsAre(HasSubstr("delay_max")));
}

TEST(Loader, LetsDelayMaxCutTheDefaultDelay)
{
    EXPECT_EQ(load_good("command = \"web\"\nrestart.delay_max = \"100ms\"").restart.delay_max,
              100ms);
}

TEST(Loader, AcceptsExactlyAsManyAsTheLimits)
{
    const auto with = [](std::size_t count, const std::string& before, const std::string& item,
                         const std::string& after) {
        std::string text = "command = \"web\"\n" + before;
        for (std::size_t i = 0; i < count; ++i)
            text += fmt::format(fmt::runtime(item), i);
        return problems_of(text + after);
    };
    const std::string probe = "[[probe]]\nname = \"p{}\"\ntcp = \"a:1\"\n";
    EXPECT_THAT(with(32, "", probe, ""), IsEmpty());
    EXPECT_THAT(with(33, "", probe, ""), ElementsAre(HasSubstr("more than 32 sections")));
    EXPECT_THAT(with(1024, "[environment]\n", "A{} = \"x\"\n", ""), IsEmpty());
    EXPECT_THAT(with(1025, "[environment]\n", "A{} = \"x\"\n", ""),
                ElementsAre(HasSubstr("more than 1024 entries")));
    EXPECT_THAT(with(256, "after = [", "\"u{}\",", "]"), IsEmpty());
    EXPECT_THAT(with(257, "after = [", "\"u{}\",", "]"),
                ElementsAre(HasSubstr("more than 256 units")));
    EXPECT_THAT(with(4097, "[[probe]]\nexec = [", "\"u{}\",", "]"),
                ElementsAre(HasSubstr("more than 4096 words")));
    EXPECT_THAT(with(65, "[[probe]]\nhttp = \"http://a\"\nstatus = [", "20{},", "]"),
                ElementsAre(HasSubstr("more than 64 ranges")));
}

TEST(Loader, RefusesNamesThatNoUnitCanHave)
{
    for (const char* file :
         {"Web.toml", "-web.toml", "_web.toml", "we b.toml", ".toml", "wéb.toml"}) {
        const LoadedUnit loaded = load_unit("command = \"web\"", file);
        ASSERT_EQ(loaded.problems.size(), 1U) << file;
        EXPECT_THAT(loaded.problems[0].message, HasSubstr("cannot be the name of a unit"));
        EXPECT_FALSE(loaded.spec.has_value());
    }
    const std::string longest(64, 'a');
    EXPECT_TRUE(load_unit("command = \"web\"", longest + ".toml").spec.has_value());
    EXPECT_FALSE(load_unit("command = \"web\"", longest + "a.toml").spec.has_value());
    EXPECT_TRUE(load_unit("command = \"web\"", "/etc/keel/units/0-a_b.toml").spec.has_value());
}

TEST(Loader, KeepsWhatCouldBeReadOfAMistakenFile)
{
    const LoadedUnit loaded = load("command = \"web\"\nuser = 5\nrequires = [\"redis\", \"BAD\"]");
    EXPECT_FALSE(loaded.spec.has_value());
    ASSERT_TRUE(loaded.remains.has_value());
    EXPECT_THAT(loaded.remains->requires_units, ElementsAre("redis"));
    EXPECT_FALSE(load("not toml").remains.has_value());
}

TEST(Loader, KnowsWhereKeysStood)
{
    const LoadedUnit loaded = load("command = \"web\"\nafter = [\n  \"a\",\n  \"b\"]\n"
                                   "[[probe]]\n  exec = \"true\"\n");
    EXPECT_EQ(position_of(loaded, "command"), (Position{1, 11}));
    EXPECT_EQ(position_of(loaded, "after.b"), (Position{4, 3}));
    EXPECT_EQ(position_of(loaded, "probe[1].exec"), (Position{6, 10}));
    EXPECT_EQ(position_of(loaded, "user"), (Position{1, 1})) << "not given";
}

} // namespace
} // namespace keel::units
