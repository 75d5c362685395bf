// Any bytes may lie in the journal's place. What is parsed must survive being written again, and
// cutting at good_size must change nothing.
#include "base/ensure.hpp"
#include "sys/state_journal_format.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace journal = keel::sys::journal;

namespace {

constexpr std::string_view boot = "b6cf2e1a-0f0c-4d60-8d4c-6b3f5a0c1d2e";

void put_u32(std::string& bytes, std::size_t at, std::uint32_t number)
{
    for (std::size_t i = 0; i < 4; ++i)
        bytes[at + i] = static_cast<char>((number >> (8 * i)) & 0xFFU);
}

/// Gives every record a length that fits and a checksum that is right, so that what lies behind
/// the checksum is reached too: a fuzzer does not guess checksums.
std::string repaired(std::string bytes)
{
    std::size_t at = 0;
    while (bytes.size() - at >= 8) {
        const auto wanted = static_cast<unsigned char>(bytes[at]);
        const std::size_t length = std::min<std::size_t>(wanted, bytes.size() - at - 8);
        put_u32(bytes, at, static_cast<std::uint32_t>(length));
        const std::string_view all = bytes;
        const auto sum =
            journal::crc32c(all.substr(at + 8, length), journal::crc32c(all.substr(at, 4)));
        put_u32(bytes, at + 4, sum);
        at += 8 + length;
    }
    return bytes;
}

std::string file_from(std::string_view input)
{
    if (input.size() % 8 == 0) return std::string(input);
    if (input.size() % 8 < 4) return journal::header(boot) + std::string(input);
    return journal::header(boot) + repaired(std::string(input));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::string bytes = file_from(input);
    const journal::Parsed parsed = journal::parse(bytes, boot);
    ENSURE(parsed.good_size <= bytes.size(), "what is good is part of the file");

    const journal::Parsed cut =
        journal::parse(std::string_view(bytes).substr(0, parsed.good_size), boot);
    ENSURE(cut.entries == parsed.entries && cut.good_size == parsed.good_size,
           "healing once is enough");

    std::string rewritten = journal::header(boot);
    for (const auto& [key, value] : parsed.entries)
        journal::append_put(rewritten, key, value);
    const journal::Parsed again = journal::parse(rewritten, boot);
    ENSURE(again.entries == parsed.entries && again.good_size == rewritten.size(),
           "compaction loses nothing");

    // Whatever was written behind the good part is found again behind it.
    std::string continued = bytes.substr(0, parsed.good_size);
    if (parsed.good_size == 0) return 0;
    const std::string value(input.substr(0, 200));
    journal::append_put(continued, "fuzz", value);
    const journal::Parsed grown = journal::parse(continued, boot);
    ENSURE(grown.entries.at("fuzz") == value, "a healed journal goes on");
    return 0;
}
