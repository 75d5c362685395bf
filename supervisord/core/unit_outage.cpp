#include "core/unit_moves.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::core {
namespace {

using Standing = OutageInputs::Standing;

const Blocked* blocked_on_dependency(const Unit& unit)
{
    for (const Instance& instance : unit.instances)
        if (const auto* blocked = std::get_if<Blocked>(&instance.state))
            if (blocked->on.kind == BlockedOn::Kind::dependency) return blocked;
    return nullptr;
}

/// The best that is known of why the unit is short of instances.
OutageSign sign_of(const UnitMaking& m)
{
    const Unit& unit = m.unit();
    if (unit.operation && unit.operation->verb == Verb::restart)
        return {OutageCause::operation, fmt::format("restart by {}", unit.operation->by),
                "operation", {}, Outage::Planned::yes, {}};
    if (unit.sign) return *unit.sign;
    if (const auto* blocked = blocked_on_dependency(unit))
        return {OutageCause::dependency, "dependency " + blocked->on.what, "dependency",
                m.inputs.gate_outage, m.inputs.gate_planned, {}};
    return {OutageCause::start,
            fmt::format("not ready {} after its start", to_text(m.spec.start.timeout)),
            "deadline", {}, Outage::Planned::no, {}};
}

bool has_time_to_start(const UnitMaking& m)
{
    const auto& first = m.unit().first_wanted_at;
    return first && m.now() < *first + m.spec.start.timeout;
}

bool is_exempt(const UnitMaking& m)
{
    const bool ending = m.inputs.gate && m.inputs.gate->kind == BlockedOn::Kind::shutdown;
    return ending || !is_wanted_up(m.unit());
}

Standing outage_standing(const UnitMaking& m)
{
    if (is_exempt(m)) return Standing::exempt;
    if (ready_count(m.unit()) >= m.spec.min_ready) return Standing::enough;
    return has_time_to_start(m) ? Standing::excused : Standing::short_of;
}

/// Whether what is not ready is on its first way up, with no failure behind it.
bool only_first_starts_missing(const Unit& unit)
{
    return std::ranges::all_of(unit.instances, [](const Instance& instance) {
        const bool starts = std::holds_alternative<Starting>(instance.state) ||
                            std::holds_alternative<Blocked>(instance.state);
        const bool serves = std::holds_alternative<Ready>(instance.state) ||
                            std::holds_alternative<Done>(instance.state);
        return serves || (starts && instance.history.in_a_row == 0);
    });
}

Standing degradation_standing(const UnitMaking& m)
{
    if (is_exempt(m) || ready_count(m.unit()) < m.spec.min_ready) return Standing::exempt;
    if (ready_count(m.unit()) == m.unit().instances.size()) return Standing::enough;
    return only_first_starts_missing(m.unit()) ? Standing::excused : Standing::short_of;
}

void run_fold(UnitMaking& m, OutageFold& which, const OutageLimits& limits, Standing standing)
{
    const OutageId next{number(m.inputs.next_outage) + m.out.outages};
    OutageNews news = fold(limits, which, {m.inputs.now, standing, sign_of(m), next});
    if (news.opened) {
        ++m.out.outages;
        m.out.notes.emplace_back(OutageOpened{std::move(*news.opened)});
    }
    for (const ActionTaken& action : m.tried) note_action(which, action);
    if (news.counted) m.out.notes.emplace_back(OutageCounted{std::move(*news.counted)});
    if (news.closed) m.out.notes.emplace_back(OutageClosed{std::move(*news.closed)});
}

/// A planned outage ends where its operation failed; what follows is an unplanned one.
void split_if_operation_failed(UnitMaking& m)
{
    const bool failed = std::ranges::any_of(m.out.notes, [](const Note& note) {
        const auto* ended = std::get_if<OperationEnded>(&note);
        return ended && ended->result.outcome == OperationResult::Outcome::failed;
    });
    const Outage* open = open_outage(m.unit().outage);
    if (!failed || open == nullptr || open->planned == Outage::Planned::no) return;
    run_fold(m, m.unit().outage, outage_limits(m.spec), Standing::exempt);
}

void settle_results(OutageFold& which, const Unit& unit, const UnitMaking& m)
{
    Outage* record = open_outage(which);
    if (record == nullptr || record->actions.empty()) return;
    std::string& result = record->actions.back().result;
    if (!result.empty() || !m.tried.empty()) return;
    if (unit.failed_at == m.now() && unit.sign) result = unit.sign->text;
    else if (unit.ready_since == m.now()) result = "ready";
}

} // namespace

OutageLimits outage_limits(const units::UnitSpec& spec)
{
    return {spec.outage.grace, spec.outage.settle, OutageKind::outage, spec.name};
}

OutageLimits degradation_limits(const units::UnitSpec& spec)
{
    return {Duration{0}, spec.outage.settle, OutageKind::degraded, spec.name};
}

void fold_outages(UnitMaking& m)
{
    split_if_operation_failed(m);
    run_fold(m, m.unit().outage, outage_limits(m.spec), outage_standing(m));
    run_fold(m, m.unit().degradation, degradation_limits(m.spec), degradation_standing(m));
    settle_results(m.unit().outage, m.unit(), m);
    settle_results(m.unit().degradation, m.unit(), m);
    if (ready_count(m.unit()) == m.unit().instances.size()) m.unit().sign.reset();
}

} // namespace keel::core
