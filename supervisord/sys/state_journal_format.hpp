// The bytes of the state journal: pure encoding and recovery, no file.
//
// Promises: parse() accepts any bytes; what it returns is what was written before the first byte
// that is missing or damaged, and `good_size` is where the file is to be cut. A file of another
// boot, another version or with a damaged header holds nothing.
//
//   header, 64 bytes            record, 10 + key + value bytes
//   0  "keeljrnl"               0  u32  length of kind, key size, key and value
//   8  u32  version, 1          4  u32  CRC-32C of bytes 0-3 and of everything after this field
//   12 u32  CRC-32C of the      8  u8   kind: 1 put, 2 erase (no value)
//           other 60 bytes      9  u8   key size, 1-255
//   16 boot id, 36 characters   10 key, then value to the end
//   52 zeros
//
// All numbers are little-endian. The checksum covers the length, so a record can neither lie about
// its own end nor be all zeros. Rejected: SQLite (fsync and locks for a file that lives on tmpfs,
// and recovery that cannot be tested by cutting at every byte), JSON lines (a flipped digit is
// still valid JSON), one file per key (no order, thousands of inodes).
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace keel::sys::journal {

inline constexpr std::size_t header_size = 64;
inline constexpr std::size_t boot_id_size = 36;
inline constexpr std::size_t key_max = 255;
inline constexpr std::size_t value_max = std::size_t{1} << 20;

using Entries = std::map<std::string, std::string>;

/// `boot_id` is cut or padded with zeros to its 36 characters.
[[nodiscard]] std::string header(std::string_view boot_id);

/// Appends one record to `out`. Key and value are within their limits.
void append_put(std::string& out, std::string_view key, std::string_view value);
void append_erase(std::string& out, std::string_view key);

/// Bytes that a record of this key and value takes.
[[nodiscard]] constexpr std::size_t record_size(std::size_t key, std::size_t value)
{
    return 10 + key + value;
}

struct Parsed {
    Entries entries;           ///< the last record of every key that was not erased
    std::size_t good_size = 0; ///< 0: not even the header is ours
};
[[nodiscard]] Parsed parse(std::string_view bytes, std::string_view boot_id);

/// CRC-32C (Castagnoli), continued from `seed`.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);

} // namespace keel::sys::journal
