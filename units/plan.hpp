// What would change if one configuration took another's place: unit by unit, key by key, and in
// which order units would be stopped, restarted and started for it.
//
// Pure, but for read_environments(), and without judgement: both are loaded, and whether the new
// one may be applied, problems and all, is its caller's business. A unit of which one side cannot
// be read is told as such.
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
    /// Of keel.toml; felt when keeld's engine starts, but for hooks, which are their units', too.
    std::vector<KeyChange> daemon;
    std::vector<UnitChange> units; ///< by name; those that stay as they are are left out

    [[nodiscard]] bool empty() const { return daemon.empty() && units.empty(); }
};

Plan plan_of(const Configuration& before, const Configuration& after);

/// Reads the environment files of all units of a configuration; those that have some.
EnvironmentDigests read_environments(const Configuration& configuration);

/// Adds that what stands in `environment_files` has changed, as far as it is known on both sides.
void compare_environments(Plan& plan, const Configuration& after,
                          const EnvironmentDigests& digests_before,
                          const EnvironmentDigests& digests_after);

/// What an apply does to a unit. Steps with the same number need not wait for each other.
struct PlanStep {
    std::size_t number = 1; ///< from 1
    enum class Action : std::uint8_t { stop, restart, start } action = Action::restart;
    std::string unit;
    /// It does not change itself: it is bound to this one or to be restarted with it. Else empty.
    std::string along_with{};
    friend bool operator==(const PlanStep&, const PlanStep&) = default;
};

/// First what goes is stopped, what needs others first; then the others have their turns, what is
/// needed first. Units that nobody wants up when the time comes are passed over.
std::vector<PlanStep> order_of(const Plan& plan, const Configuration& before,
                               const Configuration& after);

} // namespace keel::units

namespace keel {
template <>
inline constexpr std::array names_of<units::UnitChange::Kind> =
    std::to_array<std::string_view>({"added", "removed", "changed"});
template <>
inline constexpr std::array names_of<units::PlanStep::Action> =
    std::to_array<std::string_view>({"stop", "restart", "start"});
} // namespace keel
