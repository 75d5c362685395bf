#include "core/unit_moves.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

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

/// A restart does so until it is over; a start only at once, where it runs again what was done.
bool takes_out_of_service(const UnitMaking& m, const Operation& op)
{
    if (is_deployment(op.verb)) return m.unit().deployment && has_rolled(*m.unit().deployment);
    return op.verb == Verb::restart || (op.verb == Verb::start && op.began == m.now());
}

/// The first that runs and is not ready.
std::optional<Slot> first_that_is_late(const Unit& unit)
{
    const auto late = std::ranges::find_if(unit.instances, [](const Instance& instance) {
        return has_process(instance) && !serves(instance.state);
    });
    if (late == unit.instances.end()) return std::nullopt;
    return static_cast<Slot>(late - unit.instances.begin() + 1);
}

/// The best that is known of why the unit is short of instances.
OutageSign sign_of(const UnitMaking& m)
{
    const Unit& unit = m.unit();
    const bool fresh = m.sign == UnitMaking::Sign::fresh; // the unit's own doing, just now
    if (!fresh && unit.operation && takes_out_of_service(m, *unit.operation))
        return {OutageCause::operation,
                fmt::format("{} by {}", name(unit.operation->verb), unit.operation->by),
                "operation",
                {},
                Outage::Planned::yes,
                {}};
    if (unit.sign) return *unit.sign;
    if (units::has_releases(m.spec) && unit.releases.current.empty())
        return {
            OutageCause::start, "it has no release yet", "deadline", {}, Outage::Planned::no, {}};
    if (const auto* blocked = blocked_on_dependency(unit))
        return {OutageCause::dependency,
                "dependency " + blocked->on.what,
                "dependency",
                m.inputs.gate_outage,
                m.inputs.gate_planned,
                {}};
    return {OutageCause::start,
            fmt::format("not ready {} after its start", to_text(m.spec.start.timeout)),
            "deadline",
            {},
            Outage::Planned::no,
            {},
            {},
            first_that_is_late(unit)};
}

bool has_time_to_start(const UnitMaking& m)
{
    const auto& first = m.unit().first_wanted_at;
    return first && (m.now() < *first + m.spec.start.timeout || is_at_work(m.spec, m.unit()));
}

bool is_exempt(const UnitMaking& m)
{
    const bool ending = m.inputs.gate && m.inputs.gate->kind == BlockedOn::Kind::shutdown;
    return ending || !is_wanted_up(m.unit());
}

/// Whether it has been down since before Keel began, and that is not on record yet.
bool is_missed(const Unit& unit)
{
    return unit.sign && unit.sign->since && std::holds_alternative<NoOutage>(unit.outage.state);
}

Standing outage_standing(const UnitMaking& m)
{
    if (is_exempt(m)) return Standing::exempt;
    if (ready_count(m.unit()) >= m.spec.min_ready) return Standing::enough;
    if (is_missed(m.unit())) return Standing::short_of;
    return has_time_to_start(m) ? Standing::excused : Standing::short_of;
}

/// Whether what is not ready is on its first way up, with no failure behind it.
bool only_first_starts_missing(const Unit& unit)
{
    return std::ranges::all_of(unit.instances, [](const Instance& instance) {
        const bool starts = std::holds_alternative<Starting>(instance.state) ||
                            std::holds_alternative<Preparing>(instance.state) ||
                            std::holds_alternative<Blocked>(instance.state);
        return serves(instance.state) || (starts && instance.history.in_a_row == 0);
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
    const bool may_open =
        standing == Standing::short_of && !std::holds_alternative<OpenOutage>(which.state);
    OutageInputs in{m.inputs.now, standing, {}, next};
    if (may_open) in.sign = sign_of(m); // It is text, and most steps need none.
    OutageNews news = fold(limits, which, in);
    if (news.closed && news.opened)
        m.out.notes.emplace_back(OutageClosed{*std::exchange(news.closed, std::nullopt)});
    if (news.opened) {
        ++m.out.outages;
        // Whatever else opens did not begin while Keel was away.
        if (m.unit().sign && m.unit().sign->since) m.unit().sign.reset();
        m.out.notes.emplace_back(OutageOpened{std::move(*news.opened)});
    }
    for (const ActionTaken& action : m.tried)
        note_action(which, action);
    if (news.counted) m.out.notes.emplace_back(OutageCounted{std::move(*news.counted)});
    if (news.closed) m.out.notes.emplace_back(OutageClosed{std::move(*news.closed)});
}

/// Whether what was planned of it is over: its operation has ended, or was lost with the boot; the
/// boot was some time ago; or what keeps the unit down now is nothing that anybody planned.
bool is_plan_over(const UnitMaking& m, const Outage& record)
{
    const Unit& unit = m.unit();
    const bool ended = std::ranges::any_of(
        m.out.notes, [](const Note& note) { return std::holds_alternative<OperationEnded>(note); });
    const bool is_its_own = record.cause == OutageCause::operation;
    const bool goes_on =
        unit.operation && (takes_out_of_service(m, *unit.operation) || (is_its_own && !ended));
    if (goes_on && m.sign == UnitMaking::Sign::old) return false;
    if (blocked_on_dependency(unit) != nullptr)
        return m.inputs.gate_planned == Outage::Planned::no &&
               m.inputs.gate_starts == UnitInputs::GateStarts::no;
    // After a boot the unit had the time of a first start. Otherwise it is on its way up, and a
    // sign will tell should it fail.
    const bool had_its_time = (is_its_own && ended) || record.cause == OutageCause::boot ||
                              record.cause == OutageCause::lost;
    return (had_its_time || unit.sign) && sign_of(m).planned == Outage::Planned::no;
}

/// A planned outage ends with its plan; if the unit is still short of instances then, what follows
/// is an unplanned one.
void split_where_plan_is_over(UnitMaking& m, OutageFold& which, const OutageLimits& limits,
                              Standing standing)
{
    const auto* down = std::get_if<OpenOutage>(&which.state);
    if (down == nullptr || standing != Standing::short_of) return;
    if (down->record.planned == Outage::Planned::no || !is_plan_over(m, down->record)) return;
    run_fold(m, which, limits, Standing::exempt);
    // What failed while that was planned says nothing of now.
    if (m.unit().sign && m.unit().sign->planned == Outage::Planned::yes) m.unit().sign.reset();
}

/// What came of the last thing tried, as far as this step shows it.
std::string_view result_shown(const UnitMaking& m)
{
    std::string_view result;
    for (const Note& note : m.out.notes) {
        if (const auto* failed = std::get_if<AttemptFailed>(&note)) result = failed->failure.what;
        if (const auto* moved = std::get_if<Moved>(&note); moved && moved->to == "ready")
            result = "ready";
    }
    return result;
}

void note_result(UnitMaking& m, OutageFold& which)
{
    Outage* record = open_outage(which);
    if (record == nullptr || record->actions.empty() || !m.tried.empty()) return;
    for (const std::string_view own : {"run:", "deploy ", "redeploy", "rollback"})
        if (record->actions.back().action.starts_with(own)) return; // It has a result of its own.
    if (std::string& result = record->actions.back().result; result.empty())
        result = result_shown(m);
}

} // namespace

void note_action_result(Unit& unit, const std::string& action, const std::string& result)
{
    for (OutageFold* fold : {&unit.outage, &unit.degradation}) {
        Outage* const record = open_outage(*fold);
        if (record == nullptr) continue;
        const auto concerns = [&](const ActionTaken& taken) {
            return taken.action == action && taken.result.empty();
        };
        const auto last = std::find_if(record->actions.rbegin(), record->actions.rend(), concerns);
        if (last != record->actions.rend()) last->result = result;
    }
}

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
    const auto fold_one = [&](OutageFold& which, const OutageLimits& limits, Standing standing) {
        split_where_plan_is_over(m, which, limits, standing);
        run_fold(m, which, limits, standing);
    };
    fold_one(m.unit().outage, outage_limits(m.spec), outage_standing(m));
    fold_one(m.unit().degradation, degradation_limits(m.spec), degradation_standing(m));
    note_result(m, m.unit().outage);
    note_result(m, m.unit().degradation);
    if (ready_count(m.unit()) == m.unit().instances.size()) m.unit().sign.reset();
}

} // namespace keel::core
