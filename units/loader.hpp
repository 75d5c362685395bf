// One unit: the text of its file and of its drop-ins in, a spec or all of its problems out.
//
// Strict, pure and total: any bytes give either a spec that obeys every rule of the schema, or at
// least one problem with its position. Every text is judged by itself, also where a later one has
// the last word, and then what they give together. Nothing is read from disk here and nothing is
// printed; other units (unit_set.hpp) and the host (host_check.hpp) are not known.
#pragma once
#include "units/document.hpp"
#include "units/problem.hpp"
#include "units/reader.hpp"
#include "units/sources.hpp"
#include "units/spec.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keel::units {

struct LoadedUnit {
    std::string name;                 ///< from the file's name: `/etc/keel/units/api.toml` is `api`
    std::string path;                 ///< of the file, as it was given
    std::vector<std::string> sources; ///< by Position::source: `path`, its drop-ins, keel.toml
    std::optional<UnitSpec> spec;     ///< there if and only if `problems` is empty
    /// With problems: what could be read all the same, so that the rest can be checked. None if the
    /// file is not even TOML.
    std::optional<UnitSpec> remains;
    std::vector<Problem> problems;
    Positions positions; ///< where each key stood, for what is checked later
};

/// The spec, or what could be read of it, or nullptr.
const UnitSpec* readable_spec(const LoadedUnit& unit);

/// What keel.toml says for units.
struct Defaults {
    std::string path; ///< of keel.toml
    Table keys;       ///< laid under every unit; without problems of their own
    /// What ladders may name; none: there is no keel.toml to ask, or it cannot be read.
    std::optional<NamedHooks> hooks{};
    std::optional<std::vector<std::string>> channels{}; ///< the same of `notify`
};

LoadedUnit load_unit(const UnitSources& sources, const Defaults& defaults = {});

/// A unit without drop-ins. `file` names the text in problems, and its last part the unit.
LoadedUnit load_unit(std::string_view text, const std::string& file);

/// Where a key of the unit stood, or an element of `requires` (`requires.redis`); the begin of the
/// file for one that was not given.
Position position_of(const LoadedUnit& unit, std::string_view key);

} // namespace keel::units
