#include "core/views.hpp"

#include "core/host.hpp"
#include "core/unit_moves.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::core {
namespace {

WallTime wall_of(MonoTime at, Now now) { return now.wall + (at - now.mono); }

std::string instance_name(const units::UnitSpec& spec, Slot slot)
{
    const bool is_alone = spec.instances == 1 && slot == 1; // A second one may be about to go.
    return is_alone ? spec.name : fmt::format("{}.{}", spec.name, slot);
}

ProbeView make_view(const units::ProbeSpec& spec, const ProbeHealth& health)
{
    ProbeView view;
    view.name = spec.name;
    if (!health.last) return view;
    view.verdict = health.last->verdict;
    view.kind = health.last->kind;
    view.latency = health.last->latency;
    view.detail = health.last->detail;
    return view;
}

InstanceView make_view(const units::UnitSpec& spec, const Unit& unit, Slot slot,
                       const PidOf& pid_of, Now now)
{
    const Instance& instance = unit.instances[slot - 1U];
    InstanceView view;
    view.name = instance_name(spec, slot);
    view.slot = slot;
    view.state = state_name(instance.state);
    view.reason = instance.reason;
    view.spawn = spawn_of(instance.state);
    if (view.spawn) view.pid = pid_of(*view.spawn);
    view.since = instance.since.wall;
    if (const auto due = patience_end_of(spec, instance); due && !is_left_alone(unit))
        view.next_at = wall_of(*due, now);
    view.restarts = instance.restarts;
    if (view.spawn) view.release = instance.release.id;
    view.last_start = instance.last_start;
    if (view.spawn) view.says = instance.said.status;
    for (std::size_t i = 0; i < instance.probes.size(); ++i)
        view.probes.push_back(make_view(spec.probes[i], instance.probes[i]));
    return view;
}

std::string step_of(const Operation& op)
{
    if (is_deployment(op.verb)) return fmt::format("{} is under way", name(op.verb));
    if (op.waiting.empty()) return fmt::format("waiting for {} to finish", name(op.verb));
    return fmt::format("{} of {} instances to go", op.waiting.size(), op.targets.size());
}

} // namespace

OutageView make_view(const Outage& record, Now now)
{
    return {record, length_of(record, now.mono)};
}

std::optional<OutageView> make_view(const OutageFold& fold, Now now)
{
    const Outage* record = open_outage(fold);
    if (record == nullptr) return std::nullopt;
    const bool settles = std::holds_alternative<SettlingOutage>(fold.state);
    return OutageView{*record, length_of(fold, now.mono),
                      settles ? OutageView::Settling::yes : OutageView::Settling::no, fold.counted};
}

OperationView make_view(const Operation& op) { return {op.id, op.verb, op.by, step_of(op)}; }

bool is_at_rest(const InstanceView& instance)
{
    return instance.state == "ready" || instance.state == "done";
}

WallTime since_of(const UnitView& unit)
{
    if (unit.status == UnitStatus::held && unit.held) return unit.held->since;
    const bool well = unit.status == UnitStatus::up || unit.status == UnitStatus::done;
    if (!well && unit.outage) return unit.outage->record.opened.wall;
    WallTime since{};
    for (const InstanceView& instance : unit.instances) {
        if (is_at_rest(instance) != well) continue;
        const bool replaces = well ? instance.since > since : instance.since < since;
        if (since == WallTime{} || replaces) since = instance.since;
    }
    return since;
}

UnitView make_view(const Host& host, UnitId id, const PidOf& pid_of, Now now)
{
    const units::UnitSpec& spec = host.spec(id);
    const Unit& unit = host.unit(id);
    UnitView view;
    view.name = spec.name;
    view.description = spec.description;
    view.labels = spec.labels;
    view.wanted = wanted_name(unit.wanted);
    if (const auto* held = std::get_if<Held>(&unit.wanted)) view.held = *held;
    view.status = status_of(spec, unit);
    view.ready = ready_count(unit);
    view.wanted_instances = spec.instances;
    view.min_ready = spec.min_ready;
    view.rung = to_text(rung_of(spec, unit));
    view.rung_index = unit.rung;
    view.rung_last = std::max<std::size_t>(spec.escalation.ladder.size(), 1) - 1;
    if (unit.operation) view.operation = make_view(*unit.operation);
    if (units::has_releases(spec)) view.deploys = UnitView::Deploys::yes;
    view.release = unit.releases.current;
    if (is_current_good(unit.releases)) view.release_good = UnitView::Good::yes;
    if (unit.deployment) view.deployment = make_view(*unit.deployment);
    if (view.deployment && view.operation) view.operation->step = view.deployment->step;
    view.outage = make_view(unit.outage, now);
    view.log_target = spec.log.target;
    if (spec.outage.is_public)
        view.public_title = spec.outage.title.empty() ? spec.name : spec.outage.title;
    view.edges = {spec.requires_units, spec.binds_to, spec.after, spec.restart_with};
    for (Slot slot = 1; slot <= unit.instances.size(); ++slot) {
        view.instances.push_back(make_view(spec, unit, slot, pid_of, now));
        view.restarts += view.instances.back().restarts;
    }
    view.since = since_of(view);
    return view;
}

// ---- why ----------------------------------------------------------------------------------------

namespace {

void say_said(const Said& said, const std::string& who, std::vector<std::string>& out)
{
    if (said.phase == Phase::reloading) out.push_back(who + " says that it is reloading");
    if (said.phase == Phase::stopping) out.push_back(who + " says that it is stopping");
    if (!said.status.empty()) out.push_back(fmt::format("{} says: {}", who, said.status));
}

void say_now(const Host& host, const units::UnitSpec& spec, const Instance& instance,
             const std::string& who, Now now, std::vector<std::string>& out)
{
    const std::string since = to_human(std::max(Duration{0}, now.mono - instance.since.mono));
    const bool waits = std::holds_alternative<Backoff>(instance.state);
    const auto state = waits ? "in backoff" : state_name(instance.state);
    out.push_back(fmt::format("{} has been {} for {}: {}", who, state, since, instance.reason));
    if (instance.hook)
        out.push_back(
            fmt::format("{}: its {} has been running for {}", who, name(instance.hook->hook),
                        to_human(std::max(Duration{0}, now.mono - instance.hook->began))));
    if (spawn_of(instance.state)) say_said(instance.said, who, out);
    for (std::size_t i = 0; i < instance.probes.size(); ++i)
        if (const auto& held = instance.probes[i].held_back)
            out.push_back(fmt::format("probe {} says that {} is dead; it is not killed yet: {}",
                                      spec.probes[i].name, who, held->why));
    const auto* blocked = std::get_if<Blocked>(&instance.state);
    if (blocked == nullptr || blocked->on.kind != BlockedOn::Kind::dependency) return;
    const auto other = host.find(blocked->on.what);
    if (!other) return;
    out.push_back(fmt::format("{} waits until {} is ready; {} is {}", who, blocked->on.what,
                              blocked->on.what,
                              name(status_of(host.spec(*other), host.unit(*other)))));
}

std::string in_time(MonoTime at, Now now)
{
    return at <= now.mono ? "now" : "in " + to_human(at - now.mono);
}

void say_next(const units::UnitSpec& spec, const Instance& instance, const std::string& who,
              Now now, std::vector<std::string>& out)
{
    if (const auto* s = std::get_if<Backoff>(&instance.state))
        out.push_back(fmt::format("{} starts again {}", who, in_time(s->retry_at, now)));
    if (const auto* s = std::get_if<Starting>(&instance.state))
        out.push_back(s->ready_by ? fmt::format("{} is replaced if it is not ready {}", who,
                                                in_time(*s->ready_by, now))
                                  : fmt::format("{} is done once it has ended well", who));
    if (const auto* s = std::get_if<Unready>(&instance.state);
        s != nullptr && s->dependencies == Dependencies::ready)
        out.push_back(fmt::format("{} is replaced if it is still unready {}", who,
                                  in_time(s->limit_at, now)));
    for (std::size_t i = 0; i < instance.probes.size(); ++i)
        if (const auto& held = instance.probes[i].held_back)
            out.push_back(fmt::format("{} is killed {} at the latest, unless probe {} passes", who,
                                      in_time(held->until, now), spec.probes[i].name));
    const auto* stopping = std::get_if<Stopping>(&instance.state);
    if (stopping != nullptr && stopping->stage == KillStage::preparing)
        out.push_back(fmt::format("{} is asked to end {} at the latest", who,
                                  in_time(stopping->escalate_at, now)));
    else if (stopping != nullptr && stopping->stage != KillStage::emptied)
        out.push_back(fmt::format("{} gets SIGKILL, the whole tree of it, {}", who,
                                  in_time(stopping->escalate_at, now)));
    if (instance.hook)
        out.push_back(fmt::format("its {} is killed if it still runs {}", name(instance.hook->hook),
                                  in_time(instance.hook->due, now)));
    if (const auto& life_by = instance.said.life_by; life_by && spawn_of(instance.state))
        out.push_back(fmt::format("{} is ended if it does not send WATCHDOG=1 {}", who,
                                  in_time(*life_by, now)));
    if (std::holds_alternative<Failed>(instance.state))
        out.push_back(fmt::format("nothing, until a person acts: keel start {}", spec.name));
}

void say_budget(const units::UnitSpec& spec, const Instance& instance, const std::string& who,
                Now now, std::vector<std::string>& out)
{
    const auto used = charged_within(spec, instance.history, now.mono);
    if (used == 0) return;
    out.push_back(fmt::format("{} has used {} of {} failures allowed within {}", who, used,
                              spec.escalation.failures, to_text(budget_window(spec))));
}

} // namespace

namespace {

void say_outage(const units::UnitSpec& spec, const Unit& unit, Now now, WhyView& why)
{
    const auto outage = make_view(unit.outage, now);
    if (!outage) return;
    const auto id = number(outage->record.id);
    const std::string length = to_human(outage->length);
    const std::string& cause = outage->record.cause_text;
    if (outage->settling == OutageView::Settling::no) {
        why.now.push_back(fmt::format("outage {} has been open for {}: {}", id, length, cause));
        return;
    }
    why.now.push_back(fmt::format("outage {} lasted {} ({}); ready again, on trial for {}", id,
                                  length, cause, to_text(spec.outage.settle)));
    if (const auto due = deadline_of(outage_limits(spec), unit.outage))
        why.next.push_back(fmt::format("outage {} closes {}", id, in_time(*due, now)));
}

} // namespace

namespace {

/// What is not done to a unit for as long as it is another's turn to come back.
void say_suspended(const Host& host, UnitId id, WhyView& why)
{
    const auto lacking = host.lacking(id);
    if (!lacking) return;
    const std::string& other = host.spec(*lacking).name;
    const auto any_in = [&](const auto& is) {
        return std::ranges::any_of(host.unit(id).instances,
                                   [&](const Instance& i) { return is(i.state); });
    };
    const bool is_unready =
        any_in([](const auto& state) { return std::holds_alternative<Unready>(state); });
    const bool serves_now = is_unready || any_in([](const auto& state) {
                                return std::holds_alternative<Ready>(state);
                            });
    const bool has_liveness = std::ranges::any_of(
        host.spec(id).probes, [](const units::ProbeSpec& probe) { return probe.role.liveness; });
    if (serves_now && has_liveness)
        why.now.push_back(fmt::format("liveness is suspended: {} is not ready", other));
    if (is_unready)
        why.now.push_back(fmt::format("unready_limit does not count: {} is not ready", other));
}

void say_rung_hook(const Unit& unit, Now now, WhyView& why)
{
    const auto& hook = unit.rung_hook;
    if (!hook) return;
    const bool waits = hook->stage == RungHook::Stage::put_off;
    why.now.push_back(
        waits ? fmt::format("its hook {} waits: keeld has nothing left to run it with", hook->name)
              : fmt::format("its hook {} has been running for {}", hook->name,
                            to_human(std::max(Duration{0}, now.mono - hook->began))));
    why.next.push_back(
        waits ? fmt::format("hook {} is tried again {}", hook->name, in_time(hook->due, now))
              : fmt::format("hook {} is killed if it still runs {}", hook->name,
                            in_time(hook->due, now)));
}

/// A fetch that is late is never the release's fault: it is not undone for that.
bool is_fetching(const Deployment& course)
{
    const auto at = present_step(course);
    return course.course == Deployment::Course::forward && at &&
           course.steps[*at].kind == DeployStepKind::fetch;
}

void say_release(const units::UnitSpec& spec, const Unit& unit, Now now, WhyView& why)
{
    if (!units::has_releases(spec)) return;
    const std::string& current = unit.releases.current;
    if (current.empty())
        why.next.push_back(
            fmt::format("nothing, until its first release: keel deploy {} RELEASE", spec.name));
    else
        why.now.push_back(fmt::format("its release is {}, {}", current,
                                      is_current_good(unit.releases) ? "good" : "not yet good"));
    if (const auto at = good_at(spec, unit))
        why.next.push_back(
            fmt::format("{} is good if it keeps the unit ready: {}", current, in_time(*at, now)));
    if (!unit.deployment) return;
    const DeploymentView view = make_view(*unit.deployment);
    why.now.push_back(
        fmt::format("{} by {}: {}", title_of(view.kind, view.release), view.by, view.step));
    if (!view.failure.empty())
        why.now.push_back(fmt::format("it is being undone: {}", view.failure));
    const auto due = deadline_of(unit.deployment->course);
    if (due && awaits_source(*unit.deployment))
        why.next.push_back("the source is tried again " + in_time(*due, now));
    else if (due && is_fetching(unit.deployment->course))
        why.next.push_back("if that is not over " + in_time(*due, now) +
                           ", the source counts as unreachable, and is tried again later");
    else if (due)
        why.next.push_back("it is undone if that is not over " + in_time(*due, now));
}

std::string end_of(const units::UnitSpec& spec, const Held& held, Now now)
{
    if (held.until)
        return fmt::format("{} {}",
                           held.then == Held::Then::up ? "it is wanted up again"
                                                       : "the hold ends and it stays down",
                           in_time(held.until->mono, now));
    return fmt::format("nothing, until a person acts{}: keel start {}",
                       held.lasts == Held::Lasts::this_boot ? " or the host boots" : "", spec.name);
}

void say_hold(const units::UnitSpec& spec, const Held& held, const Unit& unit, Now now,
              WhyView& why)
{
    const std::string reason = held.why.empty() ? "no reason given" : held.why;
    why.now.push_back(fmt::format("held by {} for {}: {}", held.by,
                                  to_human(std::max(Duration{0}, now.wall - held.since)), reason));
    if (held.process == Held::Process::left_running)
        why.now.push_back(
            has_process(unit)
                ? "its process is left running: keel starts, signals and kills nothing"
                : "nothing of it runs, and keel starts nothing");
    why.next.push_back(end_of(spec, held, now));
}

} // namespace

WhyView make_why(const Host& host, UnitId id, const PidOf& pid_of, std::vector<EventView> happened,
                 Now now)
{
    const units::UnitSpec& spec = host.spec(id);
    const Unit& unit = host.unit(id);
    WhyView why{make_view(host, id, pid_of, now), std::move(happened), {}, {}};
    if (const auto* held = std::get_if<Held>(&unit.wanted)) say_hold(spec, *held, unit, now, why);
    if (std::holds_alternative<Down>(unit.wanted) && unit.config_problem.empty())
        why.now.push_back("nobody asked for it: enabled = false");
    for (Slot slot = 1; slot <= unit.instances.size(); ++slot) {
        const Instance& instance = unit.instances[slot - 1U];
        const std::string who = instance_name(spec, slot);
        say_now(host, spec, instance, who, now, why.now);
        say_budget(spec, instance, who, now, why.now);
        if (!why.unit.held) say_next(spec, instance, who, now, why.next);
    }
    say_suspended(host, id, why);
    if (unit.rung > 0)
        why.now.push_back(fmt::format("restarts did not help: the ladder stands at `{}`",
                                      to_text(rung_of(spec, unit))));
    say_rung_hook(unit, now, why);
    say_release(spec, unit, now, why);
    say_outage(spec, unit, now, why);
    return why;
}

} // namespace keel::core
