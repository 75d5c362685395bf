// Every key of the schema: one value that is read, and one that is refused.
#include "tests/unit/units/helpers.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <ostream>
#include <set>

namespace keel::units {
namespace {

struct KeyCase {
    std::string_view path;
    std::string_view good;      ///< the value as TOML
    std::string_view shown;     ///< the same value as it is shown; empty: as `good`
    std::string_view bad;       ///< a value as TOML
    std::string_view refusal;   ///< part of the only problem that `bad` gives
    std::string_view context{}; ///< other lines in the key's section that it needs
};

std::ostream& operator<<(std::ostream& out, const KeyCase& each) { return out << each.path; }

constexpr auto http = R"(http = "http://localhost:80/")";
constexpr auto tcp = R"(tcp = "localhost:80")";
constexpr auto root = R"(root = "/srv/web")";
constexpr auto sums = "root = \"/srv/web\"\nchecksums = \"/srv/sums/{release}\"";
constexpr auto run = R"(do = "/bin/true")";
constexpr auto digest = R"("0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF")";
constexpr auto digest_shown =
    R"("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")";

constexpr auto cases = std::to_array<KeyCase>({
    {"description", R"("Message backbone")", "", R"("two\nlines")", "control character"},
    {"labels", R"({ "team" = "panel" })", "", R"({ unit = "x" })", "Keel sets itself"},
    {"notify", R"(["ops", "pager"])", "", R"(["Ops"])", "lower-case"},
    {"command", R"(["a b", "c"])", "", "[]", "names no program"},
    {"enabled", "false", "", R"("false")", "write false"},
    {"instances", "7", "", "0", "must be 1 to 1000, is 0"},
    {"min_ready", "0", "", "-1", "must be 0 to 1000, is -1"},
    {"port_base", "8080", "", "65536", "must be 1 to 65535, is 65536"},
    {"priority", "-1000", "", "1001", "must be -1000 to 1000"},
    {"directory", R"("/srv/{unit}")", "", R"("srv")", "must be an absolute path"},
    {"environment", R"({ "A" = "1", "B" = "{instance}" })", "", R"({ A = 1 })", R"(write "1")"},
    {"user", R"("redis")", "", R"("no one")", "cannot be a user or group"},
    {"group", R"("www-data")", "", "33", R"(write "33")"},
    {"groups", R"(["adm", "33"])", "", R"(["no one"])", "cannot be a user or group"},
    {"umask", R"("0027")", "", R"("0888")", "octal digits up to 777"},
    {"nice", "-5", "", "20", "must be -20 to 19, is 20"},
    {"oom_score_adj", "-999", "", "1001", "must be -1000 to 1000"},
    {"cpu_affinity", R"([0, "2-3", 5, 4])", R"([0, "2-5"])", R"(["3-1"])", "no processor or range"},
    {"environment_files", R"(["/etc/default/redis"])", "", R"(["redis.env"])",
     "must be an absolute path"},
    {"clear_environment", "true", "", "1", "expected true or false"},
    {"limits.as", R"("1GiB")", "", "1024", "1024 is no limit"},
    {"limits.core", R"("unlimited")", "", R"("infinity")", "`infinity` is no limit"},
    {"limits.cpu", R"("10s:1m")", "", R"("10")", "`10` is no limit"},
    {"limits.data", R"("64MiB:1GiB")", "", R"("1GiB:64MiB")", "above the hard one"},
    {"limits.fsize", R"("1MiB")", "", "[]", "expected a limit, found a list"},
    {"limits.memlock", R"("0")", "", R"("64")", "`64` is no limit"},
    {"limits.msgqueue", R"("800KiB")", "", R"("x")", "`x` is no limit"},
    {"limits.nice", "30", "", "-1", "-1 is no limit"},
    {"limits.nofile", R"("1024:65536")", "", R"("1k")", "`1k` is no limit"},
    {"limits.nproc", "512", "", R"("512:")", "is no limit"},
    {"limits.rss", R"("1GiB")", "", "true", "expected a limit, found a boolean"},
    {"limits.rtprio", "10", "", R"("ten")", "is no limit"},
    {"limits.rttime", R"("200ms")", "", "200", "200 is no limit"},
    {"limits.sigpending", "100", "", R"("")", "is no limit"},
    {"limits.stack", R"("16MiB:unlimited")", "", R"("16")", "is no limit"},
    {"resources.memory_max", R"("512MiB")", "", R"("1KiB")", "must be 1MiB to 1024TiB, is 1KiB"},
    {"resources.memory_high", R"("400MiB")", "", R"("max")", "`max` is no size"},
    {"resources.cpu_max", R"("150%")", "", R"("1.5")", "`1.5` is no percentage"},
    {"resources.cpu_weight", "200", "", "10001", "must be 1 to 10000, is 10001"},
    {"resources.pids_max", "512", "", "0", "must be 1 to 4194304, is 0"},
    {"resources.io_weight", "50", "", R"("50")", "write 50"},
    {"requires", R"(["redis", "db"])", "", R"(["redis", "redis"])", "`redis` is listed twice"},
    {"type", R"("oneshot")", "", R"("forking")", "not supported by this version of keel yet"},
    {"binds_to", R"(["redis"])", "", R"(["Redis"])", "cannot be the name of a unit"},
    {"restart_with", R"(["redis"])", "", R"([1])", "expected a string, found an integer"},
    {"after", R"(["redis"])", "", R"("redis")", R"(write ["redis"])"},
    {"ready", R"("log:ready in [0-9]+ ms")", "", R"("log:(")", "no regular expression"},
    {"watchdog", R"("10s")", "", R"("10ms")", "must be 100ms to 1d, is 10ms"},
    {"unready_limit", R"("90s")", "", R"("0s")", "must be 1s to 7d, is 0s"},
    {"start.timeout", R"("2m")", "", "120", R"(write "120s")"},
    {"start.pre", R"(["/bin/prepare", "{instance}"])", "", R"("a | b")", "there is no shell"},
    {"start.post", R"("/bin/announce {unit}")", R"(["/bin/announce", "{unit}"])", "[]",
     "names no program"},
    {"stop.pre", R"(["/bin/drain"])", "", R"("{pid}")", "unknown placeholder {pid}"},
    {"stop.post", R"(["/bin/rm", "-f", "/run/x"])", "", "7", "expected a"},
    {"reload.signal", R"("HUP")", "", R"("HPU")", "did you mean `HUP`?"},
    {"reload.command", R"(["/usr/sbin/nginx", "-s", "reload"])", "", R"("a && b")",
     "there is no shell"},
    {"stop.signal", R"("SIGINT")", R"("INT")", R"("TREM")", "did you mean `TERM`?"},
    {"stop.timeout", R"("0s")", "", R"("2d")", "must be 0s to 1d, is 2d"},
    {"restart.policy", R"("on-failure")", "", R"("on_failure")", "did you mean `on-failure`?"},
    {"restart.delay", R"("1s")", "", R"("1")", "`1` is no duration"},
    {"restart.factor", "3", "3.0", "0.5", "must be 1 to 100, is 0.5"},
    {"restart.delay_max", R"("1m30s")", R"("90s")", "[]", "expected a duration, found a list"},
    {"restart.jitter", "0.25", "", "nan", "must be 0 to 1, is nan"},
    {"restart.stable_after", R"("0s")", "", R"("-1s")", "is no duration"},
    {"restart.success_exit", R"([0, 3, "SIGTERM"])", R"([0, 3, "TERM"])", "[256]",
     "256 is no exit code"},
    {"restart.prevent_exit", R"([78])", "", R"(["ABORT"])", "`ABORT` is no signal"},
    {"escalation.failures", "0", "", "1001", "must be 0 to 1000"},
    {"escalation.window", R"("1h")", "", R"("500ms")", "must be 1s to 7d"},
    {"escalation.ladder", R"(["restart", "run:page-me", "give-up"])", "",
     R"(["restart", "redeploy"])", "must be `restart` first and one of retry"},
    {"escalation.retry_every", R"("5m")", "", R"("5ms")", "must be 10ms to 1d"},
    {"log.target", R"("journal")", "", R"("jounal")", "did you mean `journal`?"},
    {"log.max_size", R"("64KiB")", "", "65536", R"(write "64KiB")"},
    {"log.format", R"("timestamp")", "", R"("timestamps")", "did you mean `timestamp`?"},
    {"log.max_age", R"("30d")", "", R"("30s")", "must be 1m to 3650d, is 30s"},
    {"log.rate", R"("64KiB")", "", R"("64KiB/s")", "is no size"},
    {"log.compress", R"("zstd")", "", R"("gzip")", "must be `none` or `zstd`"},
    {"log.keep", "0", "", "1.5", "expected an integer, found a number"},
    {"outage.grace", R"("30s")", "", "true", "expected a duration, found a boolean"},
    {"outage.settle", R"("0s")", "", R"("25h")", "must be 0s to 1d"},
    {"outage.public", "true", "", "1", "expected true or false, found an integer"},
    {"outage.title", R"("Game servers")", "", R"("\u001b[31mred")", "control character"},
    {"deploy.root", R"("/srv//web/./")", R"("/srv/web")", R"("/./")", "root of the host"},
    {"deploy.source", R"("https://h/{unit}-{release}.tar.zst")", "", R"("web.tar")",
     "must be an absolute path, or begin with http:// or https://", sums},
    {"deploy.sha256", digest, digest_shown, R"("0123")", "is no SHA-256 digest", root},
    {"deploy.checksums", R"("https://h/{release}.sha256")", "", R"("http://h/SUMS")",
     "must be an absolute path, or begin with https://", root},
    {"deploy.keep", "5", "", "0", "must be 1 to 100, is 0", root},
    {"deploy.strategy", R"("restart")", "", R"("overlap")", "not supported by this version", root},
    {"deploy.verify_for", R"("0s")", "", R"("2h")", "must be 0s to 1h, is 2h", root},
    {"deploy.timeout", R"("10m")", "", R"("0s")", "must be 1s to 1d, is 0s", root},
    {"deploy.good_after", R"("1d")", "", R"("31d")", "must be 0s to 30d, is 31d", root},
    {"deploy.steps[].name", R"("migrate")", "", R"("Migrate")", "cannot be a name", run},
    {"deploy.steps[].do", R"("{release}/bin/migrate up")", R"(["{release}/bin/migrate", "up"])",
     R"("a | b")", "there is no shell"},
    {"deploy.steps[].undo", R"(["{release}/bin/migrate", "down"])", "", "[]", "names no program",
     run},
    {"deploy.steps[].timeout", R"("5m")", "", R"("500ms")", "must be 1s to 1d, is 500ms", run},
    {"probe[].name", R"("redis-ping")", "", R"("Redis ping")", "cannot be a name", http},
    {"probe[].http", R"("https://[::1]:8443/x")", "", R"("ftp://x/")", "must begin with http://"},
    {"probe[].tcp", R"("[::1]:6379")", "", R"("6379")", "names no host"},
    {"probe[].exec", R"("/bin/check --fast")", R"(["/bin/check", "--fast"])", R"("a | b")",
     "there is no shell"},
    {"probe[].role", R"("liveness")", R"(["liveness"])", R"(["alive"])", "must be `startup`", http},
    {"probe[].interval", R"("1s")", "", R"("1ms")", "must be 10ms to 1d", http},
    {"probe[].timeout", R"("250ms")", "", R"("2h")", "must be 1ms to 1h", http},
    {"probe[].failures", "1", "", "0", "must be 1 to 1000", http},
    {"probe[].successes", "2", "", "0", "must be 1 to 1000", http},
    {"probe[].delay", R"("3s")", "", "3", R"(write "3s")", http},
    {"probe[].method", R"("HEAD")", "", R"("head")", "is no HTTP method", http},
    {"probe[].headers", R"({ "Host" = "a" })", "", R"({ "Ho st" = "a" })",
     "cannot be the name of a header", http},
    {"probe[].status", R"([204, "200-299"])", R"(["204", "200-299"])", R"(["299-200"])",
     "no range of status codes", http},
    {"probe[].body", R"("ok{2}")", "", R"("(")", "no regular expression", http},
    {"probe[].tls_verify", "false", "", "0", "expected true or false", http},
    {"probe[].tls_ca", R"("/etc/ca.pem")", "", R"("ca.pem")", "must be an absolute path", http},
    {"probe[].follow_redirects", "true", "", R"("yes")", "expected true or false", http},
    {"probe[].send", R"("PING\r\n")", "", R"("{")", "belongs to no placeholder", tcp},
    {"probe[].expect", R"("+PONG")", "", R"("{pong}")", "unknown placeholder {pong}", tcp},
});

/// A unit file in which the key has the value.
std::string file_with(const KeyCase& each, std::string_view value)
{
    const std::string parent(parent_of(each.path));
    std::string text = each.path == "command" ? "" : head_of(parent);
    if (!each.context.empty()) text += std::string(each.context) + "\n";
    return fmt::format("{}{} = {}\n", text, last_name(each.path), value);
}

class EveryKey : public testing::TestWithParam<KeyCase> {};

TEST_P(EveryKey, ReadsAGoodValue)
{
    const KeyCase& each = GetParam();
    const UnitSpec spec = load_good(file_with(each, each.good));
    const std::string shown = show(key_named(each.path).kind, draft_of(spec));
    EXPECT_EQ(shown, each.shown.empty() ? each.good : each.shown);
    if (each.path == "deploy.strategy") return; // there is only one
    EXPECT_NE(shown, default_text(key_named(each.path))) << "a default proves nothing";
}

TEST_P(EveryKey, RefusesABadValueWithAHint)
{
    const KeyCase& each = GetParam();
    const LoadedUnit loaded = load(file_with(each, each.bad));
    ASSERT_EQ(loaded.problems.size(), 1U) << testing::PrintToString(lines_of(loaded.problems));
    const Problem& problem = loaded.problems.front();
    EXPECT_THAT(to_text(problem), testing::HasSubstr(each.refusal));
    EXPECT_FALSE(problem.hint.empty());
    EXPECT_GT(problem.line, 0U);
    EXPECT_FALSE(loaded.spec.has_value());
}

/// `probe[].follow_redirects` as the name of a test.
std::string test_name(const testing::TestParamInfo<KeyCase>& info)
{
    std::string text(info.param.path);
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '.' || c == '[' || c == ']'; }, '_');
    return text;
}

INSTANTIATE_TEST_SUITE_P(Schema, EveryKey, testing::ValuesIn(cases), test_name);

TEST(Keys, HaveACaseAbove)
{
    std::set<std::string_view> tested;
    for (const KeyCase& each : cases)
        tested.insert(each.path);
    for (const Key& key : schema()) {
        const bool takes_value = !std::holds_alternative<Section>(key.kind) &&
                                 !std::holds_alternative<Sections>(key.kind) &&
                                 !std::holds_alternative<Later>(key.kind);
        EXPECT_EQ(tested.contains(key.path), takes_value) << key.path;
    }
    EXPECT_EQ(tested.size(), cases.size()) << "a key is tested twice";
}

TEST(Keys, ThatALaterVersionWillKnowAreRefusedAsSuch)
{
    for (const Key& key : schema()) {
        if (!std::holds_alternative<Later>(key.kind)) continue;
        const std::string parent(parent_of(key.path));
        const std::string section =
            parent.empty() ? "" : "[" + parent.substr(0, parent.size() - 1) + "]\n";
        const std::string name(last_name(key.path));
        for (const std::string& line : {name + " = 1\n", name + " = [{}]\n", name + ".x = 1\n"}) {
            const auto problems =
                problems_of(fmt::format("command = \"web\"\n{}{}", section, line));
            ASSERT_EQ(problems.size(), 1U) << key.path;
            EXPECT_THAT(problems[0], testing::HasSubstr(std::string(key.path) +
                                                        ": is not supported by this version"));
        }
    }
}

} // namespace
} // namespace keel::units
