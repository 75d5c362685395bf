#include "cli/places.hpp"

#include <cstdlib>
#include <filesystem>
#include <unistd.h>

namespace keel::cli {
namespace {

std::string environment(const char* name)
{
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

} // namespace

units::Places configuration_places(const std::string& root)
{
    const std::string etc = root + "/etc/keel";
    units::Places of_host{etc + "/units", root + "/usr/lib/keel/units", etc + "/keel.toml"};
    if (!root.empty() || ::geteuid() == 0) return of_host;
    std::string config = environment("XDG_CONFIG_HOME");
    if (config.empty()) config = environment("HOME") + "/.config";
    const std::string own = config + "/keel";
    std::error_code ignored;
    if (!std::filesystem::exists(own, ignored)) return of_host;
    return {own + "/units", "/usr/lib/keel/user-units", own + "/keel.toml"};
}

std::string generation_in_force(const std::string& root)
{
    constexpr const char* below = "/generations/current";
    std::string of_host = root + "/var/lib/keel" + below;
    if (!root.empty() || ::geteuid() == 0) return of_host;
    std::string state = environment("XDG_STATE_HOME");
    if (state.empty()) state = environment("HOME") + "/.local/state";
    std::string own = state + "/keel" + below;
    std::error_code ignored;
    return std::filesystem::exists(own, ignored) ? own : of_host;
}

} // namespace keel::cli
