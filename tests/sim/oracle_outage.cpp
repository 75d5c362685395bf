// Section 6 of PRODUCT, written a second time.
#include "tests/sim/oracle.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace keel::sim {

using State = SeenOutage::State;
using Planned = SeenOutage::Planned;
using Exact = SeenOutage::Exact;

void Oracle::close_outage(UnitId id, MonoTime at)
{
    SeenUnit& unit = units_[number(id)];
    unit.closed.push_back({unit.outage.opened, at, unit.outage.planned, unit.outage.exact, now()});
    unit.outage = {};
}

/// Closes what has been ready for `settle`, whether anybody looked at that moment or not.
void Oracle::settle_by_time(UnitId id)
{
    const SeenOutage& outage = units_[number(id)].outage;
    if (outage.state == State::settling && now() >= outage.ready_since + spec(id).outage.settle)
        close_outage(id, outage.ready_since);
}

/// "Too few" counts at every single move, "enough" only when the step is over.
void Oracle::judge_outage(const core::Host& host, UnitId id, Moment moment, Planned planned)
{
    SeenUnit& unit = units_[number(id)];
    settle_by_time(id);
    const bool worked = std::exchange(unit.at_work, is_at_work(id));
    const bool exempt = ending_ || !core::is_wanted_up(host.unit(id));
    if (exempt) {
        if (unit.outage.state == State::open)
            close_outage(id, now());
        else if (unit.outage.state == State::settling)
            close_outage(id, unit.outage.ready_since);
        return;
    }
    if (is_ready(id)) {
        unit.ready_meanwhile = true;
        if (unit.outage.state != State::open || moment == Moment::move) return;
        unit.outage.state = State::settling;
        unit.outage.ready_since = now();
        return settle_by_time(id);
    }
    const auto excused_until =
        unit.first_wanted ? *unit.first_wanted + spec(id).start.timeout : MonoTime{};
    const bool excused = now() < excused_until || (unit.first_wanted && unit.at_work);
    if (unit.outage.state == State::settling) {
        // What comes after a planned outage and was not planned is a record of its own.
        const bool splits =
            unit.outage.planned == Planned::yes && planned == Planned::no && !excused;
        unit.outage.state = State::open;
        unit.relapsed = unit.outage.planned == Planned::yes && planned == Planned::not_known;
        if (!splits) return;
        unit.outage.state = State::settling;
        close_outage(id, unit.outage.ready_since);
    }
    const bool late = excused && unit.at_work && !worked && now() >= excused_until;
    if (late) unit.began_late = true;
    if (unit.outage.state == State::open || excused) return;
    const bool by_time = unit.first_wanted.has_value() && !worked;
    unit.outage = {State::open, by_time ? excused_until : now(),  {},
                   planned,     by_time ? Exact::no : Exact::yes, {}};
}

/// A planned outage ends with the operation that made it, with the first unplanned relapse, or when
/// what keeps the unit down is nothing that was planned; what is left of it is another record.
void Oracle::follow_split(UnitId id, const core::Outage* open)
{
    SeenUnit& unit = units_[number(id)];
    const bool is_unplanned =
        open != nullptr && open->opened.mono == now() && open->planned == core::Outage::Planned::no;
    // Within a turn it may have got ready again, too.
    const bool is_ready_again =
        unit.outage.state == State::settling && unit.outage.ready_since == now() && is_unplanned;
    const bool may_split = (unit.operation_over || unit.relapsed || is_unplanned) &&
                           (unit.outage.state == State::open || is_ready_again) &&
                           unit.outage.planned != Planned::no;
    if (!may_split || open == nullptr || open->id == unit.outage.id) return;
    const bool unseen = unit.outage.id == OutageId{}; // both begin in one and the same turn
    const bool is_second = unit.outage.planned == Planned::yes && open->opened.mono == now() &&
                           open->planned == core::Outage::Planned::no;
    if (unseen && !(world_.by_turns && is_second)) return;
    close_outage(id, unit.relapsed ? unit.outage.ready_since : now());
    unit.outage = {State::open, now(), {}, Planned::not_known, Exact::yes, open->id};
    if (!is_ready_again) return;
    unit.outage.state = State::settling;
    unit.outage.ready_since = now();
}

/// Where nothing has to settle, or where a planned outage was over, a readiness that lasted less
/// than a turn ends one record; what came after it in that turn is another.
void Oracle::follow_flicker(UnitId id, const core::Outage* open)
{
    SeenUnit& unit = units_[number(id)];
    const bool ends_at_once =
        spec(id).outage.settle == Duration{0} || unit.outage.planned != Planned::no;
    const bool may_flicker =
        world_.by_turns && unit.ready_meanwhile && ends_at_once && unit.outage.state == State::open;
    if (!may_flicker || open == nullptr || open->id == unit.outage.id) return;
    const bool was_told = std::ranges::any_of(unit.told, [&](const core::Outage& told) {
        const Duration off = told.opened.mono - unit.outage.opened;
        const bool is_it =
            told.id == unit.outage.id ||
            (off >= Duration{0} && off <= slack_of(unit.outage.exact, unit.outage.opened));
        return is_it && told.closed->mono == now();
    });
    if (open->opened.mono != now() || !was_told) return;
    close_outage(id, now());
    unit.outage = {State::open, now(), {}, Planned::not_known, Exact::yes, open->id};
}

/// Work that begins at the very moment at which the time for a start is over: whether that moment
/// was looked at before or after is the brain's to say.
void Oracle::follow_late_work(UnitId id, const core::Outage* open)
{
    SeenUnit& unit = units_[number(id)];
    if (!unit.began_late || open == nullptr || unit.outage.state != State::none) return;
    unit.outage = {State::open, open->opened.mono, {}, Planned::not_known, Exact::no, open->id};
}

void Oracle::compare_outage(const core::Host& host, UnitId id)
{
    SeenUnit& unit = units_[number(id)];
    const core::Outage* open = core::open_outage(host.unit(id).outage);
    follow_split(id, open);
    follow_flicker(id, open);
    follow_late_work(id, open);
    const bool expected = unit.outage.state != State::none;
    const std::string& name = spec(id).name;
    if (open == nullptr && expected) {
        // Opened by time alone: its tick may still be on its way.
        if (unit.outage.exact == Exact::no && now() <= at_the_latest(unit.outage.opened)) {
            unit.outage = {};
            return;
        }
        violated(fmt::format("{} is short of instances and has no outage", name));
    }
    if (open != nullptr && !expected) {
        const bool late = !unit.closed.empty() && now() <= at_the_latest(unit.closed.back().closed +
                                                                         spec(id).outage.settle);
        if (!late)
            violated(fmt::format("{} has an outage ({}, since {}) and is not short of instances",
                                 name, open->cause_text,
                                 open->opened.mono.time_since_epoch().count()));
        return;
    }
    if (open == nullptr) return;
    const Duration off = open->opened.mono - unit.outage.opened;
    const Duration allowed = slack_of(unit.outage.exact, unit.outage.opened);
    if (off < Duration{0} || off > allowed)
        violated(fmt::format("the outage of {} was opened {} ns from where it ought to", name,
                             off.count()));
    if (unit.outage.id == OutageId{}) unit.outage.id = open->id;
    if (unit.outage.id != open->id)
        violated(fmt::format("the outage of {} goes on as another record", name));
    const bool is_planned = open->planned == core::Outage::Planned::yes;
    const bool wrong = (unit.outage.planned == Planned::yes && !is_planned) ||
                       (unit.outage.planned == Planned::no && is_planned);
    if (wrong && world_.is_exact)
        violated(fmt::format("the outage of {} is told as {}", name,
                             is_planned ? "planned" : "not planned"));
    unit.outage.planned = is_planned ? Planned::yes : Planned::no;
}

void Oracle::outage_closed(const core::Host& host, const core::Outage& record)
{
    if (record.kind == core::OutageKind::degraded) return;
    const auto id = host.find(record.unit).value();
    units_[number(id)].told.push_back(record);
}

void Oracle::match(UnitId id, const ExpectedRecord& expected, const core::Outage& told) const
{
    const std::string& name = spec(id).name;
    const Duration slack = slack_of(expected.exact, expected.opened);
    const Duration off = told.opened.mono - expected.opened;
    if (off < Duration{0} || off > slack || told.closed->mono != expected.closed)
        violated(fmt::format("{}: an outage is recorded from {} to {}, but it was {} to {}", name,
                             told.opened.mono.time_since_epoch().count(),
                             told.closed->mono.time_since_epoch().count(),
                             expected.opened.time_since_epoch().count(),
                             expected.closed.time_since_epoch().count()));
    const bool brief = told.closed->mono - told.opened.mono < spec(id).outage.grace;
    if (brief != (told.kind == core::OutageKind::blip))
        violated(fmt::format("{}: an outage {} grace is recorded as {}", name,
                             brief ? "within" : "longer than", keel::name(told.kind)));
}

void Oracle::match_records(UnitId id)
{
    SeenUnit& unit = units_[number(id)];
    while (!unit.closed.empty() && !unit.told.empty()) {
        match(id, unit.closed.front(), unit.told.front());
        unit.closed.pop_front();
        unit.told.pop_front();
    }
    // What was planned until something else came to pass in that very moment; or was not planned
    // any more, and ready again in that very turn.
    const auto lasts_no_turn = [&](const core::Outage& told) {
        const bool was_planned = told.planned == core::Outage::Planned::yes;
        const bool may_flicker = world_.by_turns && spec(id).outage.settle == Duration{0};
        return (was_planned || may_flicker) && told.opened.mono == now() &&
               told.closed->mono == now();
    };
    std::erase_if(unit.told, lasts_no_turn);
    if (!unit.told.empty())
        violated(spec(id).name + ": an outage is closed that was none, or too early");
    if (!unit.closed.empty() && now() > unit.closed.front().expected_at + world_.lateness)
        violated(spec(id).name + ": the record of a closed outage is missing");
}

} // namespace keel::sim
