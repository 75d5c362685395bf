// What goes wrong in a world, and when.
#include "tests/sim/world.hpp"

#include <csignal>
#include <fmt/format.h>

namespace keel::sim {

using namespace std::chrono_literals;
using core::ExitStatus;

/// Again and again in stormy weather, `every` apart on average, until the faults stop.
void World::repeat(Duration every, std::function<void()> fault)
{
    if (every == Duration{0}) return;
    const MonoTime from = std::max(now(), quiet_until_);
    loop_.at(from + rng_.upto(2 * every), [this, every, fault = std::move(fault)] {
        if (calm_) return;
        repeat(every, fault);
        if (!is_calm()) fault();
    });
}

/// Storms and quiet spells take turns: what stays up for hours is looked at too, and cheaply.
void World::change_weather()
{
    if (calm_) return;
    const bool was_quiet = is_calm();
    const Duration lasts = rng_.upto(was_quiet ? scenario_.storm : scenario_.quiet);
    if (!was_quiet) quiet_until_ = now() + lasts;
    kernel_.at_peace = !was_quiet;
    if (is_tracing()) trace(was_quiet ? "world   a storm begins" : "world   a quiet spell begins");
    loop_.in(lasts, [this] { change_weather(); });
}

void World::plan_faults()
{
    const Weights& w = scenario_.weights;
    loop_.in(rng_.upto(scenario_.storm), [this] { change_weather(); });
    repeat(w.operator_every, [this] { somebody_asks(); });
    repeat(w.apply_every, [this] { somebody_applies(); });
    repeat(w.death_every, [this] { engine_dies(); });
    repeat(w.sickness_every, [this] { somebody_falls_ill(); });
    repeat(w.mass_crash_every, [this] { many_crash(); });
    repeat(w.wall_step_every, [this] { loop_.step_wall(rng_.between(-3h, 3h)); });
    repeat(w.meddle_every, [this] {
        if (brain_) brain_->meddle();
    });
}

namespace {

ExitStatus draw_status(Rng& rng, double clean)
{
    using Kind = ExitStatus::Kind;
    if (rng.chance(clean)) return rng.chance(0.8) ? ExitStatus{} : ExitStatus{Kind::code, 3, false};
    return rng.one_of<ExitStatus>({{Kind::code, 1, false},
                                   {Kind::code, 4, false},
                                   {Kind::signal, SIGSEGV, true},
                                   {Kind::signal, SIGTERM, false},
                                   {Kind::signal, SIGKILL, false}});
}

} // namespace

Fate World::draw_hook_fate(InstanceId id, units::Hook hook)
{
    return draw_any_hook_fate(scenario_.tempers[number(id.unit)],
                              units::limit_of(spec(id.unit), hook));
}

Fate World::draw_rung_hook_fate(UnitId id)
{
    const bool whole = kernel_.memory == FakeKernel::Memory::whole;
    if (whole) rungs_.tried(id, spec(id).name);
    Fate fate = draw_any_hook_fate(scenario_.tempers[number(id)], 5s);
    if (fate.failure && fate.failure->stage == core::SetupStage::processes) rungs_.put_off(id);
    return fate;
}

Fate World::draw_any_hook_fate(const Temper& temper, Duration limit)
{
    Fate fate;
    fate.kill_takes = rng_.upto(20ms);
    fate.term_takes = rng_.upto(500ms);
    fate.term_status = {ExitStatus::Kind::signal, SIGTERM, false};
    fate.ends_after = rng_.upto(limit / 20);
    fate.ends = Fate::Ends::as_it_should;
    if (is_calm()) return fate;
    if (rng_.chance(temper.lacks_descriptors)) fate.failure = {core::SetupStage::processes, EAGAIN};
    if (rng_.chance(temper.spawn_fails)) fate.failure = {core::SetupStage::exec, ENOENT};
    fate.ends_after = rng_.upto(rng_.one_of<Duration>({10ms, 1s, 1s, 20s}));
    if (rng_.chance(temper.hooks_fail)) fate.status = draw_status(rng_, 0);
    if (rng_.chance(temper.hooks_hang)) fate.ends_after.reset();
    if (rng_.chance(temper.ignores_term)) fate.term = Fate::Term::ignores;
    if (rng_.chance(0.05)) fate.kill_takes = rng_.upto(7s);
    if (rng_.chance(temper.leaves_children)) fate.children = 1;
    return fate;
}

Fate World::draw_fate(InstanceId id)
{
    Fate fate;
    const Temper& temper = scenario_.tempers[number(id.unit)];
    fate.term_status =
        rng_.chance(0.5) ? ExitStatus{} : ExitStatus{ExitStatus::Kind::signal, SIGTERM, false};
    fate.term_takes = rng_.upto(500ms);
    fate.kill_takes = rng_.upto(20ms);
    const bool works = spec(id.unit).type == units::UnitType::oneshot;
    if (works) {
        fate.ends_after = rng_.upto(is_calm() ? 1s : rng_.one_of<Duration>({100ms, 5s, 1min}));
        fate.ends = Fate::Ends::as_it_should;
    }
    if (is_calm()) {
        fate.ready_after =
            rng_.upto(std::min<Duration>(temper.ready_after, spec(id.unit).start.timeout / 4));
        return fate;
    }
    if (rng_.chance(temper.lacks_descriptors)) {
        fate.failure = {
            rng_.chance(0.5) ? core::SetupStage::descriptors : core::SetupStage::processes, EMFILE};
        return fate;
    }
    if (rng_.chance(temper.spawn_fails)) {
        using enum core::SetupStage;
        fate.failure = {
            rng_.one_of({user, clone, hello, session, stdio, limits, directory, credentials, exec}),
            ENOENT};
        return fate;
    }
    fate.ready_after = rng_.upto(temper.ready_after);
    if (rng_.chance(temper.hangs)) fate.hangs = Fate::Hangs::yes;
    if ((runs_badly(id) && rng_.chance(0.8)) || rng_.chance(temper.crashes_soon))
        fate.ends_after = rng_.upto(1s);
    else if (rng_.chance(temper.crashes) && !works)
        fate.ends_after = rng_.upto(temper.crash_scale);
    const bool does_its_work = works && rng_.chance(0.5);
    if (!does_its_work) fate.status = draw_status(rng_, temper.ends_cleanly);
    if (rng_.chance(temper.ignores_term))
        fate.term = Fate::Term::ignores;
    else
        fate.term_takes = rng_.upto(rng_.one_of<Duration>({10ms, 1s, 15s}));
    if (rng_.chance(0.05)) fate.kill_takes = rng_.upto(7s); // deep in the kernel
    if (rng_.chance(temper.leaves_children))
        fate.children = 1 + static_cast<unsigned>(rng_.below(3));
    return fate;
}

ProbeFate World::draw_probe(const std::string& address, Duration timeout)
{
    const auto colon = address.find(':');
    const auto slot = static_cast<Slot>(std::stoul(address.substr(colon + 1)));
    const InstanceId id = find(address.substr(0, colon), slot);
    liveness_.asked(id, address.substr(address.rfind(':') + 1), now());
    ProbeFate fate;
    fate.takes = rng_.upto(std::min<Duration>(timeout, 50ms));
    bool healthy = kernel_.is_healthy(id);
    if (!is_calm() && rng_.chance(scenario_.weights.stalls)) {
        loop_.in(fate.takes / 2, [this, by = rng_.upto(3 * timeout)] { stand_still(by); });
        healthy = healthy && rng_.chance(0.2);
    }
    if (!is_calm() && rng_.chance(scenario_.weights.unknowns)) {
        fate.answer = {core::Verdict::unknown, core::VerdictKind::dns, fate.takes, "no resolver"};
        return fate;
    }
    if (!is_calm() && rng_.chance(scenario_.weights.lies)) healthy = !healthy;
    if (healthy) {
        fate.answer = {core::Verdict::pass, core::VerdictKind::none, fate.takes, "connected"};
        return fate;
    }
    const bool hangs = !is_calm() && rng_.chance(0.3);
    if (hangs) fate.takes = timeout;
    fate.answer = {core::Verdict::fail,
                   hangs ? core::VerdictKind::timeout : core::VerdictKind::refused, fate.takes,
                   hangs ? "no answer" : "refused"};
    return fate;
}

/// Of its own time the world takes none for it.
void World::stand_still(Duration by)
{
    if (!brain_) return;
    if (is_tracing()) trace("world   the loop stood still for " + to_text(by));
    liveness_.stalled(now(), by);
    brain_->stalled(by);
}

void World::probe_said(const std::string& address, core::Verdict verdict)
{
    const auto first = address.find(':');
    const auto second = address.find(':', first + 1);
    const InstanceId id =
        find(address.substr(0, first), static_cast<Slot>(std::stoul(address.substr(first + 1))));
    for (const auto& probe : spec(id.unit).probes)
        if (probe.name == address.substr(second + 1)) {
            probes_.said(spec(id.unit), id.slot, probe, verdict);
            liveness_.said(id, probe, verdict, is_liveness_suspended(id.unit), now());
        }
    if (is_tracing()) trace(fmt::format("probe   {} says {}", address, keel::name(verdict)));
}

// ---- what processes say of themselves -----------------------------------------------------------

void World::born(SpawnId spawn, InstanceId id, const Fate& fate)
{
    const units::UnitSpec& its = spec(id.unit);
    voices_.born(id, spawn);
    if (its.ready == units::ReadyBy::notify && fate.hangs == Fate::Hangs::no)
        loop_.in(fate.ready_after, [this, spawn, id] {
            core::Notice ready;
            ready.phase = core::Phase::ready;
            say(spawn, id, ready);
        });
    if (its.watchdog > Duration{0})
        loop_.in(its.watchdog / 10, [this, spawn, id] { show_life(spawn, id); });
}

void World::say(SpawnId spawn, InstanceId id, const core::Notice& notice)
{
    if (!kernel_.main_lives(spawn) || kernel_.instance_of(spawn) != id) return;
    const bool lost = !is_calm() && rng_.chance(scenario_.weights.mutes);
    if (is_tracing())
        trace(fmt::format("process {} spawn {} says {}{}", who(id), number(spawn),
                          core::to_text(notice), lost ? ", which is lost" : ""));
    if (lost) return;
    voices_.said(id, spawn, notice, now());
    notices_.say(spawn, notice);
}

/// As long as it lives, unless it is sick or hangs.
void World::show_life(SpawnId spawn, InstanceId id)
{
    if (!kernel_.main_lives(spawn) || kernel_.instance_of(spawn) != id) return;
    core::Notice life;
    life.life = core::Notice::Life::sign;
    if (kernel_.is_well(spawn)) say(spawn, id, life);
    loop_.in(spec(id.unit).watchdog * 2 / 5, [this, spawn, id] { show_life(spawn, id); });
}

void World::notice_told(SpawnId spawn, const core::Notice& notice)
{
    voices_.told(spawn, notice, now());
}

core::HoldTerms World::draw_terms()
{
    core::HoldTerms terms;
    // Some are over before all has stopped.
    if (rng_.chance(0.7)) terms.span = rng_.upto(rng_.one_of<Duration>({3s, 10min, 10min})) + 1ms;
    if (rng_.chance(0.5)) terms.process = core::Held::Process::left_running;
    if (terms.span) held_until_ = std::max(held_until_, now() + *terms.span);
    return terms;
}

void World::somebody_asks()
{
    if (!brain_ || ending_) return;
    const UnitId id{static_cast<std::uint32_t>(rng_.below(scenario_.specs.size()))};
    const core::Unit& unit = brain_->host().unit(id);
    // What Keel does by itself, for an apply, is not taken back one by one.
    const bool may_cancel = unit.operation && unit.operation->by == "ann" &&
                            core::can_be_cancelled(unit.operation->verb);
    if (may_cancel && rng_.chance(0.5)) return somebody_cancels(id);
    // The engine says no while another operation is under way; the core takes the later word.
    if (size_ == Size::engine && unit.operation) return;
    const bool held = !core::is_wanted_up(unit);
    core::Verb verb =
        rng_.one_of({core::Verb::start, core::Verb::stop, core::Verb::restart, core::Verb::hold});
    if (held && rng_.chance(0.7)) verb = core::Verb::start;
    const bool reloads = spec(id).reload.signal != 0 || !spec(id).reload.command.empty();
    if (reloads && rng_.chance(0.3)) verb = core::Verb::reload;
    std::optional<Slot> slot;
    if (verb == core::Verb::restart && rng_.chance(0.5))
        slot = static_cast<Slot>(1 + rng_.below(unit.instances.size()));
    const core::HoldTerms terms = verb == core::Verb::hold ? draw_terms() : core::HoldTerms{};
    liveness_.back(id);
    if (is_tracing())
        trace(fmt::format("person  {} {}{}{}{}", keel::name(verb), spec(id).name,
                          slot ? fmt::format(".{}", *slot) : "",
                          terms.span ? " for " + to_text(*terms.span) : "",
                          terms.process == core::Held::Process::left_running ? ", running" : ""));
    ++tally_.requests;
    oracle_.asked(brain_->host(), id, verb, slot, terms);
    const auto taken = brain_->request(id, verb, slot, terms);
    if (!taken) violated("a request is refused for no reason");
    if (answered_early_.erase(*taken) == 0) open_requests_.insert(*taken);
    // What was just asked for must not be forgotten: the likeliest moment to find out.
    if (scenario_.weights.death_every > Duration{0} && rng_.chance(0.2))
        loop_.in(rng_.upto(1s), [this] {
            if (!is_calm()) engine_dies();
        });
}

/// What is under way is over at once, and whoever waits for it is answered.
void World::somebody_cancels(UnitId id)
{
    const auto operation = brain_->host().unit(id).operation;
    if (is_tracing())
        trace(fmt::format("person  cancels the {} of {}", keel::name(operation->verb),
                          spec(id).name));
    brain_->cancel(id, operation->id);
    loop_.defer([this, id, cancelled = operation->id, life = tally_.deaths] {
        if (!brain_ || life != tally_.deaths) return;
        const auto& now_under_way = brain_->host().unit(id).operation;
        if (now_under_way && now_under_way->id == cancelled)
            violated(spec(id).name + ": its operation was cancelled and goes on");
    });
}

void World::somebody_falls_ill()
{
    const auto alive = kernel_.living_mains();
    if (alive.empty()) return;
    const SpawnId id = rng_.one_of(alive);
    if (is_tracing())
        trace(fmt::format("world   spawn {} of {} falls ill", number(id),
                          who(kernel_.instance_of(id))));
    kernel_.set_sick(id, true);
    loop_.in(rng_.upto(scenario_.weights.sickness_lasts), [this, id] {
        if (!calm_ || scenario_.sick_recover == Scenario::SickRecover::yes)
            kernel_.set_sick(id, false);
    });
}

void World::many_crash()
{
    for (const SpawnId id : kernel_.living_mains())
        if (rng_.chance(0.7)) kernel_.end(id, draw_status(rng_, 0));
}

void World::engine_dies()
{
    if (!brain_ || ending_) return;
    if (rng_.chance(scenario_.weights.dies_midway)) {
        fuse_.light(1 + static_cast<unsigned>(rng_.below(30)));
        return;
    }
    // Between two turns; the brain cannot be taken away while it is at work.
    loop_.in(0ms, [this] {
        if (brain_ && !ending_) die(/*midway=*/false);
    });
}

} // namespace keel::sim
