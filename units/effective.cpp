#include "units/effective.hpp"

#include "units/show.hpp"
#include "units/validate.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace keel::units {
namespace {

constexpr std::string_view of_probe = "probe[].";
constexpr std::string_view of_deploy = "deploy.";
constexpr std::string_view of_step = "deploy.steps[].";
constexpr std::string_view of_hook = "hook.NAME.";
constexpr std::string_view of_channel = "channel.NAME.";
constexpr std::string_view hidden_text = "(hidden: it is from a file)";
constexpr std::string_view hidden_change = "(hidden: another value)";

/// A default that is told in words (`keeld's own`) is shown so. Words of a closed set stand for
/// themselves: they may be what followed from other keys.
std::string shown(const Key& key, const Draft& draft)
{
    std::string value = show(key.kind, draft);
    const bool is_of_set =
        std::holds_alternative<Choice>(key.kind) || std::holds_alternative<Rungs>(key.kind);
    const bool in_words = !key.default_text.empty() && !is_of_set;
    if (in_words && value == show(key.kind, Draft{})) return std::string(key.default_text);
    return value;
}

void add_variables(const Key& key, const EffectiveUnit& unit, std::vector<EffectiveKey>& keys)
{
    std::map<std::string, EffectiveKey> variables;
    for (const auto& [name, value] : unit.spec.environment)
        variables[name] = {"environment." + name, toml_string(value), key.takes_effect};
    for (const auto& [name, value] : unit.from_files)
        variables.try_emplace(name, EffectiveKey{"environment." + name, std::string(hidden_text),
                                                 key.takes_effect, value});
    for (auto& [name, variable] : variables)
        keys.push_back(std::move(variable));
}

Draft draft_of(const ProbeSpec& probe)
{
    Draft draft;
    draft.probe.common = probe;
    if (const auto* http = std::get_if<HttpTarget>(&probe.target)) draft.probe.http = *http;
    if (const auto* tcp = std::get_if<TcpTarget>(&probe.target)) draft.probe.tcp = *tcp;
    if (const auto* exec = std::get_if<ExecTarget>(&probe.target)) draft.probe.exec = *exec;
    return draft;
}

/// Whether a row says something of a probe with this target; its name is in the key already.
bool concerns(const Key& key, std::string_view target)
{
    const std::string_view name = last_name(key.path);
    if (name == "name") return false;
    for (const std::string_view other : probe_targets)
        if (name == other) return name == target;
    return key.only_with.empty() || key.only_with == target;
}

void add_probe(const ProbeSpec& probe, std::vector<EffectiveKey>& keys)
{
    const Draft draft = draft_of(probe);
    const std::string_view target = probe_targets[probe.target.index()];
    for (const Key& key : schema())
        if (parent_of(key.path) == of_probe && concerns(key, target))
            keys.push_back({"probe." + probe.name + "." + std::string(last_name(key.path)),
                            shown(key, draft), key.takes_effect});
}

void add_step(const DeployStepSpec& step, std::vector<EffectiveKey>& keys)
{
    Draft draft;
    draft.step = step;
    for (const Key& key : schema())
        if (parent_of(key.path) == of_step && last_name(key.path) != "name")
            keys.push_back({fmt::format("deploy.steps.{}.{}", step.name, last_name(key.path)),
                            shown(key, draft), key.takes_effect});
}

/// Whether a row says something of the unit as a whole. Of a unit without releases, [deploy] says
/// nothing.
bool concerns_unit(const Key& key, const UnitSpec& unit)
{
    const std::string_view parent = parent_of(key.path);
    if (!takes_value(key.kind) || parent == of_probe || parent == of_step) return false;
    return parent != of_deploy || has_releases(unit);
}

/// Also of a unit: what its ladder runs is a part of what it comes to.
void add_hooks(const NamedHooks& hooks, std::vector<EffectiveKey>& keys)
{
    for (const auto& [name, hook] : hooks) {
        Draft draft;
        draft.hook = hook;
        for (const Key& key : daemon_language().keys)
            if (parent_of(key.path) == of_hook)
                keys.push_back({fmt::format("hook.{}.{}", name, last_name(key.path)),
                                shown(key, draft), key.takes_effect});
    }
}

void add_channels(const Channels& channels, std::vector<EffectiveKey>& keys)
{
    for (const auto& [name, channel] : channels) {
        Draft draft;
        draft.channel = channel;
        for (const Key& key : daemon_language().keys)
            if (parent_of(key.path) == of_channel)
                keys.push_back({fmt::format("channel.{}.{}", name, last_name(key.path)),
                                shown(key, draft), key.takes_effect});
    }
}

std::map<std::string_view, const EffectiveKey*> by_name(const std::vector<EffectiveKey>& keys)
{
    std::map<std::string_view, const EffectiveKey*> named;
    for (const EffectiveKey& key : keys)
        named.emplace(key.key, &key);
    return named;
}

} // namespace

std::vector<EffectiveKey> effective_keys(const EffectiveUnit& unit)
{
    std::vector<EffectiveKey> keys;
    const Draft draft{unit.spec, {}};
    for (const Key& key : schema()) {
        if (key.path == "environment")
            add_variables(key, unit, keys);
        else if (concerns_unit(key, unit.spec))
            keys.push_back({std::string(key.path), shown(key, draft), key.takes_effect});
    }
    for (const ProbeSpec& probe : unit.spec.probes)
        add_probe(probe, keys);
    for (const DeployStepSpec& step : unit.spec.deploy.steps)
        add_step(step, keys);
    add_hooks(unit.spec.hooks, keys);
    return keys;
}

std::vector<EffectiveKey> effective_keys(const DaemonSpec& daemon)
{
    std::vector<EffectiveKey> keys;
    Draft draft;
    draft.daemon = daemon;
    for (const Key& key : daemon_language().keys)
        if (takes_value(key.kind) && parent_of(key.path) != of_hook &&
            parent_of(key.path) != of_channel)
            keys.push_back({std::string(key.path), shown(key, draft), key.takes_effect});
    add_hooks(daemon.hooks, keys);
    add_channels(daemon.channels, keys);
    return keys;
}

std::uint64_t recipe_of(const UnitSpec& spec)
{
    static const auto defaults = effective_keys(EffectiveUnit{{}});
    const auto by_default = by_name(defaults);
    std::uint64_t digest = 14695981039346656037ULL; // FNV-1a
    const auto add = [&](std::string_view text) {
        for (const char c : text)
            digest = (digest ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
        digest = (digest ^ 0xff) * 1099511628211ULL; // A byte that no text has: where it ends.
    };
    for (const EffectiveKey& key : effective_keys(EffectiveUnit{spec})) {
        if (key.takes_effect != TakesEffect::restart) continue;
        const auto usual = by_default.find(key.key);
        if (usual != by_default.end() && usual->second->value == key.value) continue;
        add(key.key);
        add(key.value);
    }
    return std::max<std::uint64_t>(digest, 1);
}

std::optional<TakesEffect> effect_of(const UnitSpec& before, const UnitSpec& after)
{
    std::optional<TakesEffect> strongest;
    for (const KeyChange& change :
         differences(effective_keys(EffectiveUnit{before}), effective_keys(EffectiveUnit{after})))
        strongest = std::max(strongest.value_or(change.takes_effect), change.takes_effect);
    return strongest;
}

std::vector<KeyChange> differences(const std::vector<EffectiveKey>& before,
                                   const std::vector<EffectiveKey>& after)
{
    std::vector<KeyChange> changes;
    const auto old_keys = by_name(before);
    const auto new_keys = by_name(after);
    for (const EffectiveKey& key : after) {
        const auto old = old_keys.find(key.key);
        if (old == old_keys.end())
            changes.push_back({key.key, {}, key.value, key.takes_effect});
        else if (old->second->value != key.value)
            changes.push_back({key.key, old->second->value, key.value, key.takes_effect});
        else if (old->second->hidden != key.hidden)
            changes.push_back({key.key, key.value, std::string(hidden_change), key.takes_effect});
    }
    for (const EffectiveKey& key : before)
        if (!new_keys.contains(key.key))
            changes.push_back({key.key, key.value, {}, key.takes_effect});
    return changes;
}

} // namespace keel::units
