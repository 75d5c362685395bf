// Bytes become a list of events for core::Host::step: in any order, early, late, twice, and about
// spawns that are not meant. A small model of which processes live follows the actions.
//
// Unlike the simulator, which lives in a plausible world, this one owes nobody any plausibility;
// only what the ports promise holds: a process does not end before it was spawned. What must hold
// after every step: no ENSURE fires, no instance has two spawns, actions are about the spawn that
// lives, what is wanted up is not stopped, and every wait has a deadline or a name.
#include "base/ensure.hpp"
#include "core/host.hpp"
#include "units/spec.hpp"

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <span>

namespace {

using namespace keel;
using namespace keel::core;
using namespace std::chrono_literals;

class Bytes {
public:
    explicit Bytes(std::span<const std::uint8_t> bytes) : left_(bytes) {}
    [[nodiscard]] bool empty() const { return left_.empty(); }
    std::uint8_t next()
    {
        if (left_.empty()) return 0;
        const std::uint8_t byte = left_.front();
        left_ = left_.subspan(1);
        return byte;
    }
    unsigned below(unsigned bound) { return next() % bound; }
    template <class T> T one_of(std::initializer_list<T> choices)
    {
        return *(choices.begin() + below(static_cast<unsigned>(choices.size())));
    }

private:
    std::span<const std::uint8_t> left_;
};

units::UnitSpec draw_unit(Bytes& bytes, const std::string& name)
{
    using units::Rung;
    units::UnitSpec spec;
    spec.name = name;
    spec.instances = static_cast<std::uint16_t>(1 + bytes.below(3));
    spec.min_ready = static_cast<std::uint16_t>(bytes.below(spec.instances + 1U));
    spec.enabled = bytes.below(4) != 0;
    spec.restart.policy = bytes.one_of(
        {units::RestartWhen::always, units::RestartWhen::on_failure, units::RestartWhen::never});
    spec.restart.delay = bytes.one_of<Duration>({0s, 200ms, 10s});
    spec.restart.stable_after = bytes.one_of<Duration>({0s, 30s});
    spec.escalation.failures = bytes.below(4);
    const Rung page(Rung::run, "page");
    spec.hooks = {{"page", {{"page"}, 5s}}};
    spec.escalation.ladder = bytes.one_of<std::vector<Rung>>({{Rung::restart, Rung::retry},
                                                              {Rung::restart},
                                                              {Rung::restart, Rung::give_up},
                                                              {Rung::restart, Rung::exit},
                                                              {Rung::restart, page},
                                                              {Rung::restart, page, Rung::retry}});
    spec.outage.settle = bytes.one_of<Duration>({0s, 10s});
    spec.outage.grace = bytes.one_of<Duration>({0s, 2s});
    for (unsigned i = bytes.below(3); i > 0; --i) {
        units::ProbeSpec probe;
        probe.name = std::string(1, static_cast<char>('p' + i));
        probe.target = units::TcpTarget{"127.0.0.1:1", {}, {}};
        probe.role = bytes.one_of<units::ProbeRoles>({{true, true, true}, {false, false, true}});
        probe.failures = 1 + bytes.below(2);
        spec.probes.push_back(probe);
    }
    if (!spec.probes.empty() && bytes.below(2) == 0) spec.ready = units::ReadyBy::probe;
    if (bytes.below(4) == 0) spec.ready = units::ReadyBy::notify;
    if (bytes.below(4) == 0) spec.watchdog = 10s;
    if (bytes.below(2) == 0) spec.reload.signal = SIGHUP;
    return spec;
}

std::vector<units::UnitSpec> draw_units(Bytes& bytes)
{
    std::vector<units::UnitSpec> specs{draw_unit(bytes, "a"), draw_unit(bytes, "b"),
                                       draw_unit(bytes, "c")};
    if (bytes.below(2) == 0) specs[1].requires_units = {"a"};
    if (bytes.below(2) == 0) specs[2].requires_units = {"b"};
    if (bytes.below(2) == 0) specs[2].after = {"a"};
    return specs;
}

class Life {
public:
    explicit Life(Bytes bytes)
        : bytes_(bytes),
          host_(draw_units(bytes_), {bytes_.one_of<StormBrakeSpec>({{50, 200}, {0, 0}, {1, 1}})})
    {
        for (std::uint32_t i = 0; i < host_.size(); ++i)
            slots_.emplace_back(host_.spec(UnitId{i}).instances + 1U);
    }

    void run()
    {
        take(HostBooted{});
        for (unsigned steps = 0; steps < 2000 && !bytes_.empty() && !stopped_; ++steps)
            live_through(draw_event());
    }

private:
    /// The truth about one instance, or about the hook of a ladder, as far as it was told.
    struct Truth {
        SpawnId spawn{};
        bool lives = false;    ///< something of it does
        bool answered = false; ///< whether the spawn succeeded is known
        bool main_ended = false;
    };

    Truth& truth(InstanceId id) { return slots_[number(id.unit)][id.slot]; }

    HostEvent draw_event()
    {
        switch (bytes_.below(8)) {
        case 0: now_ += bytes_.one_of<Duration>({1ms, 300ms, 5s, 1min, 1h}); return HostTick{};
        case 1: return to_the_deadline();
        case 2: return draw_request();
        case 3:
            if (bytes_.next() == 0) return ShutdownWanted{"enough", 0};
            return ForUnit{draw_unit_id(), UnitGateChanged{}};
        default: return draw_instance_event();
        }
    }
    HostEvent to_the_deadline()
    {
        now_ = std::max(now_, host_.deadline().value_or(now_));
        return HostTick{};
    }
    UnitId draw_unit_id() { return UnitId{bytes_.below(static_cast<unsigned>(host_.size()))}; }
    HostEvent draw_request()
    {
        const UnitId unit = draw_unit_id();
        const Verb verb =
            bytes_.one_of({Verb::start, Verb::stop, Verb::restart, Verb::hold, Verb::reload});
        std::optional<Slot> slot;
        if (verb == Verb::restart && bytes_.below(2) == 0)
            slot = static_cast<Slot>(1 + bytes_.below(host_.spec(unit).instances));
        HoldTerms terms;
        if (verb == Verb::hold)
            terms = {bytes_.one_of<std::optional<Duration>>({{}, 1ms, 10s, 1h}),
                     bytes_.one_of({Held::Process::stopped, Held::Process::left_running})};
        return Request{unit, {OperationId{++operations_}, verb, "ann", "", slot, terms}};
    }

    HostEvent draw_instance_event()
    {
        const UnitId unit = draw_unit_id();
        const InstanceId id{unit, static_cast<Slot>(bytes_.below(host_.spec(unit).instances + 1U))};
        return ForUnit{unit, ForInstance{id.slot, draw_event_of(id)}};
    }
    InstanceEvent draw_event_of(InstanceId id)
    {
        Truth& slot = truth(id);
        const bool lies = bytes_.below(8) == 0 || !slot.lives; // about a spawn that is over
        const SpawnId spawn = lies ? SpawnId{number(slot.spawn) - bytes_.below(2)} : slot.spawn;
        const bool is_mine = slot.lives && spawn == slot.spawn;
        switch (bytes_.below(8)) {
        case 0: return draw_exit(spawn, is_mine, slot);
        case 1:
            if (is_mine && !slot.main_ended) return Tick{};
            if (is_mine) slot.lives = false;
            return TreeEmptied{spawn};
        case 2:
            if (is_mine && slot.answered) return Adopted{spawn};
            if (is_mine) slot.lives = false;
            return SpawnFailed{spawn, draw_stage(), 2};
        case 3:
            if (is_mine) slot.answered = true;
            return Spawned{spawn};
        case 4: return Tick{};
        case 5: return HeardOut{spawn};
        case 6:
            if (is_mine) slot.answered = true;
            return Notified{spawn, draw_notice()};
        default: return draw_answer(spawn);
        }
    }
    Notice draw_notice()
    {
        return parse_notice(bytes_.one_of<std::string_view>(
            {"READY=1", "STOPPING=1", "RELOADING=1", "WATCHDOG=1", "WATCHDOG=trigger",
             "WATCHDOG_USEC=1000000", "EXTEND_TIMEOUT_USEC=3600000000", "STATUS=well"}));
    }
    SetupStage draw_stage()
    {
        return bytes_.one_of({SetupStage::exec, SetupStage::descriptors, SetupStage::lost});
    }
    InstanceEvent draw_exit(SpawnId spawn, bool is_mine, Truth& slot)
    {
        using Kind = ExitStatus::Kind;
        const ExitStatus status = bytes_.one_of<ExitStatus>(
            {{Kind::code, 0, false}, {Kind::code, 1, false}, {Kind::signal, 9, false}});
        const auto tree = bytes_.one_of({TreeState::empty, TreeState::alive});
        if (is_mine) {
            if (slot.main_ended) return Tick{};
            slot.answered = slot.main_ended = true;
            slot.lives = tree == TreeState::alive;
        }
        return ProcessExited{spawn, status, tree};
    }
    InstanceEvent draw_answer(SpawnId spawn)
    {
        const auto verdict = bytes_.one_of({Verdict::pass, Verdict::fail, Verdict::unknown});
        return ProbeAnswered{spawn, bytes_.below(3), bytes_.below(8), {verdict, {}, 1ms, "said"}};
    }

    /// A tick that comes very late may want another one at once, but not for ever.
    void live_through(const HostEvent& event)
    {
        constexpr unsigned ticks_max = 4;
        take(event);
        if (!std::holds_alternative<HostTick>(event)) return;
        for (unsigned i = 0; host_.deadline().value_or(MonoTime::max()) <= now_; ++i) {
            ENSURE(i < ticks_max, "no busy loop");
            take(HostTick{});
        }
    }

    void take(const HostEvent& event)
    {
        const double draw = bytes_.below(200) / 100.0 - 1.0;
        std::vector<bool> left_alone;
        for (std::uint32_t i = 0; i < host_.size(); ++i)
            left_alone.push_back(is_left_alone(host_.unit(UnitId{i})));
        const HostStep step = host_.step(event, {{now_, WallTime{now_.time_since_epoch()}}, draw});
        for (const HostAction& action : step.actions) {
            const UnitId id = action.instance.unit;
            const bool hands_off = left_alone[number(id)] && is_left_alone(host_.unit(id));
            const bool is_keelds = action.instance.slot == whole_unit;
            ENSURE(!hands_off || host_.is_shutting_down() || is_keelds ||
                       is_harmless(action.action),
                   "what is held as it is is left alone");
            carry_out(action.instance, action.action);
        }
        for (const HostNote& note : step.notes)
            ENSURE(!std::holds_alternative<Frozen>(note.note), "no event list makes Keel err");
        stopped_ = step.exit_code.has_value();
        for (std::uint32_t i = 0; i < host_.size(); ++i)
            check(UnitId{i});
    }

    static bool is_harmless(const InstanceAction& action)
    {
        return std::holds_alternative<RunProbe>(action) ||
               std::holds_alternative<Acknowledge>(action);
    }

    void carry_out(InstanceId id, const InstanceAction& action)
    {
        Truth& slot = truth(id);
        if (const auto* spawn = std::get_if<Spawn>(&action)) {
            ENSURE(!slot.lives, "one process at a time");
            ENSURE(spawn->spawn > latest_, "spawn ids grow");
            latest_ = spawn->spawn;
            slot = {spawn->spawn, true};
        } else if (const auto* hook = std::get_if<RunRungHook>(&action)) {
            ENSURE(!slot.lives && id.slot == whole_unit, "one hook of a ladder at a time");
            ENSURE(hook->spawn > latest_, "spawn ids grow");
            latest_ = hook->spawn;
            slot = {hook->spawn, true};
        } else if (const auto* signal = std::get_if<Signal>(&action)) {
            ENSURE(signal->spawn == slot.spawn, "signals go to the present spawn");
        } else if (const auto* kill = std::get_if<KillTree>(&action)) {
            ENSURE(kill->spawn == slot.spawn, "only the present spawn is killed");
        } else if (const auto* probe = std::get_if<RunProbe>(&action)) {
            ENSURE(probe->spawn == slot.spawn, "only the present spawn is probed");
        }
    }

    void check(UnitId id)
    {
        const Unit& unit = host_.unit(id);
        for (Slot s = 1; s <= unit.instances.size(); ++s) {
            const Instance& instance = unit.instances[s - 1U];
            const auto spawn = spawn_of(instance.state);
            const Truth& slot = truth({id, s});
            ENSURE(!slot.lives || spawn == slot.spawn, "what lives is known");
            if (host_.is_shutting_down() || !is_wanted_up(unit)) continue;
            ENSURE(!std::holds_alternative<Stopped>(instance.state), "wanted up is not stopped");
            const auto* blocked = std::get_if<Blocked>(&instance.state);
            const bool waits = std::holds_alternative<Starting>(instance.state) ||
                               std::holds_alternative<Unready>(instance.state) ||
                               std::holds_alternative<Stopping>(instance.state) ||
                               std::holds_alternative<Backoff>(instance.state);
            ENSURE(!waits || host_.deadline(), "every wait has a deadline");
            const bool names = blocked == nullptr ||
                               blocked->on.kind != BlockedOn::Kind::dependency ||
                               host_.find(blocked->on.what).has_value();
            ENSURE(names, "blocked names a unit that exists");
        }
    }

    Bytes bytes_;
    Host host_;
    std::vector<std::vector<Truth>> slots_;
    MonoTime now_{1000s};
    SpawnId latest_{0};
    std::uint64_t operations_ = 0;
    bool stopped_ = false;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Life(Bytes({data, size})).run();
    return 0;
}
