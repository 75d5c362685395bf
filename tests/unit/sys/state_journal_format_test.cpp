#include "sys/state_journal_format.hpp"

#include <gtest/gtest.h>

namespace keel::sys::journal {
namespace {

constexpr std::string_view boot = "b6cf2e1a-0f0c-4d60-8d4c-6b3f5a0c1d2e";

/// A journal as it grows, with what it holds after each record.
struct Grown {
    std::string bytes = header(boot);
    std::vector<std::size_t> ends = {header_size};
    std::vector<Entries> holds = {{}};

    void put(const std::string& key, const std::string& value)
    {
        append_put(bytes, key, value);
        Entries next = holds.back();
        next[key] = value;
        note(std::move(next));
    }
    void erase(const std::string& key)
    {
        append_erase(bytes, key);
        Entries next = holds.back();
        next.erase(key);
        note(std::move(next));
    }
    /// Index of the last state of which every byte is within `size`.
    [[nodiscard]] std::size_t whole_within(std::size_t size) const
    {
        std::size_t found = 0;
        while (found + 1 < ends.size() && ends[found + 1] <= size)
            ++found;
        return found;
    }

private:
    void note(Entries next)
    {
        ends.push_back(bytes.size());
        holds.push_back(std::move(next));
    }
};

Grown sample()
{
    Grown grown;
    grown.put("unit/worker", "up");
    grown.put("spawn/1", std::string("\0\xff binary \n", 11));
    grown.put("unit/worker", "held since yesterday");
    grown.erase("spawn/1");
    grown.put("empty", "");
    grown.put(std::string(key_max, 'k'), std::string(300, 'v'));
    return grown;
}

TEST(StateJournalFormat, HasTheChecksumOfTheStandard)
{
    EXPECT_EQ(0xE3069283U, crc32c("123456789"));
    EXPECT_EQ(crc32c("123456789"), crc32c("6789", crc32c("12345")));
}

TEST(StateJournalFormat, ReadsBackTheLastRecordOfEveryKey)
{
    const Grown grown = sample();
    const Parsed parsed = parse(grown.bytes, boot);
    EXPECT_EQ(grown.bytes.size(), parsed.good_size);
    EXPECT_EQ(grown.holds.back(), parsed.entries);
    EXPECT_EQ("held since yesterday", parsed.entries.at("unit/worker"));
    EXPECT_FALSE(parsed.entries.contains("spawn/1"));
}

TEST(StateJournalFormat, KeepsAllThatIsWholeWhereverItIsCut)
{
    const Grown grown = sample();
    for (std::size_t size = 0; size <= grown.bytes.size(); ++size) {
        const Parsed parsed = parse(std::string_view(grown.bytes).substr(0, size), boot);
        if (size < header_size) {
            EXPECT_EQ(0U, parsed.good_size);
            EXPECT_TRUE(parsed.entries.empty());
            continue;
        }
        const std::size_t whole = grown.whole_within(size);
        ASSERT_EQ(grown.ends[whole], parsed.good_size) << "cut at " << size;
        ASSERT_EQ(grown.holds[whole], parsed.entries) << "cut at " << size;
    }
}

TEST(StateJournalFormat, KeepsAllThatStandsBeforeAFlippedBit)
{
    const Grown grown = sample();
    for (std::size_t at = 0; at < grown.bytes.size(); ++at)
        for (unsigned bit = 0; bit < 8; ++bit) {
            std::string damaged = grown.bytes;
            damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ (1U << bit));
            const Parsed parsed = parse(damaged, boot);
            if (at < header_size) {
                ASSERT_EQ(0U, parsed.good_size) << "byte " << at;
                continue;
            }
            const std::size_t whole = grown.whole_within(at);
            ASSERT_EQ(grown.ends[whole], parsed.good_size) << "byte " << at << " bit " << bit;
            ASSERT_EQ(grown.holds[whole], parsed.entries) << "byte " << at << " bit " << bit;
        }
}

TEST(StateJournalFormat, HoldsNothingForAnotherBoot)
{
    const Grown grown = sample();
    const Parsed parsed = parse(grown.bytes, "00000000-0000-0000-0000-000000000000");
    EXPECT_EQ(0U, parsed.good_size);
    EXPECT_TRUE(parsed.entries.empty());
}

TEST(StateJournalFormat, TakesZerosAtTheEndForDamage)
{
    Grown grown = sample();
    const std::size_t good = grown.bytes.size();
    grown.bytes.append(4096, '\0');
    EXPECT_EQ(good, parse(grown.bytes, boot).good_size);
}

} // namespace
} // namespace keel::sys::journal
