// What the engine is told and tells of an apply; how it is carried out is engine/apply.cpp's.
#pragma once
#include "base/result.hpp"
#include "core/views.hpp"
#include "engine/spawn_plan.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace keel::engine {

/// One unit as it was loaded.
struct ConfiguredUnit {
    units::UnitSpec spec;
    Identity identity;
    std::string problem; ///< not empty: the file cannot be used; the unit is listed as failed
    /// Of what its environment_files said when they were read for it; none: it has no such files.
    std::optional<std::uint64_t> environment_digest{};
};

/// A whole configuration that is to take the place of the one in force.
struct ApplyOrder {
    std::vector<ConfiguredUnit> units;
    std::string by;
    std::string why{}; ///< empty: not said
    enum class IfItFails : std::uint8_t { revert, stay } if_it_fails = IfItFails::revert;
    /// Makes it the one that the next engine begins with, and says, later, whether that is so.
    using Stored = std::function<void(Result<std::uint64_t> generation)>;
    std::function<void(Stored)> store;
};

using ApplyDone = std::function<void(const core::ApplyView&)>;

struct ApplyUnderWay {
    ApplyOrder order;
    ApplyDone done;
    std::vector<ConfiguredUnit> former;
    core::ApplyView view{};
    enum class Phase : std::uint8_t { on_trial, storing, reverting } phase = Phase::on_trial;
};

/// Journal key that says: an apply is under way. What runs may be made from either of two
/// configurations; the next engine makes it one.
inline const std::string key_of_apply = "apply";

/// How a configuration differs from what the host has, by unit.
struct ConfigurationChange {
    std::map<UnitId, const ConfiguredUnit*> changed; ///< usable before and after
    std::map<UnitId, const ConfiguredUnit*> mended;  ///< usable only from now on
    std::map<UnitId, const ConfiguredUnit*> broken;  ///< usable no longer
    std::vector<const ConfiguredUnit*> added;
    std::vector<UnitId> leaving;
    std::vector<UnitId> returning; ///< that were about to leave

    [[nodiscard]] bool empty() const
    {
        return changed.empty() && mended.empty() && broken.empty() && added.empty() &&
               leaving.empty() && returning.empty();
    }
};

} // namespace keel::engine
