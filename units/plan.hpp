// What would change if one configuration took another's place: unit by unit, key by key.
//
// Pure and without judgement: both are loaded, and whether the new one may be applied, problems and
// all, is its caller's business. A unit of which one side cannot be read is told as such.
#pragma once
#include "units/configuration.hpp"
#include "units/effective.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace keel::units {

struct UnitChange {
    enum class Kind : std::uint8_t { added, removed, changed } kind = Kind::changed;
    std::string unit;
    std::vector<KeyChange> keys; ///< of a changed unit
};

struct Plan {
    std::vector<KeyChange> daemon; ///< of keel.toml; felt when keeld's engine starts
    std::vector<UnitChange> units; ///< by name; those that stay as they are are left out

    [[nodiscard]] bool empty() const { return daemon.empty() && units.empty(); }
};

Plan plan_of(const Configuration& before, const Configuration& after);

} // namespace keel::units

namespace keel {
template <>
inline constexpr std::array names_of<units::UnitChange::Kind> =
    std::to_array<std::string_view>({"added", "removed", "changed"});
} // namespace keel
