// A whole configuration: keel.toml and every unit, loaded and checked together.
//
// Pure: what stands on the disk was collected before (sources.hpp). Whether it is to be put in
// force in spite of problems is its caller's business.
#pragma once
#include "units/daemon_file.hpp"
#include "units/sources.hpp"
#include "units/unit_set.hpp"

#include <vector>

namespace keel::units {

struct Configuration {
    LoadedDaemon daemon;
    UnitSet units;

    /// Of keel.toml, of the folders, then unit by unit.
    [[nodiscard]] std::vector<Problem> all_problems() const;
};

Configuration load_configuration(const Collected& collected);

} // namespace keel::units
