// Effective specs key by key, their differences, and the plan that follows from them.
#include "tests/unit/units/helpers.hpp"
#include "units/plan.hpp"

#include <gmock/gmock.h>

namespace keel::units {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

std::vector<std::string> lines(const std::vector<KeyChange>& changes)
{
    std::vector<std::string> text;
    for (const KeyChange& change : changes)
        text.push_back(change.key + ": " + change.before + " -> " + change.after + " " +
                       std::string(name(change.takes_effect)));
    return text;
}

std::vector<std::string> changed(const std::string& before, const std::string& after)
{
    return lines(differences(effective_keys(EffectiveUnit{load_good(before)}),
                             effective_keys(EffectiveUnit{load_good(after)})));
}

std::vector<std::string> shown(const EffectiveUnit& unit)
{
    std::vector<std::string> text;
    for (const EffectiveKey& key : effective_keys(unit))
        text.push_back(key.key + " = " + key.value);
    return text;
}

TEST(EffectiveSpec, ShowsDefaultsAsWellAsWhatWasGiven)
{
    const auto keys = shown({load_good("command = \"web\"\nnice = 3\n[[probe]]\ntcp = \"a:1\"")});
    EXPECT_THAT(keys, Contains("command = [\"web\"]"));
    EXPECT_THAT(keys, Contains("nice = 3"));
    EXPECT_THAT(keys, Contains("restart.delay = \"200ms\""));
    EXPECT_THAT(keys, Contains("user = keeld's own"));
    EXPECT_THAT(keys, Contains("ready = \"probe\""));
    EXPECT_THAT(keys, Contains("probe.tcp.tcp = \"a:1\""));
    EXPECT_THAT(keys, Contains("probe.tcp.interval = \"5s\""));
    EXPECT_THAT(keys, Not(Contains(testing::HasSubstr("probe.tcp.status"))));
    EXPECT_THAT(keys, Not(Contains(testing::HasSubstr("probe.tcp.http"))));
}

TEST(EffectiveSpec, HidesVariablesThatCameFromFiles)
{
    const UnitSpec spec = load_good("command = \"web\"\nenvironment = { A = \"1\", B = \"2\" }");
    const EffectiveUnit unit{spec, {{"B", "hidden by B"}, {"TOKEN", "s3cret"}}};
    const auto keys = shown(unit);
    EXPECT_THAT(keys, Contains("environment.A = \"1\""));
    EXPECT_THAT(keys, Contains("environment.B = \"2\""));
    EXPECT_THAT(keys, Contains("environment.TOKEN = (hidden: it is from a file)"));
    EXPECT_THAT(keys, Not(Contains(testing::HasSubstr("s3cret"))));

    const EffectiveUnit other{spec, {{"B", "another"}, {"TOKEN", "0ther"}}};
    EXPECT_THAT(lines(differences(effective_keys(unit), effective_keys(other))),
                ElementsAre("environment.TOKEN: (hidden: it is from a file) -> (hidden: another "
                            "value) restart"));
}

TEST(EffectiveSpec, DiffersByWhatItMeansNotByHowItIsWritten)
{
    EXPECT_THAT(changed("command = \"web --x\"\n[restart]\ndelay = \"90s\"\ndelay_max = \"2m\"",
                        "restart = { delay_max = \"2m\", delay = \"1m30s\" }\n"
                        "command = [\"web\", \"--x\"]\nnice = 0"),
                IsEmpty());
}

TEST(EffectiveSpec, DiffersKeyByKeyWithWhenItTakesEffect)
{
    EXPECT_THAT(changed("command = \"web\"\nrestart.delay = \"1s\"\n"
                        "environment = { A = \"1\", B = \"2\" }",
                        "command = \"wep\"\nrestart.delay = \"2s\"\nafter = [\"x\"]\n"
                        "environment = { B = \"3\", C = \"4\" }"),
                ElementsAre("command: [\"web\"] -> [\"wep\"] restart",
                            "environment.B: \"2\" -> \"3\" restart",
                            "environment.C:  -> \"4\" restart", "after: [] -> [\"x\"] next start",
                            "restart.delay: \"1s\" -> \"2s\" live",
                            "environment.A: \"1\" ->  restart"));
}

/// One value of every key, differently: nothing that the schema has goes unseen.
TEST(EffectiveSpec, ShowsEveryKeyOfTheSchema)
{
    const UnitSpec spec = load_good("command = \"{release}/web\"\nenvironment = { A = \"1\" }\n"
                                    "[deploy]\nroot = \"/srv/web\"\nsteps = [{ do = \"a\" }]\n"
                                    "[[probe]]\nname = \"h\"\nhttp = \"http://a\"\n"
                                    "[[probe]]\nname = \"t\"\ntcp = \"a:1\"\n"
                                    "[[probe]]\nname = \"e\"\nexec = \"true\"");
    std::string all;
    for (const EffectiveKey& key : effective_keys(EffectiveUnit{spec}))
        all += "|" + key.key;
    all += "|";
    for (const Key& key : schema()) {
        if (std::holds_alternative<Section>(key.kind) || std::holds_alternative<Later>(key.kind) ||
            std::holds_alternative<Sections>(key.kind) || key.path == "probe[].name" ||
            key.path == "deploy.steps[].name")
            continue;
        const std::string path(key.path);
        const bool of_list = parent_of(path).ends_with("[].");
        const std::string wanted = path == "environment" ? "|environment.A|"
                                   : of_list             ? "." + std::string(last_name(path)) + "|"
                                                         : "|" + path + "|";
        EXPECT_NE(all.find(wanted), std::string::npos) << path;
    }
}

TEST(EffectiveSpec, SaysNothingOfReleasesWhereThereAreNone)
{
    EXPECT_THAT(shown({load_good("command = \"web\"")}),
                Not(Contains(testing::HasSubstr("deploy."))));
}

TEST(EffectiveSpec, ShowsStepsByTheirNamesAndTheLadderOfReleases)
{
    const auto keys =
        shown({load_good("command = \"{release}/web\"\n[deploy]\nroot = \"/r\"\n"
                         "steps = [{ do = \"a b\" }, { do = \"c\", undo = \"d\" }]")});
    EXPECT_THAT(keys, Contains("deploy.root = \"/r\""));
    EXPECT_THAT(keys, Contains("deploy.source = none"));
    EXPECT_THAT(keys, Contains("deploy.steps.step.do = [\"a\", \"b\"]"));
    EXPECT_THAT(keys, Contains("deploy.steps.step.undo = none"));
    EXPECT_THAT(keys, Contains("deploy.steps.step-2.undo = [\"d\"]"));
    EXPECT_THAT(keys, Contains("deploy.steps.step-2.timeout = \"1m\""));
    EXPECT_THAT(keys, Contains("escalation.ladder = [\"restart\", \"redeploy\", \"rollback\", "
                               "\"retry\"]"));
    EXPECT_THAT(shown({load_good("command = \"web\"")}),
                Contains("escalation.ladder = [\"restart\", \"retry\"]"));
}

Configuration configured(const std::string& daemon,
                         const std::vector<std::pair<std::string, std::string>>& units)
{
    Collected collected{{"keel.toml", daemon}, {}, {}};
    for (const auto& [name, text] : units)
        collected.units.push_back({name, {name + ".toml", text}, {}});
    return load_configuration(collected);
}

TEST(Effect, IsThatOfTheStrongestKey)
{
    const auto effect = [](const std::string& before, const std::string& after) {
        return effect_of(load_good(before), load_good(after));
    };
    const std::string plain = "command = \"a\"\n";
    EXPECT_EQ(effect(plain, "command = [\"a\"] # the same"), std::nullopt);
    EXPECT_EQ(effect(plain, plain + "instances = 2"), TakesEffect::live);
    EXPECT_EQ(effect(plain, plain + "instances = 2\nafter = [\"b\"]"), TakesEffect::next_start);
    EXPECT_EQ(effect(plain + "nice = 1", plain + "instances = 2\nafter = [\"b\"]"),
              TakesEffect::restart);
}

TEST(Recipe, ChangesWithWhatAProcessIsMadeFromAndNothingElse)
{
    const auto recipe = [](const std::string& more) {
        return recipe_of(load_good("command = \"a b\"\n" + more));
    };
    EXPECT_EQ(recipe(""), recipe("nice = 0\ninstances = 2\nafter = [\"b\"]"));
    EXPECT_NE(recipe(""), recipe("nice = 1"));
    EXPECT_NE(recipe(""), recipe("environment = { A = \"1\" }"));
    const std::string deploy = "environment = { A = \"{release}\" }\n[deploy]\nroot = ";
    EXPECT_NE(recipe(deploy + "\"/a\""), recipe(deploy + "\"/b\""));
    EXPECT_EQ(recipe(deploy + "\"/a\""), recipe(deploy + "\"/a/\"\nkeep = 7"));
    EXPECT_NE(recipe("environment = { A = \"1\" }"), recipe("environment = { A = \"2\" }"));
    EXPECT_NE(recipe_of(load_good("command = [\"a\", \"b\"]")),
              recipe_of(load_good("command = [\"a b\"]")));
}

TEST(Plan, NamesNewGoneAndChangedUnits)
{
    const Plan plan =
        plan_of(configured("", {{"a", "command = \"a\""},
                                {"b", "command = \"b\""},
                                {"c", "command = \"c\""},
                                {"e", "command = \"e\""}}),
                configured("[storm]\nburst = 7", {{"b", "command = \"b\"\nnice = 1"},
                                                  {"c", "command = [\"c\"] # the same"},
                                                  {"d", "command = \"d\""}}));
    EXPECT_THAT(lines(plan.daemon), ElementsAre("storm.burst: 200 -> 7 restart"));
    std::vector<std::string> units;
    for (const UnitChange& unit : plan.units)
        units.push_back(unit.unit + " " + std::string(name(unit.kind)));
    EXPECT_THAT(units, ElementsAre("a removed", "b changed", "d added", "e removed"));
    EXPECT_THAT(lines(plan.units[1].keys), ElementsAre("nice: 0 -> 1 restart"));
}

std::vector<std::string> steps(const Configuration& before, const Configuration& after,
                               const EnvironmentDigests& digests_before = {},
                               const EnvironmentDigests& digests_after = {})
{
    Plan plan = plan_of(before, after);
    compare_environments(plan, after, digests_before, digests_after);
    std::vector<std::string> text;
    for (const PlanStep& step : order_of(plan, before, after))
        text.push_back(std::to_string(step.number) + " " + std::string(name(step.action)) + " " +
                       step.unit + (step.along_with.empty() ? "" : " with " + step.along_with));
    return text;
}

TEST(PlanOrder, StopsWhatNeedsOthersFirstAndRestartsWhatIsNeededFirst)
{
    const std::string changed = "nice = 1\n";
    EXPECT_THAT(steps(configured("", {{"a", "command = \"a\""},
                                      {"b", "command = \"b\"\nrequires = [\"a\"]"},
                                      {"c", "command = \"c\"\nafter = [\"b\"]"},
                                      {"x", "command = \"x\""},
                                      {"y", "command = \"y\"\nbinds_to = [\"x\"]"}}),
                      configured("", {{"a", changed + "command = \"a\""},
                                      {"b", "command = \"b\"\nrequires = [\"a\"]"},
                                      {"c", changed + "command = \"c\"\nafter = [\"b\"]"},
                                      {"d", "command = \"d\""}})),
                ElementsAre("1 stop y", "2 stop x", "3 restart a", "3 start d", "4 restart c"));
}

TEST(PlanOrder, NamesUnitsThatAreRestartedBecauseOfOthers)
{
    const auto bound = [](const std::string& more) {
        return configured("", {{"a", "command = \"a\"\n" + more},
                               {"b", "command = \"b\"\nbinds_to = [\"a\"]"},
                               {"c", "command = \"c\"\nrestart_with = [\"b\"]"},
                               {"d", "command = \"d\"\nenabled = false\nbinds_to = [\"a\"]"},
                               {"e", "command = \"e\"\nrequires = [\"a\"]"}});
    };
    EXPECT_THAT(steps(bound(""), bound("nice = 1")),
                ElementsAre("1 restart a", "1 restart b with a", "1 restart c with b"));
}

TEST(PlanOrder, HasNoStepForWhatTouchesNoProcess)
{
    const auto with = [](const std::string& more) {
        return configured("", {{"a", "command = \"a\"\n" + more}});
    };
    EXPECT_THAT(steps(with(""), with("instances = 3")), IsEmpty());
    EXPECT_THAT(steps(with("enabled = false"), with("enabled = false\nnice = 1")), IsEmpty());
    EXPECT_THAT(steps(with("enabled = false"), with("")), ElementsAre("1 start a"));
    EXPECT_THAT(steps(with(""), with("enabled = false")), ElementsAre("1 stop a"));
    EXPECT_THAT(steps(configured("", {}), with("enabled = false")), IsEmpty());
}

TEST(Plan, SeesThatEnvironmentFilesSaySomethingElse)
{
    const auto both = configured("", {{"a", "command = \"a\"\nenvironment_files = [\"/e\"]"},
                                      {"b", "command = \"b\""},
                                      {"c", "command = \"c\"\nenvironment_files = [\"/e\"]"}});
    EXPECT_THAT(steps(both, both, {{"a", 1}, {"c", 1}}, {{"a", 1}, {"c", 2}}),
                ElementsAre("1 restart c"));
    EXPECT_THAT(steps(both, both, {}, {{"a", 1}, {"c", 2}}), IsEmpty()) << "what was is not known";
    Plan plan;
    compare_environments(plan, both, {{"a", 1}}, {{"a", 0}});
    EXPECT_THAT(lines(plan.units.at(0).keys),
                ElementsAre("environment_files: (hidden: what they say) -> (cannot be read) "
                            "restart"));
}

TEST(Plan, HasNothingForAnotherFileOfTheSameMeaning)
{
    EXPECT_TRUE(plan_of(configured("[defaults]\nnice = 1", {{"a", "command = \"a\""}}),
                        configured("", {{"a", "nice = 1\ncommand = \"a\""}}))
                    .empty());
}

} // namespace
} // namespace keel::units
