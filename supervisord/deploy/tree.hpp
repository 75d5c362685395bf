// Trees of files below an open directory, walked without ever following a link.
//
// Other processes may change such a tree meanwhile; then a walk may fail, but never leaves the
// tree, nor the file system that it is on.
#pragma once
#include <cstdint>
#include <string>
#include <sys/types.h>

namespace keel::deploy {

/// Whatever it is, and all that is in it. It may be gone already.
void remove_tree(int dir, const std::string& name);

/// Gives what was unpacked to this process' user and group, with the modes that it has, but without
/// set-user-id, set-group-id, sticky, and writing by group and others; directories can be used by
/// their owner. All of it must be `writer`'s, and be files, directories and links: a reader of
/// archives that writes anything else has been taken over.
void take_over(int dir, const std::string& name, uid_t writer);

} // namespace keel::deploy
