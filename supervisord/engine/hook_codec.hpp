// A hook that runs, an instance's or a rung's, as a part of the unit's record.
//
// Private to the codecs of this folder.
#pragma once
#include "core/unit.hpp"
#include "engine/state_json.hpp"

#include <optional>

namespace keel::engine {

state_json::json put_hook(const std::optional<core::HookRun>& hook);
std::optional<core::HookRun> get_hook(const state_json::json& j);

state_json::json put_rung_hook(const std::optional<core::RungHook>& hook);
std::optional<core::RungHook> get_rung_hook(const state_json::json& j);

} // namespace keel::engine
