// The wording of every kind of problem, as golden text: users read it when nothing works.
#include "base/text.hpp"
#include "tests/support/golden.hpp"
#include "tests/unit/units/helpers.hpp"
#include "units/environment_file.hpp"
#include "units/unit_set.hpp"

#include <array>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <utility>

namespace keel::units {
namespace {

/// Title, and text of `web.toml`; `command` comes first where it is not the point.
using Given = std::pair<std::string_view, std::string_view>;

constexpr auto mistakes = std::to_array<Given>({
    {"not TOML: no value", "command ="},
    {"not TOML: unclosed string", "command = \"web\nuser = \"x\""},
    {"not TOML: a key twice", "command = \"a\"\ncommand = \"b\""},
    {"not TOML: words without quotes", "command = /usr/bin/web"},
    {"not TOML: bytes that are not UTF-8", "command = \"\xff\""},
    {"keys nested beyond reason", "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q = 1"},
    {"required key missing", "user = \"redis\""},
    {"unknown key with a near one", "command = \"web\"\nrestrat.delay = \"1s\""},
    {"unknown key with a near one in a section", "command = \"web\"\n[restart]\ndealy = \"1s\""},
    {"unknown key that belongs to a section", "command = \"web\"\nladder = [\"exit\"]"},
    {"unknown key that belongs to several sections", "command = \"web\"\ntimeout = \"5s\""},
    {"unknown key that belongs to the top",
     "command = \"web\"\n[[probe]]\ntcp = \"localhost:1\"\nuser = \"redis\""},
    {"unknown key like nothing", "command = \"web\"\nfavourite_colour = 1"},
    {"unknown key like nothing in a section", "command = \"web\"\n[stop]\ncolour = 1"},
    {"quoted dotted key", "command = \"web\"\n\"restart.delay\" = \"1s\""},
    {"key of a later version", "command = \"web\"\n[sandbox]\nroot = \"/srv\""},
    {"word of a later version", "command = \"web\"\ntype = \"forking\""},
    {"descriptor that is taken", "command = \"web\"\nready = \"fd:2\""},
    {"hook of a oneshot that is never ready",
     "command = \"web\"\ntype = \"oneshot\"\n[start]\npost = \"/bin/announce\""},
    {"hook without time", "command = \"web\"\n[stop]\ntimeout = \"0s\"\npre = \"/bin/drain\""},
    {"reload in two ways",
     "command = \"web\"\n[reload]\nsignal = \"HUP\"\ncommand = \"/bin/reload\""},
    {"reload of a oneshot", "command = \"web\"\ntype = \"oneshot\"\nreload.signal = \"HUP\""},
    {"rungs that need releases", "command = \"web\"\n[escalation]\nladder = [\"restart\", "
                                 "\"redeploy\", \"rollback\", \"retry\"]"},
    {"ladder that runs a hook with no name for one",
     "command = \"web\"\n[escalation]\nladder = [\"restart\", \"run:\", \"run:Page Me\"]"},
    {"ladder that runs a hook last of all or in between, but not first",
     "command = \"web\"\n[escalation]\nladder = [\"run:x\", \"restart\", \"retry\"]"},
    {"ladder upside down", "command = \"web\"\n[escalation]\nladder = [\"retry\", \"restart\"]"},
    {"ladder of one rung", "command = \"web\"\n[escalation]\nladder = [\"restart\"]"},
    {"ladder with two last rungs",
     "command = \"web\"\n[escalation]\nladder = [\"restart\", \"retry\", \"exit\"]"},
    {"ladder with a rung twice",
     "command = \"web\"\n[escalation]\nladder = [\"restart\", \"restart\", \"retry\"]"},
    {"bare number for a duration", "command = \"web\"\nunready_limit = 5"},
    {"bare number in quotes for a duration", "command = \"web\"\nunready_limit = \"5\""},
    {"bare number for a size", "command = \"web\"\nlog.max_size = 52428800"},
    {"bare number in quotes for a size", "command = \"web\"\nlog.max_size = \"50\""},
    {"duration out of range", "command = \"web\"\nstop.timeout = \"2d\""},
    {"size out of range", "command = \"web\"\nlog.max_size = \"1KiB\""},
    {"integer out of range", "command = \"web\"\ninstances = 1001"},
    {"number out of range", "command = \"web\"\nrestart.jitter = 1.5"},
    {"number that is none", "command = \"web\"\nrestart.factor = nan"},
    {"integer in quotes", "command = \"web\"\ninstances = \"3\""},
    {"boolean in quotes", "command = \"web\"\nenabled = \"false\""},
    {"number for a name", "command = \"web\"\nuser = 1000"},
    {"signal by number", "command = \"web\"\nstop.signal = 15"},
    {"signal misspelt", "command = \"web\"\nstop.signal = \"SIGTREM\""},
    {"signal like nothing", "command = \"web\"\nstop.signal = \"softly\""},
    {"word misspelt", "command = \"web\"\nrestart.policy = \"allways\""},
    {"word like nothing", "command = \"web\"\nrestart.policy = \"sometimes\""},
    {"text for a list", "command = \"web\"\nrequires = \"redis\""},
    {"list for a text", "command = \"web\"\nuser = [\"redis\"]"},
    {"date for a text", "command = \"web\"\nuser = 1979-05-27"},
    {"number for a command", "command = 5"},
    {"text for a number", "command = \"web\"\nrestart.factor = \"2\""},
    {"text for a table", "command = \"web\"\nenvironment = \"A=1\""},
    {"number for a word", "command = \"web\"\nrestart.policy = 1"},
    {"number for words", "command = \"web\"\nescalation.ladder = 1"},
    {"code for a list of codes", "command = \"web\"\nrestart.success_exit = 3"},
    {"status for a list of them",
     "command = \"web\"\n[[probe]]\nhttp = \"http://h\"\nstatus = 204"},
    {"text for a section", "command = \"web\"\nrestart = \"always\""},
    {"double brackets for a section", "command = \"web\"\n[[restart]]\ndelay = \"1s\""},
    {"single brackets for a list of sections", "command = \"web\"\n[probe]\ntcp = \"localhost:1\""},
    {"texts for a list of sections", "command = \"web\"\nprobe = [\"localhost:1\"]"},
    {"command empty", "command = \"\""},
    {"command with an unclosed quote", "command = \"sh -c 'echo\""},
    {"command for a shell", "command = \"web | tee log\""},
    {"command with a number", "command = [\"web\", 8080]"},
    {"command with a NUL", "command = [\"web\", \"a\\u0000b\"]"},
    {"file mode that is none", "command = \"web\"\numask = \"0888\""},
    {"number for a file mode", "command = \"web\"\numask = 22"},
    {"processors that are none", "command = \"web\"\ncpu_affinity = [\"3-1\", 2000]"},
    {"no processor at all", "command = \"web\"\ncpu_affinity = []"},
    {"text for processors", "command = \"web\"\ncpu_affinity = \"0-3\""},
    {"percentage without a sign", "command = \"web\"\nresources.cpu_max = \"150\""},
    {"percentage out of range", "command = \"web\"\nresources.cpu_max = \"0%\""},
    {"number for a percentage", "command = \"web\"\nresources.cpu_max = 150"},
    {"limit without a unit", "command = \"web\"\nlimits.stack = 16"},
    {"limit with a unit that it does not take", "command = \"web\"\nlimits.nproc = \"1MiB\""},
    {"limit of time without a unit", "command = \"web\"\nlimits.cpu = \"10\""},
    {"limits the wrong way round", "command = \"web\"\nlimits.data = \"1GiB:64MiB\""},
    {"list for a limit", "command = \"web\"\nlimits.fsize = []"},
    {"readiness by no line in particular", "command = \"web\"\nready = \"log:\""},
    {"readiness by a line that goes elsewhere",
     "command = \"web\"\nready = \"log:listening\"\nlog.target = \"null\""},
    {"number for a readiness", "command = \"web\"\nready = 3"},
    {"variable that is Keel's to set",
     "command = \"web\"\nready = \"notify\"\nenvironment = { NOTIFY_SOCKET = \"/run/x\" }"},
    {"oneshot for ever", "command = \"web\"\ntype = \"oneshot\"\nrestart.policy = \"always\""},
    {"oneshot with a probe",
     "command = \"web\"\ntype = \"oneshot\"\n[[probe]]\ntcp.address = \"127.0.0.1:80\""},
    {"oneshot with the keys of a service",
     "command = \"web\"\ntype = \"oneshot\"\nunready_limit = \"1m\""},
    {"path that is not absolute", "command = \"web\"\ndirectory = \"srv/web\""},
    {"user that cannot be one", "command = \"web\"\nuser = \"no one\""},
    {"control character", "command = \"web\"\ndescription = \"a\\tb\""},
    {"variable with a number", "command = \"web\"\nenvironment = { PORT = 8080, DEBUG = true }"},
    {"label that cannot be one", "command = \"web\"\nlabels = { \"a-b\" = \"x\", unit = \"y\" }"},
    {"variable without a name", "command = \"web\"\nenvironment = { \"\" = \"x\" }"},
    {"variable with a NUL", "command = \"web\"\nenvironment.A = \"a\\u0000b\""},
    {"placeholder misspelt", "command = \"web --port={prot}\""},
    {"placeholder like nothing", "command = \"web {hostname}\""},
    {"placeholder that needs releases", "command = \"{release}/bin/web\""},
    {"brace of no placeholder", "command = [\"web\", \"{\\\"a\\\": 1}\"]"},
    {"brace alone", "command = [\"web\", \"}\"]"},
    {"releases that nothing runs from", "command = \"web\"\n[deploy]\nroot = \"/srv/web\""},
    {"command by way of the link",
     "command = \"/srv/web/current/bin/web {release}\"\n[deploy]\nroot = \"/srv/web\""},
    {"text for releases", "command = \"{release}/web\"\ndeploy = \"/srv/web\""},
    {"port without port_base", "command = \"web {port}\""},
    {"ports beyond the last", "command = \"web\"\nport_base = 65535\ninstances = 3"},
    {"min_ready beyond instances", "command = \"web\"\nmin_ready = 2"},
    {"delay beyond delay_max", "command = \"web\"\nrestart.delay = \"1m\""},
    {"ready by a probe that is not there", "command = \"web\"\nready = \"probe\""},
    {"dependency that cannot be a name", "command = \"web\"\nrequires = [\"Redis\", 5]"},
    {"dependency twice", "command = \"web\"\nafter = [\"redis\", \"redis\"]"},
    {"dependency on itself", "command = \"web\"\nrequires = [\"web\"]"},
    {"exit codes", "command = \"web\"\nrestart.success_exit = [256, \"TREM\", true]"},
    {"probe of nothing", "command = \"web\"\n[[probe]]\ninterval = \"1s\""},
    {"probe of two things",
     "command = \"web\"\n[[probe]]\ntcp = \"localhost:1\"\nhttp = \"http://localhost\""},
    {"probe with a key of another kind",
     "command = \"web\"\n[[probe]]\ntcp = \"localhost:1\"\nstatus = [200]"},
    {"probe with a name that cannot be one",
     "command = \"web\"\n[[probe]]\nname = \"Ping me\"\ntcp = \"h:1\""},
    {"probes of one name", "command = \"web\"\n[[probe]]\nname = \"a\"\ntcp = "
                           "\"h:1\"\n[[probe]]\nname = \"a\"\ntcp = \"h:2\""},
    {"probe without a role", "command = \"web\"\n[[probe]]\ntcp = \"h:1\"\nrole = []"},
    {"probe with a role twice",
     "command = \"web\"\n[[probe]]\ntcp = \"h:1\"\nrole = [\"liveness\", \"liveness\", 1]"},
    {"URL of another scheme", "command = \"web\"\n[[probe]]\nhttp = \"localhost:80\""},
    {"URL without a host", "command = \"web\"\n[[probe]]\nhttp = \"http:///healthz\""},
    {"URL with a password", "command = \"web\"\n[[probe]]\nhttp = \"http://me:pw@host/\""},
    {"URL with a blank", "command = \"web\"\n[[probe]]\nhttp = \"http://host/a b\""},
    {"URL with a bad port", "command = \"web\"\n[[probe]]\nhttp = \"http://host:99999/\""},
    {"URL of a socket without a request",
     "command = \"web\"\n[[probe]]\nhttp = \"unix:/run/a.sock\""},
    {"address without a port", "command = \"web\"\n[[probe]]\ntcp = \"127.0.0.1\""},
    {"address without a host", "command = \"web\"\n[[probe]]\ntcp = \":6379\""},
    {"address that is none", "command = \"web\"\n[[probe]]\ntcp = \"127.0.0.256:1\""},
    {"address without brackets", "command = \"web\"\n[[probe]]\ntcp = \"::1:6379\""},
    {"address with half the brackets", "command = \"web\"\n[[probe]]\ntcp = \"[::1:6379\""},
    {"method in small letters",
     "command = \"web\"\n[[probe]]\nhttp = \"http://h\"\nmethod = \"get\""},
    {"header with a blank",
     "command = \"web\"\n[[probe]]\nhttp = \"http://h\"\nheaders = { \"X Y\" = \"1\" }"},
    {"expression with an open bracket",
     "command = \"web\"\n[[probe]]\nhttp = \"http://h\"\nbody = \"[a\""},
    {"expression with a back-reference",
     "command = \"web\"\n[[probe]]\nhttp = \"http://h\"\nbody = '(a)\\1'"},
    {"expression with look-ahead",
     "command = \"web\"\n[[probe]]\nhttp = \"http://h\"\nbody = '(?=a)'"},
    {"expression that is too large",
     "command = \"web\"\n[[probe]]\nhttp = \"http://h\"\nbody = '((a{200}){200}){200}'"},
    {"expression with a range that runs backwards",
     "command = \"web\"\n[[probe]]\nhttp = \"http://h\"\nbody = '[z-a]'"},
    {"expression with an open parenthesis",
     "command = \"web\"\n[[probe]]\nhttp = \"http://h\"\nbody = '(a'"},
    {"expression with a parenthesis too many",
     "command = \"web\"\n[[probe]]\nhttp = \"http://h\"\nbody = 'a)'"},
    {"expression with a backslash at its end",
     "command = \"web\"\n[[probe]]\nhttp = \"http://h\"\nbody = 'a\\'"},
    {"expression with repetitions of repetitions",
     "command = \"web\"\n[[probe]]\nhttp = \"http://h\"\nbody = 'a**'"},
    {"expression with a group whose name cannot be one",
     "command = \"web\"\n[[probe]]\nhttp = \"http://h\"\nbody = '(?P<a b>x)'"},
    {"expression with nothing to repeat",
     "command = \"web\"\n[[probe]]\nhttp = \"http://h\"\nbody = \"*\""},
    {"no status", "command = \"web\"\n[[probe]]\nhttp = \"http://h\"\nstatus = []"},
    {"statuses", "command = \"web\"\n[[probe]]\nhttp = \"http://h\"\nstatus = [99, \"2xx\", 1.0]"},
});

/// Title, and what follows [deploy] in a unit that runs from its releases.
constexpr auto deploy_mistakes = std::to_array<Given>({
    {"releases without a root", "keep = 5"},
    {"root that is not absolute", "root = \"srv/web\""},
    {"root of the host", "root = \"//.\""},
    {"root with a way up", "root = \"/srv/web/../api\""},
    {"root with a placeholder", "root = \"/srv/{unit}\""},
    {"source that is neither path nor URL", "root = \"/srv/web\"\nsource = \"web.tar\""},
    {"source without a host", "root = \"/srv/web\"\nsource = \"https:///web.tar\""},
    {"source with a placeholder of instances",
     "root = \"/srv/web\"\nsource = \"/srv/{instance}-{release}.tar\""},
    {"source with a placeholder misspelt", "root = \"/srv/web\"\nsource = \"/srv/{relaese}.tar\""},
    {"source that nothing speaks for",
     "root = \"/srv/web\"\nsource = \"http://h/{release}.tar.gz\""},
    {"digest that is none", "root = \"/srv/web\"\nsha256 = \"d41d8cd98f00b204e9800998ecf8427e\""},
    {"checksums from anybody", "root = \"/srv/web\"\nchecksums = \"http://h/SHA256SUMS\""},
    {"digest and checksums",
     "root = \"/srv/web\"\nchecksums = \"/srv/SHA256SUMS\"\nsha256 = "
     "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""},
    {"strategy of a later version", "root = \"/srv/web\"\nstrategy = \"overlap\""},
    {"step that does nothing", "root = \"/srv/web\"\nsteps = [{ undo = \"a\" }]"},
    {"step that is no section", "root = \"/srv/web\"\nsteps = [\"migrate\"]"},
    {"steps that are none", "root = \"/srv/web\"\nsteps = \"migrate\""},
    {"steps of one name", "root = \"/srv/web\"\nsteps = [{ name = \"a\", do = \"b\" }, { name = "
                          "\"a\", do = \"c\" }]"},
    {"step with an unknown key", "root = \"/srv/web\"\nsteps = [{ run = \"a\" }]"},
    {"step with a key of the section", "root = \"/srv/web\"\nsteps = [{ do = \"a\", keep = 1 }]"},
    {"hook by way of the link", "root = \"/srv/web\"\n[start]\npre = "
                                "\"sh --rcfile=/srv//web/current/rc\""},
    {"ladder that ends in a rollback",
     "root = \"/srv/web\"\n[escalation]\nladder = [\"restart\", \"redeploy\", \"rollback\"]"},
    {"no time to prove itself", "root = \"/srv/web\"\nverify_for = \"6m\""},
});

/// `count` times the same.
std::string many(std::size_t count, std::string_view what)
{
    std::string text;
    text.reserve(count * what.size());
    for (std::size_t i = 0; i < count; ++i)
        text += what;
    return text;
}

struct Mistaken {
    std::string title;
    std::string text; ///< of `web.toml`
};

/// Those above, and what is too much of something.
std::vector<Mistaken> all_mistakes()
{
    std::vector<Mistaken> all;
    for (const auto& [title, text] : mistakes)
        all.push_back({std::string(title), std::string(text)});
    const std::string command = "command = \"web\"\n";
    all.push_back({"text that is too long", command + "outage.title = \"" + many(257, "x") + "\""});
    all.push_back(
        {"argument that is too long", "command = [\"web\", \"" + many(140'000, "x") + "\"]"});
    all.push_back({"command of too many words", "command = [" + many(4097, "\"w\",") + "]"});
    all.push_back({"too many codes", command + "restart.success_exit = [" + many(257, "1,") + "]"});
    all.push_back({"path of a socket that is too long",
                   command + "[[probe]]\nhttp = \"unix:/" + many(107, "x") + ":/healthz\""});
    all.push_back({"label of many words", command + "labels.a = \"" + many(257, "x") + "\""});
    for (const auto& [title, lines] : deploy_mistakes)
        all.push_back(
            {std::string(title), "command = \"{release}/web\"\n[deploy]\n" + std::string(lines)});
    all.push_back({"root that is too long",
                   "command = \"{release}/web\"\n[deploy]\nroot = \"/" + many(1024, "x") + "\""});
    std::string variables = command + "[environment]\n";
    for (int i = 0; i < 1025; ++i)
        variables += fmt::format("V{} = \"\"\n", i);
    all.push_back({"too many variables", variables});
    all.push_back({"too many probes", command + many(33, "[[probe]]\ntcp = \"localhost:1\"\n")});
    all.push_back({"file that is too large", command + many(1U << 20, "#\n")});
    return all;
}

TEST(Problems, AreWordedAsTheGoldenFileSays)
{
    std::string all;
    for (const Mistaken& mistaken : all_mistakes()) {
        const auto problems = problems_of(mistaken.text);
        EXPECT_FALSE(problems.empty()) << mistaken.title;
        all += fmt::format("# {}\n", mistaken.title);
        for (const std::string& line : problems)
            all += line + "\n";
        all += "\n";
    }
    test::expect_golden("tests/golden/unit-file-problems.txt", all);
}

TEST(Problems, AllHaveAPositionAMessageAndAHint)
{
    for (const Mistaken& mistaken : all_mistakes())
        for (const Problem& problem : load(mistaken.text).problems) {
            EXPECT_GT(problem.line, 0U) << mistaken.title;
            EXPECT_GT(problem.column, 0U) << mistaken.title;
            EXPECT_FALSE(problem.message.empty()) << mistaken.title;
            EXPECT_FALSE(problem.hint.empty()) << mistaken.title;
        }
}

TEST(Problems, OfElevenMistakesAreElevenInOneRun)
{
    const std::string path = "tests/golden/unit-file-eleven-mistakes.toml";
    std::vector<LoadedUnit> units;
    units.push_back(load_unit(test::read_source_file(path), "eleven-mistakes.toml"));
    units.push_back(load_unit("command = \"redis-server\"", "network-backbone.toml"));
    // All but the last are found by reading; the last needs to know the other units.
    EXPECT_EQ(units.front().problems.size(), 10U);
    const UnitSet set = link_units(std::move(units));
    const auto& problems = set.find("eleven-mistakes")->problems;
    EXPECT_EQ(problems.size(), 11U);
    std::string all;
    for (const Problem& problem : problems) {
        EXPECT_FALSE(problem.hint.empty());
        all += to_text(problem) + "\n";
    }
    test::expect_golden("tests/golden/unit-file-eleven-mistakes.txt", all);
}

/// Lines of problems under a title.
std::string chapter(std::string_view title, const std::vector<Problem>& problems)
{
    std::string text = fmt::format("# {}\n", title);
    for (const Problem& problem : problems)
        text += to_text(problem) + "\n";
    return text + "\n";
}

TEST(Problems, OfSeveralUnitsTogetherAreWordedAsTheGoldenFileSays)
{
    using Files = std::vector<std::pair<std::string, std::string>>; // name, text
    const auto deploy = [](const std::string& root) {
        return "environment.HOME = \"{release}\"\ndeploy.root = \"" + root + "\"";
    };
    const std::vector<std::pair<std::string_view, Files>> sets{
        {"dependency with a near one", {{"web", "requires = [\"bakcbone\"]"}, {"backbone", ""}}},
        {"dependency like nothing", {{"web", "requires = [\"backbone\"]"}}},
        {"a cycle of two", {{"web", "requires = [\"db\"]"}, {"db", "after = [\"web\"]"}}},
        {"dependency that has problems", {{"web", "binds_to = [\"db\"]"}, {"db", "instances = 0"}}},
        {"a name twice", {{"web", ""}, {"web", ""}}},
        {"releases of two in one place",
         {{"api", deploy("/srv/web/")}, {"web", deploy("/srv/web")}}},
        {"releases within releases", {{"api", deploy("/srv/web")}, {"web", deploy("/srv/web/b")}}},
        {"releases around releases", {{"api", deploy("/srv/web/b")}, {"web", deploy("/srv/web")}}},
        {"a name that cannot be one", {{"Web", ""}}},
    };
    std::string all;
    for (const auto& [title, files] : sets) {
        std::vector<LoadedUnit> units;
        for (const auto& [name, text] : files)
            units.push_back(load_unit("command = \"x\"\n" + text, name + ".toml"));
        const auto problems = link_units(std::move(units)).all_problems();
        EXPECT_FALSE(problems.empty()) << title;
        all += chapter(title, problems);
    }
    test::expect_golden("tests/golden/unit-set-problems.txt", all);
}

TEST(Problems, OfEnvironmentFilesAreWordedAsTheGoldenFileSays)
{
    std::string all;
    for (const std::string text : {"A", "=b", "A=\"b", "A='b\"", "A=b\nB"}) {
        const auto read = parse_environment(text);
        const auto* mistake = std::get_if<Mistake>(&read);
        ASSERT_NE(mistake, nullptr) << text;
        all += fmt::format("# {}\n{} ({})\n\n", printable(text), mistake->message, mistake->hint);
    }
    test::expect_golden("tests/golden/environment-file-problems.txt", all);
}

TEST(Problems, BeyondAHundredAreCounted)
{
    std::string text = "command = \"web\"\n";
    for (int i = 0; i < 250; ++i)
        text += fmt::format("key_{} = 1\n", i);
    const auto problems = problems_of(text);
    ASSERT_EQ(problems.size(), 101U);
    EXPECT_THAT(problems.back(), testing::HasSubstr("150 more problems are not shown"));
}

TEST(Problems, ComeInTheOrderOfTheFile)
{
    const auto problems = load("zz = 1\naa = 1\n[stop]\nyy = 1\nbb = 1\n").problems;
    ASSERT_EQ(problems.size(), 5U);
    for (std::size_t i = 1; i < problems.size(); ++i)
        EXPECT_LE(problems[i - 1].line, problems[i].line);
}

TEST(Problems, ShowHostileKeysHarmlessly)
{
    for (const std::string& line :
         problems_of("\"\\u001b[31m\" = 1\n\"" + std::string(5000, 'k') + "\" = 1\n")) {
        EXPECT_EQ(line.find('\x1b'), std::string::npos);
        EXPECT_LT(line.size(), 400U);
    }
}

TEST(ProblemText, LeavesOutWhatIsEmpty)
{
    EXPECT_EQ(to_text({"a.toml", 3, 1, "user", "is wrong", "mend it"}),
              "a.toml:3:1: user: is wrong (mend it)");
    EXPECT_EQ(to_text({"a.toml", 3, 1, "", "is wrong", ""}), "a.toml:3:1: is wrong");
    EXPECT_EQ(to_text({"a.toml", 0, 0, "", "is wrong", ""}), "a.toml: is wrong");
}

} // namespace
} // namespace keel::units
