// keel report and keel postmortem: what has been, in Markdown, for people who were not there.
#pragma once
#include "base/time.hpp"
#include "control/json_codec.hpp"

#include <optional>
#include <string>
#include <vector>

namespace keel::cli {

/// `99.9871 %`, rounded down, so that only what was never down is 100 %; `unknown` for none.
std::string percent(std::optional<double> ratio);

/// The outages are those of the report's window, the latest first; only those that were not planned
/// are listed, and at most `report_outages_max` of them.
std::string report_page(const control::Report& report, const std::vector<core::OutageView>& outages,
                        WallTime now);
inline constexpr std::size_t report_outages_max = 50;

/// `incident.outage` is there.
std::string postmortem_page(const core::Incident& incident, WallTime now);

/// What would be read as Markdown, end a cell of a table or steer a terminal, shown as it is.
std::string plain(std::string_view text);

} // namespace keel::cli
