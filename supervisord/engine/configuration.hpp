// From loaded unit files to what the engine runs: identities looked up, broken files kept by name.
#pragma once
#include "engine/engine.hpp"
#include "units/environment_file.hpp"
#include "units/unit_set.hpp"

#include <string>
#include <vector>

namespace keel::engine {

/// Every unit of the set. One whose file cannot be used is there too, with its problem, so that it
/// is shown as failed rather than not at all. Asks the user database and may block: to be called
/// not on the loop.
std::vector<ConfiguredUnit> configure(const units::UnitSet& set);

/// Who keeld itself runs as. The same holds of asking.
Identity own_identity();

/// What the environment files of these units said.
units::EnvironmentDigests digests_of(const std::vector<ConfiguredUnit>& units);

} // namespace keel::engine
