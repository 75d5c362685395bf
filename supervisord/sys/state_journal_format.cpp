#include "sys/state_journal_format.hpp"

#include "base/ensure.hpp"

#include <array>
#include <optional>

namespace keel::sys::journal {
namespace {

constexpr std::string_view magic = "keeljrnl";
constexpr std::uint32_t version = 1;
constexpr std::size_t checksum_at = 12;
constexpr std::size_t prefix_size = 8;
constexpr std::size_t body_min = 3; // kind, key size and one byte of key
constexpr std::size_t body_max = 2 + key_max + value_max;

enum class Kind : unsigned char { put = 1, erase = 2 };

/// Of each byte value, what it does to the sum when so many further bytes come after it.
constexpr std::size_t slices = 8;
constexpr auto crc_tables = [] {
    std::array<std::array<std::uint32_t, 256>, slices> tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t sum = byte;
        for (int bit = 0; bit < 8; ++bit)
            sum = (sum & 1U) != 0 ? (sum >> 1U) ^ 0x82F63B78U : sum >> 1U;
        tables[0][byte] = sum;
    }
    for (std::size_t slice = 1; slice < slices; ++slice)
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t before = tables[slice - 1][byte];
            tables[slice][byte] = (before >> 8U) ^ tables[0][before & 0xFFU];
        }
    return tables;
}();

void append_u32(std::string& out, std::uint32_t number)
{
    for (unsigned shift = 0; shift < 32; shift += 8)
        out.push_back(static_cast<char>((number >> shift) & 0xFFU));
}

std::uint32_t u32_at(std::string_view bytes, std::size_t at)
{
    std::uint32_t number = 0;
    for (unsigned i = 0; i < 4; ++i)
        number |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
    return number;
}

void append_record(std::string& out, Kind kind, std::string_view key, std::string_view value)
{
    ENSURE(!key.empty() && key.size() <= key_max && value.size() <= value_max,
           "a record is within its limits");
    std::string length;
    append_u32(length, static_cast<std::uint32_t>(2 + key.size() + value.size()));
    const char head[2] = {static_cast<char>(kind), static_cast<char>(key.size())};
    std::uint32_t sum = crc32c(length);
    for (const std::string_view part : {std::string_view(head, 2), key, value})
        sum = crc32c(part, sum);
    out.append(length);
    append_u32(out, sum);
    out.append(head, 2).append(key).append(value);
}

/// The body of the record at the front of `rest`; nullopt if it is cut, damaged or not possible.
std::optional<std::string_view> body_of(std::string_view rest)
{
    if (rest.size() < prefix_size) return std::nullopt;
    const std::size_t length = u32_at(rest, 0);
    if (length < body_min || length > body_max || length > rest.size() - prefix_size)
        return std::nullopt;
    const std::string_view body = rest.substr(prefix_size, length);
    if (crc32c(body, crc32c(rest.substr(0, 4))) != u32_at(rest, 4)) return std::nullopt;
    return body;
}

bool apply(std::string_view body, Entries& entries)
{
    const auto kind = static_cast<Kind>(body[0]);
    const std::size_t key_size = static_cast<unsigned char>(body[1]);
    if (key_size == 0 || key_size > body.size() - 2) return false;
    const std::string key(body.substr(2, key_size));
    const std::string_view value = body.substr(2 + key_size);
    if (kind == Kind::put)
        entries.insert_or_assign(key, value);
    else if (kind == Kind::erase && value.empty())
        entries.erase(key);
    else
        return false;
    return true;
}

} // namespace

/// Eight bytes at a time, as "slicing by 8" has it: a compaction of megabytes is not to be felt.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed)
{
    std::uint32_t sum = ~seed;
    for (; bytes.size() >= slices; bytes.remove_prefix(slices)) {
        const std::uint32_t low = sum ^ u32_at(bytes, 0);
        const std::uint32_t high = u32_at(bytes, 4);
        sum = 0;
        for (unsigned i = 0; i < 4; ++i)
            sum ^= crc_tables[7 - i][(low >> (8 * i)) & 0xFFU] ^
                   crc_tables[3 - i][(high >> (8 * i)) & 0xFFU];
    }
    for (const char byte : bytes)
        sum = (sum >> 8U) ^ crc_tables[0][(sum ^ static_cast<unsigned char>(byte)) & 0xFFU];
    return ~sum;
}

std::string header(std::string_view boot_id)
{
    std::string rest(boot_id.substr(0, boot_id_size));
    rest.resize(header_size - checksum_at - 4, '\0');
    std::string bytes(magic);
    append_u32(bytes, version);
    append_u32(bytes, crc32c(rest, crc32c(bytes)));
    return bytes + rest;
}

void append_put(std::string& out, std::string_view key, std::string_view value)
{
    append_record(out, Kind::put, key, value);
}

void append_erase(std::string& out, std::string_view key)
{
    append_record(out, Kind::erase, key, {});
}

Parsed parse(std::string_view bytes, std::string_view boot_id)
{
    Parsed parsed;
    if (bytes.size() < header_size || bytes.substr(0, header_size) != header(boot_id))
        return parsed;
    parsed.good_size = header_size;
    for (;;) {
        const auto body = body_of(bytes.substr(parsed.good_size));
        if (!body || !apply(*body, parsed.entries)) return parsed;
        parsed.good_size += prefix_size + body->size();
    }
}

} // namespace keel::sys::journal
