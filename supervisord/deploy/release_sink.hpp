// Writes what is in an archive below one directory, as the process that it runs in.
//
// The second line of defence behind the EntryPolicy, and the first that the kernel holds: every
// name is opened below the directory and through no link (openat2), and nothing is written twice.
// Files get their modes, without bits that a release may not have, and the times of the archive,
// clamped to between 1970 and now. Owners, ACLs, extended attributes and flags are not restored.
#pragma once
#include "base/owned_fd.hpp"
#include "deploy/archive_reader.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace keel::deploy {

class ReleaseSink final : public EntrySink {
public:
    /// `directory` is empty and stays open; `now` in seconds since 1970.
    ReleaseSink(int directory, std::int64_t now) : directory_(directory), now_(now) {}

    void directory(const Entry& entry, const Place& place) override;
    void symbolic_link(const Entry& entry, const Place& place) override;
    void hard_link(const Entry& entry, const Place& place) override;
    void begin_file(const Entry& entry, const Place& place) override;
    void file_bytes(std::span<const char> bytes, std::uint64_t offset) override;
    void end_file() override;

    /// All is there: directories get their times.
    void finish();

private:
    [[nodiscard]] OwnedFd open(const std::string& path, std::uint64_t flags,
                               std::uint64_t mode = 0) const;
    [[nodiscard]] OwnedFd open_parent(const std::string& path) const;
    void make_missing(const Place& place) const;
    [[nodiscard]] std::int64_t clamped(std::int64_t time) const;

    int directory_;
    std::int64_t now_;
    OwnedFd file_;
    std::string path_;
    std::uint64_t size_ = 0;
    std::int64_t modified_ = 0;
    std::vector<std::pair<std::string, std::int64_t>> directory_times_;
};

} // namespace keel::deploy
