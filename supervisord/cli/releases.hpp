// Tables of releases.
#pragma once
#include "cli/table.hpp"
#include "core/views.hpp"

#include <string>

namespace keel::cli {

std::string releases_table(const std::string& unit, const core::ReleasesView& releases,
                           WallTime now, const Screen& screen);

} // namespace keel::cli
