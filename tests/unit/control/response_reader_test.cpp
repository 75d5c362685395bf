#include "control/response_reader.hpp"

#include "control/sse_reader.hpp"

#include <gtest/gtest.h>

namespace keel::control {
namespace {

struct Outcome {
    bool ok = true;
    bool complete = false;
    int status = 0;
    std::string body;
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// Feeds `text` in pieces of `step` bytes, then ends the connection.
Outcome read(std::string_view text, std::size_t step)
{
    ResponseReader reader;
    Outcome outcome;
    while (!text.empty() && outcome.ok) {
        outcome.ok = reader.feed(text.substr(0, step)).ok();
        text.remove_prefix(std::min(step, text.size()));
        outcome.body += reader.take_body();
    }
    outcome.ok = outcome.ok && reader.end().ok();
    outcome.complete = reader.is_complete();
    if (reader.has_head()) outcome.status = reader.head().status;
    return outcome;
}

/// Whatever the pieces, the outcome is the same.
Outcome read(std::string_view text)
{
    Outcome whole = read(text, text.size() + 1);
    for (const std::size_t step : {1U, 2U, 3U, 7U, 64U}) {
        const Outcome pieces = read(text, step);
        EXPECT_EQ(pieces.ok, whole.ok) << text << " in pieces of " << step;
        if (!whole.ok) continue;
        EXPECT_EQ(pieces, whole) << text << " in pieces of " << step;
    }
    return whole;
}

TEST(ResponseReader, TakesABodyByItsLength)
{
    const auto outcome = read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_TRUE(outcome.complete);
    EXPECT_EQ(outcome.status, 200);
    EXPECT_EQ(outcome.body, "hello");
}

TEST(ResponseReader, TakesChunksWithExtensionsAndTrailers)
{
    const auto outcome = read("HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n"
                              "5;x=y\r\nhello\r\n1\r\n \r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n");
    EXPECT_TRUE(outcome.complete);
    EXPECT_EQ(outcome.body, "hello 0123456789");
}

TEST(ResponseReader, TakesABodyUpToTheEndOfTheConnection)
{
    EXPECT_EQ(read("HTTP/1.0 200 OK\r\n\r\nall of it").body, "all of it");
}

TEST(ResponseReader, TakesAnswersWithoutABody)
{
    EXPECT_TRUE(read("HTTP/1.1 204 No Content\r\n\r\n").complete);
    EXPECT_TRUE(read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").complete);
    EXPECT_EQ(read("HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n").status, 404);
}

TEST(ResponseReader, PassesOverInterimAnswers)
{
    const auto outcome =
        read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_EQ(outcome.status, 202);
    EXPECT_EQ(outcome.body, "ok");
}

TEST(ResponseReader, RefusesWhatIsAmbiguous)
{
    const std::string_view bad[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
        "garbage\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
    };
    for (const auto text : bad)
        EXPECT_FALSE(read(text).ok) << text;
}

TEST(ResponseReader, RefusesAnAnswerThatBreaksOff)
{
    const std::string text =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for (std::size_t length = 0; length < text.size(); ++length)
        EXPECT_FALSE(read(text.substr(0, length), 1).ok) << length;
    EXPECT_TRUE(read(text, 1).ok);
}

TEST(ResponseReader, HasALimitForHeadsAndChunkLines)
{
    ResponseReader reader;
    EXPECT_TRUE(reader.feed("HTTP/1.1 200 OK\r\nX: ").ok());
    EXPECT_FALSE(reader.feed(std::string(ResponseReader::head_bytes_max, 'x')).ok());
    ResponseReader chunked;
    EXPECT_TRUE(chunked.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").ok());
    EXPECT_FALSE(chunked.feed("1;" + std::string(ResponseReader::chunk_line_max, 'x')).ok());
}

TEST(SseReader, ReadsEventsInPieces)
{
    const std::string text = ": hello\n\nid: 7\nevent: state\ndata: one\ndata: two\n\n"
                             "data:three\r\n\r\nevent: nothing\n\ndata\n\n";
    const std::vector<SseEvent> expected = {
        {"7", "state", "one\ntwo"}, {"7", "", "three"}, {"7", "", ""}};
    for (std::size_t step = 1; step <= text.size(); ++step) {
        SseReader reader;
        std::vector<SseEvent> all;
        for (std::size_t at = 0; at < text.size(); at += step) {
            const auto events = reader.feed(text.substr(at, step));
            ASSERT_TRUE(events.ok());
            all.insert(all.end(), events->begin(), events->end());
        }
        EXPECT_EQ(all, expected) << "in pieces of " << step;
    }
}

TEST(SseReader, HasALimitForAnEvent)
{
    SseReader reader;
    EXPECT_FALSE(reader.feed("data: " + std::string(SseReader::event_bytes_max, 'x')).ok());
}

} // namespace
} // namespace keel::control
