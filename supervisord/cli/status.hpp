// How `keel status` shows units: a line each, or one in detail.
#pragma once
#include "cli/context.hpp"
#include "core/views.hpp"

#include <string>
#include <vector>

namespace keel::cli {

std::string status_table(const std::vector<core::UnitView>& units, WallTime now,
                         const Screen& screen);
std::string unit_details(const core::UnitView& unit, WallTime now, const Screen& screen);

} // namespace keel::cli
