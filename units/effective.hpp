// What a unit's configuration comes to, key by key, and how two of them differ.
//
// Walks the schema, so that a new key is shown and compared without another word. Values stand as
// they would in a unit file. Variables that came from environment_files are secrets as a rule: they
// are compared, but never shown. Pure: the files were read before.
#pragma once
#include "units/environment_file.hpp"
#include "units/schema.hpp"
#include "units/spec.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace keel::units {

struct EffectiveUnit {
    UnitSpec spec;          ///< as its texts have it
    Variables from_files{}; ///< where the spec has a variable of the same name, that one counts
};

struct EffectiveKey {
    std::string key;   ///< `restart.delay`, `environment.TZ`, `probe.healthz.interval`
    std::string value; ///< as it is shown
    TakesEffect takes_effect = TakesEffect::live;
    std::string hidden{}; ///< what must not be shown, for comparing
};

/// Every key in the order of the schema, also those that have their default.
std::vector<EffectiveKey> effective_keys(const EffectiveUnit& unit);
std::vector<EffectiveKey> effective_keys(const DaemonSpec& daemon);

struct KeyChange {
    std::string key;
    std::string before; ///< empty: the key was not there
    std::string after;  ///< empty: it is there no more
    TakesEffect takes_effect = TakesEffect::live;
    friend bool operator==(const KeyChange&, const KeyChange&) = default;
};

/// A digest of what a process is made from: all that takes effect by a restart and is not as by
/// default, so that a key that a later version adds changes nothing. Never 0. The name does not
/// count.
std::uint64_t recipe_of(const UnitSpec& spec);

/// What the change takes at most: nothing if both come to the same, else the strongest of its keys'
/// words.
std::optional<TakesEffect> effect_of(const UnitSpec& before, const UnitSpec& after);

/// Keys whose values differ, in the order of the schema; those that are gone come last.
std::vector<KeyChange> differences(const std::vector<EffectiveKey>& before,
                                   const std::vector<EffectiveKey>& after);

} // namespace keel::units
