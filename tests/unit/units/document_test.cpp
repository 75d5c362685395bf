#include "units/document.hpp"

#include <gmock/gmock.h>

namespace keel::units {
namespace {

Table parse_good(const std::string& text)
{
    auto parsed = parse_document(text, "a.toml");
    if (auto* problem = std::get_if<Problem>(&parsed)) {
        ADD_FAILURE() << to_text(*problem);
        return {};
    }
    return std::get<Table>(parsed);
}

Problem parse_bad(const std::string& text)
{
    auto parsed = parse_document(text, "a.toml");
    if (auto* problem = std::get_if<Problem>(&parsed)) return *problem;
    ADD_FAILURE() << "parsed: " << text.substr(0, 200);
    return {};
}

std::string dots(std::size_t count)
{
    std::string key = "a";
    for (std::size_t i = 0; i < count; ++i)
        key += ".a";
    return key;
}

TEST(Document, KeepsValuesTheirTypesAndPlaces)
{
    const Table table = parse_good("a = 1\nb = [true, 1.5,\n 'x']\n");
    ASSERT_EQ(table.size(), 2U);
    EXPECT_EQ(table[0].key, "a");
    EXPECT_EQ(table[0].at, (Position{1, 1}));
    EXPECT_EQ(table[0].value.at, (Position{1, 5}));
    const auto& list = std::get<List>(table[1].value.data);
    ASSERT_EQ(list.size(), 3U);
    EXPECT_EQ(type_name(list[0]), "a boolean");
    EXPECT_EQ(type_name(list[1]), "a number");
    EXPECT_EQ(type_name(list[2]), "a string");
    EXPECT_EQ(list[2].at, (Position{3, 2}));
}

TEST(Document, NamesEveryType)
{
    const Table table =
        parse_good("a = 1\nb = []\nc = {}\nd = 1979-05-27\ne = 07:32:00\nf = 1979-05-27T07:32:00Z");
    std::vector<std::string_view> types;
    for (const Entry& entry : table)
        types.push_back(type_name(entry.value));
    EXPECT_THAT(types, testing::ElementsAre("an integer", "a list", "a table", "a date or time",
                                            "a date or time", "a date or time"));
}

TEST(Document, CountsColumnsInCharacters)
{
    EXPECT_EQ(parse_good("'ключ' = 1")[0].value.at, (Position{1, 10}));
    EXPECT_EQ(parse_bad("'ключ' = x").column, 10U);
}

TEST(Document, AcceptsAnEmptyFileAndAByteOrderMark)
{
    EXPECT_TRUE(parse_good("").empty());
    EXPECT_EQ(parse_good("\xEF\xBB\xBF"
                         "a = 1\r\n")
                  .size(),
              1U);
}

TEST(Document, RefusesMoreThanAMebibyte)
{
    const std::string comment(document_size_max - 2, '#');
    EXPECT_TRUE(parse_good(comment + "\n").empty());
    EXPECT_THAT(parse_bad(comment + "\n#\n").message, testing::HasSubstr("larger than 1MiB"));
}

TEST(Document, RefusesKeysSoDeepThatTheStackWouldOverflow)
{
    EXPECT_EQ(parse_good(dots(15) + " = 1").size(), 1U);
    EXPECT_EQ(parse_bad(dots(16) + " = 1").column, 32U);
    const std::string deepest = dots(500'000);
    for (const std::string& text :
         {deepest + " = 1", "[" + deepest + "]", "x = { " + deepest + " = 1 }",
          "s = '''\n'.'\n'''''\n" + deepest + " = 1", "x = { s = '''a'''', " + deepest + " = 1 }",
          "s = \"\\\"\"\n\"b\"." + deepest + " = 1",
          "s = \"\"\"a\"\"\\\"\"\"\"\n" + deepest + " = 1", "s = ''\nt = \"\"\n" + deepest + " = 1",
          "# '\n" + deepest + " = 1", "a = 1 # \"\"\"\n" + deepest + " = 1"})
        EXPECT_THAT(parse_bad(text).message, testing::HasSubstr("dots in a row"))
            << text.substr(0, 40);
}

TEST(Document, DoesNotCountDotsThatAreNoKeys)
{
    const std::string text = dots(100);
    for (const std::string& line :
         {"a = '" + text + "'", "a = \"\\\"" + text + "\"", "a = '''\n" + text + "'''",
          "a = \"\"\"" + text + "\"\"\"\"\"", "# " + text, "\"" + text + "\" = 1",
          std::string("a = [1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0]")})
        EXPECT_EQ(parse_good(line).size(), line.starts_with('#') ? 0U : 1U) << line;
}

TEST(Document, BoundsBracketsAsWell)
{
    EXPECT_FALSE(parse_bad("a = " + std::string(100'000, '[')).message.empty());
    std::string tables = "a = ";
    for (int i = 0; i < 50'000; ++i)
        tables += "{a=";
    EXPECT_FALSE(parse_bad(tables).message.empty());
}

TEST(Document, SaysWhatTheParserSaysInPrintableText)
{
    const Problem problem = parse_bad("a = \"\\q\x01\"");
    EXPECT_EQ(problem.file, "a.toml");
    EXPECT_EQ(problem.message, R"(not valid TOML: string: unknown escape sequence '\q')");
    EXPECT_FALSE(problem.hint.empty());
}

} // namespace
} // namespace keel::units
