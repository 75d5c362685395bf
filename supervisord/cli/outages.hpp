// How `keel outages` shows the record.
#pragma once
#include "cli/context.hpp"
#include "core/views.hpp"

#include <string>
#include <vector>

namespace keel::cli {

std::string outages_table(const std::vector<core::OutageView>& outages, WallTime now,
                          const Screen& screen);

} // namespace keel::cli
