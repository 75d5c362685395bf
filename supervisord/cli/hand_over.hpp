// Parts of `keel` that are programs of their own: found beside it, or in libexec, and executed in
// its place.
#pragma once
#include "cli/context.hpp"

#include <string>
#include <vector>

namespace keel::cli {

/// Becomes `keel-NAME`. Returns only if that fails, after having said why.
Exit hand_over(const std::string& name, const std::vector<std::string>& arguments);

} // namespace keel::cli
