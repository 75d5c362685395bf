// Each verb, killed at each system call that changes the disk, and then done again.
#include "tests/integration/deploy/release_fixture.hpp"
#include "tests/integration/deploy/tracer.hpp"

namespace keel::test {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::HasSubstr;

class KilledAnywhere : public ReleaseFixture {
protected:
    /// Kills the verb at its first change, its second, and so on, until it comes to its end. Each
    /// time `prepare` goes before it, `look` sees what the kill has left, and then the verb is done
    /// again, which must always end alike.
    void expect_same_end(const std::vector<std::string>& all, const std::function<void()>& prepare,
                         const std::function<void()>& look)
    {
        prepare();
        ASSERT_EQ(run_program(all).code, done);
        const Listing expected = listing(root_);
        int in_child = 0;
        int at = 0;
        for (bool is_over = false; !is_over && at < 1000; ++at) {
            prepare();
            Tracer tracer(all, [&](pid_t, std::uint64_t, int before) { return before == at; });
            int code = -1;
            is_over = tracer.run(code);
            EXPECT_EQ(code, is_over ? done : -1);
            if (tracer.was_in_child()) ++in_child;
            look();
            const Ended again = run_program(all);
            ASSERT_EQ(again.code, done) << "killed at change " << at << ": " << again.said;
            ASSERT_EQ(listing(root_), expected) << "killed at change " << at;
        }
        kills_ = at - 1;
        kills_in_child_ = in_child;
    }

    void clear() const
    {
        fs::remove_all(root_);
        write_file(dir_ / "app.tar", archive_);
    }

    [[nodiscard]] std::vector<std::string> fetch_words() const
    {
        return words("fetch", {"--source", (dir_ / "app.tar").string()});
    }

    std::string archive_ = Tar()
                               .directory("bin")
                               .file("bin/app", "app", 0755)
                               .link("bin/alias", "app")
                               .hard_link("bin/again", "bin/app")
                               .file("lib/a/b", "b")
                               .end();
    int kills_ = 0;
    int kills_in_child_ = 0;
};

TEST_F(KilledAnywhere, FetchVouchesForNothingThatIsNotWhole)
{
    expect_same_end(
        fetch_words(), [&] { clear(); },
        [&] {
            if (!fs::exists(root_ / "archives/1.0.sha256")) return;
            EXPECT_EQ(read_file(root_ / "archives/1.0.sha256").size(), 65U);
            EXPECT_EQ(read_file(root_ / "archives/1.0"), archive_);
        });
    EXPECT_GT(kills_, 15);
}

TEST_F(KilledAnywhere, FetchOfADirectoryEndsTheSame)
{
    const fs::path source = dir_ / "source";
    fs::create_directories(source / "d");
    write_file(source / "d/a", "a");
    write_file(source / "b", std::string(300'000, 'b'));
    expect_same_end(
        words("fetch", {"--source", source.string()}), [&] { clear(); }, [] {});
    EXPECT_GT(kills_, 15);
}

TEST_F(KilledAnywhere, UnpackLeavesNoReleaseOrAWholeOne)
{
    Listing whole;
    expect_same_end(
        words("unpack"),
        [&] {
            clear();
            ASSERT_EQ(run_program(fetch_words()).code, done);
        },
        [&] {
            if (whole.empty()) {
                ASSERT_EQ(run("unpack").code, done);
                whole = listing(release());
                return;
            }
            if (fs::exists(release())) {
                EXPECT_EQ(listing(release()), whole);
            }
        });
    EXPECT_GT(kills_, 40);
    EXPECT_GT(kills_in_child_, 10);
}

TEST_F(KilledAnywhere, UnpackAfreshLeavesTheOldReleaseOrTheNew)
{
    Listing old;
    Listing fresh;
    expect_same_end(
        words("unpack"),
        [&] {
            clear();
            ASSERT_EQ(run_program(fetch_words()).code, done);
            ASSERT_EQ(run("unpack").code, done);
            fresh = listing(release());
            write_file(release() / "left", "behind");
            old = listing(release());
        },
        [&] { EXPECT_THAT(listing(release()), AnyOf(old, fresh)); });
    EXPECT_GT(kills_, 40);
}

TEST_F(KilledAnywhere, PointLeadsToTheOldOrTheNew)
{
    const auto target = [&] { return fs::read_symlink(root_ / "current").string(); };
    expect_same_end(
        words("point"),
        [&] {
            clear();
            fs::create_directories(root_ / "releases/1.0");
            fs::create_directories(root_ / "releases/0.9");
            fs::create_symlink("releases/0.9", root_ / "current");
        },
        [&] { EXPECT_THAT(target(), AnyOf("releases/0.9", "releases/1.0")); });
    EXPECT_GT(kills_, 5);
}

TEST_F(KilledAnywhere, RemoveLeavesNoHalfOfARelease)
{
    Listing whole;
    expect_same_end(
        words("remove"),
        [&] {
            clear();
            ASSERT_EQ(run_program(fetch_words()).code, done);
            ASSERT_EQ(run("unpack").code, done);
            whole = listing(release());
        },
        [&] {
            if (fs::exists(release())) {
                EXPECT_EQ(listing(release()), whole);
            } else {
                // Of no tree is it certain that it can be removed to the end.
                EXPECT_FALSE(fs::exists(root_ / "archives/1.0"));
            }
            if (!fs::exists(root_ / "archives/1.0.sha256")) return;
            EXPECT_EQ(read_file(root_ / "archives/1.0"), archive_);
        });
    EXPECT_GT(kills_, 15);
}

// ---- the jail, from outside --------------------------------------------------------------------

TEST_F(KilledAnywhere, TheReaderOfAnArchiveHasNoPrivilegesAndNowhereToGo)
{
    if (::geteuid() != 0) GTEST_SKIP() << "without root there are none to give up";
    clear();
    ASSERT_EQ(run_program(fetch_words()).code, done);
    std::string status;
    std::string root_directory;
    std::vector<std::string> descriptors;
    Tracer tracer(words("unpack"), [&](pid_t process, std::uint64_t call, int) {
        if (call != SYS_pwrite64 || !status.empty()) return false;
        const fs::path about = fs::path("/proc") / std::to_string(process);
        status = read_file(about / "status");
        root_directory = fs::read_symlink(about / "root");
        for (const auto& one : fs::directory_iterator(about / "fd"))
            descriptors.push_back(fs::read_symlink(one.path()));
        return false;
    });
    int code = -1;
    ASSERT_TRUE(tracer.run(code));
    EXPECT_EQ(code, done);
    for (const char* line :
         {"Uid:\t65534\t65534\t65534\t65534\n", "Gid:\t65534\t65534\t65534\t65534\n",
          "Groups:\t \n", "CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n",
          "CapInh:\t0000000000000000\n", "CapBnd:\t0000000000000000\n", "NoNewPrivs:\t1\n"})
        EXPECT_THAT(status, HasSubstr(line));
    EXPECT_EQ(root_directory, root_ / "releases/1.0.partial/tree");
    for (const std::string& one : descriptors)
        EXPECT_FALSE(fs::is_directory(one) && one != root_directory) << one;
    EXPECT_THAT(descriptors, Contains((root_ / "archives/1.0").string()));
}

TEST_F(KilledAnywhere, TheReaderOfAnArchiveDiesWithItsParent)
{
    clear();
    ASSERT_EQ(run_program(fetch_words()).code, done);
    pid_t child = -1;
    Tracer tracer(words("unpack"), [&](pid_t process, std::uint64_t call, int) {
        if (call != SYS_pwrite64) return false;
        child = process;
        return true;
    });
    int code = -1;
    EXPECT_FALSE(tracer.run(code));
    ASSERT_GT(child, 0);
    EXPECT_TRUE(tracer.was_in_child());
    // That run() has come back says it: it waits for all of them.
}

} // namespace
} // namespace keel::test
