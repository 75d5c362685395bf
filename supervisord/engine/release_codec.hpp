// Records of a unit's releases and of its deployment: in the journal of the boot as a part of the
// unit's, and on the disk on their own, where they say nothing of what only this boot knows.
//
// Private to the codecs of this folder; what others need is in state_codec.hpp.
#pragma once
#include "core/unit.hpp"
#include "engine/state_json.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace keel::engine {

state_json::json put_releases(const core::Releases&);
core::Releases get_releases(const state_json::json&);
state_json::json put_deployment(const std::optional<core::UnitDeployment>&);
std::optional<core::UnitDeployment> get_deployment(const state_json::json&);
state_json::json put_deploy_effect(const std::optional<core::DeployEffect>&);
/// As one that an engine has left behind.
std::optional<core::DeployEffect> get_deploy_effect(const state_json::json&);
/// What is to be removed, and what may be half removed.
std::vector<std::string> removals_of(const core::Unit&);
/// IDs of releases; throws where one of them is none.
std::vector<std::string> get_ids(const state_json::json&);

} // namespace keel::engine
