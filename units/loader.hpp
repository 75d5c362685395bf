// One unit file: text in, a spec or all of its problems out.
//
// Strict, pure and total: any bytes give either a spec that obeys every rule of the schema, or at
// least one problem with its position. Nothing is read from disk here and nothing is printed; other
// units (unit_set.hpp) and the host (host_check.hpp) are not known.
#pragma once
#include "units/problem.hpp"
#include "units/reader.hpp"
#include "units/spec.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keel::units {

struct LoadedUnit {
    std::string name;             ///< from the file's name: `/etc/keel/units/api.toml` is `api`
    std::string path;             ///< of the file, as it was given
    std::optional<UnitSpec> spec; ///< there if and only if `problems` is empty
    std::vector<Problem> problems;
    Positions positions; ///< where each key stood, for what is checked later
};

/// `file` names the text in problems, and its last part the unit.
LoadedUnit load_unit(std::string_view text, const std::string& file);

/// Where a key of the unit stood; the file's begin for one that was not given.
Position position_of(const LoadedUnit& unit, std::string_view key);

} // namespace keel::units
