// The control API's documents: core's views as JSON, and back.
//
// One struct is the answer on both sides: the server encodes a view, the client decodes the same
// view. Shapes are those of docs/openapi.yaml. Times are RFC 3339 with milliseconds, durations are
// seconds as numbers, what is absent is null. Bytes that are not UTF-8 (details of probes, reasons)
// become U+FFFD. Decoding accepts unknown members, so that a client and a daemon of different
// versions understand each other, and never throws. It knows nothing of HTTP.
#pragma once
#include "base/result.hpp"
#include "core/availability.hpp"
#include "core/incident.hpp"
#include "core/views.hpp"
#include "units/problem.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keel::control {

/// An RFC 9457 problem document: why a request was not carried out.
struct Problem {
    int status = 500;   ///< the HTTP status, as in the answer's first line
    std::string type;   ///< `urn:keel:problem:conflict`; empty: about:blank
    std::string title;  ///< of its kind: `Another operation is in the way`
    std::string detail; ///< of this case
    std::string hint;   ///< what to do; may be empty
    std::optional<core::OperationView> in_the_way; ///< conflict only
    std::vector<units::Problem> problems{};        ///< of a configuration that was refused
};

/// An accepted request; with its outcome, once there is one.
struct OperationReport {
    OperationId id{};
    core::Verb verb = core::Verb::start;
    std::string unit;
    std::optional<Slot> instance;
    std::optional<core::OperationResult::Outcome> outcome; ///< none: it is under way
    std::string text; ///< the outcome for people: `ready in 120 ms`
};

/// Of what happened, as much as was asked for and is known.
struct EventList {
    std::vector<core::EventView> events; ///< oldest first
    std::uint64_t latest = 0;            ///< id of the latest there is, listed or not; 0: none
    std::optional<WallTime> kept_since;  ///< of the oldest that is kept; none: none is
};

/// What a client may say with a request.
struct ChangeRequest {
    std::string why;
    std::optional<Slot> instance; ///< restart only
    core::HoldTerms hold{};       ///< hold only
    core::DeployTerms deploy{};   ///< deploy, and its release undeny
    enum class Trial : std::uint8_t { no, dry_run } trial = Trial::no; ///< deploy and rollback
    friend bool operator==(const ChangeRequest&, const ChangeRequest&) = default;
};

/// What a client may say with an apply.
struct ApplyRequest {
    enum class IfItFails : std::uint8_t { revert, stay } if_it_fails = IfItFails::revert;
    std::optional<std::uint64_t> revert{}; ///< the generation to go back to; 0: the former one
    std::string why{};
    friend bool operator==(const ApplyRequest&, const ApplyRequest&) = default;
};

struct VersionInfo {
    std::string version;
    std::string api = "v1";
    std::string host{};                      ///< by the name that the kernel has for it
    std::optional<WallTime> records_since{}; ///< of outages; what was before is not known
};

/// A link that opens the dashboard, once.
struct WebLink {
    std::string url;
    WallTime expires;
};

/// {"outages": […], "missing": …}
struct OutageList {
    std::vector<core::OutageView> outages{}; ///< the latest first
    std::string missing{};                   ///< why some may be; empty: none is
};

/// How available units were.
struct Report {
    core::Span window;
    std::optional<WallTime> records_since{}; ///< what was before is not known; none: nothing is
    Duration away{0};                        ///< Keel was, within the window
    struct OfUnit {
        std::string unit;
        core::Availability availability;
    };
    std::vector<OfUnit> units{}; ///< that were wanted up or down in the window, by name
    std::string missing{};       ///< why records may be; empty: none is
};

/// What a check of unit files found.
struct CheckReport {
    std::size_t checked = 0; ///< units
    std::vector<units::Problem> problems;
    std::vector<units::Problem> notes; ///< what is no mistake, and worth knowing all the same
};

/// A longer `why` is refused, and one that is no line of plain text.
inline constexpr std::size_t why_bytes_max = 1024;
/// A longer name of a file is refused, and one that is not absolute.
inline constexpr std::size_t file_bytes_max = 4095;
/// A hold that is to end by itself is to do so within this time.
inline constexpr Duration hold_span_max = std::chrono::hours(24 * 3650);

// ---- to JSON: one compact document, without a line break ---------------------------------------
std::string encode(const core::UnitView&);
std::string encode(const core::WhyView&);
std::string encode(const core::EventView&);
/// {"units": […], "alarms": […]}. Brief: without what a line about each unit does not need:
/// description, rung, release, and instances that are ready or done; what would be null is left
/// out.
enum class Detail : std::uint8_t { full, brief };
/// `alarms`: what is wrong with Keel itself, a sentence each.
std::string encode(const std::vector<core::UnitView>&, Detail detail = Detail::full,
                   const std::vector<std::string>& alarms = {});
std::string encode(const OutageList&);
std::string encode(const Report&);
/// `incident.outage` is there.
std::string encode(const core::Incident& incident);
std::string encode(const EventList&);                     ///< {"events": […], …}
std::string encode(const std::vector<core::TriedProbe>&); ///< {"probes": […]}
std::string encode(const OperationReport&);
std::string encode(const std::vector<core::OperationRecord>&); ///< {"operations": […]}
std::string encode(const ChangeRequest&);
std::string encode(const core::ReleasesView&); ///< {"releases": […], "denied": […]}
std::string encode(const core::DeployOutline&);
std::string encode(const ApplyRequest&);
std::string encode(const core::ApplyView&);
std::string encode(const VersionInfo&);
std::string encode(const WebLink&);
std::string encode(const Problem&);
std::string encode(const CheckReport&);

// ---- from JSON ---------------------------------------------------------------------------------
Result<core::UnitView> decode_unit(std::string_view json);
Result<core::WhyView> decode_why(std::string_view json);
Result<core::EventView> decode_event(std::string_view json);
Result<std::vector<core::UnitView>> decode_units(std::string_view json);
/// The `alarms` of the units' document; none where there are none.
Result<std::vector<std::string>> decode_alarms(std::string_view json);
Result<OutageList> decode_outages(std::string_view json);
Result<Report> decode_report(std::string_view json);
Result<core::Incident> decode_incident(std::string_view json);
Result<EventList> decode_events(std::string_view json);
Result<std::vector<core::TriedProbe>> decode_tried(std::string_view json);
Result<core::ReleasesView> decode_releases(std::string_view json);
Result<core::DeployOutline> decode_outline(std::string_view json);
Result<OperationReport> decode_operation(std::string_view json);
Result<std::vector<core::OperationRecord>> decode_operations(std::string_view json);
Result<VersionInfo> decode_version(std::string_view json);
Result<WebLink> decode_link(std::string_view json);
Result<Problem> decode_problem(std::string_view json);
Result<core::ApplyView> decode_apply_view(std::string_view json);
/// The `problems` of a problem document; of another one, none.
Result<std::vector<units::Problem>> decode_check_problems(std::string_view json);
/// Strict, as it is a stranger's: an unknown member is an error that names the nearest known one.
/// Nothing at all is an empty request.
Result<ChangeRequest> decode_change(std::string_view json);
/// The same.
Result<ApplyRequest> decode_apply(std::string_view json);

/// The moment that to_rfc3339 printed; also without a fraction, or with up to nine digits.
std::optional<WallTime> parse_rfc3339(std::string_view text);

} // namespace keel::control
