#include "engine/configuration.hpp"

#include "units/credentials.hpp"
#include "units/effective.hpp"
#include "units/environment_file.hpp"
#include "units/problem.hpp"

#include <fmt/format.h>
#include <map>
#include <optional>
#include <utility>

namespace keel::engine {
namespace {

Identity identify(const units::AccountNames& names)
{
    Identity identity;
    auto found = units::resolve_credentials(names);
    if (!found) {
        identity.problem = {core::SetupStage::user, found.error().text()};
        return identity;
    }
    if (names != units::AccountNames{})
        identity.credentials = ports::Credentials{found->uid, found->gid, std::move(found->groups)};
    identity.user = found->name;
    identity.home = found->home;
    return identity;
}

/// Braces as a unit file writes them, so that filling in placeholders gives the text back.
std::string with_braces_doubled(std::string_view text)
{
    std::string doubled;
    for (const char c : text) {
        if (c == '{' || c == '}') doubled += c;
        doubled += c;
    }
    return doubled;
}

/// Adds what the files say to the environment, which has the last word. The mistake in a file.
std::optional<std::string> read_environment(ConfiguredUnit& unit)
{
    if (unit.spec.environment_files.empty()) return std::nullopt;
    const auto read = units::read_environment_files(unit.spec.environment_files);
    unit.environment_digest = units::digest_of(read);
    if (const auto* mistake = std::get_if<units::Mistake>(&read)) return mistake->message;
    for (const auto& [name, value] : std::get<units::Variables>(read))
        unit.spec.environment.try_emplace(name, with_braces_doubled(value));
    return std::nullopt;
}

std::string first_of(const std::vector<units::Problem>& problems)
{
    if (problems.empty()) return "its file cannot be used";
    std::string first = to_text(problems.front());
    if (problems.size() == 1) return first;
    return fmt::format("{} (and {} more)", first, problems.size() - 1);
}

} // namespace

std::vector<ConfiguredUnit> configure(const units::UnitSet& set)
{
    std::vector<ConfiguredUnit> configured;
    std::map<units::AccountNames, Identity> known;
    const auto identity_of = [&](const units::UnitSpec& spec) -> const Identity& {
        const auto [entry, is_new] = known.try_emplace({spec.user, spec.group, spec.groups});
        if (is_new) entry->second = identify(entry->first);
        return entry->second;
    };
    for (const units::LoadedUnit& unit : set.units) {
        if (unit.spec) {
            configured.push_back({*unit.spec, identity_of(*unit.spec), {}});
            ConfiguredUnit& added = configured.back();
            if (auto problem = read_environment(added); problem && !added.identity.problem)
                added.identity.problem = {core::SetupStage::environment, std::move(*problem)};
            added.spec.recipe = units::recipe_of(added.spec);
            continue;
        }
        ConfiguredUnit broken;
        broken.spec.name = unit.name;
        broken.problem = first_of(unit.problems);
        configured.push_back(std::move(broken));
    }
    return configured;
}

Identity own_identity() { return identify({}); }

units::EnvironmentDigests digests_of(const std::vector<ConfiguredUnit>& units)
{
    units::EnvironmentDigests digests;
    for (const ConfiguredUnit& unit : units)
        if (unit.environment_digest) digests.emplace(unit.spec.name, *unit.environment_digest);
    return digests;
}

} // namespace keel::engine
