// What units need of the host: programs, directories, users.
#include "tests/integration/units/folder.hpp"
#include "tests/support/golden.hpp"
#include "units/credentials.hpp"
#include "units/host_check.hpp"

#include <algorithm>
#include <filesystem>
#include <gmock/gmock.h>
#include <unistd.h>
#include <utility>

namespace keel::units {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

/// The host's problems with a unit of these lines, and what is worth a note where there is no
/// journal.
std::vector<std::string> host_problems(const std::string& text,
                                       const ControlGroups& control_groups = {"this host", {}})
{
    std::vector<std::string> lines;
    const LoadedUnit unit = load_unit(text, "web.toml");
    for (const Problem& problem : check_host(unit, {"/run/keel/web", control_groups}))
        lines.push_back(to_text(problem));
    for (const Problem& note : notes_of_host(unit, "/nowhere/stdout"))
        lines.push_back(to_text(note));
    return lines;
}

class Program : public testing::Test {
protected:
    Program()
    {
        fs::permissions(folder.write("tool", "#!/bin/sh\n"), fs::perms::owner_all);
        folder.write("data", "");
    }
    test::Folder folder;
};

TEST_F(Program, IsFoundByItsPathOrInPath)
{
    const auto command = [](const std::string& words) { return "command = [\"" + words + "\"]\n"; };
    EXPECT_THAT(host_problems(command("/bin/sh")), IsEmpty());
    EXPECT_THAT(host_problems(command("sh")), IsEmpty());
    EXPECT_THAT(host_problems(command(folder / "tool")), IsEmpty());
    EXPECT_THAT(
        host_problems(command("tool") + "environment.PATH = \"/bin:" + folder.path() + "\""),
        IsEmpty());
    EXPECT_THAT(host_problems(command("./tool") + "directory = \"" + folder.path() + "\""),
                IsEmpty());
    EXPECT_THAT(host_problems(command("tool") + "environment.PATH = \":/bin\"\ndirectory = \"" +
                              folder.path() + "\""),
                IsEmpty());
}

TEST_F(Program, ThatIsMissingOrNotExecutableIsAProblem)
{
    EXPECT_THAT(host_problems("command = \"/nowhere/web\""),
                ElementsAre("web.toml:1:11: command: /nowhere/web does not exist (install it, or "
                            "mend the path)"));
    EXPECT_THAT(
        host_problems("command = \"no-such-program\""),
        ElementsAre(HasSubstr("there is no program `no-such-program` in /usr/local/sbin:")));
    EXPECT_THAT(host_problems("command = [\"" + (folder / "data") + "\"]"),
                ElementsAre(HasSubstr("is not an executable file")));
    EXPECT_THAT(host_problems("command = [\"" + folder.path() + "\"]"),
                ElementsAre(HasSubstr("is not an executable file")));
    EXPECT_THAT(host_problems("command = \"sh\"\nenvironment.PATH = \"/nowhere\""),
                ElementsAre(HasSubstr("in /nowhere")));
}

TEST_F(Program, OfAProbeIsLookedForAsWell)
{
    EXPECT_THAT(
        host_problems("command = \"sh\"\n[[probe]]\nexec = \"true\"\n"
                      "[[probe]]\nexec = [\"/nowhere/check\"]"),
        ElementsAre(HasSubstr("web.toml:5:8: probe[2].exec: /nowhere/check does not exist")));
    EXPECT_THAT(host_problems("command = \"sh\"\n[[probe]]\nhttp = \"https://a\"\n"
                              "tls_ca = \"/nowhere/ca.pem\""),
                ElementsAre(HasSubstr("probe[1].tls_ca: /nowhere/ca.pem does not exist")));
}

TEST_F(Program, AndTheOtherThingsThatTheHostLacksAreWordedAsTheGoldenFileSays)
{
    const std::string sh = "command = \"/bin/sh\"\n";
    const auto quoted = [](const std::string& text) { return "\"" + text + "\""; };
    const auto environment = [&](const std::string& path) {
        return sh + "environment_files = [" + quoted(path) + "]";
    };
    const auto releases = [&](const std::string& root) {
        return sh + "environment.A = \"{release}\"\n[deploy]\nroot = " + quoted(root);
    };
    const std::vector<std::pair<std::string_view, std::string>> lacks{
        {"program that is not there", "command = \"/nowhere/web\""},
        {"program in none of the folders", "command = \"web\"\nenvironment.PATH = \"/nowhere\""},
        {"program that is none", "command = " + quoted(folder / "data")},
        {"directory that is not there", sh + "directory = \"/nowhere\""},
        {"directory that is none", sh + "directory = " + quoted(folder / "data")},
        {"user like another", sh + "user = \"daemno\""},
        {"user like nobody", sh + "user = \"keel-has-no-such-user\""},
        {"group like nothing", sh + "group = \"keel-has-no-such-group\""},
        {"number of nobody", sh + "user = \"3999999\""},
        {"environment file that is not there", environment("/nowhere")},
        {"environment file that is none", environment(folder.path())},
        {"environment file with a mistake", environment(folder.write("bad", "A=1\nB\n"))},
        {"environment file that is too large",
         environment(folder.write("large", std::string((1U << 20) + 1, '#')))},
        {"authorities that are not there",
         sh + "[[probe]]\nhttp = \"https://localhost\"\ntls_ca = \"/nowhere/ca.pem\""},
        {"controller that is not there", sh + "resources.memory_max = \"1GiB\""},
        {"place for releases that is not there", releases("/nowhere/web")},
        {"place for releases that is none", releases(folder / "data/web")},
        {"releases where a file is", releases(folder / "data")},
        {"journal that is not there", sh + "log.target = \"journal\""},
    };
    std::string all;
    for (const auto& [title, text] : lacks) {
        const auto problems = host_problems(text);
        EXPECT_EQ(problems.size(), 1U) << title;
        all += "# " + std::string(title) + "\n";
        for (const std::string& line : problems)
            all += folder.without_path(line) + "\n";
        all += "\n";
    }
    test::expect_golden("tests/golden/host-problems.txt", all);
}

TEST_F(Program, OfAReleaseCannotBeThereYet)
{
    const auto released = [&](const std::string& lines) {
        return host_problems(lines + "\n[deploy]\nroot = \"" + folder.path() +
                             "/web\"\nsteps = "
                             "[{ do = \"{release}/migrate\", undo = \"sh\" }]\n");
    };
    EXPECT_THAT(released("command = \"{release}/bin/web\""), IsEmpty());
    EXPECT_THAT(released("command = \"bin/web\"\ndirectory = \"{release}\""), IsEmpty());
    EXPECT_THAT(released("command = \"web\"\nenvironment.PATH = \"{release}/bin:/bin\""),
                IsEmpty());
    EXPECT_THAT(released("command = \"{release}/web\"\nprobe = [{ http = \"https://a\", tls_ca = "
                         "\"{release}/ca.pem\" }]"),
                IsEmpty());
    EXPECT_THAT(released("command = \"/nowhere/web\"\ndirectory = \"{release}\""),
                ElementsAre(HasSubstr("command: /nowhere/web does not exist")));
    EXPECT_THAT(released("command = \"web {release}\""),
                ElementsAre(HasSubstr("there is no program `web`")));
    EXPECT_THAT(released("command = \"bin/web {release}\"\nenvironment.PATH = \"{release}\""),
                ElementsAre(HasSubstr("//bin/web does not exist")));
}

TEST_F(Program, OfAStepIsLookedForAsWell)
{
    EXPECT_THAT(host_problems("command = \"{release}/web\"\n[deploy]\nroot = \"" + folder.path() +
                              "/web\"\n[[deploy.steps]]\ndo = \"/nowhere/a\"\nundo = "
                              "\"/nowhere/b\""),
                ElementsAre(HasSubstr("5:6: deploy.steps[1].do: /nowhere/a does not exist"),
                            HasSubstr("6:8: deploy.steps[1].undo: /nowhere/b does not exist")));
}

TEST_F(Program, IsLookedForWithPlaceholdersFilledIn)
{
    fs::permissions(folder.write("web-1", "#!/bin/sh\n"), fs::perms::owner_all);
    EXPECT_THAT(host_problems("command = [\"" + folder.path() + "/{unit}-{instance}\"]"),
                IsEmpty());
}

TEST_F(Program, IsCheckedEvenIfTheUnitHasOtherProblems)
{
    EXPECT_THAT(host_problems("command = \"/nowhere/web\"\ninstances = 0"), testing::SizeIs(1));
    EXPECT_THAT(host_problems("instances = 0"), IsEmpty());
    EXPECT_THAT(host_problems("no toml"), IsEmpty());
}

TEST_F(Program, NeedsItsDirectory)
{
    EXPECT_THAT(host_problems("command = \"sh\"\ndirectory = \"/nowhere\""),
                ElementsAre(HasSubstr("web.toml:2:13: directory: /nowhere: No such file")));
    EXPECT_THAT(host_problems("command = \"sh\"\ndirectory = \"/etc/passwd\""),
                ElementsAre(HasSubstr("/etc/passwd is not a directory")));
}

TEST(Accounts, ThatAreUnknownAreProblemsWithTheNearestName)
{
    EXPECT_THAT(host_problems("command = \"sh\"\nuser = \"daemno\"\ngroup = \"deamon\""),
                ElementsAre(HasSubstr("there is no user `daemno` (did you mean `daemon`?)"),
                            HasSubstr("there is no group `deamon` (did you mean `daemon`?)")));
    EXPECT_THAT(host_problems("command = \"sh\"\nuser = \"keel-has-no-such-user\""),
                ElementsAre(HasSubstr("(create it with adduser)")));
    EXPECT_THAT(host_problems("command = \"sh\"\nuser = \"daemon\"\ngroup = \"daemon\""),
                IsEmpty());
}

TEST(Accounts, ByNumberNeedAGroupIfNobodyHasTheNumber)
{
    EXPECT_THAT(host_problems("command = \"sh\"\nuser = \"3999999\""),
                ElementsAre(HasSubstr("name the `group` too")));
    EXPECT_THAT(host_problems("command = \"sh\"\nuser = \"3999999\"\ngroup = \"3999999\""),
                IsEmpty());
}

TEST(Credentials, OfANameAreItsNumbersAndGroups)
{
    const auto root = resolve_credentials({"root", ""});
    ASSERT_TRUE(root.ok()) << root.error().text();
    EXPECT_EQ(root->uid, 0U);
    EXPECT_EQ(root->gid, 0U);
    EXPECT_THAT(root->groups, testing::Contains(gid_t{0}));
}

TEST(Credentials, OfANumberAreTheSameAsOfItsName)
{
    const auto by_name = resolve_credentials({"daemon", ""});
    ASSERT_TRUE(by_name.ok());
    const auto by_number = resolve_credentials({std::to_string(by_name->uid), ""});
    ASSERT_TRUE(by_number.ok());
    EXPECT_EQ(by_number->uid, by_name->uid);
    EXPECT_EQ(by_number->gid, by_name->gid);
    EXPECT_EQ(by_number->groups, by_name->groups);
}

TEST(Credentials, TakeTheGroupThatIsNamed)
{
    const auto both = resolve_credentials({"daemon", "root"});
    ASSERT_TRUE(both.ok());
    EXPECT_EQ(both->gid, 0U);
    EXPECT_THAT(both->groups, testing::Contains(gid_t{0}));
    const auto numbers = resolve_credentials({"3999999", "3999998"});
    ASSERT_TRUE(numbers.ok());
    EXPECT_EQ(numbers->uid, 3999999U);
    EXPECT_EQ(numbers->gid, 3999998U);
    EXPECT_THAT(numbers->groups, ElementsAre(3999998U));
}

TEST(Credentials, OfNobodyInParticularAreKeeldsOwn)
{
    const auto own = resolve_credentials({"", ""});
    ASSERT_TRUE(own.ok());
    EXPECT_EQ(own->uid, ::geteuid());
    EXPECT_EQ(own->gid, ::getegid());
}

TEST(Credentials, HaveTheGroupsThatAreNamedBesidesTheUsersOwnOnceEach)
{
    const auto more = resolve_credentials({"daemon", "", {"3999997", "root", "3999997"}});
    ASSERT_TRUE(more.ok());
    EXPECT_THAT(more->groups, testing::IsSupersetOf({gid_t{0}, gid_t{3999997}}));
    EXPECT_EQ(std::ranges::count(more->groups, gid_t{3999997}), 1);
    EXPECT_EQ(resolve_credentials({"daemon", "", {"keel-has-no-such-group"}}).error().text(),
              "find group keel-has-no-such-group");
}

TEST(Accounts, AmongTheGroupsThatAreUnknownAreToldWhereTheyStand)
{
    EXPECT_THAT(host_problems("command = \"sh\"\ngroups = [\"root\", \"deamon\"]"),
                ElementsAre("web.toml:2:19: groups: there is no group `deamon` (did you mean "
                            "`daemon`?)"));
}

TEST_F(Program, NeedsItsEnvironmentFiles)
{
    const std::string good = folder.write("good.env", "A=1\n");
    const std::string bad = folder.write("bad.env", "A=1\nB\n");
    const auto files = [](const std::string& path) {
        return "command = \"sh\"\nenvironment_files = [\"" + path + "\"]";
    };
    EXPECT_THAT(host_problems(files(good)), IsEmpty());
    EXPECT_THAT(host_problems(files(bad)), ElementsAre("web.toml:2:22: environment_files: " + bad +
                                                       " line 2 has no `=` (write NAME=value)"));
    EXPECT_THAT(host_problems(files("/nowhere.env")),
                ElementsAre(HasSubstr("/nowhere.env cannot be opened: No such file")));
    EXPECT_THAT(host_problems(files("/dev/zero")), ElementsAre(HasSubstr("not a regular file")));
}

TEST(Resources, NeedTheirControllers)
{
    const std::string text =
        "command = \"sh\"\n[resources]\nmemory_max = \"1GiB\"\ncpu_weight = 200\n";
    const ControlGroups half{"this host", {"cpu", "pids"}, {}, "boot another kernel"};
    EXPECT_THAT(host_problems(text, half),
                ElementsAre("web.toml:3:14: resources.memory_max: this host has no controller "
                            "`memory` (boot another kernel)"));
    EXPECT_THAT(host_problems(text, {"this host", {"cpu", "memory"}}), IsEmpty());
    const ControlGroups nothing{"", {}, "there is no cgroup v2", "get one"};
    EXPECT_THAT(host_problems(text, nothing),
                ElementsAre(HasSubstr("memory_max: there is no cgroup v2 (get one)"),
                            HasSubstr("cpu_weight: there is no cgroup v2 (get one)")));
}

TEST(Journal, ThatIsNotThereIsWorthANoteAndNoProblem)
{
    const LoadedUnit unit =
        load_unit("command = \"sh\"\n[log]\ntarget = \"journal\"\n", "web.toml");
    const auto notes = notes_of_host(unit, "/nowhere/stdout");
    ASSERT_EQ(notes.size(), 1U);
    EXPECT_EQ(
        to_text(notes[0]),
        "web.toml:3:10: log.target: there is no journal at /nowhere/stdout (the unit runs, and "
        "its output goes where keeld's own does)");
    EXPECT_THAT(check_host(unit, {"/run/keel/web", {}}), IsEmpty());
    EXPECT_THAT(notes_of_host(load_unit("command = \"sh\"\n", "web.toml"), "/nowhere/stdout"),
                IsEmpty());
}

TEST(Resources, ThatAreAskedForAsTheyAreAnywayNeedNothing)
{
    EXPECT_THAT(host_problems("command = \"sh\"\n[resources]\ncpu_weight = 100\n"), IsEmpty());
}

TEST(Credentials, ThatAreUnknownSayWhatWasLookedFor)
{
    EXPECT_EQ(resolve_credentials({"keel-has-no-such-user", ""}).error().text(),
              "find user keel-has-no-such-user");
    EXPECT_EQ(resolve_credentials({"", "keel-has-no-such-group"}).error().text(),
              "find group keel-has-no-such-group");
    EXPECT_FALSE(resolve_credentials({"4294967295", "0"}).ok())
        << "means `no change` to the kernel";
}

} // namespace
} // namespace keel::units
