#include "control/json_codec.hpp"

#include <nlohmann/json.hpp>

namespace keel::control {
namespace {

// Members in the order in which they are documented, for people who read the raw answer.
using Json = nlohmann::ordered_json;

Json time_json(WallTime at) { return to_rfc3339(at); }

template <class T> Json time_json(const std::optional<T>& at)
{
    return at ? time_json(*at) : Json(nullptr);
}

template <class Id> Json id_json(const std::optional<Id>& id)
{
    return id ? Json(number(*id)) : Json(nullptr);
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json to_json(const core::ProbeView& probe)
{
    return {{"name", probe.name},
            {"verdict", probe.verdict ? Json(name(*probe.verdict)) : Json(nullptr)},
            {"kind", name(probe.kind)},
            {"latency_seconds", probe.verdict ? Json(seconds(probe.latency)) : Json(nullptr)},
            {"detail", probe.detail}};
}

Json to_json(const core::InstanceView& instance)
{
    Json probes = Json::array();
    for (const auto& probe : instance.probes)
        probes.push_back(to_json(probe));
    return {{"name", instance.name},
            {"slot", instance.slot},
            {"state", instance.state},
            {"reason", instance.reason},
            {"pid", instance.pid ? Json(*instance.pid) : Json(nullptr)},
            {"spawn", id_json(instance.spawn)},
            {"since", time_json(instance.since)},
            {"next_at", time_json(instance.next_at)},
            {"restarts", instance.restarts},
            {"probes", std::move(probes)}};
}

Json to_json(const core::OperationView& operation)
{
    return {{"id", number(operation.id)},
            {"verb", name(operation.verb)},
            {"by", operation.by},
            {"step", operation.step}};
}

Json to_json(const core::OutageView& outage)
{
    const core::Outage& record = outage.record;
    Json actions = Json::array();
    for (const auto& taken : record.actions)
        actions.push_back({{"at", time_json(taken.at)},
                           {"action", taken.action},
                           {"reason", taken.reason},
                           {"result", text_or_null(taken.result)}});
    const bool closed = record.closed.has_value();
    return {{"id", number(record.id)},
            {"unit", record.unit},
            {"kind", name(record.kind)},
            {"planned", record.planned == core::Outage::Planned::yes},
            {"opened", time_json(record.opened.wall)},
            {"closed", closed ? time_json(record.closed->wall) : Json(nullptr)},
            {"settling", outage.settling == core::OutageView::Settling::yes},
            {"seconds", seconds(outage.length)},
            {"detected_by", record.detected_by},
            {"cause", record.cause_text},
            {"cause_kind", name(record.cause)},
            {"caused_by", id_json(record.caused_by)},
            {"detection_seconds", seconds(record.detection)},
            {"recovery_seconds", closed ? Json(seconds(outage.length)) : Json(nullptr)},
            {"actions", std::move(actions)},
            {"last_words", nullptr}};
}

Json to_json(const std::optional<core::Held>& held)
{
    if (!held) return nullptr;
    return {{"by", held->by}, {"why", text_or_null(held->why)}, {"since", time_json(held->since)}};
}

template <class View> Json to_json(const std::optional<View>& view)
{
    return view ? to_json(*view) : Json(nullptr);
}

Json to_json(const core::UnitView& unit)
{
    Json instances = Json::array();
    for (const auto& instance : unit.instances)
        instances.push_back(to_json(instance));
    return {{"name", unit.name},
            {"description", unit.description},
            {"wanted", unit.wanted},
            {"held", to_json(unit.held)},
            {"status", name(unit.status)},
            {"ready", unit.ready},
            {"wanted_instances", unit.wanted_instances},
            {"min_ready", unit.min_ready},
            {"restarts", unit.restarts},
            {"rung", unit.rung},
            {"release", nullptr},
            {"changed_on_disk", false},
            {"operation", to_json(unit.operation)},
            {"outage", to_json(unit.outage)},
            {"instances", std::move(instances)}};
}

Json to_json(const core::EventView& event)
{
    return {{"id", event.id},           {"at", time_json(event.at)}, {"unit", text_or_null(event.unit)},
            {"subject", event.subject}, {"kind", event.kind},        {"text", event.text}};
}

template <class View> Json to_json(const std::vector<View>& views)
{
    Json list = Json::array();
    for (const auto& view : views)
        list.push_back(to_json(view));
    return list;
}

std::string text_of(const Json& json)
{
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace

std::string encode(const core::UnitView& unit) { return text_of(to_json(unit)); }

std::string encode(const core::WhyView& why)
{
    return text_of({{"unit", to_json(why.unit)},
                    {"happened", to_json(why.happened)},
                    {"now", why.now},
                    {"next", why.next}});
}

std::string encode(const core::EventView& event) { return text_of(to_json(event)); }

std::string encode(const std::vector<core::UnitView>& units)
{
    return text_of({{"units", to_json(units)}});
}

std::string encode(const std::vector<core::OutageView>& outages)
{
    return text_of({{"outages", to_json(outages)}});
}

std::string encode(const std::vector<core::EventView>& events)
{
    return text_of({{"events", to_json(events)}});
}

std::string encode(const OperationReport& report)
{
    constexpr std::array outcomes = std::to_array<std::string_view>({"done", "failed"});
    return text_of(
        {{"id", number(report.id)},
         {"verb", name(report.verb)},
         {"unit", report.unit},
         {"instance", report.instance ? Json(*report.instance) : Json(nullptr)},
         {"outcome", report.outcome ? Json(outcomes[static_cast<std::size_t>(*report.outcome)])
                                    : Json(nullptr)},
         {"text", text_or_null(report.text)}});
}

std::string encode(const ChangeRequest& change)
{
    Json json = Json::object();
    if (!change.why.empty()) json["why"] = change.why;
    if (change.instance) json["instance"] = *change.instance;
    return text_of(json);
}

std::string encode(const VersionInfo& info)
{
    return text_of({{"version", info.version}, {"api", info.api}});
}

std::string encode(const CheckReport& report)
{
    Json problems = Json::array();
    for (const units::Problem& problem : report.problems)
        problems.push_back({{"file", problem.file},
                            {"line", problem.line},
                            {"column", problem.column},
                            {"key", text_or_null(problem.key)},
                            {"message", problem.message},
                            {"hint", text_or_null(problem.hint)}});
    return text_of({{"checked", report.checked}, {"problems", std::move(problems)}});
}

std::string encode(const Problem& problem)
{
    Json json = {{"type", problem.type.empty() ? "about:blank" : problem.type},
                 {"title", problem.title},
                 {"status", problem.status},
                 {"detail", problem.detail}};
    if (!problem.hint.empty()) json["hint"] = problem.hint;
    if (problem.in_the_way) json["operation"] = to_json(*problem.in_the_way);
    return text_of(json);
}

} // namespace keel::control
