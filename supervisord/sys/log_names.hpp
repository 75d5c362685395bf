// Which files an instance's output is in: `LOG/UNIT/SLOT.log`, and rotated ones beside it as
// `SLOT.log.SEQ`, or `SLOT.log.SEQ.zst` once compressed, oldest first by SEQ; `deploy` takes the
// place of SLOT for what works for the unit's deployments. Writer and reader agree on it here and
// nowhere else.
#pragma once
#include "base/ids.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keel::sys {

class LogNames {
public:
    LogNames(const std::filesystem::path& log_dir, const std::string& unit, Slot slot);

    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
    [[nodiscard]] std::filesystem::path current() const;
    [[nodiscard]] std::filesystem::path rotated(std::uint64_t sequence) const;
    [[nodiscard]] std::filesystem::path packed(std::uint64_t sequence) const;

    /// Sequence number in a rotated file's name; nullopt: not one of this instance.
    [[nodiscard]] std::optional<std::uint64_t> sequence_in(std::string_view file_name) const;

    /// The rotated files that exist, packed or not, oldest first. None if the folder cannot be
    /// read.
    [[nodiscard]] std::vector<std::uint64_t> list_rotated() const;

    /// When the rotated file was last written to; nullopt: there is none.
    [[nodiscard]] std::optional<WallTime> rotated_at(std::uint64_t sequence) const;
    /// When it was made; nullopt: it has been packed since, or the file system does not keep that.
    [[nodiscard]] std::optional<WallTime> rotated_birth(std::uint64_t sequence) const;
    void remove_rotated(std::uint64_t sequence) const;

private:
    std::filesystem::path folder_;
    std::string current_name_;
};

/// Names a file for as long as it exists, also after it was renamed: inode and birth time, as
/// inode numbers are used again at once. 0: it cannot be told.
[[nodiscard]] std::uint64_t file_identity(int fd);
[[nodiscard]] std::uint64_t file_identity(const std::filesystem::path& path);

/// When it was made; nullopt: the file system does not keep that.
[[nodiscard]] std::optional<WallTime> file_birth(int fd);

} // namespace keel::sys
