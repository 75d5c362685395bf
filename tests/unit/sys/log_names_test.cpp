#include "sys/fifo.hpp"
#include "sys/log_file.hpp"
#include "sys/log_names.hpp"

#include <gtest/gtest.h>

namespace keel::sys {
namespace {

TEST(InstanceName, IsReadBackFromAFifosName)
{
    const auto name = parse_instance_name(instance_name("network-backbone", 12));
    ASSERT_TRUE(name);
    EXPECT_EQ("network-backbone", name->unit);
    EXPECT_EQ(12, name->slot);
}

TEST(InstanceName, IsNotSeenInOtherNames)
{
    for (const char* other : {"", "worker", "worker.", ".1", "worker.0", "worker.x", "worker.1x",
                              "worker.-1", "worker.65536"})
        EXPECT_FALSE(parse_instance_name(other)) << other;
}

TEST(HoldKey, IsTheSameInEveryEngineLife)
{
    EXPECT_EQ(0x85944171f73967e8ULL, hold_key("foobar")); // a published value of FNV-1a
    EXPECT_NE(hold_key("worker.1"), hold_key("worker.2"));
}

TEST(LogNames, KeepSlotsAndOtherFilesApart)
{
    const LogNames names("/log", "worker", 1);
    EXPECT_EQ("/log/worker/1.log", names.current());
    EXPECT_EQ("/log/worker/1.log.7", names.rotated(7));
    EXPECT_EQ("/log/worker/1.log.7.zst", names.packed(7));
    EXPECT_EQ(7U, names.sequence_in("1.log.7"));
    EXPECT_EQ(7U, names.sequence_in("1.log.7.zst"));
    for (const char* other : {"1.log", "1.log.", "11.log.7", "1.log.07", "1.log.0",
                              "1.log.7.zst.partial", "1.log.-7", "1.log.99999999999999999999"})
        EXPECT_FALSE(names.sequence_in(other)) << other;
}

TEST(CutAtLine, TakesAllThatFits)
{
    EXPECT_EQ((Cut{6, false}), cut_at_line("ab\ncd\n", 0, 100, false));
    EXPECT_EQ((Cut{6, false}), cut_at_line("ab\ncd\n", 94, 100, false));
}

TEST(CutAtLine, EndsTheFileAfterTheLastLineThatFits)
{
    EXPECT_EQ((Cut{3, true}), cut_at_line("ab\ncd\nef\n", 95, 100, false));
    EXPECT_EQ((Cut{6, true}), cut_at_line("ab\ncd\nef\n", 94, 100, true));
}

TEST(CutAtLine, EndsTheFileAtOnceIfItIsAtALineAndTheNextDoesNotFit)
{
    EXPECT_EQ((Cut{0, true}), cut_at_line("a long line\n", 95, 100, false));
    EXPECT_EQ((Cut{0, true}), cut_at_line("x\n", 100, 100, false));
}

TEST(CutAtLine, SeesALineThatIsUnderWayToItsEnd)
{
    EXPECT_EQ((Cut{12, true}), cut_at_line("a long line\nmore\n", 95, 100, true));
    EXPECT_EQ((Cut{8, false}), cut_at_line("no end  ", 95, 100, true));
    EXPECT_EQ((Cut{8, false}), cut_at_line("no end  ", 150, 100, true));
}

TEST(CutAtLine, TearsALineOnlyWhenItIsFarTooLong)
{
    const std::string endless(LogFile::overshoot_max, 'x');
    EXPECT_EQ((Cut{LogFile::overshoot_max - 10, true}), cut_at_line(endless, 110, 100, true));
    EXPECT_EQ((Cut{0, true}), cut_at_line("x", 100 + LogFile::overshoot_max, 100, true));
    EXPECT_EQ((Cut{LogFile::overshoot_max - 10, true}),
              cut_at_line(endless + "\n", 110, 100, true));
}

TEST(CutAtLine, PutsALineLongerThanTheLimitIntoAFileOfItsOwn)
{
    EXPECT_EQ((Cut{12, true}), cut_at_line("a long line\nb\n", 0, 5, false));
}

} // namespace
} // namespace keel::sys
