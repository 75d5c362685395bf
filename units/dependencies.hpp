// The checks between units: does everything exist that is named, and does nothing wait for itself.
#pragma once
#include "units/loader.hpp"

#include <vector>

namespace keel::units {

/// Adds a problem to each unit that names a missing unit, that closes a cycle of `requires` and
/// `after`, or that requires a unit with problems, however far away. `units` are sorted by name.
void check_dependencies(std::vector<LoadedUnit>& units);

} // namespace keel::units
