// The certificate of the port for pages: what is told of it while it is in use.
#include "control/tls_door.hpp"
#include "tests/support/certificate.hpp"
#include "tests/support/manual_loop.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>

namespace keel::control {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct TlsDoorTest : testing::Test {
    TlsDoorTest()
    {
        loop.time.wall = WallTime(std::chrono::system_clock::now().time_since_epoch());
    }
    void open()
    {
        auto opened = TlsDoor::open(
            loop, {files, [this](const std::string& what) { told.push_back(what); }}, 2);
        door = std::move(*opened);
    }
    /// The door looks at its files, at last `later`.
    void look(Duration later = 10s)
    {
        loop.time.wall += later - 10s;
        loop.advance(10s);
        loop.finish_one();
    }

    test::TempDir folder;
    const units::TlsSpec files{folder / "web1.pem", folder / "web1.key"};
    test::ManualLoop loop;
    std::vector<std::string> told;
    std::unique_ptr<TlsDoor> door;
};

TEST_F(TlsDoorTest, TellsOnceThatACertificateRunsOutAndOnceThatItDid)
{
    test::make_certificate(files, 24h * 10);
    open();
    look(24h * 6);
    EXPECT_THAT(told, IsEmpty());
    look(24h * 2);
    look();
    EXPECT_THAT(told, ElementsAre(HasSubstr("runs out on")));
    look(24h * 2);
    look();
    EXPECT_THAT(told, ElementsAre(HasSubstr("runs out on"), HasSubstr("ran out on")));
    test::make_certificate(files, 24h * 30);
    look();
    EXPECT_THAT(told.back(), HasSubstr("has a new certificate"));
    look(24h * 20);
    EXPECT_THAT(told.back(), HasSubstr("ran out on")) << "that one, too";
}

TEST_F(TlsDoorTest, TriesAgainWhatCouldNotBeReadForAReasonThatPasses)
{
    test::make_certificate(files, 24h * 30);
    open();
    test::make_certificate(files, 24h * 60);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{0, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    look();
    look();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_THAT(told, ElementsAre(HasSubstr("Too many open files"))) << "told once";
    look();
    ASSERT_EQ(told.size(), 2U);
    EXPECT_THAT(told[1], HasSubstr("has a new certificate"));
}

} // namespace
} // namespace keel::control
