#include "control/json_codec.hpp"

#include "base/text.hpp"
#include "control/json_reading.hpp"

#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>

namespace keel::control {
namespace {

/// Views hold names of states as references to core's own tables.
template <class Table>
std::string_view known_name(const Table& table, const Json& object, const char* key)
{
    const std::string word = text(object, key);
    for (const std::string_view known : table)
        if (known == word) return known;
    return "unknown";
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
    instance.release = text(json, "release");
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

core::EdgesView edges_from(const Json& json)
{
    if (json.is_null()) return {};
    return {list<std::string>(json, "requires", sentence_from),
            list<std::string>(json, "binds_to", sentence_from),
            list<std::string>(json, "after", sentence_from),
            list<std::string>(json, "restart_with", sentence_from)};
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
    unit.release = text(json, "release");
    if (truth(json, "release_good")) unit.release_good = core::UnitView::Good::yes;
    if (!is_absent(json, "deployment"))
        unit.deployment = deployment_from(member(json, "deployment"));
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
    constexpr std::array known = std::to_array<std::string_view>(
        {"why", "instance", "seconds", "process", "release", "file", "dry_run"});
    if (!json.is_object()) throw Unexpected("the body is not a JSON object");
    for (const auto& [key, value] : json.items()) {
        if (std::ranges::find(known, key) != known.end()) continue;
        const auto near = nearest(key, known);
        throw Unexpected(fmt::format("unknown member `{}`{}", printable(key, 64),
                                     near ? fmt::format(", did you mean `{}`?", *near) : ""));
    }
    ChangeRequest change{text(json, "why"), std::nullopt, hold_terms_from(json)};
    if (const auto wrong = wrong_reason(change.why)) throw Unexpected(*wrong);
    if (!is_absent(json, "instance")) {
        change.instance = count<Slot>(json, "instance");
        if (*change.instance == 0) throw Unexpected("`instance` counts from 1");
    }
    change.deploy = deploy_terms_from(json);
    if (truth(json, "dry_run")) change.trial = ChangeRequest::Trial::dry_run;
    return change;
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

Result<std::vector<core::TriedProbe>> decode_tried(std::string_view json)
{
    return decode<std::vector<core::TriedProbe>>(json, [](const Json& document) {
        return list<core::TriedProbe>(document, "probes", [](const Json& tried) {
            return core::TriedProbe{text(tried, "instance"), probe_from(tried)};
        });
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
