#include "engine/state_codec.hpp"

#include "engine/counter_codec.hpp"
#include "engine/hook_codec.hpp"
#include "engine/operation_codec.hpp"
#include "engine/release_codec.hpp"

#include <algorithm>

namespace keel::engine {
namespace {

using namespace state_json;
using state_json::put; // beside those below, which would hide it
using namespace keel::core;

SpawnId spawn(const json& j) { return SpawnId{j.get<std::uint64_t>()}; }

// ---- instance states ----------------------------------------------------------------------------

json put(const Stopped&) { return json::array(); }
json put(const Done&) { return json::array(); }
json put(const Blocked& s)
{
    return {put_number(s.on.kind), s.on.what, put_name(s.cause), put(s.retry_at)};
}
json put(const Starting& s)
{
    return {number(s.spawn),       put(s.since),      put(s.ready_by), put_number(s.extended),
            put_number(s.running), put_name(s.cause), put(s.prepared)};
}
json put(const Preparing& s) { return json::array({put_name(s.cause)}); }
json put(const Ready& s) { return {number(s.spawn), put(s.since)}; }
json put(const Unready& s)
{
    return {number(s.spawn), put(s.limit_at), put_number(s.dependencies)};
}
json put(const Stopping& s)
{
    return {number(s.spawn),   put_number(s.stage), put(s.escalate_at), put_number(s.then),
            put_name(s.cause), put(s.delay),        s.signal_number};
}
json put(const Backoff& s) { return json::array({put(s.retry_at), put_name(s.cause)}); }
json put(const Failed& s) { return json::array({s.why}); }

InstanceState get_state(std::string_view kind, const json& j)
{
    if (kind == "stopped") return Stopped{};
    if (kind == "done") return Done{};
    if (kind == "blocked")
        return Blocked{{get_number(j.at(0), BlockedOn::Kind::release), j.at(1)},
                       get_name<StartCause>(j.at(2)),
                       if_any(j.at(3), mono)};
    if (kind == "starting")
        return Starting{spawn(j.at(0)),
                        mono(j.at(1)),
                        if_any(j.at(2), mono),
                        get_number(j.at(3), Starting::Extended::yes),
                        get_number(j.at(4), Starting::Running::yes),
                        get_name<StartCause>(j.at(5)),
                        j.size() > 6 ? duration(j.at(6)) : Duration{0}}; // Later than the rest.
    if (kind == "preparing") return Preparing{get_name<StartCause>(j.at(0))};
    if (kind == "ready") return Ready{spawn(j.at(0)), mono(j.at(1))};
    if (kind == "unready")
        return Unready{spawn(j.at(0)), mono(j.at(1)), get_number(j.at(2), Dependencies::down)};
    if (kind == "stopping")
        return Stopping{spawn(j.at(0)),
                        get_number(j.at(1), KillStage::emptied),
                        mono(j.at(2)),
                        get_number(j.at(3), AfterStop::give_up),
                        get_name<StartCause>(j.at(4)),
                        duration(j.at(5)),
                        j.at(6)};
    if (kind == "backoff") return Backoff{mono(j.at(0)), get_name<StartCause>(j.at(1))};
    if (kind == "failed") return Failed{j.at(0)};
    throw json::other_error::create(597, "an unknown state", &j);
}

// ---- outages ------------------------------------------------------------------------------------

json put(const Outage& o)
{
    json actions = json::array();
    for (const ActionTaken& a : o.actions)
        actions.push_back({put(a.at), a.action, a.reason, a.result});
    return {{"id", number(o.id)},
            {"unit", o.unit},
            {"kind", put_name(o.kind)},
            {"planned", put_number(o.planned)},
            {"opened", put(o.opened)},
            {"closed", put(o.closed)},
            {"cause", put_name(o.cause)},
            {"cause_text", o.cause_text},
            {"detected_by", o.detected_by},
            {"caused_by", o.caused_by ? json(number(*o.caused_by)) : json(nullptr)},
            {"detection", put(o.detection)},
            {"begin", put_number(o.begin)},
            {"instance", o.instance ? json(*o.instance) : json(nullptr)},
            {"actions", std::move(actions)}};
}

Outage get_outage(const json& j)
{
    Outage o;
    o.id = OutageId{j.at("id").get<std::uint64_t>()};
    o.unit = j.at("unit");
    o.kind = get_name<OutageKind>(j.at("kind"));
    o.planned = get_number(j.at("planned"), Outage::Planned::yes);
    o.opened = both(j.at("opened"));
    o.closed = if_any(j.at("closed"), both);
    if (j.contains("begin")) o.begin = get_number(j.at("begin"), Outage::Begin::unseen);
    o.cause = get_name<OutageCause>(j.at("cause"));
    o.cause_text = j.at("cause_text");
    o.detected_by = j.at("detected_by");
    if (!j.at("caused_by").is_null())
        o.caused_by = OutageId{j.at("caused_by").get<std::uint64_t>()};
    o.detection = duration(j.at("detection"));
    if (j.contains("instance") && !j.at("instance").is_null()) // Later than the rest.
        o.instance = j.at("instance").get<Slot>();
    for (const json& a : j.at("actions"))
        o.actions.push_back({wall(a.at(0)), a.at(1), a.at(2), a.at(3)});
    return o;
}

json put(const OutageFold& fold)
{
    json j = {{"counted", put_number(fold.counted)}};
    if (const Outage* record = open_outage(fold)) j["record"] = put(*record);
    if (const auto* settling = std::get_if<SettlingOutage>(&fold.state))
        j["ready_since"] = put(settling->ready_since);
    return j;
}

OutageFold get_fold(const json& j)
{
    OutageFold fold;
    fold.counted = get_number(j.at("counted"), OutageFold::Counted::yes);
    if (!j.contains("record")) return fold;
    if (j.contains("ready_since"))
        fold.state = SettlingOutage{get_outage(j.at("record")), both(j.at("ready_since"))};
    else
        fold.state = OpenOutage{get_outage(j.at("record"))};
    return fold;
}

// ---- units --------------------------------------------------------------------------------------

json put(const Wanted& wanted)
{
    if (const auto* held = std::get_if<Held>(&wanted))
        return {"held",
                held->by,
                held->why,
                put(held->since),
                put(held->until),
                put_name(held->process),
                put_name(held->lasts),
                put_number(held->then)};
    return json::array({std::string(wanted_name(wanted))});
}

Wanted get_wanted(const json& j)
{
    const std::string kind = j.at(0);
    if (kind == "up") return Up{};
    if (kind != "held") return Down{};
    Held held{j.at(1), j.at(2), wall(j.at(3))};
    held.until = if_any(j.at(4), both);
    held.process = get_name<Held::Process>(j.at(5));
    held.lasts = get_name<Held::Lasts>(j.at(6));
    held.then = get_number(j.at(7), Held::Then::down);
    return held;
}

json put(const Said& said)
{
    return {put_number(said.phase), said.status, put(said.watchdog), put(said.life_by)};
}

/// As people are told, but for what they are told by the same name.
std::string key_of(const InstanceState& state)
{
    return std::holds_alternative<Preparing>(state) ? "preparing" : std::string(state_name(state));
}

json put(const Instance& i)
{
    json charged = json::array();
    for (const MonoTime at : i.history.charged)
        charged.push_back(put(at));
    return {{"state", key_of(i.state)},
            {"holds", std::visit([](const auto& s) { return put(s); }, i.state)},
            {"since", put(i.since)},
            {"reason", i.reason},
            {"in_a_row", i.history.in_a_row},
            {"charged", std::move(charged)},
            {"ready_for", put(i.ready_for)},
            {"said", put(i.said)},
            {"hook", put_hook(i.hook)},
            {"reload_by", put(i.reload_by)},
            {"restarts", i.restarts},
            {"recipe", i.recipe},
            {"release", {i.release.id, i.release.making}},
            {"began", put(i.last_start.began)},
            {"first_ready", put(i.last_start.ready)}};
}

Instance get_instance(const json& j)
{
    Instance i;
    i.state = get_state(j.at("state").get<std::string>(), j.at("holds"));
    i.since = both(j.at("since"));
    i.reason = j.at("reason");
    i.history.in_a_row = j.at("in_a_row");
    for (const json& at : j.at("charged"))
        i.history.charged.push_back(mono(at));
    i.ready_for = if_any(j.at("ready_for"), duration);
    if (j.contains("hook")) i.hook = get_hook(j.at("hook")); // Not in what version 0.1 wrote first.
    if (j.contains("reload_by")) i.reload_by = if_any(j.at("reload_by"), mono);
    i.restarts = j.at("restarts");
    i.recipe = j.value("recipe", std::uint64_t{0}); // Not in what version 0.1 wrote at first.
    if (j.contains("release")) i.release = {j["release"].at(0), j["release"].at(1)};
    i.last_start = {if_any(j.at("began"), wall), if_any(j.at("first_ready"), wall)};
    const json& said = j.at("said");
    i.said.phase = get_number(said.at(0), Phase::stopping);
    i.said.status = said.at(1);
    i.said.watchdog = if_any(said.at(2), duration);
    i.said.life_by = if_any(said.at(3), mono);
    return i;
}

} // namespace

std::string encode(const HostRecord& r)
{
    return text({{"next_spawn", number(r.counters.next_spawn)},
                 {"next_outage", number(r.counters.next_outage)},
                 {"next_operation", number(r.next_operation)},
                 {"engine_starts", r.engine_starts},
                 {"adopted", r.adopted_processes},
                 {"invariant_failures", r.invariant_failures},
                 {"operations", r.operations},
                 {"last_apply", put_number(r.last_apply.outcome)},
                 {"last_apply_at", put(r.last_apply.at)}});
}

std::optional<HostRecord> decode_host(std::string_view record)
{
    HostRecord r;
    const bool read = refuse_or(record, [&](const json& j) {
        r.counters.next_spawn = SpawnId{j.at("next_spawn").get<std::uint64_t>()};
        r.counters.next_outage = OutageId{j.at("next_outage").get<std::uint64_t>()};
        r.next_operation = OperationId{j.at("next_operation").get<std::uint64_t>()};
        r.engine_starts = j.at("engine_starts");
        r.adopted_processes = j.at("adopted");
        r.invariant_failures = j.at("invariant_failures");
        if (j.contains("operations"))
            for (std::size_t i = 0; i < r.operations.size() && i < j["operations"].size(); ++i)
                get_counts(j["operations"][i], r.operations[i]);
        if (!j.contains("last_apply")) return;
        r.last_apply = {get_number(j.at("last_apply"), LastApply::Outcome::in_force),
                        wall(j.at("last_apply_at"))};
    });
    return read ? std::optional(r) : std::nullopt;
}

std::string encode(const Unit& unit, const UnitCounters& counters)
{
    json instances = json::array();
    for (const Instance& instance : unit.instances)
        instances.push_back(put(instance));
    json record = {{"wanted", put(word_on(unit))},
                   {"rung", unit.rung},
                   {"rung_hook", put_rung_hook(unit.rung_hook)},
                   {"failed_at", put(unit.failed_at)},
                   {"ready_since", put(unit.ready_since)},
                   {"first_wanted_at", put(unit.first_wanted_at)},
                   {"settled", put_number(unit.settled)},
                   {"catches_up", put_number(unit.catches_up)},
                   {"outage", put(unit.outage)},
                   {"degradation", put(unit.degradation)},
                   {"operation", put_operation(unit.operation)},
                   {"counters", put_counters(counters)},
                   {"instances", std::move(instances)}};
    if (const Releases none; unit.releases == none) return text(record);
    record["releases"] = put_releases(unit.releases);
    record["current_since"] = put(unit.releases.current_since);
    record["deployment"] = put_deployment(unit.deployment);
    record["deploy_effect"] = put_deploy_effect(unit.deploy_effect);
    record["surplus"] = removals_of(unit);
    return text(record);
}

bool decode(std::string_view record, Unit& unit, UnitCounters& counters)
{
    return refuse_or(record, [&](const json& j) {
        Unit read = unit;
        UnitCounters counted = counters;
        read.wanted = get_wanted(j.at("wanted"));
        read.rung = j.at("rung");
        if (j.contains("rung_hook")) read.rung_hook = get_rung_hook(j.at("rung_hook"));
        read.failed_at = if_any(j.at("failed_at"), mono);
        read.ready_since = if_any(j.at("ready_since"), mono);
        read.first_wanted_at = if_any(j.at("first_wanted_at"), mono);
        read.settled = get_number(j.at("settled"), Unit::Settled::yes);
        if (j.contains("catches_up"))
            read.catches_up = get_number(j.at("catches_up"), Unit::CatchesUp::yes);
        read.outage = get_fold(j.at("outage"));
        read.degradation = get_fold(j.at("degradation"));
        get_counters(j.at("counters"), counted);
        const json& instances = j.at("instances");
        for (std::size_t i = 0; i < read.instances.size() && i < instances.size(); ++i)
            read.instances[i] = get_instance(instances[i]);
        if (j.contains("releases")) {
            read.releases = get_releases(j.at("releases"));
            read.releases.current_since = if_any(j.at("current_since"), mono);
            read.deployment = get_deployment(j.at("deployment"));
            read.deploy_effect = get_deploy_effect(j.at("deploy_effect"));
            read.surplus = get_ids(j.at("surplus"));
        }
        if (j.contains("operation"))
            read.operation = get_operation(j.at("operation"), read.instances.size());
        unit = std::move(read);
        counters = std::move(counted);
    });
}

std::string encode(const Held& held)
{
    return text({{"by", held.by},
                 {"why", held.why},
                 {"since", put(held.since)},
                 {"until", held.until ? put(held.until->wall) : json(nullptr)},
                 {"process", put_name(held.process)}});
}

std::optional<Held> decode_hold(std::string_view record, Now now)
{
    Held held;
    const bool read = refuse_or(record, [&](const json& j) {
        held = {j.at("by"), j.at("why"), wall(j.at("since"))};
        held.lasts = Held::Lasts::over_boots;
        held.process = get_name<Held::Process>(j.at("process"));
        if (j.at("until").is_null()) return;
        const WallTime until = wall(j.at("until"));
        const Duration whole = std::max(Duration{0}, until - held.since);
        held.until = Now{now.mono + std::clamp(until - now.wall, Duration{0}, whole), until};
    });
    return read ? std::optional(held) : std::nullopt;
}

std::string encode(const ports::Spawner::Survivor& s)
{
    return text({{"spawn", number(s.id)},
                 {"pid", s.process.pid},
                 {"start_ticks", s.process.start_ticks},
                 {"unit", s.unit},
                 {"slot", s.slot}});
}

std::optional<ports::Spawner::Survivor> decode_process(std::string_view record)
{
    ports::Spawner::Survivor s;
    const bool read = refuse_or(record, [&](const json& j) {
        s.id = spawn(j.at("spawn"));
        s.process.pid = j.at("pid");
        s.process.start_ticks = j.at("start_ticks");
        s.unit = j.at("unit");
        s.slot = j.at("slot");
    });
    return read ? std::optional(s) : std::nullopt;
}

std::string encode(const Outage& o) { return text(put(o)); }
std::string encode(const std::vector<std::string>& last_words) { return text(last_words); }

std::optional<Outage> decode_outage(std::string_view record)
{
    std::optional<Outage> o;
    (void)refuse_or(record, [&](const json& j) { o = get_outage(j); });
    return o;
}

LastWords decode_last_words(std::string_view record)
{
    LastWords words;
    (void)refuse_or(record, [&](const json& j) {
        words = std::make_shared<const std::vector<std::string>>(j.get<std::vector<std::string>>());
    });
    return words;
}

} // namespace keel::engine
