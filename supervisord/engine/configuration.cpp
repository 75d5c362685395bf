#include "engine/configuration.hpp"

#include "units/credentials.hpp"
#include "units/problem.hpp"

#include <fmt/format.h>
#include <map>
#include <utility>

namespace keel::engine {
namespace {

Identity identify(const units::UnitSpec& spec)
{
    Identity identity;
    auto found = units::resolve_credentials(spec.user, spec.group);
    if (!found) {
        identity.problem = found.error().text();
        return identity;
    }
    const bool is_ours = spec.user.empty() && spec.group.empty();
    if (!is_ours)
        identity.credentials = ports::Credentials{found->uid, found->gid, std::move(found->groups)};
    identity.user = found->name;
    identity.home = found->home;
    return identity;
}

std::string first_of(const std::vector<units::Problem>& problems)
{
    if (problems.empty()) return "its file cannot be used";
    const std::string first = to_text(problems.front());
    if (problems.size() == 1) return first;
    return fmt::format("{} (and {} more)", first, problems.size() - 1);
}

} // namespace

std::vector<ConfiguredUnit> configure(const units::UnitSet& set)
{
    std::vector<ConfiguredUnit> configured;
    std::map<std::pair<std::string, std::string>, Identity> known; // by user and group
    const auto identity_of = [&](const units::UnitSpec& spec) -> const Identity& {
        const auto [entry, is_new] = known.try_emplace({spec.user, spec.group});
        if (is_new) entry->second = identify(spec);
        return entry->second;
    };
    for (const units::LoadedUnit& unit : set.units) {
        if (unit.spec) {
            configured.push_back({*unit.spec, identity_of(*unit.spec), {}});
            continue;
        }
        ConfiguredUnit broken;
        broken.spec.name = unit.name;
        broken.problem = first_of(unit.problems);
        configured.push_back(std::move(broken));
    }
    return configured;
}

} // namespace keel::engine
