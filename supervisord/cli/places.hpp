// Where the configuration of the host is, for the commands that need no daemon.
#pragma once
#include "units/sources.hpp"

#include <string>

namespace keel::cli {

/// Under `root`; without a root, a user who is not root has places of his own.
units::Places configuration_places(const std::string& root);

/// The folder of the generation in force.
std::string generation_in_force(const std::string& root);

} // namespace keel::cli
