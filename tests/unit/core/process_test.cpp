#include "core/counters.hpp"
#include "core/process.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace keel::core {
namespace {

TEST(ExitStatus, IsReadFromTheStatusWordOfWait)
{
    EXPECT_EQ(exit_status_from_wait(0), (ExitStatus{ExitStatus::Kind::code, 0, false}));
    EXPECT_EQ(exit_status_from_wait(3 << 8), (ExitStatus{ExitStatus::Kind::code, 3, false}));
    EXPECT_EQ(exit_status_from_wait(SIGKILL),
              (ExitStatus{ExitStatus::Kind::signal, SIGKILL, false}));
    EXPECT_EQ(exit_status_from_wait(SIGSEGV | 0x80),
              (ExitStatus{ExitStatus::Kind::signal, SIGSEGV, true}));
}

TEST(ExitStatus, IsSaidInWords)
{
    EXPECT_EQ(to_text(ExitStatus{ExitStatus::Kind::code, 1, false}), "exit 1");
    EXPECT_EQ(to_text(ExitStatus{ExitStatus::Kind::signal, SIGSEGV, true}),
              "SIGSEGV (core dumped)");
    EXPECT_EQ(to_text(ExitStatus{ExitStatus::Kind::signal, SIGKILL, false, true}), "OOM-killed");
    EXPECT_EQ(to_text(ExitStatus{ExitStatus::Kind::unknown, 0, false}), "ended unseen");
    EXPECT_EQ(signal_name(99), "signal 99");
}

TEST(Histogram, PutsAValueIntoTheFirstBucketThatHoldsIt)
{
    Histogram h({1, 5, 10});
    for (const double value : {0.5, 1.0, 1.5, 10.0, 11.0})
        h.observe(value);
    EXPECT_EQ(h.counts, (std::vector<std::uint64_t>{2, 1, 1, 1}));
    EXPECT_DOUBLE_EQ(h.sum, 24.0);
}

} // namespace
} // namespace keel::core
