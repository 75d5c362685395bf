// What a new engine knows, held against what the one before it knew.
#include "tests/sim/oracle.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace keel::sim {

using core::Host;

namespace {

SeenInstance seen_as(const core::Instance& instance)
{
    SeenInstance seen;
    seen.state = core::state_name(instance.state);
    if (const auto* ready = std::get_if<core::Ready>(&instance.state))
        seen.ready_since = ready->since;
    seen.ready_before = instance.ready_for;
    seen.in_a_row = instance.history.in_a_row;
    seen.charged = instance.history.charged;
    if (const auto* backoff = std::get_if<core::Backoff>(&instance.state))
        seen.not_before = (seen.retry_at = backoff->retry_at).value();
    if (const auto* stopping = std::get_if<core::Stopping>(&instance.state))
        seen.pause_low = seen.pause_high = stopping->delay;
    return seen;
}

SeenOutage seen_as(const core::OutageFold& fold)
{
    using State = SeenOutage::State;
    using Planned = SeenOutage::Planned;
    const core::Outage* record = core::open_outage(fold);
    if (record == nullptr) return {};
    const auto* settling = std::get_if<core::SettlingOutage>(&fold.state);
    const bool planned = record->planned == core::Outage::Planned::yes;
    return {settling != nullptr ? State::settling : State::open,
            record->opened.mono,
            settling != nullptr ? settling->ready_since.mono : MonoTime{},
            planned ? Planned::yes : Planned::no,
            SeenOutage::Exact::yes,
            record->id};
}

} // namespace

void Oracle::resync(const Host& host, bool intact)
{
    tokens_ = world_.storm.burst;
    tokens_at_ = woke_at_ = now();
    for (std::uint32_t i = 0; i < specs_.size(); ++i) {
        const core::Unit& known = host.unit(UnitId{i});
        const SeenUnit before = std::move(units_[i]);
        SeenUnit unit;
        for (const core::Instance& instance : known.instances)
            unit.instances.push_back(seen_as(instance));
        unit.rung = known.rung;
        if (known.rung_hook) unit.hook_of = known.rung_hook->rung;
        unit.settled = known.settled == core::Unit::Settled::yes;
        unit.failed_at = known.failed_at;
        unit.ready_since = known.ready_since;
        unit.first_wanted = known.first_wanted_at;
        unit.asked_at = before.asked_at;
        unit.wanted = core::wanted_name(known.wanted);
        unit.left_alone = core::is_left_alone(known);
        if (const auto* held = std::get_if<core::Held>(&known.wanted); held && held->until)
            unit.let_go_at = held->until->mono;
        unit.outage = seen_as(known.outage);
        if (intact) check_memory(UnitId{i}, before, unit);
        units_[i] = std::move(unit);
        units_[i].at_work = is_at_work(UnitId{i});
    }
}

/// What an engine that died between two turns knew, the next one knows.
void Oracle::check_memory(UnitId id, const SeenUnit& before, const SeenUnit& after) const
{
    using State = SeenOutage::State;
    if (before.apply_cut) return;
    // The end of its hold, in the first moment of the new engine, has set all of it back.
    if (before.let_go_at && now() >= *before.let_go_at) return;
    // Without a span to settle in it may have ended and begun again in that moment.
    const bool may_flicker = spec(id).outage.settle == Duration{0};
    const bool was_open = before.outage.state == State::open && !may_flicker &&
                          before.outage.planned == SeenOutage::Planned::no &&
                          before.outage.exact == SeenOutage::Exact::yes;
    if (was_open && after.outage.state != State::none &&
        after.outage.opened != before.outage.opened)
        violated(spec(id).name + ": its outage began anew with the engine");
    const MonoTime calm =
        std::max(before.ready_since.value_or(now()), before.failed_at.value_or(MonoTime{}));
    const bool came_down = after.rung == 0 && now() >= calm + window_of(spec(id));
    for (std::size_t i = 0; i < after.instances.size(); ++i) {
        const auto& was = before.instances[i];
        const auto& is = after.instances[i];
        const bool waits_still = was.retry_at && now() < *was.retry_at;
        const bool rests = is.state == "stopped" || is.state == "done" || is.state == "failed";
        if (!rests && !was.moved_unheard && was.in_a_row != is.in_a_row)
            violated(fmt::format("{}: {} restarts in a row have become {} with the engine",
                                 who({id, static_cast<Slot>(i + 1)}), was.in_a_row, is.in_a_row));
        if (waits_still && is.retry_at != was.retry_at)
            violated(
                fmt::format("{}: the pause before its next start was forgotten with the engine",
                            who({id, static_cast<Slot>(i + 1)})));
    }
    if (before.wanted != after.wanted)
        violated(fmt::format("{} was wanted {} and is wanted {} by a new engine", spec(id).name,
                             before.wanted, after.wanted));
    if (before.rung != after.rung && !came_down)
        violated(spec(id).name + ": its rung was forgotten with the engine");
}

} // namespace keel::sim
