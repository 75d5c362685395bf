// One archive for each way to hurt somebody with one.
#include "tests/integration/deploy/release_fixture.hpp"

#include <random>
#include <sys/socket.h>
#include <sys/un.h>

namespace keel::test {
namespace {

using ::testing::HasSubstr;

// ---- names -------------------------------------------------------------------------------------

TEST_F(HostileArchive, WithAnAbsoluteName)
{
    refuses(Tar().file("good").file(victim(), "changed").end(), "victim: its name is absolute");
}

TEST_F(HostileArchive, WithANameThatGoesUp)
{
    refuses(Tar().file("../../../outside/victim", "changed").end(), "its name holds `..`");
    refuses(Tar().file("a/../../b").end(), "its name holds `..`");
}

TEST_F(HostileArchive, WithANameThatComesTwice)
{
    refuses(Tar().file("a", "1").file("./a", "2").end(), "./a: comes twice");
}

TEST_F(HostileArchive, WithANameThatIsNoUtf8) { refuses(Tar().file("caf\xe9").end(), "caf\\xe9"); }

TEST_F(HostileArchive, WithAPaxNameThatIsNoUtf8)
{
    refuses(Tar().pax("path", "caf\xe9").file("x").end(), "refused");
}

TEST_F(HostileArchive, WithControlCharactersInAName)
{
    refuses(Tar().file("a\x1b]0;b").end(), "a\\x1b]0;b: its name holds control characters");
    refuses(Tar().file("a\nb").end(), "a\\nb: its name holds control characters");
}

TEST_F(HostileArchive, WithANameThatIsTooLong)
{
    std::string path;
    for (int i = 0; i < 30; ++i)
        path += std::string(99, 'a') + "/";
    refuses(Tar().file(path + "x").end(), "more than 2048 bytes");
}

TEST_F(HostileArchive, WithANameThatIsTooDeep)
{
    std::string path;
    for (int i = 0; i < 70; ++i)
        path += "a/";
    refuses(Tar().file(path + "x").end(), "more than 64 deep");
}

TEST_F(HostileArchive, WithAComponentThatIsTooLong)
{
    refuses(Tar().file(std::string(300, 'a')).end(), "a component of more than 255 bytes");
}

TEST_F(HostileArchive, WithAFileBelowAFile)
{
    refuses(Tar().file("a").file("a/b").end(), "a/b: is below what is a file");
}

TEST_F(HostileArchive, WhoseOwnDirectoryIsALink)
{
    refuses(Tar().link("./", "x").end(), "has no name");
}

// ---- links -------------------------------------------------------------------------------------

TEST_F(HostileArchive, WithALinkToAnAbsoluteName)
{
    refuses(Tar().link("a", victim()).end(), "a: is a symbolic link to an absolute name");
}

TEST_F(HostileArchive, WithALinkThatLeadsOut)
{
    refuses(Tar().link("d/a", "../../../outside/victim").end(), "leads out of the release");
}

TEST_F(HostileArchive, WithALinkThatLeadsOutThroughAnother)
{
    refuses(Tar().link("p/q/top", "../..").link("out", "p/q/top/../../outside").end(),
            "`..` after another name");
}

TEST_F(HostileArchive, WithAnEntryThatGoesThroughALink)
{
    refuses(Tar().directory("b").link("a", "b").file("a/x").end(),
            "a/x: goes through a symbolic link");
}

TEST_F(HostileArchive, WithAFileInPlaceOfALink)
{
    refuses(Tar().link("a", "b").file("a", "changed").end(), "a: comes twice");
}

TEST_F(HostileArchive, WithALinkToATooLongName)
{
    refuses(Tar().link("a", std::string(1100, 'x')).end(), "more than 1024 bytes");
}

TEST_F(HostileArchive, WithAHardLinkThatLeadsOut)
{
    refuses(Tar().hard_link("a", "../../../outside/victim").end(), "holds `..`");
    refuses(Tar().hard_link("a", victim()).end(), "is absolute");
}

TEST_F(HostileArchive, WithAHardLinkToNothing)
{
    refuses(Tar().hard_link("a", "b").file("b").end(), "not in the archive before it");
}

TEST_F(HostileArchive, WithAHardLinkToALink)
{
    refuses(Tar().link("b", "c").hard_link("a", "b").end(), "a hard link to what is no file");
}

// ---- kinds -------------------------------------------------------------------------------------

TEST_F(HostileArchive, WithACharacterDevice)
{
    refuses(Tar().special("null", '3').end(), "null: is a character device");
}

TEST_F(HostileArchive, WithABlockDevice)
{
    refuses(Tar().special("sda", '4').end(), "sda: is a block device");
}

TEST_F(HostileArchive, WithAFifo) { refuses(Tar().special("pipe", '6').end(), "pipe: is a FIFO"); }

TEST_F(HostileArchive, WithASetUserIdFile)
{
    refuses(Tar().file("su", "x", 04755).end(), "su: has its set-user-id");
}

TEST_F(HostileArchive, WithASetGroupIdFile)
{
    refuses(Tar().file("su", "x", 02755).end(), "set-group-id bit set");
}

// ---- sizes -------------------------------------------------------------------------------------

TEST_F(HostileArchive, OfAGibibyteOfZerosInAFile)
{
    {
        CompressedFile file(dir_ / "bomb", CompressedFile::By::zstd);
        file.write(TarHeader{"zeros", '0', 1ULL << 30}.bytes());
        const std::string mebibyte(1 << 20, '\0');
        for (int i = 0; i < 1024; ++i)
            file.write(mebibyte);
        file.write(std::string(1024, '\0'));
    }
    ASSERT_LT(fs::file_size(dir_ / "bomb"), 1U << 20);
    refuses_file(dir_ / "bomb", "zeros: with it there is more than 200 times");
}

TEST_F(HostileArchive, OfAGibibyteOfZerosBehindItsEnd)
{
    {
        CompressedFile file(dir_ / "bomb", CompressedFile::By::gzip);
        file.write(Tar().file("a").end());
        const std::string mebibyte(1 << 20, '\0');
        for (int i = 0; i < 1024; ++i)
            file.write(mebibyte);
    }
    refuses_file(dir_ / "bomb", "unpacks to more than 200 times its size");
}

TEST_F(HostileArchive, OfAMillionEmptyFiles)
{
    {
        // Names that do not compress well: it is the number of files that shall be refused.
        std::mt19937_64 lots(4711); // NOLINT(cert-msc51-cpp): the same each time
        CompressedFile file(dir_ / "crowd", CompressedFile::By::zstd);
        for (int i = 0; i < 1'000'000; ++i)
            file.write(TarHeader{std::to_string(lots()) + std::to_string(lots())}.bytes());
        file.write(std::string(1024, '\0'));
    }
    refuses_file(dir_ / "crowd", "more than 200000 entries");
}

TEST_F(HostileArchive, WithASparseFileOfEnormousSize)
{
    const std::string records = Tar::record("GNU.sparse.major", "1") +
                                Tar::record("GNU.sparse.minor", "0") +
                                Tar::record("GNU.sparse.name", "huge") +
                                Tar::record("GNU.sparse.realsize", "1125899906842624");
    refuses(Tar()
                .records(records)
                .file("x", "1\n1125899906842623\n1\n" + std::string(493, '\0') + "y")
                .end(),
            "huge: with it there are more than 32GiB");
}

TEST_F(HostileArchive, WithAFileOfEnormousSize)
{
    TarHeader header{"huge"};
    header.raw_size = std::string("\x80\0\0\0\x3f\xff\xff\xff\xff\xff\xff\xff", 12);
    refuses(Tar().header(header).contents("x").end(), "refused");
}

TEST_F(HostileArchive, WithAFileOfNegativeSize)
{
    TarHeader header{"less"};
    header.raw_size = std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", 12);
    refuses(Tar().header(header).end(), "refused");
}

// ---- what is no archive, or not all of one ------------------------------------------------------

TEST_F(HostileArchive, ThatEndsWithinAFile)
{
    const std::string whole = Tar().file("a", std::string(5000, 'a')).end();
    refuses(whole.substr(0, 3000), "runcated");
}

TEST_F(HostileArchive, ThatEndsBetweenTwoEntries)
{
    refuses(Tar().file("a").file("b").unended(), "its end is missing");
}

TEST_F(HostileArchive, ThatEndsBetweenTwoEntriesAfterZeros)
{
    refuses(Tar().file("a", std::string(4096, '\0')).unended(), "its end is missing");
}

TEST_F(HostileArchive, ThatEndsWithinItsCompression)
{
    for (const auto by : {CompressedFile::By::gzip, CompressedFile::By::zstd}) {
        {
            CompressedFile file(dir_ / "whole", by);
            file.write(Tar().file("a", std::string(5000, 'a')).end());
        }
        const std::string whole = read_file(dir_ / "whole");
        refuses(whole.substr(0, whole.size() - 9), "refused");
    }
}

TEST_F(HostileArchive, WithGarbageBehindIt)
{
    refuses(Tar().file("a").end() + "garbage", "something follows its end");
    refuses(Tar().file("a").end() + Tar().file("b").end(), "something follows its end");
}

TEST_F(HostileArchive, WithGarbageBehindItsCompression)
{
    for (const auto by : {CompressedFile::By::gzip, CompressedFile::By::zstd}) {
        {
            CompressedFile file(dir_ / "whole", by);
            file.write(Tar().file("a").end());
        }
        refuses(read_file(dir_ / "whole") + "garbage", "refused");
    }
}

TEST_F(HostileArchive, ThatIsCompressedTwice)
{
    {
        CompressedFile file(dir_ / "once", CompressedFile::By::gzip);
        file.write(Tar().file("a").end());
    }
    {
        CompressedFile file(dir_ / "twice", CompressedFile::By::zstd);
        file.write(read_file(dir_ / "once"));
    }
    fs::remove(dir_ / "once");
    refuses_file(dir_ / "twice", "compressed more than once");
}

TEST_F(HostileArchive, ThatIsEmpty)
{
    refuses("", "it is empty");
    refuses(std::string(10240, '\0'), "refused");
    refuses(Tar().directory("./").end(), "it is empty");
}

TEST_F(HostileArchive, ThatIsNone)
{
    std::string noise;
    std::mt19937 lots(1); // NOLINT(cert-msc51-cpp): the same each time
    for (int i = 0; i < 20'000; ++i)
        noise += static_cast<char>(lots());
    refuses(noise, "refused");
    refuses("#!/bin/sh\necho hello\n", "refused");
}

TEST_F(HostileArchive, OfAFormatThatIsNotNamed)
{
    // As cpio, ar and a shell archive begin; libarchive would know them.
    refuses("070707000000000000000644000000000000000001000000000000000000000700000000001a\0x",
            "refused");
    refuses("!<arch>\na/              0           0     0     644     1         `\nx\n", "refused");
}

// ---- directories as sources --------------------------------------------------------------------

class HostileDirectory : public HostileArchive {
protected:
    HostileDirectory() { fs::create_directories(source_ / "sub"); }
    void refuses_directory(const std::string& why)
    {
        ASSERT_EQ(run("remove").code, done);
        const Listing before = listing(root_);
        const Ended ended = fetch(source_);
        EXPECT_EQ(ended.code, release_at_fault) << ended.said;
        EXPECT_THAT(ended.said, HasSubstr(why));
        EXPECT_EQ(listing(root_), before);
    }
    fs::path source_ = dir_ / "source";
};

TEST_F(HostileDirectory, WithALinkThatLeadsOut)
{
    fs::create_symlink("../../outside/victim", source_ / "sub" / "a");
    refuses_directory("sub/a: is a symbolic link that leads out");
}

TEST_F(HostileDirectory, WithAFifo)
{
    ASSERT_EQ(::mkfifo((source_ / "pipe").c_str(), 0600), 0);
    refuses_directory("pipe: is a FIFO");
}

TEST_F(HostileDirectory, WithASocket)
{
    const OwnedFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = source_ / "socket";
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    refuses_directory("socket: is a socket");
}

TEST_F(HostileDirectory, WithASetUserIdFile)
{
    write_file(source_ / "su", "x");
    ASSERT_EQ(::chmod((source_ / "su").c_str(), 04755), 0);
    refuses_directory("su: has its set-user-id");
}

TEST_F(HostileDirectory, WithNothingInIt)
{
    fs::remove(source_ / "sub");
    refuses_directory("it is empty");
}

} // namespace
} // namespace keel::test
