#include "sys/rate_gate.hpp"

#include <gtest/gtest.h>

namespace keel::sys {
namespace {

using namespace std::chrono_literals;

constexpr MonoTime begin{1000s};

/// A gate with room for ten bytes a second.
class TenBytesASecond : public testing::Test {
protected:
    TenBytesASecond() { gate.set_rate(10); }
    /// What is kept and what is dropped of a piece, until the gate has ruled on all of it.
    std::string pass(std::string_view waiting, MonoTime now)
    {
        std::string kept;
        while (!waiting.empty()) {
            std::size_t ruled = gate.room_for(waiting, now);
            kept += waiting.substr(0, ruled);
            if (ruled > 0)
                gate.kept(ruled);
            else
                ruled = gate.drop(waiting);
            waiting.remove_prefix(ruled);
        }
        return kept;
    }
    RateGate gate;
};

TEST_F(TenBytesASecond, KeepWhatFitsIntoASecond)
{
    EXPECT_EQ("abcd\n", pass("abcd\n", begin));
    EXPECT_EQ("abcd\n", pass("abcd\n", begin + 10ms));
    EXPECT_EQ("", pass("e\n", begin + 20ms));
    EXPECT_EQ("abcd\n", pass("abcd\n", begin + 1s));
}

TEST_F(TenBytesASecond, KeepWholeLinesAndDropAllThatFollowsInThatSecond)
{
    EXPECT_EQ("abc\ndef\n", pass("abc\ndef\nghijkl\nm\n", begin));
    EXPECT_EQ("", pass("m\n", begin + 500ms)); // it would fit, and stand on the gap's wrong side
    EXPECT_EQ("n\n", pass("n\n", begin + 1s));
}

TEST_F(TenBytesASecond, DropTheRestOfALineWhoseBeginningIsGone)
{
    EXPECT_EQ("abc\n", pass("abc\ndefghijkl", begin));
    EXPECT_EQ("", pass(" and its", begin + 1s));
    EXPECT_EQ("next\n", pass(" end\nnext\n", begin + 1s));
}

TEST_F(TenBytesASecond, TearOnlyALineThatNoSecondHasRoomFor)
{
    EXPECT_EQ("0123456789", pass("0123456789abcdef\n", begin));
    EXPECT_EQ("next\n", pass("next\n", begin + 1s));
    EXPECT_EQ("", pass("a line that is under way when no room is left", begin + 1s));
}

TEST_F(TenBytesASecond, AreAnyNumberOfBytesOnceTheRateIsTakenAway)
{
    EXPECT_EQ("0123456789", pass("0123456789abcdef\n", begin));
    gate.set_rate(0);
    EXPECT_EQ("0123456789abcdef\n", pass("0123456789abcdef\n", begin));
}

} // namespace
} // namespace keel::sys
