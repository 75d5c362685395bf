// A unit's operation as a part of the unit's record.
//
// Private to the codecs of this folder.
#pragma once
#include "core/unit.hpp"
#include "engine/state_json.hpp"

#include <optional>

namespace keel::engine {

state_json::json put_operation(const std::optional<core::Operation>& operation);
/// `slots`: how many the unit has; others are no target of anything.
std::optional<core::Operation> get_operation(const state_json::json& j, std::size_t slots);

} // namespace keel::engine
