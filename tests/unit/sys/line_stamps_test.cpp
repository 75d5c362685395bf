#include "sys/line_stamps.hpp"

#include <gtest/gtest.h>

namespace keel::sys {
namespace {

using namespace std::chrono_literals;

const std::string stamp = stamp_of(WallTime(1'000'000'000'123ms));

TEST(LineStamps, AreTimesInUtcWithMilliseconds)
{
    EXPECT_EQ("2001-09-09T01:46:40.123Z ", stamp);
    EXPECT_EQ(stamp_length, stamp.size());
}

TEST(LineStamps, StandBeforeEachLineAndNowhereElse)
{
    EXPECT_EQ(stamp + "a\n" + stamp + "\n" + stamp + "b",
              with_stamps("a\n\nb", stamp, LineState::closed));
    EXPECT_EQ(stamp + "a\n", with_stamps("a\n", stamp, LineState::closed));
    EXPECT_EQ("", with_stamps("", stamp, LineState::closed));
}

TEST(LineStamps, LeaveOutTheRestOfALineThatIsThereInPart)
{
    EXPECT_EQ(" of it\n" + stamp + "next\n", with_stamps(" of it\nnext\n", stamp, LineState::open));
    EXPECT_EQ("\n", with_stamps("\n", stamp, LineState::open));
    EXPECT_EQ("more", with_stamps("more", stamp, LineState::open));
}

TEST(LineStamps, AreCountedOutAgain)
{
    for (const std::string bytes : {"", "a", "\n", "a\n", "a\n\nb", "\n\n\n"})
        for (const LineState before : {LineState::closed, LineState::open}) {
            const std::string text = with_stamps(bytes, stamp, before);
            EXPECT_EQ(bytes.size(), length_without_stamps(text, before)) << bytes;
        }
    EXPECT_EQ(2U, length_without_stamps(stamp + "a\n", LineState::closed));
}

} // namespace
} // namespace keel::sys
