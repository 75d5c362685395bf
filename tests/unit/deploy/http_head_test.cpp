#include "deploy/http_head.hpp"

#include <gtest/gtest.h>

namespace keel::deploy {
namespace {

HttpHead head(const std::vector<std::string>& lines)
{
    HttpHead head;
    for (const std::string& line : lines)
        head.take(line);
    return head;
}

TEST(HttpHead, TellsVersionsApartByStrongTagsOrDates)
{
    EXPECT_EQ(head({"etag:\t\"a\" \r\n"}).validator(), "\"a\"");
    EXPECT_EQ(head({"ETag: W/\"a\"\r\n"}).validator(), "");
    EXPECT_EQ(head({"ETag: W/\"a\"", "Last-Modified: then"}).validator(), "then");
    EXPECT_EQ(head({"ETag: \"a\"", "Last-Modified: then"}).validator(), "\"a\"");
    EXPECT_EQ(head({"ETag:", "ETags: \"a\"", "ETag \"a\""}).validator(), "");
    EXPECT_EQ(head({"ETag: \"" + std::string(300, 'a') + "\""}).validator(), "");
    EXPECT_EQ(head({"ETag: \"a\nb\""}).validator(), "");
}

TEST(HttpHead, BeginsAnewWithEachStatus)
{
    EXPECT_EQ(head({"HTTP/1.1 302", "ETag: \"a\"", "HTTP/1.1 200"}).validator(), "");
}

TEST(HttpHead, TellsWhereAPartBegins)
{
    const auto begin = [](const std::string& range) {
        return head({"Content-Range: " + range}).range_begin();
    };
    EXPECT_EQ(begin("bytes 100-199/200"), 100U);
    EXPECT_EQ(begin("bytes 0-199/*"), 0U);
    for (const char* bad :
         {"", "bytes */200", "bytes -1-2/3", "bytes 5", "bits 1-2/3", "bytes x-2"})
        EXPECT_FALSE(begin(bad)) << bad;
}

} // namespace
} // namespace keel::deploy
