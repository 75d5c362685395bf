// Files of NAME=value.
#include "units/environment_file.hpp"

#include <gmock/gmock.h>

namespace keel::units {
namespace {

using testing::ElementsAre;
using testing::Pair;

Variables good(std::string_view text)
{
    auto read = parse_environment(text);
    if (const auto* mistake = std::get_if<Mistake>(&read)) {
        ADD_FAILURE() << mistake->message;
        return {};
    }
    return std::get<Variables>(read);
}

std::string mistake(std::string_view text)
{
    const auto read = parse_environment(text);
    const auto* found = std::get_if<Mistake>(&read);
    return found == nullptr ? "none" : found->message;
}

TEST(EnvironmentFile, HasAVariableOnEachLineThatIsNoCommentAndNotBlank)
{
    EXPECT_THAT(good("# for redis\n\nA=1\n  B=two words \r\nexport C=3\nD="),
                ElementsAre(Pair("A", "1"), Pair("B", "two words"), Pair("C", "3"), Pair("D", "")));
}

TEST(EnvironmentFile, KeepsWhatStandsInQuotes)
{
    EXPECT_THAT(good("A=' x '\nB=\"a \\\"b\\\" \\\\ \\n\"\nC='\\n'\nD=it's"),
                ElementsAre(Pair("A", " x "), Pair("B", "a \"b\" \\ \n"), Pair("C", "\\n"),
                            Pair("D", "it's")));
}

TEST(EnvironmentFile, ExpandsNothing)
{
    EXPECT_THAT(good("A=$HOME/{unit}"), ElementsAre(Pair("A", "$HOME/{unit}")));
}

TEST(EnvironmentFile, GivesTheLastLineTheLastWord)
{
    EXPECT_THAT(good("A=1\nA=2"), ElementsAre(Pair("A", "2")));
}

TEST(EnvironmentFile, NamesTheLineOfAMistake)
{
    EXPECT_EQ(mistake("A=1\n\nB"), "line 3 has no `=`");
    EXPECT_EQ(mistake("=1"), "line 1 cannot be the name of a variable");
    EXPECT_EQ(mistake("A='1"), "line 1 has a quote that does not match");
    EXPECT_EQ(mistake("A=\"1\\\""), "line 1 has a quote that does not match");
    EXPECT_EQ(mistake("A=\"1\" x"), "line 1 has a quote that does not match");
}

} // namespace
} // namespace keel::units
