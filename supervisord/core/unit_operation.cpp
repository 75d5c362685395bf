#include "core/unit_moves.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::core {
namespace {

std::string took(const UnitMaking& m, const Operation& op)
{
    const Duration length = m.now() - op.began;
    return length == Duration{0} ? "at once" : "in " + to_human(length);
}

/// Restarts the next slot of a rolling restart once all slots before it are in service again.
void roll_on(UnitMaking& m)
{
    while (m.unit().operation && !m.unit().operation->waiting.empty()) {
        Operation& op = *m.unit().operation;
        const auto is_waiting = [&](Slot slot) {
            return std::ranges::find(op.waiting, slot) != op.waiting.end();
        };
        const bool others_serve = std::ranges::all_of(op.targets, [&](Slot slot) {
            return is_waiting(slot) || serves(m.instance(slot).state);
        });
        if (!others_serve) return;
        const Slot next = op.waiting.front();
        op.waiting.erase(op.waiting.begin());
        // One that has come back by itself meanwhile is made as it should be.
        const bool is_owed =
            op.which == Operation::Which::all || is_outdated(m.spec, m.instance(next));
        if (is_owed) run_instance(m, next, RestartWanted{});
    }
}

void begin_restart(UnitMaking& m)
{
    Operation& op = *m.unit().operation;
    const std::vector<Slot> targets = op.targets;
    const bool rolls = targets.size() > 1;
    for (const Slot slot : targets)
        if (rolls && serves(m.instance(slot).state)) op.waiting.push_back(slot);
    const std::vector<Slot> waiting = op.waiting;
    for (const Slot slot : targets)
        if (std::ranges::find(waiting, slot) == waiting.end())
            run_instance(m, slot, RestartWanted{});
}

/// A target that was given up without a failure of its own: it will not come into service.
const Instance* given_up(const UnitMaking& m, const Operation& op)
{
    for (const Slot slot : op.targets) {
        const Instance& instance = m.unit().instances[slot - 1U];
        if (std::holds_alternative<Failed>(instance.state)) return &instance;
    }
    return nullptr;
}

/// A target that only a deployment brings into service.
bool lacks_release(const UnitMaking& m, const Operation& op)
{
    return std::ranges::any_of(op.targets, [&](Slot slot) {
        const auto* blocked = std::get_if<Blocked>(&m.unit().instances[slot - 1U].state);
        return blocked != nullptr && blocked->on.kind == BlockedOn::Kind::release;
    });
}

} // namespace

void end_operation(UnitMaking& m, OperationResult::Outcome outcome, std::string text)
{
    const Operation op = *m.unit().operation;
    m.unit().operation.reset();
    m.out.notes.emplace_back(OperationEnded{{op.id, op.verb, outcome, std::move(text)}});
}

void break_off_operation(UnitMaking& m, const std::string& why)
{
    if (m.unit().operation) end_operation(m, OperationResult::Outcome::failed, why);
}

void cancel_operation(UnitMaking& m, const CancelAsked& asked)
{
    if (!m.unit().operation || m.unit().operation->id != asked.id) return;
    const Operation& op = *m.unit().operation;
    if (!can_be_cancelled(op.verb)) return;
    if (is_deployment(op.verb)) return abort_deployment(m, "cancelled by " + asked.by);
    const std::size_t whole = op.targets.size();
    const std::string what_stays =
        op.verb == Verb::start ? "it stays wanted up"
        : op.waiting.empty()
            ? "what has begun goes on"
            : fmt::format("{} of {} instances keep their process", op.waiting.size(), whole);
    end_operation(m, OperationResult::Outcome::cancelled,
                  fmt::format("cancelled by {}; {}", asked.by, what_stays));
}

void begin_operation(UnitMaking& m, const Asked& asked)
{
    const auto& before = m.unit().operation;
    const bool undoes = before && is_deployment(before->verb);
    break_off_operation(
        m, undoes ? fmt::format("{} asked for by {}: it is undone", name(asked.verb), asked.by)
                  : "superseded by a later request");
    Operation op{asked.id, asked.verb, asked.by, m.inputs.now.wall, m.now(),
                 {},       {},         {},       asked.which};
    for (Slot slot = 1; slot <= m.spec.instances; ++slot) {
        const bool concerns =
            asked.which == Operation::Which::all || is_outdated(m.spec, m.instance(slot));
        if (concerns && (!asked.slot || *asked.slot == slot)) op.targets.push_back(slot);
    }
    m.unit().operation = std::move(op);
    const bool stops = asked.verb == Verb::stop || asked.verb == Verb::hold;
    if (stops && !is_left_alone(m.unit())) run_all(m, StopWanted{});
    if (asked.verb == Verb::restart) begin_restart(m);
}

void progress_operation(UnitMaking& m)
{
    using enum OperationResult::Outcome;
    if (!m.unit().operation) return;
    const Operation& op = *m.unit().operation;
    if (op.verb == Verb::reload) return progress_reload(m);
    if (is_deployment(op.verb)) { // Its deployment ends it.
        if (!m.unit().deployment) end_operation(m, failed, "nothing is known of it any more");
        return;
    }
    if (op.verb == Verb::hold && is_left_alone(m.unit())) {
        end_operation(m, done,
                      has_process(m.unit()) ? "held, its process left running"
                                            : "held as it is: no process of it runs");
        return;
    }
    if (op.verb == Verb::stop || op.verb == Verb::hold) {
        const bool all_down = std::ranges::all_of(op.targets, [&](Slot slot) {
            return std::holds_alternative<Stopped>(m.instance(slot).state);
        });
        const std::string_view held = op.verb == Verb::hold ? "held, " : "";
        if (all_down) end_operation(m, done, fmt::format("{}stopped {}", held, took(m, op)));
        return;
    }
    if (!op.failure.empty()) {
        end_operation(m, failed, op.failure);
        return;
    }
    if (lacks_release(m, op)) {
        end_operation(
            m, failed,
            fmt::format("it has no release yet, and starts with its first: keel deploy {} "
                        "RELEASE",
                        m.spec.name));
        return;
    }
    if (const Instance* instance = given_up(m, op)) {
        end_operation(m, failed, instance->reason);
        return;
    }
    roll_on(m);
    if (!m.unit().operation || !m.unit().operation->waiting.empty()) return;
    const bool all_up =
        std::ranges::all_of(op.targets, [&](Slot slot) { return serves(m.instance(slot).state); });
    if (all_up) end_operation(m, done, "ready " + took(m, op));
}

} // namespace keel::core
