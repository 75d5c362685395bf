// What an archive may hold and what it may cost: one place for every limit of this folder.
//
// All of them are far beyond what a service is made of, and far below what would hurt a host. What
// exceeds one is refused as a whole; nothing is cut short.
#pragma once
#include <chrono>
#include <cstdint>

namespace keel::deploy {

struct Limits {
    /// Of the archive itself, downloaded, copied or packed.
    std::uint64_t archive_bytes = 16ULL << 30;
    /// Of all files together, as they say themselves: a sparse file counts as if it were not.
    std::uint64_t unpacked_bytes = 32ULL << 30;
    /// Files, links and directories, those included that are only named by what is in them.
    std::uint64_t entries = 200'000;
    /// All names together; they are kept in memory to find one that comes twice.
    std::uint64_t names_bytes = 64ULL << 20;
    std::size_t path_bytes = 2048;
    std::size_t name_bytes = 255; ///< of one component, as file systems have it
    std::size_t path_depth = 64;
    std::size_t target_bytes = 1024; ///< of a symbolic link
    /// So many unpacked bytes for each byte of the archive are a bomb, once there are more than
    /// `ratio_begins` of them. Real text reaches 20, logs 100.
    std::uint64_t ratio = 200;
    std::uint64_t ratio_begins = 64ULL << 20;
};

inline constexpr std::uint64_t checksums_bytes_max = 1ULL << 20;
inline constexpr std::uint64_t ca_bytes_max = 1ULL << 20;
inline constexpr int redirects_max = 5;
/// In a row and without a single new byte; any progress begins the count anew.
inline constexpr int attempts_max = 6;
inline constexpr std::chrono::milliseconds backoff_min{250};
inline constexpr std::chrono::milliseconds backoff_max{8'000};
inline constexpr std::chrono::seconds retry_after_max{30}; ///< of what a server may ask for
inline constexpr std::chrono::seconds connect_within{10};

/// Of the process that reads an archive.
inline constexpr std::uint64_t unpack_memory_max = 1ULL << 30;
inline constexpr std::chrono::seconds unpack_processor_time_max{900};
/// Of the process that downloads one: threads of the resolver and TLS need room for their stacks.
inline constexpr std::uint64_t download_memory_max = 2ULL << 30;

} // namespace keel::deploy
