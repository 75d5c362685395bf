// How `keel outages` shows the record.
#pragma once
#include "cli/context.hpp"
#include "control/json_codec.hpp"
#include "core/views.hpp"

#include <string>
#include <vector>

namespace keel::cli {

std::string outages_table(const std::vector<core::OutageView>& outages, WallTime now,
                          const Screen& screen);

/// One of them, with what came of it and what its process wrote last. `incident.outage` is there.
std::string outage_page(const core::Incident& incident, WallTime now);

} // namespace keel::cli
