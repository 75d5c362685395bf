#include "tests/unit/units/helpers.hpp"
#include "units/unit_set.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <map>

namespace keel::units {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Units by name, each with the lines that follow its command.
UnitSet linked(const std::map<std::string, std::string>& lines)
{
    std::vector<LoadedUnit> units;
    for (const auto& [name, text] : lines)
        units.push_back(load_unit("command = \"web\"\n" + text, name + ".toml"));
    return link_units(std::move(units));
}

std::vector<std::string> problems_of(const UnitSet& set, std::string_view name)
{
    return lines_of(set.find(name)->problems);
}

TEST(UnitSet, LeavesUnitsThatFitTogetherAlone)
{
    const UnitSet set = linked(
        {{"web", "requires = [\"db\", \"cache\"]"}, {"cache", "after = [\"db\"]"}, {"db", ""}});
    EXPECT_THAT(set.all_problems(), IsEmpty());
    ASSERT_EQ(set.units.size(), 3U);
    EXPECT_EQ(set.units[0].name, "cache");
    EXPECT_TRUE(set.find("web")->spec.has_value());
    EXPECT_EQ(set.find("nothing"), nullptr);
}

TEST(UnitSet, ReportsDependenciesThatDoNotExist)
{
    const UnitSet set = linked({{"web", "requires = [\"dp\"]\nafter = [\"mars\"]"}, {"db", ""}});
    EXPECT_THAT(problems_of(set, "web"),
                ElementsAre("web.toml:2:13: requires: there is no unit `dp` (did you mean `db`?)",
                            "web.toml:3:10: after: there is no unit `mars` (it would be mars.toml "
                            "beside this file)"));
    EXPECT_FALSE(set.find("web")->spec.has_value());
    EXPECT_TRUE(set.find("db")->spec.has_value());
}

TEST(UnitSet, DoesNotSuggestTheUnitItself)
{
    EXPECT_THAT(problems_of(linked({{"web", "after = [\"wbe\"]"}}), "web"),
                ElementsAre(HasSubstr("it would be wbe.toml")));
}

TEST(UnitSet, NamesACycleInFull)
{
    const UnitSet set = linked({{"a", "requires = [\"b\"]"},
                                {"b", "after = [\"c\"]"},
                                {"c", "requires = [\"a\"]"},
                                {"d", ""}});
    EXPECT_THAT(problems_of(set, "c"),
                ElementsAre(HasSubstr("c.toml:2:13: requires: makes a cycle: c -> a -> b -> c")));
    EXPECT_THAT(problems_of(set, "a"), IsEmpty()) << "b only waits for c if c is wanted";
}

TEST(UnitSet, BreaksACycleOfRequirementsForAllOfThem)
{
    const UnitSet set = linked({{"a", "requires = [\"b\"]"}, {"b", "requires = [\"a\"]"}});
    EXPECT_THAT(problems_of(set, "b"), ElementsAre(HasSubstr("makes a cycle: b -> a -> b"),
                                                   HasSubstr("requires `a`, which has problems")));
    EXPECT_THAT(problems_of(set, "a"), ElementsAre(HasSubstr("requires `b`, which has problems")));
}

TEST(UnitSet, FindsEveryCycle)
{
    const UnitSet set = linked({{"a", "after = [\"b\", \"c\"]"},
                                {"b", "after = [\"a\"]"},
                                {"c", "after = [\"a\"]"},
                                {"x", "after = [\"y\"]"},
                                {"y", "after = [\"x\"]"}});
    EXPECT_THAT(problems_of(set, "b"), ElementsAre(HasSubstr("b -> a -> b")));
    EXPECT_THAT(problems_of(set, "c"), ElementsAre(HasSubstr("c -> a -> c")));
    EXPECT_THAT(problems_of(set, "y"), ElementsAre(HasSubstr("y -> x -> y")));
}

TEST(UnitSet, ReportsADependencyOnItselfOnce)
{
    EXPECT_THAT(problems_of(linked({{"a", "requires = [\"a\"]"}}), "a"),
                ElementsAre(HasSubstr("`a` is this unit itself")));
}

TEST(UnitSet, DragsAlongWhatRequiresABrokenUnit)
{
    const UnitSet set = linked({{"db", "user = 5"},
                                {"api", "requires = [\"db\"]"},
                                {"web", "requires = [\"api\"]"},
                                {"cron", "after = [\"db\"]"},
                                {"mail", ""}});
    EXPECT_THAT(problems_of(set, "api"),
                ElementsAre("api.toml:2:13: requires: requires `db`, which has problems (mend "
                            "db.toml first)"));
    EXPECT_THAT(problems_of(set, "web"), ElementsAre(HasSubstr("mend api.toml first")));
    EXPECT_TRUE(set.find("cron")->spec.has_value()) << "`after` only orders";
    EXPECT_TRUE(set.find("mail")->spec.has_value());
}

TEST(UnitSet, ChecksUnitsThatHaveOtherProblemsToo)
{
    const UnitSet set = linked({{"web", "user = 5\nrequires = [\"nix\"]"}});
    EXPECT_THAT(problems_of(set, "web"),
                ElementsAre(HasSubstr("expected a string"), HasSubstr("there is no unit `nix`")));
}

/// Lines of a unit that runs from releases.
std::string released(const std::string& root, const std::string& more = "")
{
    return "directory = \"{release}\"\n" + more + "[deploy]\nroot = \"" + root + "\"";
}

TEST(UnitSet, LeavesRootsSideBySideAlone)
{
    const UnitSet set = linked({{"a", released("/srv/web")},
                                {"b", released("/srv/web-2")},
                                {"c", released("/srv/we")},
                                {"d", released("/srv/api/web")},
                                {"e", ""},
                                {"f", ""}});
    EXPECT_THAT(set.all_problems(), IsEmpty());
}

TEST(UnitSet, RefusesTwoUnitsOnOneRoot)
{
    const UnitSet set = linked({{"a", released("/srv/./web/")}, {"b", released("/srv//web")}});
    EXPECT_THAT(problems_of(set, "a"), IsEmpty());
    EXPECT_THAT(problems_of(set, "b"),
                ElementsAre("b.toml:4:8: deploy.root: is the root of `a` too (a unit's releases "
                            "have a directory of their own)"));
}

TEST(UnitSet, RefusesARootWithinAnotherWhicheverComesFirst)
{
    const UnitSet set = linked({{"a", released("/srv/web")},
                                {"b", released("/srv/web/x/y")},
                                {"c", released("/srv")},
                                {"d", released("/srv/web")}});
    EXPECT_THAT(problems_of(set, "b"), ElementsAre(HasSubstr("lies in the root of `a`, /srv/web")));
    EXPECT_THAT(problems_of(set, "c"),
                ElementsAre(HasSubstr("has the root of `a` in it, /srv/web")));
    EXPECT_THAT(problems_of(set, "d"), ElementsAre(HasSubstr("is the root of `a` too")));
}

TEST(UnitSet, DragsAlongWhatRequiresAUnitWhoseRootIsTaken)
{
    const UnitSet set = linked(
        {{"a", released("/srv/web")}, {"b", released("/srv/web")}, {"c", "requires = [\"b\"]"}});
    EXPECT_THAT(problems_of(set, "c"), ElementsAre(HasSubstr("requires `b`, which has problems")));
}

TEST(UnitSet, ComparesRootsOfUnitsThatHaveOtherProblemsToo)
{
    const UnitSet set =
        linked({{"a", released("/srv/web", "nice = 99\n")}, {"b", released("/srv/web")}});
    EXPECT_THAT(problems_of(set, "b"), ElementsAre(HasSubstr("is the root of `a` too")));
}

TEST(UnitSet, KeepsTheFirstOfTwoUnitsOfOneName)
{
    std::vector<LoadedUnit> units;
    units.push_back(load_unit("command = \"web\"", "/etc/web.toml"));
    units.push_back(load_unit("command = \"web\"", "/usr/web.toml"));
    const UnitSet set = link_units(std::move(units));
    ASSERT_EQ(set.units.size(), 1U);
    EXPECT_EQ(set.units[0].path, "/etc/web.toml");
    EXPECT_THAT(lines_of(set.problems),
                ElementsAre("/usr/web.toml: the unit `web` is defined already (by /etc/web.toml)"));
}

TEST(UnitSet, WalksLongChainsWithoutRecursion)
{
    std::map<std::string, std::string> lines;
    for (int i = 0; i < 1000; ++i)
        lines.emplace(fmt::format("u{:05}", i), fmt::format("requires = [\"u{:05}\"]", i + 1));
    lines.emplace("u01000", "");
    EXPECT_THAT(linked(lines).all_problems(), IsEmpty());
    lines["u01000"] = "requires = [\"u00000\"]";
    const UnitSet set = linked(lines);
    EXPECT_EQ(set.all_problems().size(), 1002U) << "one cycle, and everyone requires the next";
}

} // namespace
} // namespace keel::units
