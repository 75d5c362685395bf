#include "control/json_codec.hpp"

#include "control/json_writing.hpp"

namespace keel::control {
// Members stand in the order in which they are documented, for people who read the raw answer.

namespace {

void write_members(JsonWriter& out, const core::ProbeView& probe)
{
    out.member("name", probe.name).key("verdict");
    probe.verdict ? out.value(name(*probe.verdict)) : out.null();
    out.member("kind", name(probe.kind)).key("latency_seconds");
    probe.verdict ? out.value(seconds(probe.latency)) : out.null();
    out.member("detail", probe.detail);
}

} // namespace

void write(JsonWriter& out, const core::ProbeView& probe)
{
    out.begin_object();
    write_members(out, probe);
    out.end_object();
}

void write(JsonWriter& out, const core::TriedProbe& tried)
{
    out.begin_object().member("instance", tried.instance);
    write_members(out, tried.probe);
    out.end_object();
}

void write(JsonWriter& out, const core::InstanceView& instance)
{
    out.begin_object()
        .member("name", instance.name)
        .member("slot", instance.slot)
        .member("state", instance.state)
        .member("reason", instance.reason)
        .member("pid", instance.pid);
    member_id(out, "spawn", instance.spawn);
    member(out, "since", instance.since);
    member(out, "next_at", instance.next_at);
    out.member("restarts", instance.restarts).member_if_any("release", instance.release);
    member(out, "started_at", instance.last_start.began);
    member(out, "ready_at", instance.last_start.ready);
    out.member_if_any("says", instance.says);
    write_list(out, "probes", instance.probes);
    out.end_object();
}

void write(JsonWriter& out, const core::OperationView& operation)
{
    out.begin_object()
        .member("id", number(operation.id))
        .member("verb", name(operation.verb))
        .member("by", operation.by)
        .member("step", operation.step)
        .end_object();
}

void write(JsonWriter& out, const core::Held& held)
{
    out.begin_object().member("by", held.by).member_if_any("why", held.why);
    member(out, "since", held.since);
    member(out, "until", held.until ? std::optional(held.until->wall) : std::nullopt);
    out.member("process", name(held.process)).member("lasts", name(held.lasts)).end_object();
}

namespace {

/// The beginning of a unit, which both of its forms share.
void write_standing(JsonWriter& out, const core::UnitView& unit)
{
    out.member("wanted", unit.wanted);
    write_member(out, "held", unit.held);
    out.member("status", name(unit.status));
    member(out, "since", unit.since);
    out.member("ready", unit.ready)
        .member("wanted_instances", unit.wanted_instances)
        .member("min_ready", unit.min_ready)
        .member("restarts", unit.restarts);
}

void write(JsonWriter& out, const core::EdgesView& edges)
{
    out.begin_object();
    write_list(out, "requires", edges.requires_units);
    write_list(out, "binds_to", edges.binds_to);
    write_list(out, "after", edges.after);
    write_list(out, "restart_with", edges.restart_with);
    out.end_object();
}

} // namespace

void write(JsonWriter& out, const core::UnitView& unit)
{
    out.begin_object().member("name", unit.name).member("description", unit.description);
    out.key("labels").begin_object();
    for (const auto& [label, value] : unit.labels)
        out.member(label, value);
    out.end_object();
    write_standing(out, unit);
    out.member("rung", unit.rung)
        .member_if_any("release", unit.release)
        .member("release_good", unit.release_good == core::UnitView::Good::yes);
    write_member(out, "deployment", unit.deployment);
    out.member("changed_on_disk", unit.on_disk == core::UnitView::OnDisk::changed);
    write_member(out, "operation", unit.operation);
    write_member(out, "outage", unit.outage);
    out.key("dependencies");
    write(out, unit.edges);
    write_list(out, "instances", unit.instances);
    out.end_object();
}

namespace {

void write_brief(JsonWriter& out, const core::UnitView& unit)
{
    out.begin_object().member("name", unit.name);
    write_standing(out, unit);
    if (unit.operation) write_member(out, "operation", unit.operation);
    if (unit.outage) write_member(out, "outage", unit.outage);
    std::vector<core::InstanceView> troubled;
    for (const auto& instance : unit.instances)
        if (!core::is_at_rest(instance)) troubled.push_back(instance);
    if (!troubled.empty()) write_list(out, "instances", troubled);
    if (unit.on_disk == core::UnitView::OnDisk::changed) out.member("changed_on_disk", true);
    out.end_object();
}

} // namespace

void write(JsonWriter& out, const core::EventView& event)
{
    out.begin_object().member("id", event.id);
    member(out, "at", event.at);
    out.member_if_any("unit", event.unit)
        .member("subject", event.subject)
        .member("kind", event.kind)
        .member("text", event.text)
        .end_object();
}

void write(JsonWriter& out, const units::Problem& problem)
{
    out.begin_object()
        .member("file", problem.file)
        .member("line", problem.line)
        .member("column", problem.column)
        .member_if_any("key", problem.key)
        .member("message", problem.message)
        .member_if_any("hint", problem.hint)
        .end_object();
}

namespace {

template <class View> std::string document(const View& view)
{
    JsonWriter out;
    write(out, view);
    return out.take();
}

} // namespace

std::string encode(const core::UnitView& unit) { return document(unit); }
std::string encode(const core::EventView& event) { return document(event); }

std::string encode(const core::WhyView& why)
{
    JsonWriter out;
    out.begin_object().key("unit");
    write(out, why.unit);
    write_list(out, "happened", why.happened);
    write_list(out, "now", why.now);
    write_list(out, "next", why.next);
    return out.end_object().take();
}

std::string encode(const std::vector<core::UnitView>& units, Detail detail,
                   const std::vector<std::string>& alarms)
{
    JsonWriter out;
    out.begin_object().key("units").begin_list();
    for (const auto& unit : units)
        detail == Detail::full ? write(out, unit) : write_brief(out, unit);
    out.end_list();
    write_list(out, "alarms", alarms);
    return out.end_object().take();
}

std::string encode(const EventList& list)
{
    JsonWriter out;
    out.begin_object();
    write_list(out, "events", list.events);
    out.member("latest", list.latest);
    member(out, "kept_since", list.kept_since);
    return out.end_object().take();
}

std::string encode(const OperationReport& report)
{
    JsonWriter out;
    out.begin_object()
        .member("id", number(report.id))
        .member("verb", name(report.verb))
        .member("unit", report.unit)
        .member("instance", report.instance)
        .key("outcome");
    report.outcome ? out.value(name(*report.outcome)) : out.null();
    return out.member_if_any("text", report.text).end_object().take();
}

std::string encode(const std::vector<core::TriedProbe>& tried)
{
    return list_document("probes", tried);
}

std::string encode(const ChangeRequest& change)
{
    JsonWriter out;
    out.begin_object();
    if (!change.why.empty()) out.member("why", change.why);
    if (change.instance) out.member("instance", change.instance);
    if (change.hold.span) out.member("seconds", seconds(*change.hold.span));
    if (change.hold.process != core::Held::Process::stopped)
        out.member("process", name(change.hold.process));
    if (!change.deploy.release.empty()) out.member("release", change.deploy.release);
    if (!change.deploy.source.empty()) out.member("file", change.deploy.source);
    if (change.trial == ChangeRequest::Trial::dry_run) out.member("dry_run", true);
    return out.end_object().take();
}

std::string encode(const VersionInfo& info)
{
    JsonWriter out;
    out.begin_object().member("version", info.version).member("api", info.api);
    out.member_if_any("host", info.host);
    member(out, "records_since", info.records_since);
    return out.end_object().take();
}

std::string encode(const CheckReport& report)
{
    JsonWriter out;
    out.begin_object().member("checked", report.checked);
    write_list(out, "problems", report.problems);
    write_list(out, "notes", report.notes);
    return out.end_object().take();
}

std::string encode(const Problem& problem)
{
    JsonWriter out;
    out.begin_object()
        .member("type", problem.type.empty() ? "about:blank" : problem.type)
        .member("title", problem.title)
        .member("status", problem.status)
        .member("detail", problem.detail);
    if (!problem.hint.empty()) out.member("hint", problem.hint);
    if (problem.in_the_way) write_member(out, "operation", problem.in_the_way);
    if (!problem.problems.empty()) write_list(out, "problems", problem.problems);
    return out.end_object().take();
}

} // namespace keel::control
