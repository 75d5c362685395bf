// What becomes of the tree that is replaced when a release is unpacked afresh: something may run
// from it, so it stays until whoever knows of that says so.
#include "tests/integration/deploy/release_fixture.hpp"
#include "tests/integration/deploy/tracer.hpp"

namespace keel::test {
namespace {

class Formers : public ReleaseFixture {
protected:
    /// A release that has something in it which no archive has, as whoever runs from it would see.
    void is_running() const
    {
        fs::remove_all(root_);
        const Ended ended = unpack(Tar().file("app", "app", 0755).end());
        ASSERT_EQ(ended.code, done) << ended.said;
        write_file(release() / "running", "from here");
    }
    /// Where that is now, below releases; empty: nowhere.
    [[nodiscard]] std::string running_at() const
    {
        for (const auto& each : fs::directory_iterator(root_ / "releases"))
            if (fs::exists(each.path() / "running") && fs::exists(each.path() / "app"))
                return each.path().filename();
        const fs::path partial = root_ / "releases/1.0.partial/tree";
        return fs::exists(partial / "running") ? "1.0.partial/tree" : "";
    }
    [[nodiscard]] bool is_fresh() const
    {
        return fs::exists(release() / "app") && !fs::exists(release() / "running");
    }
};

TEST_F(Formers, AreKeptIfSomethingMayRunFromThem)
{
    is_running();
    ASSERT_EQ(run("unpack", {"--keep-replaced"}).code, done);
    EXPECT_TRUE(is_fresh());
    EXPECT_EQ(running_at(), "1.0.former-1");
    ASSERT_EQ(run("unpack", {"--keep-replaced"}).code, done);
    EXPECT_EQ(running_at(), "1.0.former-1");
    EXPECT_TRUE(fs::exists(root_ / "releases/1.0.former-2/app"));
}

TEST_F(Formers, AreRemovedAloneOrWithTheirRelease)
{
    is_running();
    ASSERT_EQ(run("unpack", {"--keep-replaced"}).code, done);
    ASSERT_EQ(run("remove", {"--formers"}).code, done);
    EXPECT_EQ(running_at(), "");
    EXPECT_TRUE(is_fresh());
    ASSERT_EQ(run("unpack", {"--keep-replaced"}).code, done);
    ASSERT_EQ(run("remove").code, done);
    EXPECT_TRUE(fs::is_empty(root_ / "releases"));
}

TEST_F(Formers, AreNoReleases)
{
    id_ = "1.0.former-1";
    EXPECT_EQ(run("remove").code, usage);
}

TEST_F(Formers, TakeNoRoomAfterAnArchiveThatIsNoGood)
{
    is_running();
    write_file(root_ / "archives/1.0", "nothing of use");
    ASSERT_NE(run("unpack", {"--keep-replaced"}).code, done);
    EXPECT_EQ(running_at(), "1.0");
    EXPECT_FALSE(fs::exists(root_ / "releases/1.0.former-1"));
}

TEST_F(Formers, AreNeverLostToAnEndAtAnySystemCall)
{
    int kills = 0;
    for (bool is_over = false; !is_over && kills < 1000; ++kills) {
        is_running();
        Tracer tracer(words("unpack", {"--keep-replaced"}),
                      [&](pid_t, std::uint64_t, int before) { return before == kills; });
        int code = -1;
        is_over = tracer.run(code);
        EXPECT_NE(running_at(), "") << "killed at change " << kills;
        const Ended again = run("unpack", {"--keep-replaced"});
        ASSERT_EQ(again.code, done) << "killed at change " << kills << ": " << again.said;
        ASSERT_TRUE(is_fresh()) << "killed at change " << kills;
        ASSERT_NE(running_at(), "") << "killed at change " << kills << ", and done again";
    }
    EXPECT_GT(kills, 40);
}

} // namespace
} // namespace keel::test
