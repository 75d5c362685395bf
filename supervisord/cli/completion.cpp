#include "cli/completion.hpp"

#include "base/release_id.hpp"
#include "cli/command_table.hpp"
#include "cli/commands.hpp"
#include "cli/status.hpp"
#include "units/names.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::cli {
namespace {

/// A person waits for these with a finger on the key.
constexpr Duration patience = std::chrono::milliseconds(500);

/// A shell may expand what it is given, and whoever answers may call a unit what he likes: nothing
/// but plain names.
bool can_be_offered(const core::UnitView& unit) { return units::is_name(unit.name); }

Exit print_names(const Context& context, bool with_instances)
{
    const auto json =
        control::get(context.socket_path, "/v1/units?brief=1", control::deadline_in(patience));
    if (control::trouble_of(json) != nullptr) return Exit::unreachable;
    const auto units = control::decode_units(std::get<std::string>(json));
    if (!units) return Exit::failed;
    std::string text;
    for (const core::UnitView& unit : *units) {
        if (!can_be_offered(unit)) continue;
        text += unit.name + "\n";
        if (!with_instances || unit.wanted_instances < 2) continue;
        for (unsigned slot = 1; slot <= unit.wanted_instances; ++slot)
            text += fmt::format("{}.{}\n", unit.name, slot);
    }
    print(text);
    return Exit::done;
}

Exit print_deployed(const Context& context)
{
    const auto json =
        control::get(context.socket_path, "/v1/units", control::deadline_in(patience));
    if (control::trouble_of(json) != nullptr) return Exit::unreachable;
    const auto units = control::decode_units(std::get<std::string>(json));
    if (!units) return Exit::failed;
    std::string text;
    for (const core::UnitView& unit : *units)
        if (!unit.release.empty() && can_be_offered(unit)) text += unit.name + "\n";
    print(text);
    return Exit::done;
}

/// Those that `keel deploy` would not refuse at once, or those that it would as they are denied.
Exit print_releases(const Context& context, const std::string& unit, Names names)
{
    const auto json = control::get(context.socket_path,
                                   fmt::format("/v1/units/{}/releases", control::url_encoded(unit)),
                                   control::deadline_in(patience));
    if (control::trouble_of(json) != nullptr) return Exit::unreachable;
    const auto releases = control::decode_releases(std::get<std::string>(json));
    if (!releases) return Exit::failed;
    const auto is_denied = [&](const std::string& id) {
        return std::ranges::find(releases->denied, id, &core::DeniedRelease::id) !=
               releases->denied.end();
    };
    std::string text;
    // As of units, nothing but plain names.
    const auto add = [&](const std::string& id) {
        if (is_release_id(id)) text += id + "\n";
    };
    if (names == Names::denied)
        for (const auto& denied : releases->denied)
            add(denied.id);
    else
        for (const auto& release : releases->known)
            if (!release.is_current && !is_denied(release.id)) add(release.id);
    print(text);
    return Exit::done;
}

Exit print_operations(const Context& context)
{
    const auto json =
        control::get(context.socket_path, "/v1/operations", control::deadline_in(patience));
    if (control::trouble_of(json) != nullptr) return Exit::unreachable;
    const auto operations = control::decode_operations(std::get<std::string>(json));
    if (!operations) return Exit::failed;
    std::string text;
    for (const core::OperationRecord& operation : *operations)
        if (!operation.outcome && core::can_be_cancelled(operation.verb))
            text += fmt::format("{}\n", number(operation.id));
    print(text);
    return Exit::done;
}

} // namespace

Exit completion(const Context& context, const std::vector<std::string>& words)
{
    const std::string& word = words.front();
    if (words.size() == 2 && word == "releases")
        return print_releases(context, words.back(), Names::releases);
    if (words.size() == 2 && word == "denied")
        return print_releases(context, words.back(), Names::denied);
    if (word == "units" || word == "instances") return print_names(context, word == "instances");
    if (word == "deployed") return print_deployed(context);
    if (word == "operations") return print_operations(context);
    const auto shell = from_name<Shell>(word);
    if (!shell || words.size() > 1) {
        complain(fmt::format("there is no completion for `{}`", fmt::join(words, " ")),
                 "bash, zsh or fish");
        return Exit::usage;
    }
    print(completion_script(*shell));
    return Exit::done;
}

} // namespace keel::cli
