// The end of an instance's log: its last lines, as bytes or as people can be shown them.
//
// It reads from behind and no more than it is asked for, so it costs the same for any size of log,
// but for packed files, which are read from their beginning. It may wait for a disk.
#pragma once
#include "core/outage.hpp"
#include "sys/log_names.hpp"
#include "sys/log_packing.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace keel::sys {

/// Collects lines from behind, file by file.
class TailCollector {
public:
    static constexpr std::size_t block = std::size_t{64} << 10;

    TailCollector(std::size_t lines, std::size_t bytes_max) : lines_(lines), bytes_max_(bytes_max)
    {}

    /// Takes from the end of the file towards its beginning until there is enough.
    void take(int file, std::uint64_t size);
    /// The same with a rotated file. False: it is not there.
    bool take(const LogNames& names, std::uint64_t sequence);
    /// Only if it is not packed.
    bool take_plain(const std::filesystem::path& path);

    /// Bytes so far; of a file's last block a few more than asked for.
    [[nodiscard]] std::size_t taken() const { return taken_; }
    [[nodiscard]] bool enough() const { return found_ || taken_ >= bytes_max_ || lines_ == 0; }
    [[nodiscard]] std::string text() &&;

private:
    void take(PackedReader packed);
    void take(std::string_view bytes);

    const std::size_t lines_;
    const std::size_t bytes_max_;
    std::vector<std::string> blocks_; ///< last one first
    std::size_t taken_ = 0;
    std::size_t ends_ = 0;
    bool found_ = false;
};

/// The lines at the end of a text, within the bounds of core::LastWords: what cannot be printed is
/// shown as escapes, long lines are cut, and of too many the last ones stay.
[[nodiscard]] std::vector<std::string> last_words_in(std::string_view text);

/// Those of a log: of its current file, and if that has only few, of the one before it, unless it
/// is packed.
[[nodiscard]] std::vector<std::string> last_words_of(const LogNames& names);

} // namespace keel::sys
