// The files of control groups, by paths relative to the group that is keeld's: read, written, and
// which groups there are. All that the setting of limits touches of the system.
//
// Narrow, so that a test can stand a model of the kernel's rules in its place, or a plain folder.
// Used by several threads at once: whoever implements it keeps nothing that changes.
#pragma once
#include "base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace keel::sys {

class CgroupFiles {
public:
    virtual ~CgroupFiles() = default;

    /// `api/1/memory.max`; the whole of it, as far as 4 KiB go.
    [[nodiscard]] virtual Result<std::string> read(const std::string& path) const = 0;
    /// In one piece. A file that is not there is not made.
    [[nodiscard]] virtual Result<void> write(const std::string& path,
                                             std::string_view text) const = 0;
    /// Names of the groups right below `path`, which is empty for the base.
    [[nodiscard]] virtual std::vector<std::string> groups_in(const std::string& path) const = 0;
};

/// Those below a folder.
class CgroupFolder final : public CgroupFiles {
public:
    explicit CgroupFolder(std::string base) : base_(std::move(base)) {}

    [[nodiscard]] Result<std::string> read(const std::string& path) const override;
    [[nodiscard]] Result<void> write(const std::string& path, std::string_view text) const override;
    [[nodiscard]] std::vector<std::string> groups_in(const std::string& path) const override;
    /// The same, for whom it matters whether these are all.
    [[nodiscard]] Result<std::vector<std::string>> list_groups(const std::string& path) const;

private:
    [[nodiscard]] std::string whole(const std::string& path) const;

    const std::string base_;
};

} // namespace keel::sys
