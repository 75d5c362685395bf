// Archives that are as they should be, and what becomes of them.
#include "tests/integration/deploy/release_fixture.hpp"

#include <sys/xattr.h>

namespace keel::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class UnpackedRelease : public ReleaseFixture {
protected:
    [[nodiscard]] mode_t mode_of(const std::string& name) const
    {
        struct stat status {};
        EXPECT_EQ(::lstat((release() / name).c_str(), &status), 0) << name;
        return status.st_mode & 07777U;
    }
    [[nodiscard]] std::int64_t time_of(const std::string& name) const
    {
        struct stat status {};
        EXPECT_EQ(::lstat((release() / name).c_str(), &status), 0) << name;
        return status.st_mtim.tv_sec;
    }
    void is_unpacked(const std::string& archive) const
    {
        const Ended ended = unpack(archive);
        ASSERT_EQ(ended.code, done) << ended.said;
        EXPECT_EQ(report().state, deploy::RunState::done);
        EXPECT_FALSE(fs::exists(root_ / "releases" / "1.0.partial"));
    }
};

std::string everything()
{
    return Tar()
        .directory("./")
        .directory("./bin/")
        .file("./bin/app", "#!/bin/sh\n", 0755)
        .directory("./empty/")
        .link("./bin/alias", "app")
        .link("./lib/up", "../bin/app")
        .hard_link("./lib/app", "./bin/app")
        .file("ünïcode/日本", "nihon")
        .file(std::string(120, 'n') + "/" + std::string(200, 'm'), "long")
        .file("nothing", "")
        .end();
}

void expect_everything(const fs::path& release)
{
    EXPECT_EQ(read_file(release / "bin/app"), "#!/bin/sh\n");
    EXPECT_TRUE(fs::is_empty(release / "empty"));
    EXPECT_EQ(fs::read_symlink(release / "bin/alias"), "app");
    EXPECT_EQ(read_file(release / "lib/up"), "#!/bin/sh\n");
    EXPECT_EQ(fs::hard_link_count(release / "lib/app"), 2U);
    EXPECT_EQ(read_file(release / "ünïcode/日本"), "nihon");
    EXPECT_EQ(read_file(release / std::string(120, 'n') / std::string(200, 'm')), "long");
    EXPECT_EQ(read_file(release / "nothing"), "");
}

TEST_F(UnpackedRelease, HoldsWhatAPlainTarHolds)
{
    is_unpacked(everything());
    expect_everything(release());
    EXPECT_EQ(report().entries, 12U) << "two of them only named by what is in them";
}

TEST_F(UnpackedRelease, HoldsWhatACompressedTarHolds)
{
    for (const auto by : {CompressedFile::By::gzip, CompressedFile::By::zstd}) {
        {
            CompressedFile file(dir_ / "packed", by);
            file.write(everything());
        }
        ASSERT_EQ(run("remove").code, done);
        const Ended ended = unpack_file(dir_ / "packed");
        ASSERT_EQ(ended.code, done) << ended.said;
        expect_everything(release());
    }
}

TEST_F(UnpackedRelease, HoldsWhatADirectoryHolds)
{
    is_unpacked(everything());
    const fs::path source = dir_ / "source";
    fs::copy(release(), source, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    fs::permissions(source / "nothing", fs::perms(0600));
    id_ = "2.0";
    ASSERT_EQ(fetch(source).code, done);
    const Ended ended = run("unpack");
    ASSERT_EQ(ended.code, done) << ended.said;
    EXPECT_EQ(listing(release()), listing(source));
}

TEST_F(UnpackedRelease, IsPackedAlikeFromTheSameDirectory)
{
    const fs::path source = dir_ / "source";
    fs::create_directory(source);
    for (const char* name : {"c", "a", "b"})
        write_file(source / name, name);
    ASSERT_EQ(fetch(source).code, done);
    id_ = "2.0";
    ASSERT_EQ(fetch(source).code, done);
    EXPECT_EQ(read_file(root_ / "archives/1.0.sha256"), read_file(root_ / "archives/2.0.sha256"));
}

TEST_F(UnpackedRelease, HasTheModesOfTheArchiveButNoneThatLetOthersIn)
{
    is_unpacked(Tar()
                    .directory("d", 07777)
                    .directory("closed", 0)
                    .file("closed/file", "x", 0)
                    .file("a", "x", 01777)
                    .file("b", "x", 0640)
                    .end());
    EXPECT_EQ(mode_of("d"), 0755U);
    EXPECT_EQ(mode_of("closed"), 0700U);
    EXPECT_EQ(mode_of("closed/file"), 0U);
    EXPECT_EQ(mode_of("a"), 0755U);
    EXPECT_EQ(mode_of("b"), 0640U);
}

TEST_F(UnpackedRelease, IsNotItsReadersOwn)
{
    is_unpacked(everything());
    for (const auto& [name, about] : listing(root_))
        EXPECT_THAT(about, HasSubstr(" " + std::to_string(::geteuid()) + ":" +
                                     std::to_string(::getegid()) + " "))
            << name;
}

TEST_F(UnpackedRelease, HasTheTimesOfTheArchiveUnlessTheyAreOdd)
{
    TarHeader old{"old"};
    old.modified = 1'000'000'000;
    TarHeader future{"future"};
    future.modified = 8'000'000'000;
    TarHeader folder{"folder/", '5'};
    folder.mode = 0755;
    folder.modified = 1'100'000'000;
    is_unpacked(Tar()
                    .header(folder)
                    .header(old)
                    .header(future)
                    .pax("mtime", "-5000000000")
                    .file("ancient")
                    .file("folder/x")
                    .end());
    EXPECT_EQ(time_of("old"), 1'000'000'000);
    EXPECT_EQ(time_of("folder"), 1'100'000'000);
    EXPECT_LE(time_of("future"), std::time(nullptr));
    EXPECT_EQ(time_of("ancient"), 0);
}

TEST_F(UnpackedRelease, HasNoAttributesOfTheArchive)
{
    is_unpacked(
        Tar()
            .records(Tar::record("SCHILY.xattr.user.evil", "1") +
                     Tar::record("SCHILY.xattr.security.capability", "1") +
                     Tar::record("SCHILY.acl.access",
                                 "user::rwx,user:4711:rwx,group::r-x,mask::rwx,other::r-x") +
                     Tar::record("SCHILY.fflags", "immutable"))
            .file("a")
            .end());
    EXPECT_EQ(::llistxattr((release() / "a").c_str(), nullptr, 0), 0);
}

TEST_F(UnpackedRelease, HasSparseFilesWithTheirHoles)
{
    const std::string records =
        Tar::record("GNU.sparse.major", "1") + Tar::record("GNU.sparse.minor", "0") +
        Tar::record("GNU.sparse.name", "sparse") + Tar::record("GNU.sparse.realsize", "100000");
    std::string map = "1\n50000\n3\n";
    map.resize(512, '\0');
    is_unpacked(Tar().records(records).file("x", map + "abc").end());
    EXPECT_EQ(read_file(release() / "sparse"),
              std::string(50000, '\0') + "abc" + std::string(49997, '\0'));
}

TEST_F(UnpackedRelease, IsUnpackedAfreshAsOne)
{
    is_unpacked(everything());
    const Listing good = listing(root_);
    write_file(release() / "bin/app", "damaged");
    write_file(release() / "left", "behind by a step");
    ASSERT_EQ(run("unpack").code, done);
    EXPECT_EQ(listing(root_), good);
}

TEST_F(UnpackedRelease, IsLeftAloneByARefusalOfAnother)
{
    is_unpacked(everything());
    const Listing good = listing(release());
    id_ = "2.0";
    EXPECT_EQ(unpack("nothing of use").code, release_at_fault);
    id_ = "1.0";
    EXPECT_EQ(listing(release()), good);
}

TEST_F(UnpackedRelease, ComesOfNoArchiveThatHasChangedSince)
{
    ASSERT_EQ(unpack(everything()).code, done);
    const Listing good = listing(release());
    write_file(root_ / "archives/1.0", Tar().file("other").end());
    const Ended ended = run("unpack");
    EXPECT_EQ(ended.code, host_at_fault);
    EXPECT_THAT(ended.said, HasSubstr("has changed since it was verified"));
    EXPECT_EQ(listing(release()), good);
    EXPECT_THAT(listing(root_ / "archives"), IsEmpty());
}

TEST_F(UnpackedRelease, ComesOfNoArchiveThatIsNotThere)
{
    const Ended ended = run("unpack");
    EXPECT_EQ(ended.code, host_at_fault);
    EXPECT_THAT(ended.said, HasSubstr("fetch it first"));
}

TEST_F(UnpackedRelease, DoesNotMindWhatAnEarlierRunHasLeft)
{
    fs::create_directories(root_ / "releases/1.0.partial/tree/d");
    fs::create_symlink(victim(), root_ / "releases/1.0.partial/tree/app");
    is_unpacked(everything());
    expect_everything(release());
    EXPECT_EQ(read_file(victim()), "as it was");
}

// ---- current, remove ---------------------------------------------------------------------------

TEST_F(UnpackedRelease, IsPointedTo)
{
    ASSERT_EQ(unpack(everything()).code, done);
    ASSERT_EQ(run("point").code, done);
    EXPECT_EQ(fs::read_symlink(root_ / "current"), "releases/1.0");
    const Listing once = listing(root_);
    ASSERT_EQ(run("point").code, done);
    EXPECT_EQ(listing(root_), once);
    id_ = "2.0";
    EXPECT_EQ(run("point").code, host_at_fault) << "there is none";
    EXPECT_EQ(listing(root_), once);
}

TEST_F(UnpackedRelease, IsRemovedWithAllThatBelongsToItAndNothingElse)
{
    ASSERT_EQ(run("remove").code, done) << "there was none";
    id_ = "2.0";
    ASSERT_EQ(unpack(everything()).code, done);
    const Listing before = listing(dir_.path());
    id_ = "1.0";
    ASSERT_EQ(unpack(everything()).code, done);
    fs::create_symlink(outside_, release() / "outside");
    fs::create_symlink(outside_, release() / "empty/outside");
    fs::permissions(release() / "empty", fs::perms(0));
    write_file(root_ / "archives/1.0.partial", "x");
    write_file(root_ / "archives/.1.0.resume", "x");
    fs::create_directories(root_ / "releases/1.0.partial/tree");
    ASSERT_EQ(run("remove").code, done);
    Listing after = listing(dir_.path());
    after["report"] = before.at("report");
    EXPECT_EQ(after, before);
}

// ---- without root ------------------------------------------------------------------------------

class WithoutRoot : public HostileArchive {
protected:
    void SetUp() override
    {
        if (::geteuid() != 0) GTEST_SKIP() << "all tests here run without root already";
        user_ = 64321;
        ASSERT_EQ(::chown(dir_.path().c_str(), user_, user_), 0);
        for (const auto& one : fs::recursive_directory_iterator(dir_.path()))
            ASSERT_EQ(::lchown(one.path().c_str(), user_, user_), 0);
        if (run_program({KEEL_BIN_DIR "/keel-release", "--version"}, user_).code != 0)
            GTEST_SKIP() << "other users cannot reach the programs that were built";
    }
};

TEST_F(WithoutRoot, UnpacksAsItsOwnUser)
{
    const Ended ended = unpack(everything());
    ASSERT_EQ(ended.code, done) << ended.said;
    expect_everything(release());
    ASSERT_EQ(run("unpack").code, done);
    ASSERT_EQ(run("point").code, done);
    for (const auto& [name, about] : listing(root_))
        EXPECT_THAT(about, HasSubstr(" 64321:64321 ")) << name;
    ASSERT_EQ(run("remove").code, done);
    EXPECT_THAT(listing(root_ / "releases"), IsEmpty());
}

TEST_F(WithoutRoot, RefusesTheSame)
{
    refuses(Tar().file("../../../outside/victim", "changed").end(), "its name holds `..`");
    refuses(Tar().link("a", "../..").file("a/x").end(), "leads out");
    refuses(Tar().special("null", '3').end(), "null: is a character device");
}

// ---- fetching from here ------------------------------------------------------------------------

TEST_F(ReleaseFixture, KeepsNoArchiveWithAnotherChecksum)
{
    write_file(dir_ / "app.tar", everything());
    const Ended ended = fetch(dir_ / "app.tar", {"--sha256", std::string(64, '0')});
    EXPECT_EQ(ended.code, release_at_fault);
    EXPECT_THAT(ended.said, HasSubstr("and not 0000"));
    EXPECT_THAT(listing(root_ / "archives"), IsEmpty());
}

TEST_F(ReleaseFixture, LooksUpAChecksumInAFile)
{
    write_file(dir_ / "app.tar", "abc");
    const std::string digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const std::string list = dir_ / "SHA256SUMS";
    write_file(list, digest + "  app.tar\n");
    EXPECT_EQ(fetch(dir_ / "app.tar", {"--checksums", list}).code, done);
    EXPECT_EQ(read_file(root_ / "archives/1.0.sha256"), digest + "\n");
    ASSERT_EQ(run("remove").code, done);
    write_file(list, std::string(64, '1') + "  app.tar\n");
    EXPECT_EQ(fetch(dir_ / "app.tar", {"--checksums", list}).code, release_at_fault);
    write_file(list, digest + "  other.tar\n");
    EXPECT_EQ(fetch(dir_ / "app.tar", {"--checksums", list}).code, release_at_fault);
    EXPECT_THAT(listing(root_ / "archives"), IsEmpty());
}

TEST_F(ReleaseFixture, FetchesNothingTwice)
{
    write_file(dir_ / "app.tar", "abc");
    ASSERT_EQ(fetch(dir_ / "app.tar").code, done);
    const Listing once = listing(root_);
    fs::remove(dir_ / "app.tar");
    const Ended again = fetch(dir_ / "app.tar");
    EXPECT_EQ(again.code, done) << again.said;
    EXPECT_EQ(listing(root_), once);
    write_file(root_ / "archives/1.0", "abd");
    EXPECT_EQ(fetch(dir_ / "app.tar").code, source_at_fault) << "it is not what was verified";
    EXPECT_THAT(listing(root_ / "archives"), IsEmpty());
}

TEST_F(ReleaseFixture, FetchesAnewWhatNobodyVouchesFor)
{
    write_file(dir_ / "app.tar", "abc");
    ASSERT_EQ(fetch(dir_ / "app.tar").code, done);
    const Listing once = listing(root_);
    write_file(root_ / "archives/1.0", "abd");
    fs::remove(root_ / "archives/1.0.sha256");
    EXPECT_EQ(fetch(dir_ / "app.tar").code, done);
    EXPECT_EQ(listing(root_), once);
}

TEST_F(ReleaseFixture, SaysWhatItCannotBeAskedFor)
{
    const auto asked = [&](const std::string& source, const std::vector<std::string>& more = {}) {
        return fetch(source, more).code;
    };
    EXPECT_EQ(asked("http://127.0.0.1:1/a.tar"), usage) << "without a checksum";
    EXPECT_EQ(asked("relative.tar"), usage);
    EXPECT_EQ(asked(outside_, {"--sha256", std::string(64, '0')}), usage);
    EXPECT_EQ(asked("/x.tar", {"--sha256", "12"}), usage);
    EXPECT_EQ(asked("https://x/a.tar", {"--checksums", "http://x/sums"}), usage);
    EXPECT_EQ(asked("/nonexistent/a.tar"), source_at_fault);
    EXPECT_EQ(asked("/dev/null"), source_at_fault);
    id_ = "../1.0";
    EXPECT_EQ(run("remove").code, usage);
    id_ = "1.0.partial";
    EXPECT_EQ(run("remove").code, usage);
}

TEST_F(ReleaseFixture, ReportsWhatItCannotBeAskedFor)
{
    const auto reported = [&](const std::string& source, const std::string& list) {
        EXPECT_EQ(fetch(source, {"--checksums", list}).code, usage);
        EXPECT_EQ(report().state, deploy::RunState::failed);
        EXPECT_EQ(report().fault, deploy::Fault::host);
        return report().what;
    };
    EXPECT_EQ(reported(outside_, victim()), "a directory has no checksum");
    EXPECT_EQ(reported("/x.tar", "list"), "the place of checksums must be absolute");
}

} // namespace
} // namespace keel::test
