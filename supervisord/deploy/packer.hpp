// Packs a directory into a plain tar archive, as a source that is one is kept.
//
// The same policy decides as for any archive: a device, a link that leads out or a set-user-id file
// refuses the whole. In the order of names, so that the same directory makes the same archive; two
// names of one file become two files. Owners, ACLs and extended attributes stay behind.
#pragma once
#include "deploy/limits.hpp"

#include <functional>
#include <string>

namespace keel::deploy {

/// Writes the archive to `into`. `progress` gets the bytes of files so far. Throws Failed.
void pack_directory(
    int directory, int into, const Limits& limits,
    const std::function<void(std::uint64_t bytes, std::uint64_t entries)>& progress);

} // namespace keel::deploy
