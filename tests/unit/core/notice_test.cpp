// The words of sd_notify(3), and what becomes of those that make no sense.
#include "core/notice.hpp"

#include <gtest/gtest.h>

namespace keel::core {
namespace {

using namespace std::chrono_literals;

TEST(Notice, HoldsWhatItsLinesSay)
{
    const Notice notice = parse_notice("READY=1\nSTATUS=Ready to accept connections\n"
                                       "MAINPID=4711\nWATCHDOG_USEC=20000000\n"
                                       "EXTEND_TIMEOUT_USEC=5000000\nWATCHDOG=1");
    EXPECT_EQ(notice.phase, Phase::ready);
    EXPECT_EQ(notice.status, "Ready to accept connections");
    EXPECT_EQ(notice.main, 4711);
    EXPECT_EQ(notice.watchdog, 20s);
    EXPECT_EQ(notice.extension, 5s);
    EXPECT_EQ(notice.life, Notice::Life::sign);
    EXPECT_EQ(notice.barrier, Notice::Barrier::no);
}

TEST(Notice, PassesOverWhatItDoesNotKnow)
{
    for (const std::string_view text : {"",
                                        "\n\n",
                                        "READY",
                                        "READY=0",
                                        "READY=1 ",
                                        "ready=1",
                                        " READY=1",
                                        "=1",
                                        "FDSTORE=1",
                                        "FDNAME=x",
                                        "ERRNO=2",
                                        "X_MINE=1",
                                        "WATCHDOG=0",
                                        "WATCHDOG=Trigger",
                                        "MAINPID=",
                                        "MAINPID=1",
                                        "MAINPID=-4",
                                        "MAINPID=12x",
                                        "WATCHDOG_USEC=",
                                        "WATCHDOG_USEC=-1",
                                        "WATCHDOG_USEC=1s",
                                        "EXTEND_TIMEOUT_USEC=0x10"}) {
        const Notice notice = parse_notice(text);
        EXPECT_FALSE(is_news(notice)) << text;
        EXPECT_FALSE(notice.main || notice.extension) << text;
        EXPECT_EQ(notice.life, Notice::Life::silent) << text;
        EXPECT_EQ(to_text(notice), "") << text;
    }
}

TEST(Notice, TakesTheLastOfSeveralLines)
{
    EXPECT_EQ(parse_notice("READY=1\nSTOPPING=1").phase, Phase::stopping);
    EXPECT_EQ(parse_notice("RELOADING=1\nMONOTONIC_USEC=1\nREADY=1").phase, Phase::ready);
    EXPECT_EQ(parse_notice("STATUS=a\nSTATUS=b").status, "b");
}

TEST(Notice, LetsTroubleStandWhateverElseIsSaid)
{
    EXPECT_EQ(parse_notice("WATCHDOG=trigger\nWATCHDOG=1").life, Notice::Life::trouble);
    EXPECT_EQ(parse_notice("WATCHDOG=1\nWATCHDOG=trigger").life, Notice::Life::trouble);
}

TEST(Notice, BoundsWhatAProcessMayAskFor)
{
    EXPECT_FALSE(parse_notice("WATCHDOG_USEC=0").watchdog) << "it cannot be wished away";
    EXPECT_EQ(parse_notice("WATCHDOG_USEC=1").watchdog, notice_span_min);
    EXPECT_EQ(parse_notice("WATCHDOG_USEC=99999999999999999999999").watchdog, notice_span_max);
    EXPECT_EQ(parse_notice("EXTEND_TIMEOUT_USEC=18446744073709551615").extension, notice_span_max);
}

TEST(Notice, ShowsAStatusAsPrintableTextOfBoundedLength)
{
    EXPECT_EQ(parse_notice("STATUS=").status, "");
    EXPECT_LE(parse_notice("STATUS=" + std::string(4000, 'x')).status->size(), status_bytes_max);
    const auto status = parse_notice("STATUS=\x1b[31mred \xff").status;
    ASSERT_TRUE(status);
    EXPECT_EQ(status->find('\x1b'), std::string::npos);
    EXPECT_EQ(status->find('\xff'), std::string::npos);
}

TEST(Notice, OfLifeAloneIsNoNews)
{
    EXPECT_FALSE(is_news(parse_notice("WATCHDOG=1\nBARRIER=1")));
    EXPECT_TRUE(is_news(parse_notice("WATCHDOG=1\nSTATUS=")));
    EXPECT_TRUE(is_news(parse_notice("WATCHDOG=trigger")));
}

TEST(Notice, CanBeToldToPeople)
{
    EXPECT_EQ(to_text(parse_notice("READY=1\nSTATUS=42 clients")), "READY=1, \"42 clients\"");
    EXPECT_EQ(to_text(parse_notice("EXTEND_TIMEOUT_USEC=2000000")), "2s more");
}

} // namespace
} // namespace keel::core
