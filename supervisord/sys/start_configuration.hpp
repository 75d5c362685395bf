// Which configuration keeld starts with: section 13 of the product contract.
//
//   something to be gone on with         the generation in force
//   else, and the directory checks       the directory, which becomes a generation
//   else, and the last generation does   that one, and an alarm
//   else                                 what is usable of the directory, and an alarm
//
// In the last case the directory becomes a generation as well: whatever the engine's next life
// finds there, it goes on with the same. Blocks on the disk; to be called before the loop runs.
#pragma once
#include "sys/generations.hpp"
#include "sys/paths.hpp"
#include "units/configuration.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace keel::sys {

enum class StartKind : std::uint8_t { fresh, go_on };

struct StartConfiguration {
    units::Configuration in_force;
    std::vector<std::string> alarms; ///< what a person must know, line by line
};

StartConfiguration configuration_at_start(const Paths& paths, StartKind kind);

/// The places of a configuration on this host.
units::Places places_of(const Paths& paths);

} // namespace keel::sys
