// Before a process is killed because its liveness probe fails: is it the process, or is it keeld,
// the host, or all of the unit at once? What speaks against the kill holds it back, for at most
// restraint_max; then it goes ahead, unless the probe has passed meanwhile.
#include "base/text.hpp"
#include "core/instance_moves.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::core {
namespace {

/// So many instances of a unit may be away for their liveness at once.
unsigned away_max(const units::UnitSpec& spec) { return std::max(1U, spec.instances / 2U); }

/// What speaks against the kill; none: nothing.
std::optional<Restraint> objection(const Here& h, const units::ProbeSpec& probe, MonoTime asked)
{
    const LateTurns* const late = h.inputs.late_turns;
    if (late != nullptr && late->worst_since(asked) > probe.timeout) return Restraint::late_loop;
    if (h.inputs.away_for_liveness >= away_max(h.spec)) return Restraint::others;
    if (h.inputs.brake == Inputs::Brake::on) return Restraint::storm;
    return std::nullopt;
}

std::string text_of(const Here& h, Restraint by)
{
    switch (by) {
    case Restraint::late_loop: return "keeld itself was late, and may have asked too late";
    case Restraint::others:
        return fmt::format("{} of its {} instances are being replaced for their liveness",
                           h.inputs.away_for_liveness, h.spec.instances);
    case Restraint::storm: break;
    }
    return "the storm brake has no token";
}

InstanceStep kill(Here& h, SpawnId spawn, std::uint32_t probe, std::string_view more = "")
{
    const ProbeHealth& health = h.instance.probes[probe];
    const Duration detection = h.now() - health.failing_since.value_or(h.now());
    ++h.tokens;
    return replace(h, spawn, StartCause::liveness,
                   probe_says(h.spec.probes[probe], health.last.value()) + std::string(more),
                   detection);
}

} // namespace

bool is_liveness_suspended(const Here& h)
{
    return h.inputs.dependencies == Inputs::Dependencies::down || is_left_alone(h);
}

std::optional<InstanceStep> kill_or_hold_back(Here& h, SpawnId spawn, std::uint32_t probe,
                                              MonoTime asked)
{
    auto& held = h.instance.probes[probe].held_back;
    const auto by = objection(h, h.spec.probes[probe], asked);
    const bool is_over = held && h.now() >= held->until;
    if (!by || is_over) return kill(h, spawn, probe);
    const bool is_news = !held || held->by != *by;
    if (!held) held = HeldBack{*by, h.now() + restraint_max};
    held->by = *by;
    held->why = text_of(h, *by);
    if (is_news)
        h.restrained = Restrained{*by, fmt::format("{} ({}): not killed yet, for at most {}",
                                                   h.spec.probes[probe].name, held->why,
                                                   to_human(held->until - h.now()))};
    return std::nullopt;
}

std::optional<InstanceStep> kill_overdue(Here& h, SpawnId spawn)
{
    for (std::uint32_t i = 0; i < h.instance.probes.size(); ++i) {
        auto& health = h.instance.probes[i];
        if (!health.held_back || h.now() < health.held_back->until) continue;
        if (!is_liveness_suspended(h)) return kill(h, spawn, i, "; held back for long enough");
        health.held_back.reset();
        health.liveness_fails = 0;
    }
    return std::nullopt;
}

} // namespace keel::core
