// The ladder: what is tried when restarts do not help, and the way back down.
#include "base/text.hpp"
#include "core/unit_moves.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::core {

namespace {

/// The one after it is next, for the same reason.
void skip_rung(UnitMaking& m, const units::Rung& rung, const std::string& senseless,
               const std::string& why)
{
    m.out.notes.emplace_back(RungSkipped{rung, senseless});
    m.tried.back().result = "skipped: " + senseless;
    climb(m, why);
}

} // namespace

void climb(UnitMaking& m, const std::string& why)
{
    Unit& unit = m.unit();
    for (Instance& each : unit.instances)
        each.history.charged.clear();
    if (unit.rung + 1U >= m.spec.escalation.ladder.size()) return;
    const units::Rung from = rung_of(m.spec, unit);
    ++unit.rung;
    const units::Rung to = rung_of(m.spec, unit);
    m.out.notes.emplace_back(Climbed{from, to, why});
    m.tried.push_back({m.inputs.now.wall, to_text(to), why, {}});
    if (to.kind == units::Rung::redeploy || to.kind == units::Rung::rollback)
        if (const std::string senseless = begin_release_rung(m, to.kind, why); !senseless.empty())
            return skip_rung(m, to, senseless, why);
    if (to.kind == units::Rung::run) begin_rung_hook(m, to.hook, why);
    if (to.kind == units::Rung::give_up) run_all(m, GiveUpWanted{});
    if (to.kind == units::Rung::exit) m.out.notes.emplace_back(ExitWanted{why});
}

void climb_if_spent(UnitMaking& m, const Failure& failure)
{
    const auto spent = [&](const Instance& i) { return is_spent(m.spec, i.history, m.now()); };
    if (failure.charge != Failure::Charge::charged) return;
    if (m.unit().rung_hook) return; // An action is under way.
    const auto all = m.unit().instances.size();
    const auto spent_count =
        static_cast<std::size_t>(std::ranges::count_if(m.unit().instances, spent));
    if (spent_count == 0) return;
    if (ready_count(m.unit()) >= m.spec.min_ready && spent_count * 2 < all) return;
    if (const auto& deployment = m.unit().deployment) { // So is an action; one that only waits,
        if (awaits_source(*deployment))                 // perhaps for ever, is in the ladder's way.
            abort_deployment(m, "the unit keeps failing, and its ladder has to act");
        return;
    }
    climb(m, fmt::format("{} failures within {}, the last one: {}", m.spec.escalation.failures,
                         to_text(budget_window(m.spec)), failure.what));
}

void descend_if_stable(UnitMaking& m)
{
    Unit& unit = m.unit();
    if (unit.rung == 0 || !unit.ready_since) return;
    const MonoTime calm_since = std::max(*unit.ready_since, unit.failed_at.value_or(MonoTime{}));
    if (m.now() < calm_since + budget_window(m.spec)) return;
    unit.rung = 0;
    m.out.notes.emplace_back(BackToBottom{});
}

} // namespace keel::core
