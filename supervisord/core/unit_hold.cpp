// Holds: what a person's stop or hold makes of a unit, and how it ends.
#include "core/unit_moves.hpp"

namespace keel::core {

Inputs::Hands hands_of(const UnitMaking& m)
{
    const bool ending = m.inputs.gate && m.inputs.gate->kind == BlockedOn::Kind::shutdown;
    return is_left_alone(m.unit()) && !ending ? Inputs::Hands::off : Inputs::Hands::on;
}

void want(UnitMaking& m, Wanted next, const std::string& why)
{
    Unit& unit = m.unit();
    const Inputs::Hands before = hands_of(m);
    if (const auto* held = std::get_if<Held>(&unit.wanted);
        held != nullptr && !std::holds_alternative<Held>(next)) {
        m.out.notes.emplace_back(HoldEnded{*held, why});
        unit.sign.reset(); // What happened meanwhile is not why it is down from now on.
    }
    unit.wanted = std::move(next);
    if (before == Inputs::Hands::off && hands_of(m) == Inputs::Hands::on) run_all(m, HandedBack{});
}

/// A stop never shortens a hold: it stands over boots as before, and until a person acts.
Held hold_of(const UnitMaking& m, const Asked& asked)
{
    const auto* before = std::get_if<Held>(&m.unit().wanted);
    Held held{asked.by, asked.why, m.inputs.now.wall};
    if (before != nullptr) held.then = before->then;
    if (std::holds_alternative<Down>(m.unit().wanted)) held.then = Held::Then::down;
    if (asked.verb == Verb::stop) {
        if (before != nullptr) held.lasts = before->lasts;
        return held;
    }
    held.lasts = Held::Lasts::over_boots;
    held.process = asked.hold.process;
    if (const auto span = asked.hold.span)
        held.until = Now{m.inputs.now.mono + *span, m.inputs.now.wall + *span};
    return held;
}

void end_hold_if_over(UnitMaking& m)
{
    const auto* held = std::get_if<Held>(&m.unit().wanted);
    if (held == nullptr || !held->until || held->until->mono > m.now()) return;
    const std::string why = "its time is over";
    const bool comes_up = held->then == Held::Then::up;
    break_off_operation(m, "its time is over before it was done");
    if (comes_up) return be_up(m, Completed::stay_done, why);
    want(m, Down{}, why);
    run_all(m, StopWanted{});
}

} // namespace keel::core
