// The answers of the control API, route by route.
#include "control/answers.hpp"
#include "control/deploy_request.hpp"
#include "control/log_answer.hpp"
#include "control/server.hpp"

#include <fmt/format.h>
#include <limits>

namespace keel::control {
namespace {

using Exchanged = std::shared_ptr<Exchange>;

/// More units than these are turned into text on another thread.
constexpr std::size_t units_at_once = 256;
constexpr std::size_t key_bytes_max = 64;

Problem no_such_instance(const core::UnitView& unit, std::uint64_t slot)
{
    return {404,
            "urn:keel:problem:no-such-unit",
            "No such instance",
            fmt::format("{} has no instance {}", unit.name, slot),
            unit.wanted_instances == 1
                ? "it is a unit of one"
                : fmt::format("its instances are 1 to {}", unit.wanted_instances),
            {}};
}

/// What the verb has no use for, or cannot do without.
std::optional<std::string> what_is_wrong(const ChangeRequest& change, core::Verb verb)
{
    if (change.instance && verb != core::Verb::restart)
        return "one instance alone can only be restarted";
    if (change.hold != core::HoldTerms{} && verb != core::Verb::hold)
        return "`seconds` and `process` are for a hold";
    if (change.why.empty() && verb == core::Verb::hold)
        return "a hold needs a reason for those who wonder: `why`";
    return wrong_terms(change, verb);
}

/// What is wrong with Keel itself.
std::vector<std::string> alarms_of(const ports::Supervisor& supervisor)
{
    std::vector<std::string> alarms;
    const ports::LedgerStanding ledger = supervisor.ledger();
    if (!ledger.trouble.empty())
        alarms.push_back(fmt::format("the ledger cannot be written: {}; {} records wait",
                                     ledger.trouble, ledger.waiting));
    if (ledger.lost > 0)
        alarms.push_back(fmt::format("the ledger has lost {} records, as it could not be written "
                                     "for long",
                                     ledger.lost));
    return alarms;
}

void note_change(core::UnitView& unit, const std::set<std::string>& changed)
{
    if (changed.contains(unit.name)) unit.on_disk = core::UnitView::OnDisk::changed;
}

bool has_instance(const core::UnitView& unit, std::uint64_t slot)
{
    return slot >= 1 && slot <= unit.instances.size();
}

} // namespace

void ControlServer::answer_units(const Exchanged& exchange)
{
    const auto brief = number_argument(exchange->request(), "brief", 0, 1);
    if (!brief) return refuse(exchange, bad_number("brief", 1));
    const Detail detail = *brief == 1 ? Detail::brief : Detail::full;
    sources_.configurer.look_for_changes([this, alive = std::weak_ptr(alive_), exchange,
                                          detail](const std::set<std::string>& changed) {
        if (alive.expired()) return;
        auto units = std::make_shared<std::vector<core::UnitView>>(sources_.supervisor.units());
        for (core::UnitView& unit : *units)
            note_change(unit, changed);
        const auto alarms = alarms_of(sources_.supervisor);
        if (units->size() <= units_at_once)
            return exchange->answer(json_answer(encode(*units, detail, alarms)));
        auto text = std::make_shared<std::string>();
        sources_.loop.offload(
            [units, text, detail, alarms] { *text = encode(*units, detail, alarms); },
            [exchange, text] { exchange->answer(json_answer(*text)); });
    });
}

void ControlServer::answer_unit(const Exchanged& exchange, const std::string& name)
{
    sources_.configurer.look_for_changes([this, alive = std::weak_ptr(alive_), exchange,
                                          name](const std::set<std::string>& changed) {
        if (alive.expired()) return;
        auto unit = sources_.supervisor.unit(name);
        if (!unit) return refuse(exchange, no_such_unit(name, sources_.supervisor));
        note_change(*unit, changed);
        exchange->answer(json_answer(encode(*unit)));
    });
}

void ControlServer::answer_why(const Exchanged& exchange, const std::string& name)
{
    const auto why = sources_.supervisor.why(name);
    if (!why) return refuse(exchange, no_such_unit(name, sources_.supervisor));
    exchange->answer(json_answer(encode(*why)));
}

namespace {

/// The slot that the query names, 0: it names none. None: it was refused.
std::optional<Slot> instance_argument(const Exchanged& exchange, const core::UnitView& unit)
{
    constexpr std::uint64_t slot_max = std::numeric_limits<Slot>::max();
    const HttpRequest& request = exchange->request();
    const auto slot = number_argument(request, "instance", 0, slot_max);
    if (slot && (!request.argument("instance") || has_instance(unit, *slot)))
        return static_cast<Slot>(*slot);
    refuse(exchange, slot ? no_such_instance(unit, *slot) : bad_number("instance", slot_max));
    return std::nullopt;
}

std::vector<LogSelection::Part> parts_of(const core::UnitView& unit)
{
    std::vector<LogSelection::Part> parts;
    const bool several = unit.instances.size() > 1;
    for (const auto& instance : unit.instances)
        parts.push_back({instance.slot, several ? instance.name + " | " : ""});
    return parts;
}

} // namespace

void ControlServer::answer_log(const Exchanged& exchange, const std::string& name)
{
    const auto unit = sources_.supervisor.unit(name);
    if (!unit) return refuse(exchange, no_such_unit(name, sources_.supervisor));
    const HttpRequest& request = exchange->request();
    LogSelection selection;
    selection.unit = name;
    const auto lines = number_argument(request, "lines", log_lines_usual, log_lines_max);
    if (!lines) return refuse(exchange, bad_number("lines", log_lines_max));
    if (const auto since = request.argument("since")) {
        selection.since = parse_rfc3339(*since);
        if (!selection.since) return refuse(exchange, bad_since());
    }
    const auto follow = number_argument(request, "follow", 0, 1);
    if (!follow) return refuse(exchange, bad_number("follow", 1));
    const auto deploy = number_argument(request, "deploy", 0, 1);
    if (!deploy) return refuse(exchange, bad_number("deploy", 1));
    if (*deploy == 1 && request.argument("instance"))
        return refuse(exchange, bad_request("a deployment is the whole unit's, not an instance's"));
    const auto slot = instance_argument(exchange, *unit);
    if (!slot) return;

    if (!selection.since || request.argument("lines"))
        selection.lines = static_cast<std::size_t>(*lines);
    selection.follow = *follow == 1 ? LogSelection::Follow::yes : LogSelection::Follow::no;
    if (*deploy == 0 && unit->log_target != units::LogTarget::file)
        selection.elsewhere = std::string(keel::name(unit->log_target));
    if (*deploy == 1)
        selection.parts.push_back({whole_unit, {}});
    else if (*slot != 0)
        selection.parts.push_back({*slot, {}});
    else
        selection.parts = parts_of(*unit);
    answer_with_log(sources_.loop, sources_.logs, exchange, std::move(selection));
}

void ControlServer::answer_probe(const Exchanged& exchange, const std::string& name)
{
    const auto unit = sources_.supervisor.unit(name);
    if (!unit) return refuse(exchange, no_such_unit(name, sources_.supervisor));
    const auto slot = instance_argument(exchange, *unit);
    if (!slot) return;
    const auto one = *slot == 0 ? std::optional<Slot>{} : std::optional(*slot);
    const auto refusal = sources_.supervisor.try_probes(
        name, one, [exchange](const auto& tried) { exchange->answer(json_answer(encode(tried))); });
    if (refusal) refuse(exchange, from_refusal(*refusal));
}

/// Ready: everything that is wanted up has as many ready instances as it needs.
void ControlServer::answer_ready(const Exchanged& exchange)
{
    std::string missing;
    for (const auto& unit : sources_.supervisor.units())
        if (unit.wanted == core::wanted_name(core::Up{}) && unit.ready < unit.min_ready)
            missing +=
                fmt::format("{}{} ({})", missing.empty() ? "" : ", ", unit.name, name(unit.status));
    if (missing.empty()) return exchange->answer(text_answer("ready\n"));
    exchange->answer(text_answer("not ready: " + missing + "\n", 503));
}

void ControlServer::answer_change(const Exchanged& exchange, core::Verb verb,
                                  const std::string& name, uid_t uid)
{
    const auto change = decode_change(exchange->request().body);
    if (!change) return refuse(exchange, bad_request(change.error().text()));
    if (!number_argument(exchange->request(), "wait", 1, 1))
        return refuse(exchange, bad_number("wait", 1));
    const auto unit = sources_.supervisor.unit(name);
    if (!unit) return refuse(exchange, no_such_unit(name, sources_.supervisor));
    if (const auto wrong = what_is_wrong(*change, verb))
        return refuse(exchange, bad_request(*wrong));
    if (change->instance && !has_instance(*unit, *change->instance))
        return refuse(exchange, no_such_instance(*unit, *change->instance));
    const std::string& key = exchange->request().idempotency_key;
    if (key.size() > key_bytes_max)
        return refuse(exchange,
                      bad_request(fmt::format("a key has at most {} bytes", key_bytes_max)));

    ports::RequestSpec spec{name,         verb, change->instance,       {}, change->why,
                            change->hold, key,  complete_terms(*change)};
    if (change->trial == ChangeRequest::Trial::dry_run) return answer_outline(exchange, spec);
    names_.with_name(uid, [this, alive = std::weak_ptr(alive_), exchange,
                           spec = std::move(spec)](const std::string& who) mutable {
        if (alive.expired()) return;
        spec.by = who;
        carry_out(exchange, spec);
    });
}

namespace {

/// The number in the path; none: it was refused.
std::optional<OperationId> operation_in(const Exchanged& exchange, const std::string& id)
{
    constexpr auto id_max = std::numeric_limits<std::uint64_t>::max();
    if (const auto known = whole_number(id, id_max)) return OperationId{*known};
    refuse(exchange, bad_number("id", id_max));
    return std::nullopt;
}

void answer_with(const Exchanged& exchange, const ports::Supervisor& supervisor, OperationId id)
{
    auto records = supervisor.operations();
    std::erase_if(records, [id](const auto& record) { return record.id != id; });
    if (records.empty())
        return refuse(exchange, from_refusal({ports::Refusal::Kind::no_such_operation,
                                              fmt::format("there is no operation {}", number(id)),
                                              {}}));
    exchange->answer(json_answer(encode(records)));
}

} // namespace

void ControlServer::answer_operation(const Exchanged& exchange, const std::string& id)
{
    if (const auto known = operation_in(exchange, id))
        answer_with(exchange, sources_.supervisor, *known);
}

void ControlServer::answer_cancel(const Exchanged& exchange, const std::string& id, uid_t uid)
{
    const auto known = operation_in(exchange, id);
    if (!known) return;
    names_.with_name(uid, [this, alive = std::weak_ptr(alive_), exchange,
                           operation = *known](const std::string& who) {
        if (alive.expired()) return;
        if (const auto refusal = sources_.supervisor.cancel(operation, who))
            return refuse(exchange, from_refusal(*refusal));
        answer_with(exchange, sources_.supervisor, operation);
    });
}

void ControlServer::carry_out(const Exchanged& exchange, const ports::RequestSpec& spec)
{
    const bool waits = *number_argument(exchange->request(), "wait", 1, 1) == 1;
    OperationReport report{{}, spec.verb, spec.unit, spec.slot, {}, {}};
    const auto accepted = sources_.supervisor.request(
        spec, [exchange, waits, report](const core::OperationResult& result) mutable {
            if (!waits) return;
            report.id = result.id;
            report.outcome = result.outcome;
            report.text = result.text;
            exchange->answer(json_answer(encode(report)));
        });
    if (const auto* refusal = std::get_if<ports::Refusal>(&accepted))
        return refuse(exchange, from_refusal(*refusal));
    if (waits) return;
    report.id = std::get<OperationId>(accepted);
    exchange->answer(json_answer(encode(report), 202));
}

namespace {

Problem from_problems(const std::vector<units::Problem>& problems)
{
    Problem problem{422,
                    "urn:keel:problem:configuration",
                    "The configuration cannot be applied",
                    fmt::format("it has {} problem{}, and nothing was changed", problems.size(),
                                problems.size() == 1 ? "" : "s"),
                    "`keel check` shows the same",
                    {}};
    problem.problems = problems;
    return problem;
}

} // namespace

void ControlServer::answer_apply(const Exchanged& exchange, uid_t uid)
{
    const auto request = decode_apply(exchange->request().body);
    if (!request) return refuse(exchange, bad_request(request.error().text()));
    using ports::ApplySpec;
    ApplySpec spec;
    spec.why = request->why;
    if (request->if_it_fails == ApplyRequest::IfItFails::stay)
        spec.if_it_fails = ApplySpec::IfItFails::stay;
    if (request->revert) {
        spec.from = *request->revert == 0 ? ApplySpec::From::former : ApplySpec::From::numbered;
        spec.generation = *request->revert;
    }
    names_.with_name(uid, [this, alive = std::weak_ptr(alive_), exchange,
                           spec = std::move(spec)](const std::string& who) mutable {
        if (alive.expired()) return;
        spec.by = who;
        sources_.configurer.apply(spec, [exchange](const ports::Configurer::Answer& answer) {
            if (const auto* refusal = std::get_if<ports::Refusal>(&answer))
                refuse(exchange, from_refusal(*refusal));
            else if (const auto* view = std::get_if<core::ApplyView>(&answer))
                exchange->answer(json_answer(encode(*view)));
            else
                refuse(exchange, from_problems(std::get<std::vector<units::Problem>>(answer)));
        });
    });
}

} // namespace keel::control
