// What probes found that were run on demand, as a table.
#pragma once
#include "cli/table.hpp"
#include "core/views.hpp"

#include <string>
#include <vector>

namespace keel::cli {

std::string tried_table(const std::vector<core::TriedProbe>& tried, const Screen& screen);

} // namespace keel::cli
