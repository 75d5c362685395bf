// How available a unit was in a span of time, from the records of what it was wanted to be and of
// when it was not (PRODUCT section 6):
//
//   availability = ready ÷ (wanted up − planned − gap)
//
// Time is counted once: what lies in a gap is unknown, whatever else is on record of it; of the
// rest what was planned is planned; of the rest what was down is down, an outage and a blip alike;
// all the rest of the time in which it was wanted up it was ready. A first start within its time
// opens no outage, and so counts as ready; a degraded unit has as many instances as it needs.
#pragma once
#include "core/outage.hpp"
#include "core/spans.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace keel::core {

/// A record of outage as far as it matters here.
struct Downtime {
    Span span; ///< of one that is open: until now
    OutageKind kind = OutageKind::outage;
    Outage::Planned planned = Outage::Planned::no;
    enum class Over : std::uint8_t { no, yes } over = Over::yes;
    OutageId id{};
};

/// What is on record of a unit.
struct UnitPast {
    std::string unit;
    std::vector<Span> wanted; ///< up
    std::vector<Downtime> downtimes;
};

/// All that is on record of a span of time and bears on how available units were.
struct PastOfAll {
    std::vector<UnitPast> units;
    std::vector<Span> gaps;
    std::optional<WallTime> since; ///< when the first record begins; none: there is none
    std::string missing;           ///< why there may be more; empty: there is not
};

/// The four parts of `wanted` do not overlap and add up to it.
struct Availability {
    Duration wanted{0};
    Duration ready{0};
    Duration down{0}; ///< not planned
    Duration planned{0};
    Duration unknown{0};     ///< Keel was not there to see
    std::size_t outages = 0; ///< that were not planned, and opened in the span
    std::size_t planned_outages = 0;
    std::size_t blips = 0;
    /// None: it was never wanted up while Keel was there, or only in planned outages.
    [[nodiscard]] std::optional<double> ratio() const;
    /// Mean time to recovery: of the outages that opened in the span and are over. None: none did.
    std::optional<Duration> recovery;
    /// Mean time between failures: ready time by outages. None: there was none.
    [[nodiscard]] std::optional<Duration> between_failures() const;
};

/// `gaps`: when Keel was away.
Availability availability(const UnitPast& past, const Spans& gaps, Span window);

} // namespace keel::core
