// From a unit's spec to what one child needs: words, environment, directory, identity.
#pragma once
#include "ports/spawner.hpp"
#include "units/placeholders.hpp"
#include "units/spec.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace keel::engine {

/// Who a unit's processes run as, looked up when the configuration was read.
struct Identity {
    std::optional<ports::Credentials> credentials; ///< none: keeld's own
    std::string home = "/";
    std::string user = "root";

    /// Something that the unit file names is not there: every spawn fails at this stage.
    struct Problem {
        core::SetupStage stage = core::SetupStage::user;
        std::string what; ///< for people
    };
    std::optional<Problem> problem;
};

/// What a login of that user finds.
std::map<std::string, std::string> login_environment(const Identity& identity);

/// What its placeholders stand for. `runtime_root` is the folder under which each unit may have one
/// of its own, `release` the ID of what it is made from; empty: it has none.
units::PlaceholderValues values_for(const units::UnitSpec& spec, Slot slot,
                                    const std::string& runtime_root, const std::string& release);

ports::SpawnPlan make_plan(const units::UnitSpec& spec, Slot slot, const Identity& identity,
                           const std::string& runtime_root, const std::string& release);

/// The same for a hook, under a name beside the unit's.
ports::SpawnPlan make_hook_plan(const units::UnitSpec& spec, Slot slot, units::Hook hook,
                                const Identity& identity, const std::string& runtime_root,
                                const std::string& release);

/// A hook of keel.toml that the unit's ladder runs, and why.
struct RungHookCall {
    std::string name;
    units::NamedHook hook;
    std::string why;
};

/// `own`: who keeld is. Also under a name beside the unit's, and of no instance.
ports::SpawnPlan make_rung_hook_plan(const units::UnitSpec& spec, const RungHookCall& call,
                                     const Identity& own, const std::string& runtime_root);
/// The unit whose ladder runs what the keeper knows by that name; none: it is no such hook.
std::optional<std::string_view> unit_of_ladder_hook(std::string_view name);

/// Of all that works for deployments, whatever the unit's own log is.
units::LogSpec deploy_log();
/// The name beside the unit's under which whatever is at work for its deployment runs.
std::string name_of_deployer(const std::string& unit);
/// The unit that it is of; none: it is no such name.
std::optional<std::string_view> unit_of_deployer(std::string_view name);

} // namespace keel::engine
