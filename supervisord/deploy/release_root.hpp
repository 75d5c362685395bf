// Where the releases of one unit live, and what the files of one release are called:
//
//     ROOT/archives/ID            the verified archive; a directory is packed into a plain tar
//     ROOT/archives/ID.sha256     its digest, 64 digits and a line feed; last, so it vouches for it
//     ROOT/archives/ID.partial    being fetched; a download is resumed there
//     ROOT/archives/.ID.resume    which source that is of, in which version
//     ROOT/releases/ID            the unpacked release
//     ROOT/releases/ID.partial    being unpacked (in tree/), or what was in its place before
//     ROOT/releases/ID.former-N   replaced by unpacking it afresh, and something may run from it
//     ROOT/current                a symbolic link `releases/ID`, for people
//     ROOT/.lock                  held by whoever is at work here, and by its children
//
// No two of these names are the same whatever the IDs are (release_id.hpp). Archives are their
// owner's alone; releases can be read by everybody who may by the archive's own modes.
#pragma once
#include "base/owned_fd.hpp"

#include <string>

namespace keel::deploy {

class ReleaseRoot {
public:
    /// Makes what is missing, but no directory above `root`. Waits for others to be done. Throws
    /// Failed. `id` is_release_id.
    ReleaseRoot(const std::string& root, std::string id);

    [[nodiscard]] int directory() const { return root_.get(); }
    [[nodiscard]] int archives() const { return archives_.get(); }
    [[nodiscard]] int releases() const { return releases_.get(); }
    /// The one descriptor that children keep beside those for their work.
    [[nodiscard]] int lock() const { return lock_.get(); }

    [[nodiscard]] const std::string& id() const { return id_; }
    [[nodiscard]] std::string partial() const { return id_ + ".partial"; } ///< in both directories
    [[nodiscard]] std::string digest() const { return id_ + ".sha256"; }
    [[nodiscard]] std::string resume() const { return "." + id_ + ".resume"; }

    /// What ID.sha256 says; empty if it says nothing that can be one.
    [[nodiscard]] std::string recorded_digest() const;
    /// Writes it, after the archive is safe on the disk.
    void record_digest(const std::string& hex) const;
    /// What is left of a fetch that did not come to its end.
    void remove_partial_archive() const;
    /// The digest first: what has none is not kept.
    void remove_archive() const;

private:
    std::string id_;
    OwnedFd root_;
    OwnedFd lock_;
    OwnedFd archives_;
    OwnedFd releases_;
};

} // namespace keel::deploy
