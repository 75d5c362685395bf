// The documents of what has been: outages, operations, how available units were.
#include "control/json_codec.hpp"
#include "control/json_reading.hpp"
#include "control/json_writing.hpp"

namespace keel::control {

// ---- to JSON ------------------------------------------------------------------------------------

void write(JsonWriter& out, const std::string& sentence) { out.value(sentence); }

void write(JsonWriter& out, const core::OperationRecord& record)
{
    out.begin_object()
        .member("id", number(record.id))
        .member("unit", record.unit)
        .member("instance", record.slot)
        .member("verb", name(record.verb))
        .member("by", record.by)
        .member_if_any("why", record.why);
    member(out, "since", record.since);
    out.key("outcome");
    record.outcome ? out.value(name(*record.outcome)) : out.null();
    out.member_if_any("text", record.text);
    member(out, "ended", record.ended);
    out.end_object();
}

void write(JsonWriter& out, const core::ActionTaken& taken)
{
    out.begin_object();
    member(out, "at", taken.at);
    out.member("action", taken.action)
        .member("reason", taken.reason)
        .member_if_any("result", taken.result)
        .end_object();
}

void write(JsonWriter& out, const core::OutageView& outage)
{
    const core::Outage& record = outage.record;
    out.begin_object()
        .member("id", number(record.id))
        .member_if_any("unit", record.unit)
        .member("kind", name(record.kind))
        .member("planned", record.planned == core::Outage::Planned::yes);
    member(out, "opened", record.opened.wall);
    out.member("uncertain", record.end == core::Outage::End::unseen ||
                                record.begin == core::Outage::Begin::unseen);
    out.member("begin_unseen", record.begin == core::Outage::Begin::unseen);
    member(out, "closed", record.closed ? std::optional(record.closed->wall) : std::nullopt);
    out.member("settling", outage.settling == core::OutageView::Settling::yes)
        .member("seconds", seconds(outage.length))
        .member("detected_by", record.detected_by)
        .member("cause", record.cause_text)
        .member("cause_kind", name(record.cause));
    member_id(out, "caused_by", record.caused_by);
    out.member("detection_seconds", seconds(record.detection)).key("recovery_seconds");
    record.closed ? out.value(seconds(outage.length)) : out.null();
    write_list(out, "actions", record.actions);
    if (outage.last_words)
        write_list(out, "last_words", *outage.last_words);
    else
        out.key("last_words").null();
    out.end_object();
}

std::string encode(const OutageList& list)
{
    JsonWriter out;
    out.begin_object();
    write_list(out, "outages", list.outages);
    return out.member_if_any("missing", list.missing).end_object().take();
}

std::string encode(const std::vector<core::OperationRecord>& operations)
{
    return list_document("operations", operations);
}

void write(JsonWriter& out, const core::SpawnRecord& spawn)
{
    const auto wall = [](const std::optional<Now>& at) {
        return at ? std::optional(at->wall) : std::nullopt;
    };
    out.begin_object()
        .member("id", number(spawn.id))
        .member("unit", spawn.unit)
        .member("instance", spawn.slot)
        .member_if_any("reason", spawn.reason);
    member(out, "began", wall(spawn.began));
    member(out, "ended", wall(spawn.ended));
    out.member_if_any("ending", spawn.ending).end_object();
}

namespace {

void member_length(JsonWriter& out, std::string_view name, const std::optional<Duration>& length)
{
    length ? out.member(name, seconds(*length)) : out.key(name).null();
}

void write(JsonWriter& out, const Report::OfUnit& of_unit)
{
    const core::Availability& a = of_unit.availability;
    out.begin_object()
        .member("unit", of_unit.unit)
        .member("availability", a.ratio())
        .member("wanted_seconds", seconds(a.wanted))
        .member("ready_seconds", seconds(a.ready))
        .member("down_seconds", seconds(a.down))
        .member("planned_seconds", seconds(a.planned))
        .member("unknown_seconds", seconds(a.unknown))
        .member("outages", a.outages)
        .member("planned_outages", a.planned_outages)
        .member("blips", a.blips);
    member_length(out, "mean_recovery_seconds", a.recovery);
    member_length(out, "mean_between_failures_seconds", a.between_failures());
    out.end_object();
}

} // namespace

std::string encode(const Report& report)
{
    JsonWriter out;
    out.begin_object();
    member(out, "since", report.window.begin);
    member(out, "until", report.window.end);
    member(out, "records_since", report.records_since);
    out.member("away_seconds", seconds(report.away));
    out.key("units").begin_list();
    for (const Report::OfUnit& of_unit : report.units)
        write(out, of_unit);
    return out.end_list().member_if_any("missing", report.missing).end_object().take();
}

std::string encode(const core::Incident& incident)
{
    JsonWriter out;
    out.begin_object();
    write_member(out, "outage", incident.outage);
    write_member(out, "cause", incident.cause);
    write_list(out, "followers", incident.followers);
    write_list(out, "spawns", incident.spawns);
    write_list(out, "operations", incident.operations);
    return out.member_if_any("missing", incident.missing).end_object().take();
}

// ---- from JSON ----------------------------------------------------------------------------------

std::optional<core::OperationResult::Outcome> outcome_if_any(const Json& json)
{
    if (is_absent(json, "outcome")) return std::nullopt;
    return enumerator(json, "outcome", core::OperationResult::Outcome::failed);
}

namespace {

core::ActionTaken action_from(const Json& json)
{
    return {moment(json, "at"), text(json, "action"), text(json, "reason"), text(json, "result")};
}

} // namespace

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
    if (truth(json, "begin_unseen"))
        record.begin = core::Outage::Begin::unseen;
    else if (truth(json, "uncertain"))
        record.end = core::Outage::End::unseen;
    outage.length = duration(json, "seconds");
    if (truth(json, "settling")) outage.settling = core::OutageView::Settling::yes;
    record.detected_by = text(json, "detected_by");
    record.cause_text = text(json, "cause");
    record.cause = enumerator(json, "cause_kind", core::OutageCause::exit);
    if (!is_absent(json, "caused_by"))
        record.caused_by = static_cast<OutageId>(count<std::uint64_t>(json, "caused_by"));
    record.detection = duration(json, "detection_seconds");
    record.actions = list<core::ActionTaken>(json, "actions", action_from);
    if (!is_absent(json, "last_words"))
        outage.last_words = std::make_shared<const std::vector<std::string>>(
            list<std::string>(json, "last_words", sentence_from));
    return outage;
}

Result<OutageList> decode_outages(std::string_view json)
{
    return decode<OutageList>(json, [](const Json& document) {
        return OutageList{list<core::OutageView>(document, "outages", outage_from),
                          text(document, "missing")};
    });
}

Result<std::vector<core::OperationRecord>> decode_operations(std::string_view json)
{
    return decode<std::vector<core::OperationRecord>>(json, [](const Json& document) {
        return list<core::OperationRecord>(document, "operations", operation_record_from);
    });
}

namespace {

core::SpawnRecord spawn_from(const Json& json)
{
    const auto both = [](const std::optional<WallTime>& at) {
        return at ? std::optional(Now{{}, *at}) : std::nullopt;
    };
    return {static_cast<SpawnId>(count<std::uint64_t>(json, "id")),
            text(json, "unit"),
            count<Slot>(json, "instance"),
            text(json, "reason"),
            both(moment_if_any(json, "began")),
            both(moment_if_any(json, "ended")),
            text(json, "ending")};
}

Report::OfUnit of_unit_from(const Json& json)
{
    Report::OfUnit of_unit{text(json, "unit"), {}};
    core::Availability& a = of_unit.availability;
    a.wanted = duration(json, "wanted_seconds");
    a.ready = duration(json, "ready_seconds");
    a.down = duration(json, "down_seconds");
    a.planned = duration(json, "planned_seconds");
    a.unknown = duration(json, "unknown_seconds");
    a.outages = count<std::size_t>(json, "outages");
    a.planned_outages = count<std::size_t>(json, "planned_outages");
    a.blips = count<std::size_t>(json, "blips");
    if (!is_absent(json, "mean_recovery_seconds"))
        a.recovery = duration(json, "mean_recovery_seconds");
    return of_unit;
}

std::optional<core::OutageView> outage_if_any(const Json& json, const char* key)
{
    if (is_absent(json, key)) return std::nullopt;
    return outage_from(member(json, key));
}

} // namespace

Result<Report> decode_report(std::string_view json)
{
    return decode<Report>(json, [](const Json& document) {
        return Report{{moment(document, "since"), moment(document, "until")},
                      moment_if_any(document, "records_since"),
                      duration(document, "away_seconds"),
                      list<Report::OfUnit>(document, "units", of_unit_from),
                      text(document, "missing")};
    });
}

Result<core::Incident> decode_incident(std::string_view json)
{
    return decode<core::Incident>(json, [](const Json& document) {
        return core::Incident{
            outage_if_any(document, "outage"),
            outage_if_any(document, "cause"),
            list<core::OutageView>(document, "followers", outage_from),
            list<core::SpawnRecord>(document, "spawns", spawn_from),
            list<core::OperationRecord>(document, "operations", operation_record_from),
            text(document, "missing")};
    });
}

} // namespace keel::control
