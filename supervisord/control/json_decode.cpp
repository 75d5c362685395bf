#include "control/json_codec.hpp"

#include "base/text.hpp"

#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>

namespace keel::control {
namespace {

using Json = nlohmann::json;

/// What is wrong with a document; thrown and caught in this file only.
struct Unexpected : std::runtime_error {
    using std::runtime_error::runtime_error;
};

const Json& member(const Json& object, const char* key)
{
    static const Json null;
    if (!object.is_object()) throw Unexpected(fmt::format("an object with `{}` is missing", key));
    const auto found = object.find(key);
    return found == object.end() ? null : *found;
}

bool is_absent(const Json& object, const char* key) { return member(object, key).is_null(); }

std::string text(const Json& object, const char* key)
{
    const Json& value = member(object, key);
    if (value.is_null()) return {};
    if (!value.is_string()) throw Unexpected(fmt::format("`{}` is not a string", key));
    return value.get<std::string>();
}

template <class Number> Number count(const Json& object, const char* key)
{
    const Json& value = member(object, key);
    if (value.is_null()) return 0;
    if (!value.is_number_unsigned()) throw Unexpected(fmt::format("`{}` is not a count", key));
    const auto wide = value.get<std::uint64_t>();
    if (wide > static_cast<std::uint64_t>(std::numeric_limits<Number>::max()))
        throw Unexpected(fmt::format("`{}` is too large", key));
    return static_cast<Number>(wide);
}

bool truth(const Json& object, const char* key)
{
    const Json& value = member(object, key);
    return value.is_boolean() && value.get<bool>();
}

Duration duration(const Json& object, const char* key)
{
    const Json& value = member(object, key);
    if (value.is_null()) return Duration{0};
    if (!value.is_number()) throw Unexpected(fmt::format("`{}` is not a number", key));
    constexpr double longest = 9e9; // seconds that fit into a Duration
    const double length = value.get<double>();
    if (!(length >= -longest && length <= longest))
        throw Unexpected(fmt::format("`{}` is out of range", key));
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(length));
}

WallTime moment(const Json& object, const char* key)
{
    const auto at = parse_rfc3339(text(object, key));
    if (!at) throw Unexpected(fmt::format("`{}` is not a time", key));
    return *at;
}

std::optional<WallTime> moment_if_any(const Json& object, const char* key)
{
    if (is_absent(object, key)) return std::nullopt;
    return moment(object, key);
}

/// The enumerator of that name. One that this version does not know gives `otherwise`.
template <NamedEnum E> E enumerator(const Json& object, const char* key, E otherwise)
{
    return from_name<E>(text(object, key)).value_or(otherwise);
}

/// Views hold names of states as references to core's own tables.
template <class Table>
std::string_view known_name(const Table& table, const Json& object, const char* key)
{
    const std::string word = text(object, key);
    for (const std::string_view known : table)
        if (known == word) return known;
    return "unknown";
}

template <class View>
std::vector<View> list(const Json& object, const char* key, View (*decode)(const Json&))
{
    const Json& values = member(object, key);
    if (values.is_null()) return {};
    if (!values.is_array()) throw Unexpected(fmt::format("`{}` is not a list", key));
    std::vector<View> views;
    views.reserve(values.size());
    for (const Json& value : values)
        views.push_back(decode(value));
    return views;
}

core::ProbeView probe_from(const Json& json)
{
    core::ProbeView probe;
    probe.name = text(json, "name");
    if (!is_absent(json, "verdict"))
        probe.verdict = enumerator(json, "verdict", core::Verdict::unknown);
    probe.kind = enumerator(json, "kind", core::VerdictKind::internal);
    probe.latency = duration(json, "latency_seconds");
    probe.detail = text(json, "detail");
    return probe;
}

core::InstanceView instance_from(const Json& json)
{
    core::InstanceView instance;
    instance.name = text(json, "name");
    instance.slot = count<Slot>(json, "slot");
    instance.state = known_name(core::state_names, json, "state");
    instance.reason = text(json, "reason");
    if (!is_absent(json, "pid")) instance.pid = count<int>(json, "pid");
    if (!is_absent(json, "spawn"))
        instance.spawn = static_cast<SpawnId>(count<std::uint64_t>(json, "spawn"));
    instance.since = moment(json, "since");
    instance.next_at = moment_if_any(json, "next_at");
    instance.restarts = count<std::uint64_t>(json, "restarts");
    instance.last_start = {moment_if_any(json, "started_at"), moment_if_any(json, "ready_at")};
    instance.says = text(json, "says");
    instance.probes = list<core::ProbeView>(json, "probes", probe_from);
    return instance;
}

core::OperationView operation_from(const Json& json)
{
    return {static_cast<OperationId>(count<std::uint64_t>(json, "id")),
            enumerator(json, "verb", core::Verb::start), text(json, "by"), text(json, "step")};
}

core::ActionTaken action_from(const Json& json)
{
    return {moment(json, "at"), text(json, "action"), text(json, "reason"), text(json, "result")};
}

std::string sentence_from(const Json& json)
{
    return json.is_string() ? json.get<std::string>() : std::string();
}

core::EdgesView edges_from(const Json& json)
{
    if (json.is_null()) return {};
    return {list<std::string>(json, "requires", sentence_from),
            list<std::string>(json, "binds_to", sentence_from),
            list<std::string>(json, "after", sentence_from),
            list<std::string>(json, "restart_with", sentence_from)};
}

core::OutageView outage_from(const Json& json)
{
    core::OutageView outage;
    core::Outage& record = outage.record;
    record.id = static_cast<OutageId>(count<std::uint64_t>(json, "id"));
    record.unit = text(json, "unit");
    record.kind = enumerator(json, "kind", core::OutageKind::outage);
    record.planned =
        truth(json, "planned") ? core::Outage::Planned::yes : core::Outage::Planned::no;
    record.opened.wall = moment(json, "opened");
    if (const auto closed = moment_if_any(json, "closed")) record.closed = Now{{}, *closed};
    if (truth(json, "uncertain")) record.end = core::Outage::End::unseen;
    outage.length = duration(json, "seconds");
    if (truth(json, "settling")) outage.settling = core::OutageView::Settling::yes;
    record.detected_by = text(json, "detected_by");
    record.cause_text = text(json, "cause");
    record.cause = enumerator(json, "cause_kind", core::OutageCause::exit);
    if (!is_absent(json, "caused_by"))
        record.caused_by = static_cast<OutageId>(count<std::uint64_t>(json, "caused_by"));
    record.detection = duration(json, "detection_seconds");
    record.actions = list<core::ActionTaken>(json, "actions", action_from);
    return outage;
}

core::Held held_from(const Json& json)
{
    core::Held held{text(json, "by"), text(json, "why"), moment(json, "since")};
    if (const auto until = moment_if_any(json, "until")) held.until = Now{{}, *until};
    held.process = enumerator(json, "process", core::Held::Process::stopped);
    held.lasts = enumerator(json, "lasts", core::Held::Lasts::this_boot);
    return held;
}

core::UnitView unit_from(const Json& json)
{
    core::UnitView unit;
    unit.name = text(json, "name");
    unit.description = text(json, "description");
    if (!is_absent(json, "labels"))
        unit.labels = member(json, "labels").get<std::map<std::string, std::string>>();
    unit.wanted = known_name(core::wanted_names, json, "wanted");
    if (!is_absent(json, "held")) unit.held = held_from(member(json, "held"));
    unit.status = enumerator(json, "status", core::UnitStatus::down);
    if (const auto since = moment_if_any(json, "since")) unit.since = *since;
    unit.ready = count<std::uint16_t>(json, "ready");
    unit.wanted_instances = count<std::uint16_t>(json, "wanted_instances");
    unit.min_ready = count<std::uint16_t>(json, "min_ready");
    unit.restarts = count<std::uint64_t>(json, "restarts");
    unit.rung = text(json, "rung");
    if (!is_absent(json, "operation")) unit.operation = operation_from(member(json, "operation"));
    if (!is_absent(json, "outage")) unit.outage = outage_from(member(json, "outage"));
    unit.edges = edges_from(member(json, "dependencies"));
    unit.instances = list<core::InstanceView>(json, "instances", instance_from);
    if (json.value("changed_on_disk", false)) unit.on_disk = core::UnitView::OnDisk::changed;
    return unit;
}

core::EventView event_from(const Json& json)
{
    return {count<std::uint64_t>(json, "id"),
            moment(json, "at"),
            text(json, "unit"),
            text(json, "subject"),
            text(json, "kind"),
            text(json, "text")};
}

core::WhyView why_from(const Json& json)
{
    return {unit_from(member(json, "unit")), list<core::EventView>(json, "happened", event_from),
            list<std::string>(json, "now", sentence_from),
            list<std::string>(json, "next", sentence_from)};
}

/// An outcome of a later version counts as a failure.
std::optional<core::OperationResult::Outcome> outcome_if_any(const Json& json)
{
    if (is_absent(json, "outcome")) return std::nullopt;
    return enumerator(json, "outcome", core::OperationResult::Outcome::failed);
}

core::OperationRecord operation_record_from(const Json& json)
{
    core::OperationRecord record;
    record.id = static_cast<OperationId>(count<std::uint64_t>(json, "id"));
    record.unit = text(json, "unit");
    if (!is_absent(json, "instance")) record.slot = count<Slot>(json, "instance");
    record.verb = enumerator(json, "verb", core::Verb::start);
    record.by = text(json, "by");
    record.why = text(json, "why");
    record.since = moment(json, "since");
    record.outcome = outcome_if_any(json);
    record.text = text(json, "text");
    record.ended = moment_if_any(json, "ended");
    return record;
}

OperationReport operation_report_from(const Json& json)
{
    OperationReport report;
    report.id = static_cast<OperationId>(count<std::uint64_t>(json, "id"));
    report.verb = enumerator(json, "verb", core::Verb::start);
    report.unit = text(json, "unit");
    if (!is_absent(json, "instance")) report.instance = count<Slot>(json, "instance");
    report.outcome = outcome_if_any(json);
    report.text = text(json, "text");
    return report;
}

VersionInfo version_from(const Json& json) { return {text(json, "version"), text(json, "api")}; }

Problem problem_from(const Json& json)
{
    Problem problem;
    problem.status = count<int>(json, "status");
    problem.type = text(json, "type");
    problem.title = text(json, "title");
    problem.detail = text(json, "detail");
    problem.hint = text(json, "hint");
    if (!is_absent(json, "operation"))
        problem.in_the_way = operation_from(member(json, "operation"));
    return problem;
}

core::HoldTerms hold_terms_from(const Json& json)
{
    core::HoldTerms terms;
    if (!is_absent(json, "seconds")) {
        terms.span = duration(json, "seconds");
        if (*terms.span <= Duration{0} || *terms.span > hold_span_max)
            throw Unexpected("`seconds` is not more than zero, or beyond ten years");
    }
    if (is_absent(json, "process")) return terms;
    const auto process = from_name<core::Held::Process>(text(json, "process"));
    if (!process) throw Unexpected("`process` is neither `stopped` nor `left-running`");
    terms.process = *process;
    return terms;
}

ChangeRequest change_from(const Json& json)
{
    constexpr std::array known =
        std::to_array<std::string_view>({"why", "instance", "seconds", "process"});
    if (!json.is_object()) throw Unexpected("the body is not a JSON object");
    for (const auto& [key, value] : json.items()) {
        if (std::ranges::find(known, key) != known.end()) continue;
        const auto near = nearest(key, known);
        throw Unexpected(fmt::format("unknown member `{}`{}", printable(key, 64),
                                     near ? fmt::format(", did you mean `{}`?", *near) : ""));
    }
    ChangeRequest change{text(json, "why"), std::nullopt, hold_terms_from(json)};
    if (change.why.size() > why_bytes_max)
        throw Unexpected(fmt::format("`why` is longer than {} bytes", why_bytes_max));
    if (!is_absent(json, "instance")) {
        change.instance = count<Slot>(json, "instance");
        if (*change.instance == 0) throw Unexpected("`instance` counts from 1");
    }
    return change;
}

template <class T> Result<T> decode(std::string_view json, T (*from)(const Json&))
{
    try {
        return from(Json::parse(json));
    } catch (const Unexpected& wrong) {
        return Error{std::string(wrong.what()), {}, 0};
    } catch (const Json::exception& wrong) {
        return Error{"not JSON: " + printable(wrong.what(), 200), {}, 0};
    }
}

} // namespace

Result<core::UnitView> decode_unit(std::string_view json) { return decode(json, unit_from); }
Result<core::WhyView> decode_why(std::string_view json) { return decode(json, why_from); }
Result<core::EventView> decode_event(std::string_view json) { return decode(json, event_from); }

Result<std::vector<core::UnitView>> decode_units(std::string_view json)
{
    return decode<std::vector<core::UnitView>>(json, [](const Json& document) {
        return list<core::UnitView>(document, "units", unit_from);
    });
}

Result<std::vector<core::OperationRecord>> decode_operations(std::string_view json)
{
    return decode<std::vector<core::OperationRecord>>(json, [](const Json& document) {
        return list<core::OperationRecord>(document, "operations", operation_record_from);
    });
}

Result<std::vector<core::TriedProbe>> decode_tried(std::string_view json)
{
    return decode<std::vector<core::TriedProbe>>(json, [](const Json& document) {
        return list<core::TriedProbe>(document, "probes", [](const Json& tried) {
            return core::TriedProbe{text(tried, "instance"), probe_from(tried)};
        });
    });
}

Result<OutageList> decode_outages(std::string_view json)
{
    return decode<OutageList>(json, [](const Json& document) {
        return OutageList{list<core::OutageView>(document, "outages", outage_from),
                          text(document, "missing")};
    });
}

Result<EventList> decode_events(std::string_view json)
{
    return decode<EventList>(json, [](const Json& document) {
        EventList events{list<core::EventView>(document, "events", event_from), 0,
                         moment_if_any(document, "kept_since")};
        if (!is_absent(document, "latest"))
            events.latest = count<std::uint64_t>(document, "latest");
        else if (!events.events.empty())
            events.latest = events.events.back().id;
        return events;
    });
}

Result<OperationReport> decode_operation(std::string_view json)
{
    return decode(json, operation_report_from);
}

Result<VersionInfo> decode_version(std::string_view json) { return decode(json, version_from); }
Result<Problem> decode_problem(std::string_view json) { return decode(json, problem_from); }

Result<ChangeRequest> decode_change(std::string_view json)
{
    if (json.find_first_not_of(" \t\r\n") == std::string_view::npos) return ChangeRequest{};
    return decode(json, change_from);
}

} // namespace keel::control
