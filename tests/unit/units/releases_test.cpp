// What [deploy] asks of the other keys of its unit.
#include "tests/unit/units/helpers.hpp"
#include "units/daemon_file.hpp"
#include "units/releases.hpp"

#include <gmock/gmock.h>

namespace keel::units {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A unit that runs from its releases in /srv/web, and has these lines before and in [deploy].
std::string released(const std::string& before, const std::string& lines = "")
{
    return "command = \"{release}/web\"\n" + before + "[deploy]\nroot = \"/srv/web\"\n" + lines;
}

const std::vector<Rung> climbing_releases{Rung::restart, Rung::redeploy, Rung::rollback,
                                          Rung::retry};

TEST(Releases, AreReadWhole)
{
    const DeploySpec spec = load_good(released("", R"(
source = "https://h/{release}.tar"
checksums = "https://h/SUMS"
keep = 4
verify_for = "1s"
timeout = "2m"
good_after = "3m"
[[deploy.steps]]
name = "migrate"
do = "{release}/bin/migrate up"
undo = ["{release}/bin/migrate", "down"]
timeout = "4m"
)"))
                                .deploy;
    EXPECT_EQ(spec.root, "/srv/web");
    EXPECT_EQ(spec.source, "https://h/{release}.tar");
    EXPECT_EQ(spec.checksums, "https://h/SUMS");
    EXPECT_EQ(spec.sha256, "");
    EXPECT_EQ(spec.keep, 4U);
    EXPECT_EQ(spec.verify_for, 1s);
    EXPECT_EQ(spec.timeout, 2min);
    EXPECT_EQ(spec.good_after, 3min);
    EXPECT_THAT(
        spec.steps,
        ElementsAre(DeployStepSpec{
            "migrate", {"{release}/bin/migrate", "up"}, {"{release}/bin/migrate", "down"}, 4min}));
}

TEST(Releases, ProveThemselvesBeforeTheyAreGivenUp)
{
    EXPECT_THAT(problems_of(released("", "verify_for = \"6m\"")),
                ElementsAre(HasSubstr("ready for `verify_for` (6m), and is given up after "
                                      "`timeout` (5m)")));
    EXPECT_THAT(problems_of(released("", "timeout = \"10s\"")),
                ElementsAre(HasSubstr("deploy.timeout")));
    EXPECT_EQ(load_good(released("", "timeout = \"11s\"")).deploy.timeout, 11s);
}

TEST(Releases, TakeStepsInlineAndNameThem)
{
    const auto steps = load_good(released("", "steps = [{ do = \"a\" }, { name = \"step\", do = "
                                              "\"b\" }, { do = \"c\" }]"))
                           .deploy.steps;
    ASSERT_EQ(steps.size(), 3U);
    EXPECT_EQ(steps[0].name, "step-2");
    EXPECT_EQ(steps[1].name, "step");
    EXPECT_EQ(steps[2].name, "step-3");
    EXPECT_EQ(steps[0].timeout, 1min);
    EXPECT_THAT(steps[0].undo, IsEmpty());
}

TEST(Releases, HaveSixteenStepsAtMost)
{
    const auto with = [](int count) {
        std::string text = released("");
        for (int i = 0; i < count; ++i)
            text += "[[deploy.steps]]\ndo = \"a\"\n";
        return problems_of(text);
    };
    EXPECT_THAT(with(16), IsEmpty());
    EXPECT_THAT(with(17), ElementsAre(HasSubstr("deploy.steps: has more than 16 sections")));
}

TEST(Releases, ClimbByThemUnlessTheLadderIsGiven)
{
    EXPECT_EQ(load_good(released("")).escalation.ladder, climbing_releases);
    EXPECT_EQ(
        load_good(released("escalation.ladder = [\"restart\", \"exit\"]\n")).escalation.ladder,
        (std::vector<Rung>{Rung::restart, Rung::exit}));
    EXPECT_EQ(load_good("command = \"web\"").escalation.ladder,
              (std::vector<Rung>{Rung::restart, Rung::retry}));
}

TEST(Releases, AreNeverTheLastRung)
{
    for (const std::string last : {"redeploy", "rollback"})
        EXPECT_THAT(problems_of(released("escalation.ladder = [\"restart\", \"" + last + "\"]\n")),
                    ElementsAre(HasSubstr("one of retry, give-up, exit, run:NAME last")));
}

TEST(Releases, AreNeededByWhatNamesThem)
{
    EXPECT_THAT(
        problems_of("command = \"web\"\n[escalation]\nladder = [\"restart\", \"redeploy\", "
                    "\"rollback\", \"retry\"]"),
        ElementsAre(HasSubstr("web.toml:3:22: escalation.ladder: `redeploy` needs releases"),
                    HasSubstr("web.toml:3:34: escalation.ladder: `rollback` needs")));
    EXPECT_THAT(problems_of("command = \"{release}/web\"\nenvironment = { A = \"{release}\" }\n"
                            "[[probe]]\nexec = [\"a\", \"{release}\"]"),
                ElementsAre(HasSubstr("web.toml:1:11: command: uses {release}"),
                            HasSubstr("web.toml:2:21: environment.A: uses {release}"),
                            HasSubstr("web.toml:4:14: probe[1].exec: uses {release}")));
    EXPECT_THAT(problems_of("command = \"{{release}}/web\""), IsEmpty()) << "braces, doubled";
}

TEST(Releases, AreNotMissedWhereTheirSectionHasAMistake)
{
    EXPECT_THAT(problems_of("command = \"{release}/web\"\n[deploy]"),
                ElementsAre(HasSubstr("deploy.root: is required")));
    EXPECT_THAT(problems_of("command = \"{release}/web\"\n[deploy]\nroot = 5"),
                ElementsAre(HasSubstr("deploy.root: expected a string")));
    EXPECT_THAT(problems_of("command = \"{release}/web\"\ndeploy = 5"),
                ElementsAre(HasSubstr("deploy: expected a section")));
}

TEST(Releases, MustBeRunFrom)
{
    const std::string deploy = "\n[deploy]\nroot = \"/srv/web\"";
    EXPECT_THAT(problems_of("command = \"web\"" + deploy),
                ElementsAre(HasSubstr("web.toml:1:11: command: runs nothing of its releases")));
    for (const std::string use :
         {"directory = \"{release}/lib\"", "environment.PATH = \"{release}/bin:/bin\"",
          "start.pre = \"{release}/prepare\"", "stop.post = \"rm {release}/x\"",
          "reload.command = \"{release}/reload\""})
        EXPECT_THAT(problems_of("command = \"web\"\n" + use + deploy), IsEmpty()) << use;
    EXPECT_THAT(problems_of("command = \"web\"" + deploy +
                            "\nsteps = [{ do = \"{release}/migrate\" }]\n[[probe]]\nexec = "
                            "\"{release}/check\""),
                ElementsAre(HasSubstr("runs nothing of its releases")));
    EXPECT_THAT(problems_of("command = 5" + deploy),
                ElementsAre(HasSubstr("expected a string or")));
}

TEST(Releases, AreNotRunByWayOfTheLink)
{
    const auto hint = HasSubstr("names /srv/web/current, the link for people");
    for (const std::string line :
         {"start.pre = \"/srv/web/current/prepare\"", "stop.post = [\"rm\", \"/srv/web/current\"]",
          "directory = \"/srv//web/./current/\"", "environment.A = \"x:/srv/web/current:y\"",
          "environment.A = \"--x=/srv/{unit}/current\"", "reload.command = \"/srv/web/current/x\"",
          "probe = [{ exec = \"/srv/web/current/check\" }]"})
        EXPECT_THAT(problems_of(released(line + "\n")), ElementsAre(hint)) << line;
    for (const std::string line :
         {"start.pre = \"/srv/web/current-2/x\"", "start.pre = \"/srv/web/currently\"",
          "directory = \"/data/srv/web/current\"", "environment.A = \"/srv/web/releases\"",
          "probe = [{ tcp = \"h:1\", send = \"GET /srv/web/current\" }]"})
        EXPECT_THAT(problems_of(released(line + "\n")), IsEmpty()) << line;
}

TEST(Releases, FromTheNetworkAreVerified)
{
    const std::string digest(64, 'a');
    for (const std::string scheme : {"http", "https"}) {
        const std::string source = "source = \"" + scheme + "://h/{release}.tar\"\n";
        EXPECT_THAT(problems_of(released("", source)),
                    ElementsAre(HasSubstr("4:10: deploy.source: is fetched from the network")));
        EXPECT_THAT(problems_of(released("", source + "sha256 = \"" + digest + "\"")), IsEmpty());
        EXPECT_THAT(problems_of(released("", source + "checksums = \"/srv/SUMS\"")), IsEmpty());
    }
    EXPECT_THAT(problems_of(released("", "source = \"/srv/{unit}/{release}.tar\"")), IsEmpty());
    EXPECT_THAT(problems_of(released("", "sha256 = \"" + digest + "\"\nchecksums = \"/srv/S\"")),
                ElementsAre(HasSubstr("5:13: deploy.checksums: stands beside `sha256`")));
}

TEST(Releases, OfKeelTomlHoldForUnitsThatHaveSome)
{
    const LoadedDaemon daemon = load_daemon("[defaults.deploy]\nkeep = 9", "keel.toml");
    EXPECT_THAT(lines_of(daemon.problems), IsEmpty());
    const auto loaded = [&](const std::string& text, std::vector<Source> drop_ins = {}) {
        return load_unit({"web", {"web.toml", text}, std::move(drop_ins)}, daemon.defaults);
    };
    EXPECT_THAT(lines_of(loaded("command = \"web\"").problems), IsEmpty());
    EXPECT_EQ(loaded(released("")).spec.value().deploy.keep, 9U);
    EXPECT_EQ(loaded(released("", "keep = 2")).spec.value().deploy.keep, 2U);
    const Source drop_in{"1.toml", "deploy.root = \"/srv/web\""};
    EXPECT_EQ(loaded("command = \"{release}/web\"", {drop_in}).spec.value().deploy.keep, 9U);
}

TEST(TidyPath, IsOneWayOfWritingAFolder)
{
    for (const char* path :
         {"/srv/web", "/srv/web/", "//srv///web", "/./srv/./web/.", "/srv/web//"})
        EXPECT_EQ(tidy_path(path), "/srv/web") << path;
    for (const char* path : {"/", "//", "/./", "/."})
        EXPECT_EQ(tidy_path(path), "/") << path;
    EXPECT_EQ(tidy_path("/srv/.web/x."), "/srv/.web/x.") << "names with dots";
}

} // namespace
} // namespace keel::units
