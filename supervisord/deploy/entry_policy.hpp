// What an archive may put into a release, decided entry by entry, before anything is written.
//
// The promise: if every entry of an archive was taken, then unpacking them in this order into an
// empty directory writes each name once, below that directory, through directories alone; and no
// link leads out of it. Whatever could be read in two ways is refused, with a message that names
// the entry. It knows names and sizes only: no disk, no format, no library.
//
// Links stay inside for this reason: what is above a link is a directory, never another link, so
// its `..` count from where it stands; they come first in a target, and are no more than it is
// deep; whatever follows goes down, through links for which the same holds.
#pragma once
#include "deploy/limits.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace keel::deploy {

enum class EntryKind : std::uint8_t {
    file,
    directory,
    symbolic_link,
    hard_link,
    character_device,
    block_device,
    fifo,
    socket,
    other,
};

/// As the archive says it.
struct Entry {
    std::string path;
    EntryKind kind = EntryKind::other;
    std::uint64_t size = 0;    ///< of a file
    unsigned mode = 0;         ///< permissions, with set-user-id and the like
    std::int64_t modified = 0; ///< seconds since 1970
    std::string target;        ///< of a link
};

/// Where it goes. An empty path is the release's own directory.
struct Place {
    std::string path;                 ///< relative, without `.`, `..`, or a slash at either end
    std::string target;               ///< of a hard link: such a path
    std::vector<std::string> missing; ///< directories above it that no entry has brought, top first
};

class EntryPolicy {
public:
    explicit EntryPolicy(const Limits& limits = {}) : limits_(limits) {}

    /// Throws Failed with Fault::release.
    Place take(const Entry& entry);
    /// All have been taken. Throws Failed if that is nothing.
    void finish() const;

    [[nodiscard]] std::uint64_t entries() const { return known_.size(); }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; } ///< of all files so far

private:
    enum class Known : std::uint8_t { file, link, directory, implied_directory };

    void check_kind(const Entry& entry) const;
    [[nodiscard]] std::string place_of(const Entry& entry, std::string_view path,
                                       std::string_view role) const;
    void check_symbolic_link(const Entry& entry, const std::string& path) const;
    void add(const Entry& entry, const std::string& path, Known kind);
    void add_parents(const Entry& entry, Place& place);

    Limits limits_;
    std::unordered_map<std::string, Known> known_;
    std::uint64_t bytes_ = 0;
    std::uint64_t names_bytes_ = 0;
};

/// Whether it is valid UTF-8 without control characters.
[[nodiscard]] bool is_plain(std::string_view text);

} // namespace keel::deploy
