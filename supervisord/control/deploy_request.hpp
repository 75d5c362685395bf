// What a request says of releases, and whether its verb has a use for that.
#pragma once
#include "control/json_codec.hpp"
#include "core/unit.hpp"

#include <optional>
#include <string>

namespace keel::control {

/// What is wrong with it, for people; none: nothing is.
std::optional<std::string> wrong_terms(const ChangeRequest& change, core::Verb verb);

/// With the release's ID, if only a file is named: as that is called. Of a request that is right.
core::DeployTerms complete_terms(const ChangeRequest& change);

} // namespace keel::control
