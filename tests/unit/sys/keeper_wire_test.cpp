// The wire between keeper and engine: what is let in, and what is not.
#include "keeper/wire.hpp"

#include <cstring>
#include <gtest/gtest.h>
#include <string_view>

namespace keel::wire {
namespace {

void set_text(Record& record, std::string_view text)
{
    std::memcpy(record.text, text.data(), text.size());
}

bool accepts(Reader reader, const Record& record)
{
    Record out;
    return decode(reader, &record, sizeof record, out);
}

Record hello()
{
    Record record{.kind = Kind::hello, .pid = 2, .id = 1, .start_ticks = 3};
    set_text(record, "worker.1");
    return record;
}

TEST(KeeperWire, ReadsBackWhatWasWritten)
{
    Record out;
    const Record sent = hello();
    ASSERT_TRUE(decode(Reader::keeper, &sent, sizeof sent, out));
    EXPECT_EQ(std::memcmp(&sent, &out, sizeof out), 0);
}

TEST(KeeperWire, IsReadOnlyByTheSideItIsMeantFor)
{
    EXPECT_FALSE(accepts(Reader::engine, hello()));
    EXPECT_TRUE(accepts(Reader::engine, {.kind = Kind::list_end}));
    EXPECT_FALSE(accepts(Reader::keeper, {.kind = Kind::list_end}));
}

TEST(KeeperWire, RefusesAnotherSizeVersionOrKind)
{
    Record out;
    Record record{.kind = Kind::heartbeat};
    EXPECT_FALSE(decode(Reader::keeper, &record, sizeof record - 1, out));
    EXPECT_FALSE(decode(Reader::keeper, &record, 0, out));
    EXPECT_FALSE(accepts(Reader::keeper, {.kind = Kind{0}}));
    EXPECT_FALSE(accepts(Reader::keeper, {.kind = Kind{63}}));
    EXPECT_FALSE(accepts(Reader::engine, {.kind = Kind{255}}));
    record.format = 2;
    EXPECT_FALSE(accepts(Reader::keeper, record));
}

TEST(KeeperWire, RefusesFieldsThatTheKindDoesNotUse)
{
    EXPECT_FALSE(accepts(Reader::keeper, {.kind = Kind::exit, .id = 1}));
    EXPECT_FALSE(accepts(Reader::keeper, {.kind = Kind::heartbeat, .pid = 1}));
    EXPECT_FALSE(accepts(Reader::keeper, {.kind = Kind::ready, .value = 1}));
    EXPECT_FALSE(accepts(Reader::keeper, {.kind = Kind::drop, .id = 1, .start_ticks = 1}));
    Record texted{.kind = Kind::heartbeat};
    texted.text[0] = 'x';
    EXPECT_FALSE(accepts(Reader::keeper, texted));
}

TEST(KeeperWire, RefusesWhatCannotBe)
{
    EXPECT_FALSE(accepts(Reader::keeper, {.kind = Kind::acknowledge})) << "spawn 0";
    EXPECT_FALSE(accepts(Reader::engine, {.kind = Kind::exited, .pid = -1, .id = 1}));
}

TEST(KeeperWire, RefusesTextThatCouldForgeALine)
{
    Record record{.kind = Kind::notify};
    set_text(record, "STATUS=all\nREADY=1");
    EXPECT_FALSE(accepts(Reader::keeper, record));
    std::memset(record.text, 'x', sizeof record.text);
    EXPECT_FALSE(accepts(Reader::keeper, record)) << "not terminated";
    std::memset(record.text, 0, sizeof record.text);
    record.text[5] = 'x';
    EXPECT_FALSE(accepts(Reader::keeper, record)) << "something behind the end";
}

} // namespace
} // namespace keel::wire
