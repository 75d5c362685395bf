// What an instance is told of its unit and of the world as it takes a step.
#include "core/unit_moves.hpp"

#include <algorithm>
#include <cmath>

namespace keel::core {
namespace {

/// The instance's own draw in [−1, 1), so that several that fail in one step do not come back in
/// one step: the unit's draw moved on by the golden ratio per slot.
double draw_for(double unit_draw, Slot slot)
{
    const double moved = (unit_draw + 1.0) / 2.0 + 0.6180339887498949 * slot;
    return 2.0 * (moved - std::floor(moved)) - 1.0;
}

/// Others than this one.
unsigned away_for_liveness(const UnitMaking& m, Slot slot)
{
    const auto has_liveness = [](const units::ProbeSpec& probe) { return probe.role.liveness; };
    if (std::ranges::none_of(m.spec.probes, has_liveness)) return 0;
    unsigned away = 0;
    for (Slot other = 1; other <= m.unit().instances.size(); ++other)
        if (other != slot && is_away_for_liveness(m.unit().instances[other - 1U].state)) ++away;
    return away;
}

} // namespace

Inputs inputs_for(const UnitMaking& m, Slot slot)
{
    Inputs in;
    in.now = m.inputs.now;
    in.jitter = draw_for(m.inputs.jitter, slot);
    in.next_spawn = SpawnId{number(m.inputs.next_spawn) + m.out.spawns};
    in.gate = m.inputs.gate;
    in.hands = hands_of(m);
    if (in.hands == Inputs::Hands::off)
        in.gate = BlockedOn{BlockedOn::Kind::hold, std::get<Held>(m.unit().wanted).by};
    in.brake = m.out.brake_tokens < m.inputs.brake_tokens ? Inputs::Brake::open : Inputs::Brake::on;
    in.dependencies = m.inputs.dependencies;
    in.delay_cap = delay_cap(m.spec, m.unit());
    in.away_for_liveness = away_for_liveness(m, slot);
    in.late_turns = m.inputs.late_turns;
    in.release = release_for(m.unit(), slot);
    in.release_after_failure = release_after_failure(m.unit(), slot);
    // With a release it has all that it needs to run.
    const bool awaits_first = m.unit().releases.current.empty() && m.unit().deployment &&
                              awaits_source(*m.unit().deployment);
    if (awaits_first) in.budget = Inputs::Budget::spared;
    if (rung_of(m.spec, m.unit()).kind == units::Rung::give_up)
        in.after_failure = Inputs::AfterFailure::give_up;
    return in;
}

} // namespace keel::core
