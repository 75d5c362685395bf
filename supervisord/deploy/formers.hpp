// Trees that an unpacking in place has replaced, kept for as long as something may run from them:
// ROOT/releases/ID.former-N. Who runs from what, whoever calls this knows.
#pragma once
#include "deploy/release_root.hpp"

namespace keel::deploy {

/// What stands in releases/ID.partial/tree, if anything does, becomes one of them: the tree that
/// was replaced, or, after an end in the midst of it, what was not complete yet. Throws Failed.
void set_aside(const ReleaseRoot& root);

/// All of this ID's. Throws Failed.
void remove_formers(const ReleaseRoot& root);

} // namespace keel::deploy
