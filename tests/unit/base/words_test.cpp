#include "base/text.hpp"

#include <array>
#include <gmock/gmock.h>

namespace keel {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

constexpr std::array<std::string_view, 5> keys = {"restart", "requires", "ready", "user", "log"};

TEST(Nearest, FindsInsertionsDeletionsReplacementsAndSwaps)
{
    EXPECT_EQ(nearest("restrat", keys), "restart");
    EXPECT_EQ(nearest("require", keys), "requires");
    EXPECT_EQ(nearest("redy", keys), "ready");
    EXPECT_EQ(nearest("uzer", keys), "user");
    EXPECT_EQ(nearest("log", keys), "log");
}

TEST(Nearest, GivesUpBeyondAThirdOfTheWord)
{
    EXPECT_EQ(nearest("usxx", keys), std::nullopt) << "two changes in four letters";
    EXPECT_EQ(nearest("reeeeestart", keys), std::nullopt) << "four changes, however long the word";
    EXPECT_EQ(nearest("", keys), std::nullopt);
    EXPECT_EQ(nearest("user", {}), std::nullopt);
}

TEST(Nearest, PrefersTheSmallestDistanceThenTheFirst)
{
    constexpr std::array<std::string_view, 3> names = {"worker-a", "worker-b", "worker-bc"};
    EXPECT_EQ(nearest("worker-bd", names), "worker-b");
    EXPECT_EQ(nearest("worker-x", names), "worker-a");
}

TEST(SplitWords, SplitsAtBlanks)
{
    EXPECT_THAT(split_words("redis-server  /etc/redis.conf\t--port\n6379 "),
                Optional(ElementsAre("redis-server", "/etc/redis.conf", "--port", "6379")));
    EXPECT_THAT(split_words(" \t\n"), Optional(IsEmpty()));
    EXPECT_THAT(split_words(""), Optional(IsEmpty()));
}

TEST(SplitWords, TakesQuotedTextAsItIs)
{
    EXPECT_THAT(split_words(R"(echo 'a  "b" \n' "c 'd'")"),
                Optional(ElementsAre("echo", R"(a  "b" \n)", "c 'd'")));
    EXPECT_THAT(split_words(R"(a'b'"c"d)"), Optional(ElementsAre("abcd")));
    EXPECT_THAT(split_words(R"('' "")"), Optional(ElementsAre("", "")));
}

TEST(SplitWords, HandlesTheBackslashAsPosixSays)
{
    EXPECT_THAT(split_words(R"(a\ b \'c \\)"), Optional(ElementsAre("a b", "'c", R"(\)")));
    EXPECT_THAT(split_words(R"("\"\\\$\`\n")"), Optional(ElementsAre(R"("\$`\n)")));
    EXPECT_THAT(split_words("one\\\ntwo \"three\\\nfour\" \\\n"),
                Optional(ElementsAre("onetwo", "threefour")));
}

TEST(SplitWords, ExpandsNothing)
{
    EXPECT_THAT(split_words("$HOME *.log ~ # x"),
                Optional(ElementsAre("$HOME", "*.log", "~", "#", "x")));
}

TEST(SplitWords, RefusesUnclosedQuotesAndATrailingBackslash)
{
    for (const char* line : {"'", "\"", "a 'b", "a \"b", "\"b\\", "a\\", "\\"})
        EXPECT_EQ(split_words(line), std::nullopt) << line;
}

TEST(Printable, LeavesTextAlone)
{
    EXPECT_EQ(printable("plain text, ünïcode, 漢字, 🙂"),
              "plain text, ünïcode, 漢字, 🙂");
}

TEST(Printable, EscapesControlCharacters)
{
    EXPECT_EQ(printable(std::string_view("a\n\r\t\x1b[31m\x7f\0z", 12)),
              R"(a\n\r\t\x1b[31m\x7f\x00z)");
    EXPECT_EQ(printable("\xC2\x9B"), R"(\xc2\x9b)") << "C1 control";
    EXPECT_EQ(printable("\xC2\xA0"), "\xC2\xA0") << "first after the C1 controls";
}

TEST(Printable, EscapesWhatIsNotUtf8)
{
    EXPECT_EQ(printable("a\xFFz"), R"(a\xffz)");
    EXPECT_EQ(printable("\xC0\xAF"), R"(\xc0\xaf)") << "overlong";
    EXPECT_EQ(printable("\xE0\x80\xAF"), R"(\xe0\x80\xaf)") << "overlong";
    EXPECT_EQ(printable("\xED\xA0\x80"), R"(\xed\xa0\x80)") << "surrogate";
    EXPECT_EQ(printable("\xF0\x80\x80\x80"), R"(\xf0\x80\x80\x80)") << "overlong";
    EXPECT_EQ(printable("\xF4\x90\x80\x80"), R"(\xf4\x90\x80\x80)") << "beyond U+10FFFF";
    EXPECT_EQ(printable("\xE6\xBC"), R"(\xe6\xbc)") << "cut short";
    EXPECT_EQ(printable("\xED\x9F\xBF"), "\xED\x9F\xBF") << "last before the surrogates";
}

TEST(Printable, KeepsToItsLimit)
{
    EXPECT_EQ(printable("0123456789", 10), "0123456789");
    EXPECT_EQ(printable("0123456789a", 10), "0123456…");
    EXPECT_EQ(printable("漢字漢字", 10), "漢字…") << "never within a character";
    EXPECT_EQ(printable("\x01\x02\x03", 10), R"(\x01…)") << "never within an escape";
    EXPECT_EQ(printable("abc", 2), "");
    for (std::size_t limit = 0; limit < 20; ++limit)
        EXPECT_LE(printable("ab\x01漢字\n\xFFtext that is too long", limit).size(), limit);
}

} // namespace
} // namespace keel
