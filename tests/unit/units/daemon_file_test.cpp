// keel.toml: every key, every kind of problem, and what [defaults] do to units.
#include "tests/support/golden.hpp"
#include "tests/unit/units/helpers.hpp"
#include "units/configuration.hpp"
#include "units/mistakes.hpp"
#include "units/plan.hpp"

#include <array>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <set>

namespace keel::units {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct DaemonKeyCase {
    std::string_view path, good, bad, refusal;
};

constexpr auto cases = std::to_array<DaemonKeyCase>({
    {"http.listen", R"("[::1]:80")", R"("panel:80")", "`panel` is a name, not an address"},
    {"http.tls.certificate", R"("/etc/keel/web1.pem")", R"("web1.pem")",
     "must be an absolute path"},
    {"http.tls.key", R"("/etc/keel/web1.key")", "7", R"(write "7")"},
    {"http.token_file", R"("/etc/keel/token")", R"("token")", "must be an absolute path"},
    {"control.operators_group", R"("keel")", "5", R"(write "5")"},
    {"control.readers_group", R"("users")", R"("a b")", "cannot be a user or group"},
    {"log.level", R"("debug")", R"("warning")", "must be `debug`, `info`, `warn`"},
    {"storm.starts_per_second", "0", "-1", "must be 0 to 100000, is -1"},
    {"ledger.keep", "\"30d\"", "\"1h\"", "must be 1d to 3650d, is 1h"},
    {"ledger.max_size", "\"64MiB\"", "\"4KiB\"", "must be 1MiB to 1TiB, is 4KiB"},
    {"storm.burst", "7", "0", "must be 1 to 1000000, is 0"},
    {"hook.NAME.command", R"(["/usr/bin/page", "{unit}"])", R"("page {port}")",
     "{port} means nothing here"},
    {"hook.NAME.timeout", R"("5s")", R"("2h")", "must be 100ms to 1h, is 2h"},
    {"channel.NAME.kind", R"("webhook")", R"("mail")", "must be `webhook` or `exec`"},
    {"channel.NAME.target", R"("https://hooks.example.com/keel")", R"("ftp://example.com")",
     "must begin with http:// or https://"},
    {"channel.NAME.target_file", R"("/etc/keel/slack.url")", R"("slack.url")",
     "must be an absolute path"},
    {"channel.NAME.token_file", R"("/etc/keel/token")", R"("token")", "must be an absolute path"},
    {"channel.NAME.command", R"(["/usr/bin/page", "{unit}"])", R"("page {port}")",
     "{port} means nothing here"},
    {"channel.NAME.timeout", R"("5s")", R"("11m")", "must be 100ms to 10m, is 11m"},
    {"channel.NAME.body", R"("slack")", R"("xml")", "must be `json`, `slack` or `alertmanager`"},
    {"channel.NAME.events", R"(["gave-up", "attempt-failed"])", "[]", "names no event"},
    {"channel.NAME.quiet", R"("1m")", R"("25h")", "must be 0s to 1d"},
    {"channel.NAME.remind", R"("0s")", R"("31d")", "must be 0s to 30d"},
});

/// Of any name; each needs a kind, and what says where it sends to or what it runs.
std::string channel_with(std::string_view key, std::string_view value)
{
    std::string text = fmt::format("channel.ops.{} = {}\n", key, value);
    if (key == "command") return text + "channel.ops.kind = \"exec\"\n";
    if (key != "kind") text += "channel.ops.kind = \"webhook\"\n";
    if (!key.starts_with("target")) text += "channel.ops.target = \"http://localhost/\"\n";
    return text;
}

/// `hook.NAME.` stands for hooks of any name, each of which needs a command.
std::string file_with(std::string_view path, std::string_view value)
{
    constexpr std::string_view of_channel = "channel.NAME.";
    if (path.starts_with(of_channel)) return channel_with(path.substr(of_channel.size()), value);
    if (path == "http.tls.certificate")
        return fmt::format("{} = {}\nhttp.tls.key = \"/key\"\n", path, value);
    if (path == "http.tls.key")
        return fmt::format("{} = {}\nhttp.tls.certificate = \"/pem\"\n", path, value);
    constexpr std::string_view of_hook = "hook.NAME.";
    if (!path.starts_with(of_hook)) return fmt::format("{} = {}\n", path, value);
    const bool is_whole = path.ends_with("command");
    return fmt::format("hook.page-me.{} = {}\n{}", path.substr(of_hook.size()), value,
                       is_whole ? "" : "hook.page-me.command = \"page\"\n");
}

TEST(DaemonKeys, AreReadAndRefused)
{
    for (const DaemonKeyCase& each : cases) {
        SCOPED_TRACE(each.path);
        const auto good = load_daemon(file_with(each.path, each.good), "keel.toml");
        EXPECT_THAT(lines_of(good.problems), IsEmpty());
        for (const Key& key : daemon_language().keys) {
            if (key.path != each.path) continue;
            Draft draft;
            draft.daemon = good.spec;
            if (!good.spec.hooks.empty()) draft.hook = good.spec.hooks.begin()->second;
            if (!good.spec.channels.empty()) draft.channel = good.spec.channels.begin()->second;
            EXPECT_EQ(show(key.kind, draft), each.good);
            EXPECT_TRUE(key.presence == Presence::required ||
                        show(key.kind, draft) != default_text(key))
                << "a default proves nothing";
        }
        const auto bad = load_daemon(file_with(each.path, each.bad), "keel.toml");
        EXPECT_THAT(lines_of(bad.problems), ElementsAre(HasSubstr(std::string(each.refusal))));
    }
}

TEST(DaemonKeys, HaveACaseAbove)
{
    std::set<std::string_view> tested;
    for (const DaemonKeyCase& each : cases)
        tested.insert(each.path);
    for (const Key& key : daemon_language().keys) {
        EXPECT_EQ(tested.contains(key.path), takes_value(key.kind)) << key.path;
        EXPECT_FALSE(key.meaning.empty()) << key.path;
    }
}

TEST(DaemonKeys, ThatALaterVersionWillKnowAreRefusedAsSuch)
{
    for (const Key& key : daemon_language().keys) {
        if (!std::holds_alternative<Later>(key.kind)) continue;
        EXPECT_THAT(lines_of(load_daemon(file_with(key.path, "1"), "keel.toml").problems),
                    ElementsAre(HasSubstr("is not supported by this version of keel yet")))
            << key.path;
    }
}

TEST(DaemonFile, ThatSaysNothingGivesTheDefaults)
{
    const LoadedDaemon loaded = load_daemon("", "keel.toml");
    EXPECT_THAT(loaded.problems, IsEmpty());
    EXPECT_EQ(loaded.spec.http_listen, "127.0.0.1:9632");
    EXPECT_EQ(loaded.spec.storm.starts_per_second, 50U);
    EXPECT_EQ(loaded.spec.storm.burst, 200U);
    EXPECT_THAT(loaded.defaults.keys, IsEmpty());
}

TEST(DaemonFile, TellsItsProblemsAsCommitted)
{
    const std::array<std::string_view, 26> texts = {
        "http = 5",
        "[htp]\nlisten = \"off\"",
        "[http]\nlisten = \"9632\"",
        "[http]\nlisten = \"panel.example:9632\"",
        "[http]\ntls = { certificate = \"x\" }",
        "[http]\ntls = { certificate = \"/etc/keel/web1.pem\" }",
        "listen = \"off\"",
        "[log]\nlevel = \"verbose\"",
        "[storm]\nburst = \"many\"",
        "[channel.ops]\nkind = \"webhook\"",
        "[channel.ops]\nkind = \"exec\"\ntarget = \"/bin/page\"",
        "[channel.ops]\nkind = \"exec\"\ntoken_file = \"/etc/keel/token\"",
        "[channel.ops]\nkind = \"exec\"\ncommand = \"page {instance} {runtime_dir}\"",
        "[channel.ops]\nkind = \"webhook\"\ntarget = \"http://a/\"\ncommand = \"page\"",
        "[channel.ops]\nkind = \"webhook\"\ntarget = \"http://ops:secret@example.com/\"",
        "[channel.ops]\nkind = \"webhook\"\ntarget = \"http://example.com/\"\n"
        "target_file = \"/etc/keel/url\"\nevents = [\"outage\"]",
        "hook = \"page\"",
        "[hook]\npage = \"/bin/page\"",
        "[hook.page]\ntimeout = \"5s\"",
        "[hook.page]\ncommand = \"page\"\ntimeuot = \"5s\"",
        "[hook.\"Page Me\"]\ncommand = \"page\"",
        "[hook.page]\ncommand = [\"page\", \"{instance}\"]",
        "[hook.page]\ncommand = \"page | mail\"\nuser = \"root\"",
        "defaults = \"x\"",
        "[defaults]\nuser = 5\ndelay = \"1s\"\n[defaults.restart]\ndely = \"1s\"",
        "[control]\noperators_group = \"keel\"\noperators_group = \"keel\"",
    };
    std::string golden;
    for (const std::string_view text : texts) {
        golden += fmt::format("{}\n", text);
        for (const std::string& line : lines_of(load_daemon(text, "keel.toml").problems))
            golden += "    " + line + "\n";
        golden += "\n";
    }
    test::expect_golden("tests/golden/keel-toml-problems.txt", golden);
}

TEST(DaemonFile, KeepsWhatIsUsableOfItself)
{
    const LoadedDaemon loaded = load_daemon(
        "[log]\nlevel = \"debug\"\n[http]\nlisten = 5\n[storm]\nburst = 7", "keel.toml");
    EXPECT_EQ(loaded.problems.size(), 1U);
    EXPECT_EQ(loaded.spec.log_level, LogLevel::debug);
    EXPECT_EQ(loaded.spec.http_listen, "127.0.0.1:9632");
    EXPECT_EQ(loaded.spec.storm.burst, 7U);
}

/// A configuration of keel.toml and web.toml, with a drop-in.
Configuration configured(const std::string& daemon, const std::string& unit,
                         const std::string& drop_in = {})
{
    return load_configuration(
        {{"keel.toml", daemon}, {{"web", {"web.toml", unit}, {{"10.toml", drop_in}}}}, {}});
}

constexpr std::string_view paged = "command = \"web\"\n[escalation]\n"
                                   "ladder = [\"restart\", \"run:page-me\", \"retry\"]";

TEST(Hooks, ArePartOfTheUnitsWhoseLaddersNameThem)
{
    const std::string daemon = "[hook.page-me]\ncommand = \"/bin/page\"\ntimeout = \"5s\"\n"
                               "[hook.other]\ncommand = \"/bin/other\"";
    const auto loaded = configured(daemon, std::string(paged));
    EXPECT_THAT(lines_of(loaded.all_problems()), IsEmpty());
    const UnitSpec& spec = *loaded.units.find("web")->spec;
    ASSERT_EQ(spec.hooks.size(), 1U);
    EXPECT_THAT(spec.hooks.at("page-me").command, ElementsAre("/bin/page"));
    EXPECT_EQ(spec.hooks.at("page-me").timeout, 5s);
}

TEST(Hooks, ThatALadderNamesAndThatAreNotThereAreAProblemOfTheUnit)
{
    const auto near = configured("[hook.page-he]\ncommand = \"/bin/page\"", std::string(paged));
    EXPECT_THAT(lines_of(near.all_problems()),
                ElementsAre("web.toml:3:22: escalation.ladder: there is no hook `page-me` (did you "
                            "mean `page-he`?)"));
    EXPECT_FALSE(near.units.find("web")->spec);
    const auto none = configured("", std::string(paged));
    EXPECT_THAT(lines_of(none.all_problems()),
                ElementsAre(HasSubstr("([hook.page-me] in keel.toml would say what it runs)")));
    test::expect_golden("tests/golden/hook-problems.txt",
                        lines_of(near.all_problems()).front() + "\n" +
                            lines_of(none.all_problems()).front() + "\n");
}

TEST(Channels, ThatAUnitNamesAndThatAreNotThereAreItsProblem)
{
    const std::string channel = "[channel.ops]\nkind = \"webhook\"\ntarget = \"http://a/\"";
    const std::string unit = "command = \"web\"\nnotify = ";
    EXPECT_THAT(lines_of(configured(channel, unit + "[\"ops\"]").all_problems()), IsEmpty());
    std::string golden;
    for (const auto& [daemon, wanted] : {std::pair<std::string, std::string>{channel, "[\"op\"]"},
                                         {"", "[\"ops\"]"},
                                         {channel, "[\"Ops\"]"},
                                         {channel, "5"},
                                         {channel, "[5]"}}) {
        const auto problems = lines_of(configured(daemon, unit + wanted).all_problems());
        ASSERT_THAT(problems, testing::SizeIs(1));
        golden += problems.front() + "\n";
    }
    test::expect_golden("tests/golden/channel-problems.txt", golden);
    EXPECT_THAT(lines_of(load_unit(unit + "[\"ops\"]", "web.toml").problems), IsEmpty())
        << "there is no keel.toml to ask";
}

TEST(Hooks, AreNotJudgedWhereThereIsNoKeelToml)
{
    EXPECT_THAT(lines_of(load_unit(paged, "web.toml").problems), IsEmpty());
    const auto alone =
        load_configuration({{"", ""}, {{"web", {"web.toml", std::string(paged)}, {}}}, {}});
    EXPECT_THAT(lines_of(alone.all_problems()), IsEmpty()) << "a folder of units by itself";
    const auto broken = configured("[hook", std::string(paged));
    EXPECT_THAT(lines_of(broken.units.all_problems()), IsEmpty()) << "it cannot be read";
}

TEST(Hooks, WithAMistakeKeepNoUnitDown)
{
    const auto loaded = configured("[hook.page-me]\ntimeout = \"5s\"", std::string(paged));
    EXPECT_EQ(loaded.daemon.problems.size(), 1U);
    EXPECT_THAT(lines_of(loaded.units.all_problems()), IsEmpty());
    EXPECT_TRUE(loaded.units.find("web")->spec);
}

TEST(Hooks, ThatChangeAreAChangeOfTheirUnitsThatTakesEffectLive)
{
    const auto before = configured("[hook.page-me]\ncommand = \"/bin/page\"", std::string(paged));
    const auto after = configured("[hook.page-me]\ncommand = \"/bin/page -v\"", std::string(paged));
    const KeyChange change{"hook.page-me.command", R"(["/bin/page"])", R"(["/bin/page", "-v"])",
                           TakesEffect::live};
    const Plan plan = plan_of(before, after);
    EXPECT_THAT(plan.daemon, ElementsAre(change));
    ASSERT_EQ(plan.units.size(), 1U);
    EXPECT_THAT(plan.units[0].keys, ElementsAre(change));
    const UnitSpec& old_spec = *before.units.find("web")->spec;
    const UnitSpec& new_spec = *after.units.find("web")->spec;
    EXPECT_EQ(effect_of(old_spec, new_spec), TakesEffect::live);
    EXPECT_EQ(recipe_of(old_spec), recipe_of(new_spec)) << "no process is made from it";
}

TEST(Defaults, AreLaidUnderEveryUnit)
{
    const auto loaded = configured(
        "[defaults]\nnice = 1\npriority = 1\numask = \"0077\"\n[defaults.environment]\n"
        "TZ = \"UTC\"\nA = \"0\"",
        "command = \"web\"\nnice = 2\npriority = 2\nenvironment = { A = \"1\" }", "priority = 3");
    EXPECT_THAT(lines_of(loaded.all_problems()), IsEmpty());
    const UnitSpec& spec = *loaded.units.find("web")->spec;
    EXPECT_EQ(spec.umask, 0077U);
    EXPECT_EQ(spec.scheduling.nice, 2);
    EXPECT_EQ(spec.priority, 3);
    EXPECT_THAT(spec.environment, ElementsAre(std::pair{"A", "1"}, std::pair{"TZ", "UTC"}));
}

TEST(Defaults, ThatDoNotFitAUnitAreToldAtTheirPlace)
{
    const auto loaded = configured("[defaults]\nmin_ready = 2", "command = \"web\"");
    EXPECT_THAT(lines_of(loaded.units.find("web")->problems),
                ElementsAre(HasSubstr("keel.toml:2:13: min_ready: is 2, but there is only 1")));
    EXPECT_THAT(loaded.daemon.problems, IsEmpty());
}

TEST(Defaults, WithAMistakeAreNoMistakeOfEveryUnit)
{
    const auto loaded = configured("[defaults]\nnice = 500\numask = \"0077\"\nafter = [\"x\", 5]\n"
                                   "[defaults.restart]\ndely = 1\ndelay = \"3s\"",
                                   "command = \"web\"");
    EXPECT_EQ(loaded.daemon.problems.size(), 3U);
    EXPECT_THAT(lines_of(loaded.units.find("web")->problems), IsEmpty());
    ASSERT_TRUE(loaded.units.find("web")->spec.has_value());
    const UnitSpec& spec = *loaded.units.find("web")->spec;
    EXPECT_EQ(spec.umask, 0077U) << "what is usable is used";
    EXPECT_EQ(spec.restart.delay, 3s);
    EXPECT_EQ(spec.scheduling.nice, 0);
    EXPECT_THAT(spec.after, IsEmpty());
}

TEST(Defaults, MayHoldProbes)
{
    const auto loaded = configured("[[defaults.probe]]\nname = \"alive\"\nexec = \"true\"",
                                   "command = \"web\"\n[[probe]]\ntcp = \"a:1\"",
                                   "[[probe]]\nname = \"alive\"\ninterval = \"9s\"");
    EXPECT_THAT(lines_of(loaded.all_problems()), IsEmpty());
    const UnitSpec& spec = *loaded.units.find("web")->spec;
    ASSERT_EQ(spec.probes.size(), 2U);
    EXPECT_EQ(spec.probes[0].interval, 9s);
}

} // namespace
} // namespace keel::units
