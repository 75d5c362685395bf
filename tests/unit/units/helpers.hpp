// Shared by the tests of the unit-file language.
#pragma once
#include "units/loader.hpp"
#include "units/schema.hpp"
#include "units/show.hpp"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace keel::units {

/// Loads text as the file `web.toml`.
inline LoadedUnit load(const std::string& text) { return load_unit(text, "web.toml"); }

/// Loads text that must be without problems.
inline UnitSpec load_good(const std::string& text)
{
    const LoadedUnit loaded = load(text);
    for (const Problem& problem : loaded.problems)
        ADD_FAILURE() << to_text(problem);
    return loaded.spec.value_or(UnitSpec{});
}

/// The problems as lines.
inline std::vector<std::string> lines_of(const std::vector<Problem>& problems)
{
    std::vector<std::string> lines;
    for (const Problem& problem : problems)
        lines.push_back(to_text(problem));
    return lines;
}

inline std::vector<std::string> problems_of(const std::string& text)
{
    return lines_of(load(text).problems);
}

/// A spec as a Draft, with its first probe and its first step, so that rows of the schema can
/// show it.
inline Draft draft_of(const UnitSpec& spec)
{
    Draft draft{spec, {}};
    if (!spec.deploy.steps.empty()) draft.step = spec.deploy.steps.front();
    if (spec.probes.empty()) return draft;
    draft.probe.common = spec.probes.front();
    const ProbeTarget& target = spec.probes.front().target;
    if (const auto* http = std::get_if<HttpTarget>(&target)) draft.probe.http = *http;
    if (const auto* tcp = std::get_if<TcpTarget>(&target)) draft.probe.tcp = *tcp;
    if (const auto* exec = std::get_if<ExecTarget>(&target)) draft.probe.exec = *exec;
    return draft;
}

/// The beginning of a file in which a key that stands directly below `parent` can follow.
inline std::string head_of(std::string_view parent)
{
    const std::string section(parent.substr(0, parent.empty() ? 0 : parent.size() - 1));
    if (!parent.starts_with("deploy."))
        return "command = \"web\"\n" + (parent == "probe[]." ? "[[probe]]\n"
                                        : parent.empty()     ? ""
                                                             : "[" + section + "]\n");
    const std::string deploy = "command = \"{release}/web\"\n[deploy]\n";
    return parent == "deploy." ? deploy : deploy + "root = \"/srv/web\"\n[[deploy.steps]]\n";
}

inline const Key& key_named(std::string_view path)
{
    for (const Key& key : schema())
        if (key.path == path) return key;
    ADD_FAILURE() << "no key " << path;
    return schema().front();
}

} // namespace keel::units
