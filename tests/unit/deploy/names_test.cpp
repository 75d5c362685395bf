#include "base/release_id.hpp"
#include "deploy/checksums.hpp"
#include "deploy/digest.hpp"
#include "deploy/failed.hpp"
#include "deploy/source_name.hpp"

#include <gtest/gtest.h>

namespace keel::deploy {
namespace {

TEST(ReleaseId, IsOneHarmlessComponentOfAPath)
{
    for (const char* good : {"1", "v1.2.3", "2025-01-31_abc+dirty", "a..b", "A.partial.1"})
        EXPECT_TRUE(is_release_id(good)) << good;
    for (const char* bad : {"", ".", "..", ".hidden", "-x", "_x", "a/b", "a b", "a\n", "ä", "a:b"})
        EXPECT_FALSE(is_release_id(bad)) << bad;
    EXPECT_FALSE(is_release_id(std::string_view("a\0b", 3)));
}

TEST(ReleaseId, IsNeverTheNameOfAFileBesideARelease)
{
    EXPECT_FALSE(is_release_id("1.2.partial"));
    EXPECT_FALSE(is_release_id("1.2.sha256"));
    EXPECT_TRUE(is_release_id("1.2.sha256x"));
}

TEST(ReleaseId, HasAtMost128Bytes)
{
    EXPECT_TRUE(is_release_id(std::string(128, 'a')));
    EXPECT_FALSE(is_release_id(std::string(129, 'a')));
}

TEST(SourceName, TellsNeitherUserNorPasswordNorQuery)
{
    EXPECT_EQ(shown_source("https://me:secret@host/a.tar?token=x#y"), "https://host/a.tar");
    EXPECT_EQ(shown_source("https://me:s@cret@host/a@b.tar"), "https://host/a@b.tar");
    EXPECT_EQ(shown_source("https://host"), "https://host");
    EXPECT_EQ(shown_source("HTTP://me@host?token=x"), "HTTP://host");
    EXPECT_EQ(shown_source("/srv/a?b\n.tar"), "/srv/a?b\\n.tar");
}

TEST(SourceName, KnowsKindsByTheirScheme)
{
    EXPECT_EQ(source_kind("HTTPS://x"), SourceKind::https);
    EXPECT_EQ(source_kind("http://x"), SourceKind::http);
    EXPECT_EQ(source_kind("/http://x"), SourceKind::local);
    EXPECT_EQ(source_kind("file:///x"), SourceKind::local);
}

TEST(SourceName, HasABaseNameWithoutQuery)
{
    EXPECT_EQ(base_name_of("https://host/d/a-1.tar.gz?x=/y"), "a-1.tar.gz");
    EXPECT_EQ(base_name_of("/srv/a.tar"), "a.tar");
    EXPECT_EQ(base_name_of("/srv/app/"), "app");
}

// ---- checksums ---------------------------------------------------------------------------------

const std::string one(64, '1'); // NOLINT(bugprone-throwing-static-initialization)
const std::string two(64, '2'); // NOLINT(bugprone-throwing-static-initialization)

TEST(Checksums, AreFoundByTheNameOfTheFile)
{
    const std::string list = "# signed\n" + one + "  a.tar\r\n" + two + " *./dist/b.tar\nfoo";
    EXPECT_EQ(find_checksum(list, "a.tar"), one);
    EXPECT_EQ(find_checksum(list, "b.tar"), two);
    EXPECT_EQ(find_checksum(std::string(64, 'A') + "  x", "x"), std::string(64, 'a'));
}

TEST(Checksums, AreNoneOfAnotherName)
{
    for (const std::string& list :
         {std::string(), one, one + "  ", one + "  xa.tar", one + "  a.tar.asc", one + " a.tar",
          one.substr(1) + "  a.tar", "g" + one.substr(1) + "  a.tar", "\\" + one + "  a.tar"})
        EXPECT_THROW((void)find_checksum(list, "a.tar"), Failed) << list;
}

TEST(Checksums, AreNotChosenBetween)
{
    EXPECT_EQ(find_checksum(one + "  a\n" + one + "  a\n", "a"), one);
    EXPECT_THROW((void)find_checksum(one + "  a\n" + two + "  a\n", "a"), Failed);
}

TEST(Digest, IsSha256)
{
    EXPECT_EQ(sha256_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_FALSE(parse_sha256(std::string(63, 'a')));
    EXPECT_FALSE(parse_sha256(std::string(64, 'g')));
    EXPECT_EQ(parse_sha256(std::string(64, 'F')), std::string(64, 'f'));
}

} // namespace
} // namespace keel::deploy
