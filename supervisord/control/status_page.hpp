// The public status page as HTML: units that are public, in plain words, without any script.
//
// Pure. It tells strangers what they may know: whether a service works, since when, when it did
// not. It names no cause, no process and no person, and calls a unit by its title alone. What is
// not known (before records began, or while Keel was away) is shown as not known, never as up.
#pragma once
#include "core/views.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace keel::control {

struct StatusPage {
    std::vector<core::UnitView> units;     ///< all; those without a public title are left out
    std::vector<core::OutageView> records; ///< all that are known, the latest first
    WallTime known_since;                  ///< before, only what a record says is known
    WallTime now;
};

/// Of at most `status_units_max` units, those that are down before the others.
std::string to_html(const StatusPage& page);
inline constexpr std::size_t status_units_max = 200;

/// One day of a unit's bar.
struct StatusDay {
    enum class Kind : std::uint8_t { unknown, up, planned, short_outage, long_outage } kind;
    Duration down{0};    ///< unplanned
    Duration planned{0}; ///< down on purpose
    Duration unknown{0}; ///< within the time of records: Keel was away
};
inline constexpr std::size_t status_days = 90;

/// The last 90 days in UTC, today the last one.
std::vector<StatusDay> days_of(const StatusPage& page, std::string_view unit);

/// `text` with what means something in HTML written as references.
std::string html_escaped(std::string_view text);

} // namespace keel::control
