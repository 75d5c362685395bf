// Finding a line in an output that goes by in pieces.
#include "sys/line_watch.hpp"

#include <gtest/gtest.h>

namespace keel::sys {
namespace {

TEST(LineWatch, FindsTheFirstLineThatMatches)
{
    LineWatch watch("listening on [0-9]+");
    EXPECT_EQ(watch.see("starting\nnow listening on 80\nlistening on 81\n"), "now listening on 80");
}

TEST(LineWatch, PutsATornLineTogether)
{
    LineWatch watch("^ready$");
    EXPECT_EQ(watch.see("not yet\nre"), std::nullopt);
    EXPECT_EQ(watch.see(""), std::nullopt);
    EXPECT_EQ(watch.see("ad"), std::nullopt);
    EXPECT_EQ(watch.see("y\nmore"), "ready");
}

TEST(LineWatch, WaitsForTheEndOfALine)
{
    LineWatch watch("ready");
    EXPECT_EQ(watch.see("ready"), std::nullopt);
    EXPECT_EQ(watch.see("\n"), "ready");
}

TEST(LineWatch, DoesNotMatchAcrossLines)
{
    LineWatch watch("a\\s*b");
    EXPECT_EQ(watch.see("a\nb\n"), std::nullopt);
    EXPECT_EQ(watch.see("a b\n"), "a b");
}

TEST(LineWatch, SearchesTheBeginningOfALineThatIsTooLong)
{
    LineWatch watch("ready");
    const std::string long_line(LineWatch::line_max, 'x');
    EXPECT_EQ(watch.see(long_line + "ready\n"), std::nullopt);
    EXPECT_EQ(watch.see("ready" + long_line + long_line + "\n").value_or("").size(),
              LineWatch::line_max);
}

} // namespace
} // namespace keel::sys
