// docs/generated/unit-states.md: the instance machine's transition table, found by driving step()
// over every pair of state and event. The machine is the source; the document cannot disagree.
#include "machines.hpp"
#include "tests/support/golden.hpp"

#include <csignal>
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace keel::core {
namespace {

struct NamedState {
    std::string name;
    InstanceState state;
};
struct NamedEvent {
    std::string name;
    std::string text;
    InstanceEvent event;
};

constexpr SpawnId its_own{7};
constexpr SpawnId its_hooks{6};
constexpr SpawnId a_stale_one{3};
constexpr MonoTime now{1000s};

std::vector<NamedState> states()
{
    const BlockedOn dependency{BlockedOn::Kind::dependency, "backbone"};
    using enum AfterStop;
    const auto stopping = [](KillStage stage, AfterStop then) {
        return Stopping{its_own, stage, now, then, StartCause::exit, 1s};
    };
    return {
        {"stopped", Stopped{}},
        {"blocked (dependency)", Blocked{dependency, StartCause::exit, {}}},
        {"blocked (descriptors)",
         Blocked{{BlockedOn::Kind::descriptors, "descriptors"}, StartCause::exit, now}},
        {"starting", Starting{its_own, now - 30s, now}},
        {"starting, runs",
         Starting{its_own, now - 30s, now, Starting::Extended::no, Starting::Running::yes}},
        {"ready", Ready{its_own, now - 1s}},
        {"unready", Unready{its_own, now}},
        {"stopping, asked, then stopped", stopping(KillStage::asked, stay_down)},
        {"stopping, asked, then backoff", stopping(KillStage::asked, recover)},
        {"stopping, asked, then start", stopping(KillStage::asked, start_again)},
        {"stopping, killed, then stopped", stopping(KillStage::killed, stay_down)},
        {"stopping, sweeping, then failed", stopping(KillStage::sweeping, give_up)},
        {"starting, start.pre runs", Preparing{StartCause::exit}},
        {"stopping, stop.pre runs, then stopped", stopping(KillStage::preparing, stay_down)},
        {"stopping, stop.post runs, then backoff", stopping(KillStage::emptied, recover)},
        {"backoff", Backoff{now, StartCause::exit}},
        {"done", Done{}},
        {"failed", Failed{"exit 1"}},
    };
}

std::vector<NamedEvent> events()
{
    const auto exited = [](SpawnId spawn, int code, TreeState tree) {
        return ProcessExited{spawn, exit_code(code), tree};
    };
    const auto notice = [](std::string_view text) { return parse_notice(text); };
    using enum TreeState;
    return {
        {"LaunchWanted", "be up: boot, or a person's `start`", LaunchWanted{}},
        {"RestartWanted", "a person's `restart`", RestartWanted{}},
        {"StopWanted", "be down", StopWanted{}},
        {"Recalled", "what it is bound to is gone",
         Recalled{StartCause::bound, "backbone is gone"}},
        {"GateChanged", "nothing holds starts back any more", GateChanged{}},
        {"GiveUpWanted", "the ladder has given up", GiveUpWanted{}},
        {"Spawned", "the program runs", Spawned{its_own}},
        {"SpawnFailed", "the set-up failed: no such file",
         SpawnFailed{its_own, SetupStage::exec, ENOENT}},
        {"SpawnFailed (descriptors)", "keeld has no descriptors left",
         SpawnFailed{its_own, SetupStage::descriptors, EMFILE}},
        {"SpawnFailed (lost)", "the engine died before it happened",
         SpawnFailed{its_own, SetupStage::lost, 0}},
        {"ProcessExited 1", "and nothing else of it lives", exited(its_own, 1, empty)},
        {"ProcessExited 1, tree alive", "and it left processes behind", exited(its_own, 1, alive)},
        {"ProcessExited (stale)", "of an earlier spawn", exited(a_stale_one, 1, empty)},
        {"ProcessExited 0 (hook)", "its hook's, and nothing else of that lives",
         ProcessExited{its_hooks, exit_code(0), empty}},
        {"ProcessExited 1 (hook)", "the same", ProcessExited{its_hooks, exit_code(1), empty}},
        {"ProcessExited 0 (hook), tree alive", "and it left processes behind",
         ProcessExited{its_hooks, exit_code(0), alive}},
        {"TreeEmptied", "nothing of the spawn lives", TreeEmptied{its_own}},
        {"ProbeAnswered pass", "to the attempt in flight", ProbeAnswered{its_own, 0, 1, passes()}},
        {"ProbeAnswered fail", "the last one forgiven", ProbeAnswered{its_own, 0, 1, fails()}},
        {"ProbeAnswered unknown", "the prober could not run",
         ProbeAnswered{its_own, 0, 1, unknown()}},
        {"ProbeAnswered (late)", "to an attempt before this one",
         ProbeAnswered{its_own, 0, 9, fails()}},
        {"Notified READY=1", "the process's own word", Notified{its_own, notice("READY=1")}},
        {"Notified STOPPING=1", "the same", Notified{its_own, notice("STOPPING=1")}},
        {"Notified WATCHDOG=trigger", "the same", Notified{its_own, notice("WATCHDOG=trigger")}},
        {"Notified (stale)", "by an earlier spawn", Notified{a_stale_one, notice("READY=1")}},
        {"ShownReady", "a line of its output matched, or a newline came",
         ShownReady{its_own, "wrote \"up\""}},
        {"HeardOut", "there was nothing more to hear", HeardOut{its_own}},
        {"Adopted", "a new engine found the process alive", Adopted{its_own}},
        {"HandedBack", "a hold that left the process running is over", HandedBack{}},
        {"ReloadWanted", "a person's `reload`, by the command of the unit", ReloadWanted{}},
        {"Tick", "the state's deadline has come", Tick{}},
    };
}

/// The hook that runs in that state, if it is one with a hook.
std::optional<units::Hook> hook_in(const InstanceState& state)
{
    if (std::holds_alternative<Preparing>(state)) return units::Hook::start_pre;
    const auto* stopping = std::get_if<Stopping>(&state);
    if (stopping == nullptr) return std::nullopt;
    if (stopping->stage == KillStage::preparing) return units::Hook::stop_pre;
    if (stopping->stage == KillStage::emptied) return units::Hook::stop_post;
    return std::nullopt;
}

/// An instance in that state, with one probe of all roles in flight where it has any.
OneInstance bench_for(const InstanceState& state)
{
    OneInstance i;
    auto probe = probe_named("tcp");
    probe.failures = 1;
    i.spec.probes = {probe};
    i.spec.ready = units::ReadyBy::probe;
    i.spec.restart.jitter = 0;
    i.spec.reload.command = {"reload"};
    i.in.now = {now, WallTime{}};
    i.in.next_spawn = SpawnId{8};
    if (const auto hook = hook_in(state)) {
        i.spec.start.pre = {"prepare"};
        i.spec.stop.pre = {"drain"};
        i.spec.stop.post = {"clean-up"};
        i.it.hook = HookRun{its_hooks, *hook, now - 5s, now};
    }
    i.it.state = state;
    i.it.reason = "earlier";
    i.it.history.in_a_row = 3;
    if (!std::holds_alternative<Stopping>(state) && spawn_of(state)) {
        ProbeHealth health;
        health.attempt = 1;
        health.answer_by = now + 1s;
        if (std::holds_alternative<Ready>(state)) forgive(probe, health);
        i.it.probes = {health};
    }
    return i;
}

std::string text_of(const InstanceAction& action)
{
    if (const auto* a = std::get_if<Spawn>(&action))
        return a->brake == Spawn::Brake::charged ? "Spawn (brake token)" : "Spawn";
    if (const auto* a = std::get_if<RunHook>(&action))
        return fmt::format("RunHook {}", name(a->hook));
    const auto whose = [](SpawnId spawn) { return spawn == its_hooks ? " (hook)" : ""; };
    if (const auto* a = std::get_if<Signal>(&action))
        return "Signal " + signal_name(a->signal_number) + whose(a->spawn);
    if (const auto* a = std::get_if<KillTree>(&action))
        return std::string("KillTree") + whose(a->spawn);
    if (std::holds_alternative<RunProbe>(action)) return "RunProbe";
    if (std::holds_alternative<HearOut>(action)) return "HearOut";
    return "Acknowledge";
}

std::string name_after(const OneInstance& i)
{
    const auto& state = i.it.state;
    if (std::holds_alternative<Preparing>(state)) return "starting, start.pre runs";
    if (const auto* s = std::get_if<Stopping>(&state)) {
        const std::string hook =
            i.it.hook ? fmt::format("{} runs", name(i.it.hook->hook)) : std::string("no hook");
        const std::array<std::string, 5> stages{"asked", "killed", "sweeping", hook, hook};
        constexpr std::array thens{"stopped", "start", "backoff", "done", "failed"};
        return fmt::format("stopping, {}, then {}", stages[static_cast<std::size_t>(s->stage)],
                           thens[static_cast<std::size_t>(s->then)]);
    }
    if (const auto* s = std::get_if<Starting>(&state); s && s->running == Starting::Running::yes)
        return "starting, runs";
    if (const auto* s = std::get_if<Blocked>(&state))
        return s->on.kind == BlockedOn::Kind::dependency ? "blocked (dependency)"
                                                         : "blocked (descriptors)";
    return std::string(state_name(state));
}

struct Row {
    std::string line;
    enum class Says : std::uint8_t { something, nothing } says;
};

Row row(const NamedState& from, const NamedEvent& event)
{
    OneInstance i = bench_for(from.state);
    i.apply(event.event);
    std::vector<std::string> actions;
    for (const InstanceAction& action : i.last.actions)
        actions.push_back(text_of(action));
    if (i.last.failure)
        actions.push_back(fmt::format("one failure ({})", name(i.last.failure->cause)));
    const std::string to = name_after(i);
    const bool idle = to == from.name && actions.empty();
    const bool unheard = i.last.reason == "ignored" || i.last.reason == "about an earlier spawn";
    return {fmt::format("| {} | {} | {} | {} |\n", event.name, to == from.name ? "=" : to,
                        fmt::join(actions, ", "), i.last.reason),
            idle && unheard ? Row::Says::nothing : Row::Says::something};
}

std::string section(const NamedState& state)
{
    std::string text = fmt::format(
        "\n## {}\n\n| event | next state | actions | reason |\n|---|---|---|---|\n", state.name);
    std::vector<std::string> unheard;
    for (const NamedEvent& event : events()) {
        const Row made = row(state, event);
        if (made.says == Row::Says::something)
            text += made.line;
        else
            unheard.push_back(event.name);
    }
    if (unheard.empty()) return text;
    return text + fmt::format("\nMeans nothing here: {}.\n", fmt::join(unheard, ", "));
}

std::string table()
{
    std::string text = R"md(# The instance machine, pair by pair

Made by `tests/unit/core/unit_states_test.cpp` from the machine itself; `UPDATE_GOLDEN=1 ./dev test
core_test` writes it anew. Not to be edited.

Each row is one call of `step()`: what an instance in that state makes of that event. `=` is the
same state; the third column is what the engine has to do, and whether the budget is charged; the
last is the reason as `keel why` tells it. "(stale)" and "(late)" are events of earlier spawns and
attempts.
The example is a unit under policy `always`, ready by one probe of
all roles with `failures = 1`, in its fourth restart in a row, with its deadline due now and nothing
that holds starts back. It has hooks in the states that say so; "(hook)" is about a hook's spawn.

## Events

| event | meaning |
|---|---|
)md";
    for (const NamedEvent& event : events())
        text += fmt::format("| {} | {} |\n", event.name, event.text);
    for (const NamedState& state : states())
        text += section(state);
    return text;
}

TEST(UnitStates, AreAsTheGeneratedDocumentSays)
{
    test::expect_golden("docs/generated/unit-states.md", table());
}

TEST(UnitStates, EveryStateOfTheMachineIsInTheDocument)
{
    for (std::size_t index = 0; index < std::variant_size_v<InstanceState>; ++index)
        EXPECT_TRUE(std::ranges::any_of(states(), [&](const NamedState& s) {
            return s.state.index() == index;
        })) << state_names[index];
}

TEST(UnitStates, EveryEventOfTheMachineIsInTheDocument)
{
    for (std::size_t index = 0; index < std::variant_size_v<InstanceEvent>; ++index)
        EXPECT_TRUE(std::ranges::any_of(events(), [&](const NamedEvent& e) {
            return e.event.index() == index;
        })) << index;
}

TEST(UnitStates, NoPairEndsInAWaitWithoutADeadlineOrANamedThing)
{
    for (const NamedState& state : states())
        for (const NamedEvent& event : events()) {
            OneInstance i = bench_for(state.state);
            i.apply(event.event);
            const auto* blocked = i.state<Blocked>();
            if (i.it.hook) {
                EXPECT_TRUE(i.due()) << state.name << " + " << event.name;
            }
            const bool rests = i.state<Stopped>() || i.state<Ready>() || i.state<Done>() ||
                               i.state<Failed>() || (blocked && !blocked->on.what.empty());
            EXPECT_TRUE(rests || i.due()) << state.name << " + " << event.name;
            EXPECT_FALSE(i.last.reason.empty()) << state.name << " + " << event.name;
        }
}

} // namespace
} // namespace keel::core
