// Small benches for the pure machines: one instance, or one unit, with its spec and its inputs.
//
// apply() hands one event in, keeps what comes out and moves the ids on, as the machine above
// would. Time moves only by pass(). They decide nothing and check nothing.
#pragma once
#include "core/unit.hpp"

#include <algorithm>
#include <concepts>
#include <vector>

namespace keel::core {

using namespace std::chrono_literals;

/// Passes at the first try unless told otherwise; asked every second.
inline units::ProbeSpec probe_named(std::string name)
{
    units::ProbeSpec probe;
    probe.name = std::move(name);
    probe.target = units::TcpTarget{};
    probe.interval = 1s;
    probe.timeout = 500ms;
    return probe;
}

inline ProbeAnswer passes() { return {Verdict::pass, VerdictKind::none, 1ms, "answered"}; }
inline ProbeAnswer fails() { return {Verdict::fail, VerdictKind::refused, 1ms, "refused"}; }
inline ProbeAnswer unknown() { return {Verdict::unknown, VerdictKind::dns, 1ms, "no resolver"}; }

inline ExitStatus exit_code(int code) { return {ExitStatus::Kind::code, code, false}; }
inline ExitStatus by_signal(int number) { return {ExitStatus::Kind::signal, number, false}; }
inline ExitStatus by_oom() { return {ExitStatus::Kind::signal, 9, false, true}; }

class OneInstance {
public:
    units::UnitSpec spec;
    Instance it;
    Inputs in;
    InstanceStep last;

    OneInstance()
    {
        spec.name = "unit";
        in.now = {MonoTime{1000s}, WallTime{1'700'000'000s}};
        in.next_spawn = SpawnId{1};
        in.delay_cap = spec.restart.delay_max;
    }

    const InstanceStep& apply(const InstanceEvent& event)
    {
        last = step(spec, std::move(it), event, in);
        it = last.next;
        if (const auto* spawn = did<Spawn>()) in.next_spawn = SpawnId{number(spawn->spawn) + 1};
        if (const auto* hook = did<RunHook>()) in.next_spawn = SpawnId{number(hook->spawn) + 1};
        return last;
    }

    void pass(Duration d)
    {
        in.now.mono += d;
        in.now.wall += d;
    }

    template <class State> [[nodiscard]] const State* state() const
    {
        return std::get_if<State>(&it.state);
    }
    template <class Action> [[nodiscard]] const Action* did() const
    {
        for (const InstanceAction& action : last.actions)
            if (const auto* found = std::get_if<Action>(&action)) return found;
        return nullptr;
    }
    template <class Action> [[nodiscard]] std::size_t count() const
    {
        return static_cast<std::size_t>(std::ranges::count_if(
            last.actions, [](const auto& a) { return std::holds_alternative<Action>(a); }));
    }
    [[nodiscard]] SpawnId spawn() const { return spawn_of(it.state).value_or(SpawnId{}); }
    [[nodiscard]] std::optional<MonoTime> due() const { return deadline_of(spec, it); }
    [[nodiscard]] MonoTime now() const { return in.now.mono; }

    // ---- whole phrases

    /// From rest to a running process.
    void start()
    {
        apply(LaunchWanted{});
        apply(Spawned{spawn()});
    }
    void exits(ExitStatus status, TreeState tree = TreeState::empty)
    {
        apply(ProcessExited{spawn(), status, tree});
    }
    /// The end of its hook.
    void hook_exits(ExitStatus status, TreeState tree = TreeState::empty)
    {
        apply(ProcessExited{it.hook.value().spawn, status, tree});
    }
    /// Answers the probe's attempt that is in flight.
    void answers(const ProbeAnswer& answer, std::uint32_t probe = 0)
    {
        apply(ProbeAnswered{spawn(), probe, it.probes.at(probe).attempt, answer});
    }
    /// Goes to the next deadline and ticks there.
    void tick()
    {
        pass(std::max(Duration{0}, due().value_or(now()) - now()));
        apply(Tick{});
    }
    /// To the probe's next attempt, and answers it.
    void next_answer(const ProbeAnswer& answer, std::uint32_t probe = 0)
    {
        while (!it.probes.at(probe).answer_by)
            tick();
        answers(answer, probe);
    }
};

class OneUnit {
public:
    units::UnitSpec spec;
    Unit it;
    UnitInputs in;
    UnitStep last;
    std::vector<Note> notes; ///< of all steps since the last clear()

    explicit OneUnit(std::uint16_t instances = 1, std::uint16_t min_ready = 1)
    {
        spec.name = "unit";
        spec.instances = instances;
        spec.min_ready = min_ready;
        in.now = {MonoTime{1000s}, WallTime{1'700'000'000s}};
        in.next_spawn = SpawnId{1};
        in.next_outage = OutageId{1};
        it = make_unit(spec);
    }

    const UnitStep& apply(const UnitEvent& event)
    {
        last = step(spec, std::move(it), event, in);
        it = last.next;
        in.next_spawn = SpawnId{number(in.next_spawn) + last.spawns};
        in.next_outage = OutageId{number(in.next_outage) + last.outages};
        notes.insert(notes.end(), last.notes.begin(), last.notes.end());
        return last;
    }
    const UnitStep& apply(Slot slot, InstanceEvent event)
    {
        return apply(UnitEvent{ForInstance{slot, std::move(event)}});
    }

    void pass(Duration d)
    {
        in.now.mono += d;
        in.now.wall += d;
    }
    [[nodiscard]] MonoTime now() const { return in.now.mono; }
    [[nodiscard]] std::optional<MonoTime> due() const { return deadline_of(spec, it); }
    [[nodiscard]] const Instance& instance(Slot slot) const { return it.instances.at(slot - 1U); }
    [[nodiscard]] std::string_view state(Slot slot = 1) const
    {
        return state_name(instance(slot).state);
    }
    [[nodiscard]] SpawnId spawn(Slot slot) const
    {
        return spawn_of(instance(slot).state).value_or(SpawnId{});
    }
    [[nodiscard]] UnitStatus status() const { return status_of(spec, it); }
    [[nodiscard]] const Outage* outage() const { return open_outage(it.outage); }

    template <class N> [[nodiscard]] const N* noted() const
    {
        for (auto note = notes.rbegin(); note != notes.rend(); ++note)
            if (const auto* found = std::get_if<N>(&*note)) return found;
        return nullptr;
    }
    template <class N> [[nodiscard]] std::size_t noted_times() const
    {
        return static_cast<std::size_t>(std::ranges::count_if(
            notes, [](const Note& note) { return std::holds_alternative<N>(note); }));
    }
    template <class Action> [[nodiscard]] std::size_t did() const
    {
        return static_cast<std::size_t>(std::ranges::count_if(
            last.actions, [](const auto& a) { return std::holds_alternative<Action>(a.action); }));
    }

    // ---- whole phrases

    /// Boots, and every process runs.
    void start()
    {
        apply(Booted{});
        run_all_started();
    }
    void run_all_started()
    {
        for (Slot slot = 1; slot <= it.instances.size(); ++slot)
            if (state(slot) == "starting") apply(slot, Spawned{spawn(slot)});
    }
    void exits(Slot slot = 1, int code = 1)
    {
        apply(slot, ProcessExited{spawn(slot), exit_code(code), TreeState::empty});
    }
    void asks(Verb verb, std::optional<Slot> slot = {}, std::uint64_t id = 1)
    {
        apply(Asked{OperationId{id}, verb, "ann", "testing", slot});
    }
    /// To the next deadline, and a tick there.
    void tick()
    {
        pass(std::max(Duration{0}, due().value_or(now()) - now()));
        apply(UnitTick{});
    }
    /// Ticks at every deadline up to `d` from now.
    void live_through(Duration d)
    {
        const MonoTime end = now() + d;
        while (due() && *due() <= end) {
            tick();
            run_all_started();
        }
        pass(end - now());
    }
    /// Fails once, waits for the next start, and lets it run: one turn of a crash loop.
    void crash(Slot slot = 1)
    {
        exits(slot);
        while (state(slot) == "backoff")
            tick();
        if (state(slot) == "starting") apply(slot, Spawned{spawn(slot)});
    }
};

} // namespace keel::core
