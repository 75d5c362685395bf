// core::Host with as little around it as can be: events in, actions out, one timer.
#include "tests/sim/brain.hpp"

#include <deque>
#include <fmt/format.h>

namespace keel::sim {
namespace {

using namespace core;
using namespace std::chrono_literals;

class CoreBrain final : public Brain {
public:
    CoreBrain(const BrainPorts& ports, const BrainOptions& options, CoreMemory& memory,
              Observer& observer)
        : ports_(ports), options_(options), memory_(memory), observer_(observer),
          host_(options.specs, options.host)
    {
        ports_.kernel.set_handlers(
            {.on_exit =
                 [this](SpawnId id, ExitStatus status, TreeState tree) {
                     happened(id, ProcessExited{id, status, tree});
                 },
             .on_tree_empty = [this](SpawnId id) { happened(id, TreeEmptied{id}); }});
        ports_.notices.set_handlers({.on_notice =
                                         [this](SpawnId id, const Notice& notice) {
                                             happened(id, Notified{id, notice});
                                         },
                                     .on_trouble = {}});
    }

    ~CoreBrain() override
    {
        memory_.units.clear();
        ports_.notices.set_handlers({});
        for (std::uint32_t i = 0; i < host_.size(); ++i)
            memory_.units.push_back(host_.unit(UnitId{i}));
        memory_.counters = host_.counters();
    }
    CoreBrain(const CoreBrain&) = delete;
    CoreBrain& operator=(const CoreBrain&) = delete;

    void start() override;
    void shut_down() override { post(ShutdownWanted{"the world ends", 0}); }
    std::optional<OperationId> request(UnitId unit, Verb verb, std::optional<Slot> slot,
                                       HoldTerms terms) override
    {
        const OperationId id = memory_.next_operation;
        memory_.next_operation = OperationId{number(id) + 1};
        post(Request{unit, {id, verb, "ann", "", slot, terms}});
        return id;
    }
    void cancel(UnitId unit, OperationId id) override
    {
        post(ForUnit{unit, CancelAsked{id, "bob"}});
    }
    [[nodiscard]] const Host& host() const override { return host_; }
    void stalled(Duration by) override { late_turns_.note(ports_.loop.now().mono, by); }
    void turn_over() override {}
    void meddle() override;

private:
    void post(HostEvent event)
    {
        events_.push_back(std::move(event));
        if (!draining_) drain();
    }
    void post(InstanceId id, InstanceEvent event)
    {
        post(ForUnit{id.unit, ForInstance{id.slot, std::move(event)}});
    }
    void resolve_missing();
    void happened(SpawnId id, const InstanceEvent& event);
    /// An event that may be late, come twice, or be overtaken by others.
    void post_unreliably(InstanceId id, const InstanceEvent& event);
    void deliver(InstanceId id, const InstanceEvent& event);
    void drain();
    void take(const HostEvent& event);
    void tell(const HostStep& step);
    void act(InstanceId id, const InstanceAction& action);
    void spawn(InstanceId id, const Spawn& action);
    void run_hook(InstanceId id, const RunHook& action);
    void run_rung_hook(InstanceId id, const RunRungHook& action);
    void run_probe(InstanceId id, const RunProbe& action);
    void cancel_probes(InstanceId id);
    void hear_out(InstanceId id, SpawnId spawn);
    void rearm();

    BrainPorts ports_;
    BrainOptions options_;
    CoreMemory& memory_;
    Observer& observer_;
    Host host_;
    LateTurns late_turns_;
    std::deque<HostEvent> events_;
    bool draining_ = false;
    ports::Loop::Registration timer_;
    std::optional<MonoTime> timer_at_;
    std::map<SpawnId, InstanceId> owners_;
    struct Attempt {
        ports::AttemptId id{};
        MonoTime began;
    };
    std::map<std::pair<InstanceId, std::uint32_t>, Attempt> probing_; ///< not answered yet
    std::uint64_t next_attempt_ = 1;
    std::vector<std::pair<InstanceId, InstanceEvent>> past_; ///< events that may come again
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

void CoreBrain::start()
{
    if (memory_.units.empty()) return post(HostBooted{});
    host_.restore(memory_.counters);
    for (const UnitId id : host_.start_order())
        host_.restore(id, memory_.units[number(id)]);
    for (const UnitId unit : host_.start_order()) {
        if (const auto& hook = host_.unit(unit).rung_hook)
            owners_[hook->spawn] = {unit, whole_unit};
        for (Slot slot = 1; slot <= host_.spec(unit).instances; ++slot)
            for (const SpawnId spawn : spawns_of(host_.unit(unit).instances[slot - 1U]))
                owners_[spawn] = {unit, slot};
    }
    std::vector<SpawnId> living;
    for (const auto& survivor : ports_.kernel.survivors({})) {
        post(owners_.at(survivor.id), Adopted{survivor.id});
        if (units::hears_notices(host_.spec(owners_.at(survivor.id).unit)) &&
            owners_.at(survivor.id).slot != whole_unit && !ports_.kernel.is_hook(survivor.id))
            living.push_back(survivor.id);
    }
    ports_.notices.take_over(living);
    // After the ends that were kept have been told: what is neither alive nor told of never was,
    // and what fell due in between falls due only now, when it is known what happened.
    ports_.loop.defer([this, alive_here = std::weak_ptr<int>(alive_)] {
        if (alive_here.expired()) return;
        resolve_missing();
        for (const UnitId id : host_.start_order())
            post(ForUnit{id, UnitGateChanged{}});
        post(HostTick{});
    });
}

void CoreBrain::resolve_missing()
{
    const ExitStatus unseen{ExitStatus::Kind::unknown, 0, false};
    const auto resolve = [&](InstanceId id, SpawnId spawn) {
        if (!ports_.kernel.was_told(spawn) && !ports_.kernel.main_lives(spawn))
            post(id, ProcessExited{spawn, unseen, TreeState::alive});
    };
    for (const UnitId unit : host_.start_order()) {
        if (const auto hook = host_.unit(unit).rung_hook) resolve({unit, whole_unit}, hook->spawn);
        for (Slot slot = 1; slot <= host_.spec(unit).instances; ++slot)
            for (const SpawnId spawn : spawns_of(host_.unit(unit).instances[slot - 1U]))
                resolve({unit, slot}, spawn);
    }
}

void CoreBrain::happened(SpawnId id, const InstanceEvent& event)
{
    const auto owner = owners_.find(id);
    const bool ended = std::holds_alternative<ProcessExited>(event);
    if (owner == owners_.end()) {
        if (ended) ports_.kernel.acknowledge(id); // Of a spawn that nobody remembers.
        return;
    }
    if (ended && owner->second.slot != whole_unit && !ports_.kernel.is_hook(id))
        cancel_probes(owner->second);
    if (ended) ports_.notices.close(id);
    post_unreliably(owner->second, event);
}

void CoreBrain::post_unreliably(InstanceId id, const InstanceEvent& event)
{
    if (!ports_.rng.chance(options_.meddles)) return deliver(id, event);
    ports_.loop.in(ports_.rng.upto(100ms), [this, id, event, alive = std::weak_ptr<int>(alive_)] {
        if (!alive.expired()) deliver(id, event);
    });
}

void CoreBrain::deliver(InstanceId id, const InstanceEvent& event)
{
    constexpr std::size_t remembered = 64;
    if (options_.meddles > 0 && past_.size() < remembered)
        past_.emplace_back(id, event);
    else if (options_.meddles > 0)
        past_[ports_.rng.below(remembered)] = {id, event};
    post(id, event);
}

void CoreBrain::meddle()
{
    if (ports_.rng.chance(0.5)) post(HostTick{});
    if (past_.empty() || !ports_.rng.chance(0.5)) return;
    const auto [id, event] = past_[ports_.rng.below(past_.size())];
    const std::string who = fmt::format("{}.{}", host_.spec(id.unit).name, id.slot);
    if (observer_.is_tracing())
        observer_.trace(
            fmt::format("meddle  {} old event of kind {} comes again", who, event.index()));
    if (id.slot == whole_unit) return post(id, event);
    const InstanceState before = host_.unit(id.unit).instances[id.slot - 1U].state;
    post(id, event);
    const InstanceState& after = host_.unit(id.unit).instances[id.slot - 1U].state;
    if (before.index() != after.index() || spawn_of(before) != spawn_of(after))
        violated(fmt::format("{}: an event that came again moved it from {} to {}", who,
                             state_name(before), state_name(after)));
}

void CoreBrain::drain()
{
    draining_ = true;
    while (!events_.empty()) {
        const HostEvent next = std::move(events_.front());
        events_.pop_front();
        take(next);
    }
    draining_ = false;
    rearm();
}

void CoreBrain::take(const HostEvent& event)
{
    const double draw = 2.0 * ports_.rng.fraction() - 1.0;
    const HostStep step = host_.step(event, {ports_.loop.now(), draw, &late_turns_});
    tell(step);
    for (const HostAction& action : step.actions)
        act(action.instance, action.action);
    const bool was_tick = std::holds_alternative<HostTick>(event);
    observer_.step_over(was_tick ? Observer::Cause::tick : Observer::Cause::event);
    if (step.exit_code) observer_.all_stopped(*step.exit_code);
}

void CoreBrain::tell(const HostStep& step)
{
    for (const auto& [unit, note] : step.notes) {
        if (const auto* moved = std::get_if<Moved>(&note))
            observer_.moved({unit, moved->slot}, moved->from, moved->to, moved->reason);
        else if (const auto* failed = std::get_if<AttemptFailed>(&note))
            observer_.failed({unit, failed->slot},
                             failed->failure.charge == Failure::Charge::charged
                                 ? Observer::Charge::charged
                                 : Observer::Charge::free,
                             failed->failure.cause);
        else if (std::holds_alternative<Climbed>(note))
            observer_.climbed(unit);
        else if (const auto* over = std::get_if<RungHookEnded>(&note))
            observer_.rung_hook_ended(unit, over->result);
        else if (std::holds_alternative<BackToBottom>(note))
            observer_.descended(unit);
        else if (const auto* closed = std::get_if<OutageClosed>(&note))
            observer_.outage_closed(closed->record);
        else if (const auto* ended = std::get_if<OperationEnded>(&note)) {
            observer_.operation_ended(unit);
            observer_.answered(ended->result.id);
        } else if (const auto* let_go = std::get_if<HoldEnded>(&note)) {
            if (let_go->why == "its time is over") observer_.hold_ended(unit);
        } else if (std::holds_alternative<ExitWanted>(note))
            observer_.exit_wanted();
        else if (const auto* frozen = std::get_if<Frozen>(&note))
            observer_.frozen(unit, frozen->what);
    }
}

void CoreBrain::act(InstanceId id, const InstanceAction& action)
{
    if (const auto* wanted = std::get_if<Spawn>(&action)) return spawn(id, *wanted);
    if (const auto* hook = std::get_if<RunHook>(&action)) return run_hook(id, *hook);
    if (const auto* hook = std::get_if<RunRungHook>(&action)) return run_rung_hook(id, *hook);
    if (const auto* probe = std::get_if<RunProbe>(&action)) return run_probe(id, *probe);
    if (const auto* signal = std::get_if<Signal>(&action))
        return ports_.kernel.signal(signal->spawn, signal->signal_number);
    if (const auto* kill = std::get_if<KillTree>(&action))
        return ports_.kernel.kill_tree(kill->spawn);
    if (const auto* silent = std::get_if<HearOut>(&action)) return hear_out(id, silent->spawn);
    ports_.kernel.acknowledge(std::get<Acknowledge>(action).spawn);
}

void CoreBrain::hear_out(InstanceId id, SpawnId spawn)
{
    ports_.loop.defer([this, id, spawn, alive = std::weak_ptr<int>(alive_)] {
        if (alive.expired()) return;
        ports_.notices.hear(spawn);
        post_unreliably(id, HeardOut{spawn});
    });
}

void CoreBrain::spawn(InstanceId id, const Spawn& action)
{
    ports::SpawnPlan plan;
    plan.unit = host_.spec(id.unit).name;
    plan.slot = id.slot;
    cancel_probes(id); // Of the spawn before; its end may have been told late.
    owners_[action.spawn] = id;
    if (units::hears_notices(host_.spec(id.unit))) (void)ports_.notices.open(action.spawn);
    const auto result = ports_.kernel.spawn(action.spawn, plan);
    const auto* failure = std::get_if<ports::SpawnFailure>(&result);
    if (failure != nullptr) ports_.notices.close(action.spawn);
    if (failure != nullptr)
        post_unreliably(id, SpawnFailed{action.spawn, failure->stage, failure->errno_value});
    else
        post_unreliably(id, Spawned{action.spawn});
}

void CoreBrain::run_hook(InstanceId id, const RunHook& action)
{
    ports::SpawnPlan plan;
    plan.unit = host_.spec(id.unit).name + ".hook";
    plan.slot = id.slot;
    plan.environment["KEEL_HOOK"] = std::string(name(action.hook));
    owners_[action.spawn] = id;
    const auto result = ports_.kernel.spawn(action.spawn, plan);
    if (const auto* failure = std::get_if<ports::SpawnFailure>(&result))
        post_unreliably(id, SpawnFailed{action.spawn, failure->stage, failure->errno_value});
}

void CoreBrain::run_rung_hook(InstanceId id, const RunRungHook& action)
{
    ports::SpawnPlan plan;
    plan.unit = host_.spec(id.unit).name + ".ladder";
    plan.slot = whole_unit;
    owners_[action.spawn] = id;
    const auto result = ports_.kernel.spawn(action.spawn, plan);
    if (const auto* failure = std::get_if<ports::SpawnFailure>(&result))
        post_unreliably(id, SpawnFailed{action.spawn, failure->stage, failure->errno_value});
}

void CoreBrain::run_probe(InstanceId id, const RunProbe& action)
{
    const units::ProbeSpec& probe = host_.spec(id.unit).probes[action.probe];
    ports::ProbeRequest request;
    request.attempt = ports::AttemptId{next_attempt_++};
    request.timeout = probe.timeout;
    request.target = units::TcpTarget{
        fmt::format("{}:{}:{}", host_.spec(id.unit).name, id.slot, probe.name), {}, {}};
    const std::pair key{id, action.probe};
    const MonoTime now = ports_.loop.now().mono;
    if (const auto mine = probing_.find(key);
        mine != probing_.end() && now >= mine->second.began + probe.timeout + answer_slack)
        ports_.prober.cancel(mine->second.id); // Core has stopped waiting for it.
    probing_[key] = {request.attempt, now};
    ports_.prober.probe(
        request, [this, id, action, alive = std::weak_ptr<int>(alive_)](const ProbeAnswer& answer) {
            if (alive.expired()) return;
            probing_.erase({id, action.probe});
            post_unreliably(id, ProbeAnswered{action.spawn, action.probe, action.attempt, answer});
        });
}

void CoreBrain::cancel_probes(InstanceId id)
{
    for (std::uint32_t i = 0; i < host_.spec(id.unit).probes.size(); ++i)
        if (const auto found = probing_.find({id, i}); found != probing_.end()) {
            ports_.prober.cancel(found->second.id);
            probing_.erase(found);
        }
}

void CoreBrain::rearm()
{
    const auto due = host_.deadline();
    if (due == timer_at_) return;
    timer_at_ = due;
    timer_.reset();
    if (!due) return;
    const Duration wait = std::max(Duration{0}, *due - ports_.loop.now().mono);
    timer_ = ports_.loop.after(wait, [this, expected = ports_.loop.now().mono + wait] {
        stalled(ports_.loop.now().mono - expected);
        timer_at_.reset();
        timer_.reset();
        post(HostTick{});
    });
}

} // namespace

std::unique_ptr<Brain> make_core_brain(const BrainPorts& ports, const BrainOptions& options,
                                       CoreMemory& memory, Observer& observer)
{
    return std::make_unique<CoreBrain>(ports, options, memory, observer);
}

} // namespace keel::sim
