// Rotated log files, compressed: `SLOT.log.SEQ.zst` in place of `SLOT.log.SEQ`.
//
// A packed file is what the zstd program reads: first a skippable frame (magic 0x184D2A50, then
// the length 8, then the identity that the file had before, 8 bytes, all little-endian), then one
// frame with a checksum. The identity lets a reader find its place again in a file that was packed
// meanwhile; an extended attribute would do too, but not on every file system.
#pragma once
#include "base/owned_fd.hpp"
#include "base/result.hpp"
#include "sys/log_names.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

struct ZSTD_DCtx_s;

namespace keel::sys {

/// Writes `packed` beside `raw`, with its time and mode, and deletes `raw` once the other is on the
/// disk. At no moment is the content in neither. ECANCELED: `stop` became true.
[[nodiscard]] Result<void> pack_file(const std::filesystem::path& raw,
                                     const std::filesystem::path& packed,
                                     const std::atomic<bool>& stop);

/// Identity of the rotated file, which it keeps when it is packed; 0: it cannot be told.
[[nodiscard]] std::uint64_t rotated_identity(const LogNames& names, std::uint64_t sequence);

/// Reads what is in a packed file, from its beginning.
class PackedReader {
public:
    [[nodiscard]] static std::optional<PackedReader> open(const std::filesystem::path& packed);

    /// As read(2); 0 also for the rest of a damaged file.
    [[nodiscard]] std::size_t read(std::span<char> into);

private:
    struct FreeContext {
        void operator()(ZSTD_DCtx_s* context) const;
    };
    explicit PackedReader(OwnedFd file);

    OwnedFd file_;
    std::unique_ptr<ZSTD_DCtx_s, FreeContext> context_;
    std::string input_;
    std::size_t input_at_ = 0, input_end_ = 0;
};

} // namespace keel::sys
