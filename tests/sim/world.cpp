#include "tests/sim/world.hpp"

#include <fmt/format.h>

namespace keel::sim {

using namespace std::chrono_literals;

namespace {
constexpr Duration loop_resolution = 1ms;
} // namespace

World::World(std::uint64_t seed, Size size, std::function<void(const std::string&)> trace)
    : seed_(seed), size_(size), trace_(std::move(trace)), rng_(seed),
      scenario_(make_scenario(rng_, size)),
      kernel_(loop_, rng_, fuse_,
              {.fate =
                   [this](InstanceId id) {
                       return id.slot == whole_unit ? draw_rung_hook_fate(id.unit) : draw_fate(id);
                   },
               .hook_fate = [this](InstanceId id,
                                   units::Hook hook) { return draw_hook_fate(id, hook); },
               .spec = [this](InstanceId id) -> const units::UnitSpec& { return spec(id.unit); },
               .find = [this](const std::string& unit, Slot slot) { return find(unit, slot); },
               .born = [this](SpawnId spawn, InstanceId id,
                              const Fate& fate) { born(spawn, id, fate); },
               .trace = trace_ ? [this](const std::string& line) { World::trace(line); }
                               : std::function<void(std::string)>{},
               .killed = [this](InstanceId id,
                                std::optional<Duration> asked) { check_kill(id, asked); },
               .rung_hook_ended = [this](UnitId id,
                                         core::ExitStatus status) { rungs_.ended(id, status); }}),
      prober_(
          loop_, fuse_,
          [this](const std::string& address, Duration timeout) {
              return draw_probe(address, timeout);
          },
          [this](const std::string& address, core::Verdict verdict) {
              probe_said(address, verdict);
          }),
      logs_(rng_, fuse_), journal_(fuse_), holds_(fuse_), totals_(fuse_), ledger_(loop_, fuse_),
      notices_(loop_, rng_, fuse_,
               [this](SpawnId spawn, const core::Notice& notice) { notice_told(spawn, notice); }),
      oracle_(scenario_.specs,
              {loop_, kernel_, scenario_.weights.lateness + 2 * loop_resolution,
               scenario_.host.storm, size == Size::core && scenario_.weights.meddles == 0,
               size == Size::engine})
{
    const Weights& w = scenario_.weights;
    loop_.lateness = w.lateness;
    kernel_.report_latency = w.report_latency;
    kernel_.shuffles = w.shuffles;
    notices_.latency = w.report_latency;
    if (w.meddle_every > Duration{0}) kernel_.acks = FakeKernel::Acks::lenient;
    logs_.fails = w.logs_fail;
    on_disk_ = first_versions();
}

World::~World() = default;

std::string World::who(InstanceId id) const
{
    return fmt::format("{}.{}", spec(id.unit).name, id.slot);
}

InstanceId World::find(const std::string& unit, Slot slot) const
{
    for (std::uint32_t i = 0; i < scenario_.specs.size(); ++i)
        if (scenario_.specs[i].name == unit) return {UnitId{i}, slot};
    violated("a spawn for a unit that does not exist: " + unit);
}

std::string World::describe() const
{
    std::string text;
    for (const units::UnitSpec& s : scenario_.specs) {
        text += fmt::format("unit {}: {} instances, min_ready {}, requires [{}], binds_to [{}], "
                            "after [{}], restart_with [{}], {}, "
                            "policy {}, stable_after "
                            "{}, delay {} to {}, budget {} in {}, ladder [",
                            s.name, s.instances, s.min_ready, fmt::join(s.requires_units, " "),
                            fmt::join(s.binds_to, " "), fmt::join(s.after, " "),
                            fmt::join(s.restart_with, " "), s.enabled ? "enabled" : "disabled",
                            keel::name(s.restart.policy), to_text(s.restart.stable_after),
                            to_text(s.restart.delay), to_text(s.restart.delay_max),
                            s.escalation.failures, to_text(s.escalation.window));
        for (const auto& rung : s.escalation.ladder)
            text += fmt::format(" {}", to_text(rung));
        text += fmt::format(" ], hooks [{} {} {} {}], ready by {}, start {}, stop {}, "
                            "unready_limit {}, watchdog {}, grace "
                            "{}, settle {}\n",
                            fmt::join(s.start.pre, " "), fmt::join(s.start.post, " "),
                            fmt::join(s.stop.pre, " "), fmt::join(s.stop.post, " "),
                            keel::name(s.ready), to_text(s.start.timeout), to_text(s.stop.timeout),
                            to_text(s.unready_limit), to_text(s.watchdog), to_text(s.outage.grace),
                            to_text(s.outage.settle));
        for (const auto& p : s.probes)
            text += fmt::format(
                "  probe {}:{}{}{} every {}, timeout {}, failures {}, successes {}\n", p.name,
                p.role.startup ? " startup" : "", p.role.readiness ? " readiness" : "",
                p.role.liveness ? " liveness" : "", to_text(p.interval), to_text(p.timeout),
                p.failures, p.successes);
    }
    return text;
}

// ---- the course of a life -----------------------------------------------------------------------

Tally World::run()
{
    const MonoTime born = now();
    oracle_.booted();
    begin_life();
    plan_faults();
    run_until(now() + scenario_.lasts);
    calm_down();
    run_until(std::max(now(), held_until_));
    run_until(now() + recovery_bound(scenario_));
    if (!ending_) check_recovered();
    if (!ending_ && scenario_.ends == Scenario::Ends::shut_down) stop_everything();
    tally_.hours = std::chrono::duration<double, std::ratio<3600>>(now() - born).count();
    return tally_;
}

void World::run_until(MonoTime end)
{
    while (!stopped_with_ && (loop_.has_deferred() || loop_.next_at() <= end))
        turn();
    if (!stopped_with_) loop_.move_to(end);
}

void World::turn()
{
    constexpr std::uint64_t turns_max = 3'000'000; // a hundred times what a busy world takes
    if (++tally_.turns > turns_max) violated("there is no end to what happens in this world");
    if (now() != burst_began_) burst_ = 0;
    burst_began_ = now();
    if (++burst_ > 5000) violated("the loop goes round and round without time passing");
    try {
        const bool is_first = deaf_ && loop_.has_deferred();
        if (loop_.has_deferred())
            loop_.run_deferred();
        else
            loop_.take_next()();
        if (brain_) brain_->turn_over();
        if (is_first) end_deafness();
    } catch (const EngineDied&) {
        die(/*midway=*/true);
    }
}

void World::begin_life()
{
    brain_born_ = now();
    const BrainPorts ports{loop_,   kernel_, prober_,  logs_,        journal_,  holds_,
                           totals_, ledger_, notices_, ready_pipes_, releases_, rng_};
    BrainOptions options{size_ == Size::core ? scenario_.specs : specs_of(on_disk_), scenario_.host,
                         rng_.next(), scenario_.weights.meddles};
    if (size_ == Size::core)
        brain_ = make_core_brain(ports, options, memory_, *this);
    else
        brain_ = make_engine_brain(ports, options, *this);
    brain_->start();
}

/// In its first turn a new brain is told what happened while there was none. From then on the
/// oracle follows it.
void World::end_deafness()
{
    deaf_ = false;
    oracle_.resync(brain_->host(), intact_);
}

/// The engine is gone, and with it all that it had in mind. The keeper starts another one.
void World::die(bool midway)
{
    if (is_tracing()) trace(midway ? "engine  dies in the midst of a turn" : "engine  dies");
    ++tally_.deaths;
    fuse_.put_out();
    brain_.reset();
    loop_.engine_died();
    kernel_.engine_died();
    prober_.engine_died();
    notices_.engine_died();
    ready_pipes_.engine_died();
    ledger_.engine_died();
    rungs_.engine_died();
    liveness_.forget();
    open_requests_.clear();
    apply_dies();
    std::size_t lost = 0; // A record that was being written never was: healing takes it away.
    if (rng_.chance(scenario_.weights.cuts_journal)) {
        lost = rng_.below(journal_.tail_bytes() + 1);
        kernel_.memory = FakeKernel::Memory::lossy;
    }
    intact_ = !midway && lost == 0;
    const Duration pause = rng_.one_of<Duration>({0ms, 10ms, 1s, 30s});
    loop_.in(pause, [this, lost] {
        if (is_tracing())
            trace(fmt::format("engine  starts again, {} bytes of its journal lost", lost));
        journal_.reopen(lost);
        holds_.reopen(0);
        totals_.reopen(lost);
        deaf_ = true;
        begin_life();
    });
}

void World::calm_down()
{
    if (is_tracing()) trace("world   all faults stop");
    calm_ = kernel_.at_peace = true;
    fuse_.put_out();
    logs_.fails = 0;
    if (scenario_.sick_recover == Scenario::SickRecover::yes)
        for (const SpawnId id : kernel_.living_mains())
            kernel_.set_sick(id, false);
}

/// Whether the unit is not wanted up, or waits for what is out of order.
bool World::is_excused(UnitId id, const std::set<std::string>& out_of_order) const
{
    const core::Host& host = brain_->host();
    bool excused = !core::is_wanted_up(host.unit(id));
    for (const std::string& name : needs_of(spec(id)))
        excused = excused || out_of_order.contains(name);
    for (const std::string& name : spec(id).binds_to) // which may do without a ready instance
        excused = excused || !core::is_present(host.unit(host.find(name).value()));
    for (const std::string& name : spec(id).after) {
        const bool settled = oracle_.unit(host.find(name).value()).settled;
        excused = excused || (out_of_order.contains(name) && !settled);
    }
    return excused;
}

/// Liveness: whatever is wanted up, was not given up, and does not wait for what is not, is ready.
void World::check_recovered()
{
    check_applied();
    const core::Host& host = brain_->host();
    std::set<std::string> out_of_order;
    for (const UnitId id : host.start_order()) {
        const core::Unit& unit = host.unit(id);
        const bool excused = is_excused(id, out_of_order);
        bool all_ready = true;
        unsigned failed = 0;
        for (Slot slot = 1; slot <= unit.instances.size(); ++slot) {
            const auto state = core::state_name(unit.instances[slot - 1U].state);
            if (state == "failed")
                ++failed;
            else if (state != "ready" && state != "done")
                all_ready = false;
            if (!excused && state != "ready" && state != "done" && state != "failed")
                violated(fmt::format("{} is still {} long after all faults have stopped: {}",
                                     who({id, slot}), state, unit.instances[slot - 1U].reason));
        }
        const bool ready = all_ready && unit.instances.size() - failed >= spec(id).min_ready;
        if (!ready) out_of_order.insert(spec(id).name);
        if (ready && core::open_outage(unit.outage) != nullptr && !excused)
            violated(spec(id).name + " has been well for long and its outage is still open");
    }
    if (kernel_.unacknowledged() != 0)
        violated(fmt::format("{} ends were never acknowledged", kernel_.unacknowledged()));
    for (const UnitId id : host.start_order())
        if (const auto& operation = host.unit(id).operation) open_requests_.erase(operation->id);
    if (!open_requests_.empty())
        violated(fmt::format("request {} was never answered", number(*open_requests_.begin())));
}

void World::stop_everything()
{
    if (is_tracing()) trace("world   keeld is asked to stop");
    ending_ = true;
    oracle_.shutting_down();
    brain_->shut_down();
    brain_->turn_over();
    run_until(now() + stop_bound(scenario_));
    if (!stopped_with_) violated("not everything has stopped in time");
}

// ---- Observer -----------------------------------------------------------------------------------

void World::moved(InstanceId id, std::string_view from, std::string_view to,
                  std::string_view reason)
{
    if (is_tracing())
        trace(fmt::format("{}{}  {} -> {} ({})", deaf_ ? "(new)   " : "        ", who(id), from, to,
                          reason));
    if (to == "starting") {
        ++tally_.spawns;
        probes_.forget(spec(id.unit), id.slot);
        liveness_.forget(id);
    }
    if (from == "starting" && to == "ready") liveness_.began(id);
    const bool recalled = reason.ends_with(" is gone") || reason.ends_with(" was restarted");
    const bool at_rest = to != "starting" && to != "stopping" && to != "backoff" && to != "blocked";
    if (at_rest || recalled || reason.starts_with("restart wanted")) liveness_.back(id);
    if (deaf_) return oracle_.moved_unheard(id);
    const bool probed = spec(id.unit).ready == units::ReadyBy::probe;
    const bool exact = scenario_.weights.meddles == 0;
    if (exact && probed && from == "starting" && to == "ready" &&
        !probes_.has_passed(spec(id.unit), id.slot))
        violated(who(id) + " is called ready before its probes pass");
    if (exact && from == "ready" && to == "unready" &&
        !probes_.has_failed(spec(id.unit), id.slot, &units::ProbeRoles::readiness))
        violated(who(id) + " is called unready and no probe failed often enough");
    check_move_by_voice(id, to, reason);
    if (to == "stopping" && reason.starts_with("restart wanted")) check_restart_by_apply(id);
    oracle_.moved(brain_->host(), id, from, to, reason);
}

void World::failed(InstanceId id, Charge charge, std::optional<core::StartCause> cause)
{
    if (deaf_) return;
    const bool exact = scenario_.weights.meddles == 0;
    if (exact && cause == core::StartCause::liveness &&
        !probes_.has_failed(spec(id.unit), id.slot, &units::ProbeRoles::liveness))
        violated(who(id) + " is killed for liveness and no probe failed often enough");
    if (cause == core::StartCause::liveness) {
        const bool has_token = oracle_.take_kill_token();
        if (exact) liveness_.killed(id, spec(id.unit), has_token, now());
    } else {
        liveness_.back(id);
    }
    oracle_.failed(id, charge, cause);
}

void World::climbed(UnitId id)
{
    if (is_tracing()) trace("        " + spec(id).name + " climbs a rung");
    if (deaf_)
        oracle_.climbed_unheard(id);
    else
        oracle_.climbed(id);
    if (oracle_.runs_hook(id)) rungs_.climbed(id, now());
}

void World::rung_hook_ended(UnitId id, core::HookResult result)
{
    if (is_tracing())
        trace(fmt::format("        {}: the hook of its ladder is over: {}", spec(id).name,
                          keel::name(result)));
    rung_told_at_[id] = now();
    if (kernel_.memory == FakeKernel::Memory::whole) rungs_.told(id, spec(id).name, result);
    if (!deaf_) oracle_.rung_hook_ended(brain_->host(), id, result);
}

void World::descended(UnitId id)
{
    if (is_tracing()) trace("        " + spec(id).name + " is back at the bottom of the ladder");
    if (deaf_)
        oracle_.descended_unheard(id);
    else
        oracle_.descended(id);
}

void World::outage_closed(const core::Outage& record)
{
    ++tally_.outages;
    if (is_tracing())
        trace(fmt::format("        {} {} of {} is closed", keel::name(record.kind),
                          number(record.id), record.unit));
    check_rung_hook_told(record);
    if (!deaf_ && !ending_) oracle_.outage_closed(brain_->host(), record);
}

void World::operation_ended(UnitId id)
{
    if (is_tracing()) trace("        " + spec(id).name + ": its operation is over");
    if (!deaf_) oracle_.operation_ended(brain_->host(), id);
}

void World::hold_ended(UnitId id)
{
    if (is_tracing()) trace("        " + spec(id).name + " is held no longer: its time is over");
    if (!deaf_) oracle_.hold_ended(brain_->host(), id);
}

void World::answered(OperationId id)
{
    if (open_requests_.erase(id) == 0 && brain_)
        answered_early_.insert(id); // Answered from within the request itself.
}

void World::exit_wanted()
{
    if (is_tracing()) trace("        the ladder ends keeld");
    ending_ = true;
    oracle_.shutting_down();
}

void World::frozen(UnitId id, std::string_view what)
{
    violated(fmt::format("keel made a mistake about {}: {}", spec(id).name, what));
}

void World::step_over(Cause cause)
{
    if (deaf_) return;
    oracle_.step_over(brain_->host());
    check_promises(cause);
    check_configuration();
}

void World::all_stopped(int exit_code)
{
    stopped_with_ = exit_code;
    if (!ending_) violated("keeld ends and nobody asked for it");
    for (std::uint32_t i = 0; i < scenario_.specs.size(); ++i) {
        if (kernel_.living({UnitId{i}, whole_unit}))
            violated(scenario_.specs[i].name + ": the hook of its ladder outlives keeld");
        for (Slot slot = 1; slot <= scenario_.specs[i].instances; ++slot) {
            const InstanceId id{UnitId{i}, slot};
            if (kernel_.living(id) || kernel_.living_hook(id))
                violated(who(id) + " still lives when keeld ends");
            if (kernel_.memory == FakeKernel::Memory::whole)
                kernel_.hooks.all_over(id, scenario_.specs[i]);
        }
    }
}

void World::trace(std::string_view line)
{
    const double at = seconds(now().time_since_epoch()) - 1000;
    if (trace_) trace_(fmt::format("{:>12.6f}  {}", at, line));
}

} // namespace keel::sim
