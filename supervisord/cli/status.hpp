// How units are, as tables: all of them, or one in detail.
#pragma once
#include "cli/commands.hpp"
#include "cli/table.hpp"
#include "core/views.hpp"

#include <string>
#include <vector>

namespace keel::cli {

std::string status_table(const std::vector<core::UnitView>& units, WallTime now,
                         const Screen& screen);
std::string unit_details(const core::UnitView& unit, WallTime now, const Screen& screen);

/// The named units, or all, as the daemon's own JSON, which may say more than this client knows.
control::Reply<std::string> fetch_units(const Context& context,
                                        const std::vector<std::string>& units);
control::Reply<std::vector<core::UnitView>> understood(const std::string& json);

/// Asks once and prints the answer.
Exit show_units(const Context& context, const StatusOptions& options);

} // namespace keel::cli
