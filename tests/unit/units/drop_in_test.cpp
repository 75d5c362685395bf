// Drop-ins: what is laid over what, and where problems are said to be.
#include "tests/unit/units/helpers.hpp"
#include "units/unit_set.hpp"

#include <gmock/gmock.h>

namespace keel::units {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// The file web.toml and drop-ins 1.toml, 2.toml and so on.
LoadedUnit load_over(const std::string& file, const std::vector<std::string>& drop_ins)
{
    UnitSources sources{"web", {"web.toml", file}, {}};
    for (std::size_t i = 0; i < drop_ins.size(); ++i)
        sources.drop_ins.push_back({std::to_string(i + 1) + ".toml", drop_ins[i]});
    return load_unit(sources);
}

UnitSpec good_over(const std::string& file, const std::vector<std::string>& drop_ins)
{
    const LoadedUnit loaded = load_over(file, drop_ins);
    EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
    return loaded.spec.value_or(UnitSpec{});
}

std::vector<std::string> problems_over(const std::string& file,
                                       const std::vector<std::string>& drop_ins)
{
    return lines_of(load_over(file, drop_ins).problems);
}

TEST(DropIn, HasTheLastWordKeyByKey)
{
    const UnitSpec spec = good_over("command = \"web\"\nuser = \"www\"\n[restart]\ndelay = \"1s\"\n"
                                    "factor = 3",
                                    {"[restart]\ndelay = \"2s\"", "restart.delay = \"3s\""});
    EXPECT_EQ(spec.user, "www");
    EXPECT_EQ(spec.restart.delay, 3s);
    EXPECT_EQ(spec.restart.factor, 3);
}

TEST(DropIn, AddsVariablesAndReplacesLists)
{
    const UnitSpec spec =
        good_over("command = \"web\"\nenvironment = { A = \"1\", B = \"2\" }\nafter = [\"x\"]",
                  {"environment = { B = \"3\", C = \"4\" }\nafter = [\"y\", \"z\"]"});
    EXPECT_THAT(spec.environment,
                ElementsAre(std::pair{"A", "1"}, std::pair{"B", "3"}, std::pair{"C", "4"}));
    EXPECT_THAT(spec.after, ElementsAre("y", "z"));
}

TEST(DropIn, ReplacesAllStepsOfADeployment)
{
    const UnitSpec spec =
        good_over("command = \"{release}/web\"\n[deploy]\nroot = \"/srv/web\"\nkeep = 7\n"
                  "steps = [{ do = \"a\" }, { do = \"b\" }]",
                  {"[[deploy.steps]]\nname = \"step\"\ndo = \"c\""});
    ASSERT_EQ(spec.deploy.steps.size(), 1U);
    EXPECT_THAT(spec.deploy.steps[0].run, ElementsAre("c"));
    EXPECT_EQ(spec.deploy.keep, 7U);
}

TEST(DropIn, MayGiveTheCommand)
{
    EXPECT_THAT(good_over("user = \"www\"", {"command = \"web\""}).command, ElementsAre("web"));
    EXPECT_THAT(problems_over("user = \"www\"", {"group = \"www\""}),
                ElementsAre(HasSubstr("web.toml:1:1: command: is required")));
}

TEST(DropIn, ChangesAProbeOfTheSameNameAndAddsOthers)
{
    const UnitSpec spec =
        good_over("command = \"web\"\n[[probe]]\nname = \"ping\"\ntcp = \"a:1\"\ninterval = \"1s\"",
                  {"[[probe]]\nname = \"ping\"\ninterval = \"2s\"\n[[probe]]\ntcp = \"b:1\""});
    ASSERT_EQ(spec.probes.size(), 2U);
    EXPECT_EQ(spec.probes[0].interval, 2s);
    EXPECT_EQ(spec.probes[0].target, ProbeTarget(TcpTarget{"a:1", "", ""}));
    EXPECT_EQ(spec.probes[1].name, "tcp");
}

TEST(DropIn, KnowsProbesWithoutANameByTheOneTheyWouldGet)
{
    const UnitSpec spec =
        good_over("command = \"web\"\nprobe = [{ tcp = \"a:1\" }, { tcp = \"b:1\" }]",
                  {"[[probe]]\nname = \"tcp-2\"\nfailures = 7"});
    ASSERT_EQ(spec.probes.size(), 2U);
    EXPECT_EQ(spec.probes[0].failures, 3U);
    EXPECT_EQ(spec.probes[0].name, "tcp");
    EXPECT_EQ(spec.probes[1].failures, 7U);
    EXPECT_EQ(spec.probes[1].name, "tcp-2");
}

TEST(DropIn, ReplacesAProbesTargetWithAllThatBelongsToIt)
{
    const UnitSpec spec =
        good_over("command = \"web\"\n[[probe]]\nname = \"a\"\nhttp = \"http://a\"\nbody = \"ok\"\n"
                  "failures = 9",
                  {"[[probe]]\nname = \"a\"\ntcp = \"a:1\""});
    ASSERT_EQ(spec.probes.size(), 1U);
    EXPECT_EQ(spec.probes[0].target, ProbeTarget(TcpTarget{"a:1", "", ""}));
    EXPECT_EQ(spec.probes[0].failures, 9U);
}

TEST(DropIn, IsNamedInItsProblems)
{
    EXPECT_THAT(problems_over("command = \"web\"", {"", "\n  restart.dely = \"1s\""}),
                ElementsAre(HasSubstr("2.toml:2:11: restart.dely: unknown key")));
    EXPECT_THAT(problems_over("command = \"web\"", {"[["}),
                ElementsAre(HasSubstr("1.toml:1:3: not valid TOML")));
    EXPECT_THAT(problems_over("command = \"web\"\ninstances = 2", {"min_ready = 3"}),
                ElementsAre(HasSubstr("1.toml:1:13: min_ready: is 3, but there are only 2")));
    EXPECT_THAT(problems_over("command = \"web\"\nmin_ready = 2\ninstances = 2", {"instances = 1"}),
                ElementsAre(HasSubstr("web.toml:2:13: min_ready: is 2")));
}

TEST(DropIn, HidesNoMistake)
{
    EXPECT_THAT(problems_over("command = \"web\"\numask = 22\nuser = [[]]",
                              {"umask = \"0027\"\nuser = 5", "user = \"www\""}),
                UnorderedElementsAre(HasSubstr("web.toml:2:9: umask"),
                                     HasSubstr("web.toml:3:8: user"),
                                     HasSubstr("1.toml:2:8: user")));
}

TEST(DropIn, TellsEachMistakeOnce)
{
    EXPECT_THAT(
        problems_over("command = 5", {"umask = 22\n[[probe]]\nintervall = 1\ntcp = \"a:1\""}),
        UnorderedElementsAre(HasSubstr("web.toml:1:11: command"), HasSubstr("1.toml:1:9: umask"),
                             HasSubstr("1.toml:3:1: probe[1].intervall")));
}

TEST(DropIn, ThatCannotBeReadIsAProblemOfTheUnit)
{
    UnitSources sources{"web", {"web.toml", "command = \"web\""}, {}};
    sources.drop_ins.push_back({"1.toml", Mistake{"cannot be opened: Permission denied", "x"}});
    const LoadedUnit loaded = load_unit(sources);
    EXPECT_FALSE(loaded.spec.has_value());
    EXPECT_THAT(lines_of(loaded.problems),
                ElementsAre("1.toml: cannot be opened: Permission denied (x)"));
}

TEST(DropIn, PutsDependenciesInItsOwnPlace)
{
    std::vector<LoadedUnit> units;
    units.push_back(load_over("command = \"web\"", {"requires = [\"nothing\"]"}));
    EXPECT_THAT(lines_of(link_units(std::move(units)).units[0].problems),
                ElementsAre(HasSubstr("1.toml:1:13: requires: there is no unit `nothing`")));
}

TEST(DropIn, OfHundredsOfProbesIsRefusedWithoutLookingForNames)
{
    std::string many = "command = \"web\"\n";
    for (int i = 0; i < 20'000; ++i)
        many += "[[probe]]\ntcp = \"a:1\"\n";
    EXPECT_THAT(problems_over(many, {"[[probe]]\ntcp = \"a:1\""}),
                ElementsAre(HasSubstr("has more than 32 sections")));
}

} // namespace
} // namespace keel::units
