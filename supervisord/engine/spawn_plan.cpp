#include "engine/spawn_plan.hpp"

namespace keel::engine {
namespace {

/// No unit has a dot in its name.
constexpr std::string_view of_ladder = ".ladder";
constexpr std::string_view of_deployer = ".deploy";

std::optional<std::string_view> without(std::string_view ending, std::string_view name)
{
    if (!name.ends_with(ending)) return std::nullopt;
    return name.substr(0, name.size() - ending.size());
}

} // namespace

units::PlaceholderValues values_for(const units::UnitSpec& spec, Slot slot,
                                    const std::string& runtime_root, const std::string& release)
{
    auto values = units::placeholder_values(spec, slot, runtime_root + "/" + spec.name);
    if (!release.empty()) values.release = units::release_directory(spec, release);
    return values;
}

std::map<std::string, std::string> login_environment(const Identity& identity)
{
    return {
        {"PATH", std::string(units::default_path)},
        {"HOME", identity.home},
        {"USER", identity.user},
        {"LOGNAME", identity.user},
        {"SHELL", "/bin/sh"},
    };
}

ports::SpawnPlan make_plan(const units::UnitSpec& spec, Slot slot, const Identity& identity,
                           const std::string& runtime_root, const std::string& release)
{
    const auto values = values_for(spec, slot, runtime_root, release);
    ports::SpawnPlan plan;
    plan.unit = spec.name;
    plan.slot = slot;
    plan.argv = units::fill(spec.command, values);
    if (!spec.clear_environment) plan.environment = login_environment(identity);
    for (auto& [key, value] : units::fill(spec.environment, values))
        plan.environment[key] = value;
    plan.directory = units::fill(spec.directory, values);
    plan.credentials = identity.credentials;
    plan.umask = spec.umask;
    plan.scheduling = spec.scheduling;
    plan.limits = spec.limits;
    plan.resources = spec.resources;
    return plan;
}

ports::SpawnPlan make_hook_plan(const units::UnitSpec& spec, Slot slot, units::Hook hook,
                                const Identity& identity, const std::string& runtime_root,
                                const std::string& release)
{
    ports::SpawnPlan plan = make_plan(spec, slot, identity, runtime_root, release);
    plan.unit += ".hook";
    plan.argv =
        units::fill(units::command_of(spec, hook), values_for(spec, slot, runtime_root, release));
    plan.environment["KEEL_HOOK"] = std::string(name(hook));
    return plan;
}

std::optional<std::string_view> unit_of_ladder_hook(std::string_view name)
{
    return without(of_ladder, name);
}

units::LogSpec deploy_log()
{
    units::LogSpec log;
    log.format = units::LogFormat::timestamp;
    log.max_size = 10ULL << 20;
    log.keep = 3;
    return log;
}

std::string name_of_deployer(const std::string& unit) { return unit + std::string(of_deployer); }

std::optional<std::string_view> unit_of_deployer(std::string_view name)
{
    return without(of_deployer, name);
}

ports::SpawnPlan make_rung_hook_plan(const units::UnitSpec& spec, const RungHookCall& call,
                                     const Identity& own, const std::string& runtime_root)
{
    ports::SpawnPlan plan;
    plan.unit = spec.name + std::string(of_ladder);
    plan.slot = whole_unit;
    plan.argv = units::fill(call.hook.command,
                            units::placeholder_values(spec, 1, runtime_root + "/" + spec.name));
    plan.environment = login_environment(own);
    plan.environment["KEEL_HOOK"] = call.name;
    plan.environment["KEEL_REASON"] = call.why;
    return plan;
}

} // namespace keel::engine
