#include "tests/support/golden.hpp"
#include "tests/unit/units/helpers.hpp"
#include "units/markdown.hpp"

#include <gmock/gmock.h>
#include <set>

namespace keel::units {
namespace {

bool takes_value(const Key& key)
{
    return !std::holds_alternative<Section>(key.kind) &&
           !std::holds_alternative<Sections>(key.kind) && !std::holds_alternative<Later>(key.kind);
}

TEST(Schema, HasEachKeyOnce)
{
    std::set<std::string_view> paths;
    for (const Key& key : schema())
        EXPECT_TRUE(paths.insert(key.path).second) << key.path;
}

TEST(Schema, HasASectionForEveryKeyBelowOne)
{
    std::set<std::string> parents{""};
    for (const Key& key : schema()) {
        if (std::holds_alternative<Section>(key.kind)) parents.insert(std::string(key.path) + ".");
        if (std::holds_alternative<Sections>(key.kind))
            parents.insert(std::string(key.path) + "[].");
        EXPECT_TRUE(parents.contains(std::string(parent_of(key.path))))
            << key.path << " stands before its section or without one";
    }
}

TEST(Schema, TellsEveryKeysMeaningInOneLine)
{
    for (const Key& key : schema()) {
        EXPECT_FALSE(key.meaning.empty()) << key.path;
        EXPECT_EQ(key.meaning.find('\n'), std::string_view::npos) << key.path;
        EXPECT_FALSE(key.since.empty()) << key.path;
    }
}

TEST(Schema, NamesOnlySiblingsInOnlyWith)
{
    for (const Key& key : schema()) {
        if (key.only_with.empty()) continue;
        const Key& other = key_named(std::string(parent_of(key.path)) + std::string(key.only_with));
        EXPECT_TRUE(takes_value(other)) << key.path;
    }
}

/// The default of a row, written into a file, gives the same spec as leaving the key out.
TEST(Schema, ShowsDefaultsThatMeanTheSameWhenTheyAreWritten)
{
    for (const Key& key : schema()) {
        if (!takes_value(key) || !key.default_text.empty()) continue;
        const std::string_view parent = parent_of(key.path);
        std::string text = head_of(parent);
        if (parent == "probe[].")
            text += key.only_with == "tcp" ? "tcp = \"localhost:1\"\n" : "http = \"http://a\"\n";
        if (parent == "deploy.") text += "root = \"/srv/web\"\n";
        if (parent == "deploy.steps[].") text += "do = \"/bin/true\"\n";
        const std::string without = text;
        text += std::string(last_name(key.path)) + " = " + default_text(key) + "\n";
        EXPECT_EQ(show(key.kind, draft_of(load_good(text))),
                  show(key.kind, draft_of(load_good(without))))
            << text;
    }
}

TEST(Schema, GivesExamplesThatAreRead)
{
    for (const Key& key : schema()) {
        if (!takes_value(key) || !parent_of(key.path).empty() || key.path == "command") continue;
        if (key.path == "port_base" || key.path == "watchdog") continue; // "none" cannot be written
        (void)load_good("command = \"web\"\n" + example(key) + "\n");
    }
}

TEST(Show, QuotesTextsSoThatTheyAreReadBack)
{
    const std::string strange = std::string("a\"b\\c\n\r\t\x01\x7fünï");
    const std::string text = "command = [" + toml_string("/bin/a \"b\" \\ c") + "]\n" +
                             "[[probe]]\ntcp = \"h:1\"\nsend = " + toml_string(strange);
    const UnitSpec read = load_good(text);
    EXPECT_EQ(read.command.front(), "/bin/a \"b\" \\ c");
    EXPECT_EQ(std::get<TcpTarget>(read.probes[0].target).send, strange);
}

TEST(Schema, RendersTheCommittedReference)
{
    test::expect_golden("docs/generated/unit-file.md", unit_file_markdown());
    test::expect_golden("docs/generated/keel-toml.md", daemon_file_markdown());
}

} // namespace
} // namespace keel::units
