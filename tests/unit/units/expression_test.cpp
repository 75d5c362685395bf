#include "units/expression.hpp"

#include <gtest/gtest.h>
#include <string>

namespace keel::units {
namespace {

TEST(SearchedExpression, IsFoundAnywhereInTheText)
{
    const Expression expression(R"x("status":\s*"(up|ok)")x");
    EXPECT_TRUE(expression.problem().empty());
    EXPECT_TRUE(expression.found_in(R"({"name": "api", "status":  "ok"})"));
    EXPECT_FALSE(expression.found_in(R"({"status": "down"})"));
    EXPECT_FALSE(expression.found_in(""));
    EXPECT_TRUE(Expression("").found_in(""));
    EXPECT_TRUE(Expression("^ok$").found_in("ok"));
    EXPECT_FALSE(Expression("^ok$").found_in("ok\n"));
    EXPECT_TRUE(Expression("é+").found_in("caféé"));
    EXPECT_TRUE(Expression("x").found_in({"\0\xFFx", 3}));
}

TEST(SearchedExpression, TakesStepsInProportionToTheTextAlone)
{
    // An engine that backtracks would not come back from these.
    const std::string text(64 << 10, 'x');
    EXPECT_FALSE(Expression("(x+x+)+y").found_in(text));
    EXPECT_FALSE(Expression("(x|xx)*z").found_in(text));
    const Expression large("(x?){500}x{500}y");
    EXPECT_TRUE(large.problem().empty());
    EXPECT_EQ(10 * large.steps_for(1000), large.steps_for(10'000));
    EXPECT_GT(large.steps_for(1000), Expression("x").steps_for(1000));
}

TEST(SearchedExpression, SaysWhatIsWrongWithIt)
{
    EXPECT_EQ("a `[` that is not closed", Expression("[").problem());
    EXPECT_EQ("a `(` that is not closed", Expression("(").problem());
    EXPECT_EQ("a `)` that closes nothing", Expression(")").problem());
    EXPECT_NE("", Expression("((a{100}){100}){100}").problem());
    EXPECT_NE("", Expression(R"(\1)").problem());
    EXPECT_NE("", Expression("(?=a)").problem());
}

} // namespace
} // namespace keel::units
