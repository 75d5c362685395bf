#include "core/unit_moves.hpp"

#include <algorithm>

namespace keel::core {
namespace {

template <class State> bool any_in(const Unit& unit)
{
    return std::ranges::any_of(unit.instances, [](const Instance& instance) {
        return std::holds_alternative<State>(instance.state);
    });
}

template <class... States> bool all_in(const Unit& unit)
{
    return std::ranges::all_of(unit.instances, [](const Instance& instance) {
        return (std::holds_alternative<States>(instance.state) || ...);
    });
}

void keep_earlier(std::optional<MonoTime>& earliest, std::optional<MonoTime> other)
{
    if (other && (!earliest || *other < *earliest)) earliest = other;
}

std::optional<MonoTime> descent_at(const units::UnitSpec& spec, const Unit& unit)
{
    if (unit.rung == 0 || !unit.ready_since) return std::nullopt;
    return std::max(*unit.ready_since, unit.failed_at.value_or(MonoTime{})) + budget_window(spec);
}

} // namespace

std::optional<MonoTime> deadline_of(const units::UnitSpec& spec, const Unit& unit)
{
    std::optional<MonoTime> earliest = descent_at(spec, unit);
    for (const Instance& instance : unit.instances)
        keep_earlier(earliest, deadline_of(spec, instance));
    if (unit.rung_hook) keep_earlier(earliest, unit.rung_hook->due);
    if (unit.deploy_effect && is_timed(*unit.deploy_effect))
        keep_earlier(earliest, unit.deploy_effect->due);
    if (unit.deployment) keep_earlier(earliest, deadline_of(unit.deployment->course));
    keep_earlier(earliest, roll_due(spec, unit));
    keep_earlier(earliest, link_due(unit));
    keep_earlier(earliest, good_at(spec, unit));
    if (const auto* held = std::get_if<Held>(&unit.wanted); held && held->until)
        keep_earlier(earliest, held->until->mono);
    keep_earlier(earliest, deadline_of(outage_limits(spec), unit.outage));
    keep_earlier(earliest, deadline_of(degradation_limits(spec), unit.degradation));
    const bool waits_for_record = std::holds_alternative<NoOutage>(unit.outage.state);
    const bool waits = waits_for_record && is_wanted_up(unit) && !is_at_work(spec, unit);
    if (unit.first_wanted_at && waits)
        keep_earlier(earliest, *unit.first_wanted_at + spec.start.timeout);
    return earliest;
}

bool is_at_work(const units::UnitSpec& spec, const Unit& unit)
{
    return spec.type == units::UnitType::oneshot && unit.settled == Unit::Settled::no &&
           (any_in<Starting>(unit) || any_in<Preparing>(unit));
}

std::uint16_t ready_count(const Unit& unit)
{
    return static_cast<std::uint16_t>(
        std::ranges::count_if(unit.instances, [](const Instance& i) { return serves(i.state); }));
}

bool is_ready(const units::UnitSpec& spec, const Unit& unit)
{
    return ready_count(unit) >= spec.min_ready;
}

bool is_wanted_up(const Unit& unit) { return std::holds_alternative<Up>(unit.wanted); }

bool is_left_alone(const Unit& unit)
{
    const auto* held = std::get_if<Held>(&unit.wanted);
    return held != nullptr && held->process == Held::Process::left_running;
}

bool is_present(const Unit& unit)
{
    return std::ranges::any_of(unit.instances, [](const Instance& instance) {
        const auto* starting = std::get_if<Starting>(&instance.state);
        if (starting != nullptr) return starting->running == Starting::Running::yes;
        return std::holds_alternative<Ready>(instance.state) ||
               std::holds_alternative<Unready>(instance.state) ||
               std::holds_alternative<Done>(instance.state);
    });
}

const Wanted& word_on(const Unit& unit)
{
    return unit.before_leaving ? *unit.before_leaving : unit.wanted;
}

bool has_outdated(const units::UnitSpec& spec, const Unit& unit)
{
    // What runs without a release runs on until there is one to take its place.
    if (units::has_releases(spec) && unit.releases.current.empty()) return false;
    return std::ranges::any_of(unit.instances,
                               [&](const Instance& i) { return is_outdated(spec, i); });
}

bool has_process(const Unit& unit)
{
    return std::ranges::any_of(unit.instances,
                               [](const Instance& instance) { return has_process(instance); });
}

bool has_spawn(const Unit& unit)
{
    return unit.rung_hook.has_value() || unit.deploy_effect.has_value() || has_process(unit);
}

bool is_at_work_beside(const Unit& unit)
{
    const auto& hook = unit.rung_hook;
    const auto& effect = unit.deploy_effect;
    return (hook && hook->stage < RungHook::Stage::asked) ||
           (effect && effect->stage != DeployEffect::Stage::left);
}

UnitStatus status_of(const units::UnitSpec& spec, const Unit& unit)
{
    if (!unit.config_problem.empty()) return UnitStatus::failed;
    if (std::holds_alternative<Held>(unit.wanted)) return UnitStatus::held;
    if (std::holds_alternative<Down>(unit.wanted)) return UnitStatus::stopped;
    if (all_in<Done>(unit)) return UnitStatus::done;
    if (all_in<Ready, Done>(unit)) return UnitStatus::up;
    if (is_ready(spec, unit) && spec.min_ready > 0) return UnitStatus::degraded;
    if (any_in<Failed>(unit) && all_in<Failed, Done, Stopped>(unit)) return UnitStatus::failed;
    const bool starts = any_in<Starting>(unit) || any_in<Preparing>(unit);
    if (any_in<Blocked>(unit) && !starts) return UnitStatus::blocked;
    if (open_outage(unit.outage) != nullptr || unit.settled == Unit::Settled::yes)
        return is_ready(spec, unit) ? UnitStatus::degraded : UnitStatus::down;
    return UnitStatus::starting;
}

units::Rung rung_of(const units::UnitSpec& spec, const Unit& unit)
{
    return spec.escalation
        .ladder[std::min<std::size_t>(unit.rung, spec.escalation.ladder.size() - 1)];
}

Duration delay_cap(const units::UnitSpec& spec, const Unit& unit)
{
    const units::Rung::Kind kind = rung_of(spec, unit).kind;
    const bool is_last = unit.rung + 1U >= spec.escalation.ladder.size();
    const bool retries = kind == units::Rung::retry || (kind == units::Rung::run && is_last);
    return retries ? spec.escalation.retry_every : spec.restart.delay_max;
}

} // namespace keel::core
