#include "deploy/release_report.hpp"

#include <gmock/gmock.h>

namespace keel::deploy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ReleaseReport whole()
{
    ReleaseReport report;
    report.step = Step::download;
    report.bytes = 1048576;
    report.total = 4194304;
    report.entries = 12;
    report.state = RunState::failed;
    report.fault = Fault::source;
    report.what = "https://host/a.tar: the server answers 503";
    return report;
}

TEST(ReleaseReportText, IsAsItsHeaderSays)
{
    EXPECT_EQ(to_text(whole()), "step download\nbytes 1048576\ntotal 4194304\nentries 12\n"
                                "state failed\nfault source\n"
                                "what https://host/a.tar: the server answers 503\n");
    EXPECT_EQ(to_text({}), "step starting\nbytes 0\nentries 0\nstate running\n");
}

TEST(ReleaseReportText, ReadsBackAsItWas)
{
    EXPECT_EQ(parse_release_report(to_text(whole())), whole());
    EXPECT_EQ(parse_release_report(to_text({})), ReleaseReport{});
}

TEST(ReleaseReportText, CutAnywhereLosesLinesAndInventsNothing)
{
    const std::string text = to_text(whole());
    for (std::size_t size = 0; size < text.size(); ++size) {
        const auto report = parse_release_report(text.substr(0, size));
        EXPECT_TRUE(report.bytes == 0 || report.bytes == whole().bytes) << size;
        EXPECT_TRUE(!report.total || report.total == whole().total) << size;
        EXPECT_TRUE(report.what.empty() || report.what == whole().what) << size;
    }
}

TEST(ReleaseReportText, PassesOverWhatItDoesNotKnow)
{
    const auto report =
        parse_release_report("colour red\nstep dance\nbytes -1\ntotal 1x\n"
                             "bytes 99999999999999999999\nstate so-so\n\n \nstep\n");
    EXPECT_EQ(report, ReleaseReport{});
}

TEST(ReleaseReportText, IsBoundedAndPrintable)
{
    ReleaseReport report;
    report.what = "a\nstate done\n" + std::string(5000, 'x');
    EXPECT_LE(to_text(report).size(), report_bytes_max);
    EXPECT_THAT(to_text(report), Not(HasSubstr("\nstate done")));
    EXPECT_EQ(parse_release_report(to_text(report)).state, RunState::running);
}

TEST(ReleaseReportFile, IsNoneWhereThereIsNothing)
{
    EXPECT_FALSE(read_release_report("/nonexistent/report"));
    EXPECT_FALSE(read_release_report("/dev/null"));
    EXPECT_FALSE(read_release_report("/"));
}

TEST(ReleaseExitCode, TellsWhoseFaultItWas)
{
    EXPECT_EQ(fault_of_exit(0), std::nullopt);
    for (const Fault fault : {Fault::source, Fault::release, Fault::host})
        EXPECT_EQ(fault_of_exit(static_cast<int>(exit_of(fault))), fault);
    EXPECT_EQ(fault_of_exit(137), Fault::host);
}

} // namespace
} // namespace keel::deploy
