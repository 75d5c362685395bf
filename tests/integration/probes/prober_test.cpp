// All the targets that could hang, flood or mislead a prober, at the same time on one loop.
#include "tests/integration/probes/fixture.hpp"
#include "tests/integration/probes/targets.hpp"

#include <csignal>
#include <sys/resource.h>

namespace keel::test {
namespace {

class Prober : public ProberTest {
protected:
    Prober() { set_lookup(targets_.lookup()); }
    BadTargets targets_;
};

TEST_F(Prober, JudgesEveryBadTargetWithinItsTimeout)
{
    const auto cases = targets_.cases();
    std::vector<std::optional<ProbeAnswer>> answers(cases.size());
    for (std::size_t i = 0; i < cases.size(); ++i)
        begin(cases[i].target, cases[i].timeout, answers[i]);
    EXPECT_TRUE(run_until(loop_, [&] {
        return std::all_of(answers.begin(), answers.end(),
                           [](const auto& one) { return one.has_value(); });
    }));
    for (std::size_t i = 0; i < cases.size(); ++i)
        EXPECT_TRUE(is(answers[i].value_or(ProbeAnswer{}), cases[i].verdict, cases[i].kind))
            << cases[i].name;
}

/// While it lives, this process gets no more descriptors.
class NoDescriptors {
public:
    NoDescriptors()
    {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit none = before_;
        none.rlim_cur = 0; // Also those that another thread gives back meanwhile are not to be had.
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;

private:
    rlimit before_{};
};

TEST_F(Prober, IsUnknownWithoutDescriptors)
{
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "to look at a type, the sanitizer needs descriptors itself";
#endif
    units::HttpTarget http;
    http.url = "http://127.0.0.1:9/";
    (void)probe(http); // what libcurl needs for itself is there
    const NoDescriptors none;
    EXPECT_TRUE(is(probe(http), Verdict::unknown, VerdictKind::internal, "Too many open files"));
    EXPECT_TRUE(is(probe(units::TcpTarget{"127.0.0.1:9", "", ""}), Verdict::unknown,
                   VerdictKind::internal, "Too many open files"));
    EXPECT_TRUE(is(probe(units::ExecTarget{{"true"}}), Verdict::unknown, VerdictKind::internal,
                   "Too many open files"));
}

TEST_F(Prober, BlamesNobodyWhenTheLoopItselfWasLate)
{
    const Server server([](Peer& peer) { peer.hold(); });
    std::optional<ProbeAnswer> answer;
    begin(units::TcpTarget{server.address(), "", "x"}, 100ms, answer);
    loop_.defer([] { ::poll(nullptr, 0, 400); });
    ASSERT_TRUE(run_until(loop_, [&] { return answer.has_value(); }));
    EXPECT_TRUE(is(*answer, Verdict::unknown, VerdictKind::internal, "the event loop was late by"));
}

TEST_F(Prober, MayBeAskedAndCancelledFromAnAnswer)
{
    std::optional<ProbeAnswer> second, third;
    const Server server([](Peer& peer) { peer.hold(); });
    const units::TcpTarget good{server.address(), "", ""}, silent{server.address(), "", "x"};
    const auto cancelled = begin(silent, 20s, third);
    bool first = false;
    prober_.probe({ports::AttemptId{1000}, good, 20s, {}}, [&](const ProbeAnswer&) {
        first = true;
        begin(good, 20s, second);
        prober_.cancel(cancelled);
        prober_.cancel(ports::AttemptId{1000});
    });
    EXPECT_TRUE(run_until(loop_, [&] { return second.has_value(); }));
    EXPECT_TRUE(first);
    EXPECT_FALSE(third);
}

} // namespace
} // namespace keel::test
