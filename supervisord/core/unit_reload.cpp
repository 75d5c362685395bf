// A person's reload: what is in service is told to read its configuration again, all of it at once,
// and the operation is over when all of it has.
#include "base/text.hpp"
#include "core/unit_moves.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::core {
namespace {

bool in_service(const Instance& instance)
{
    return std::holds_alternative<Ready>(instance.state) ||
           std::holds_alternative<Unready>(instance.state);
}

/// Why it cannot be; empty: it can.
std::string objection(const UnitMaking& m)
{
    const units::ReloadSpec& how = m.spec.reload;
    if (how.signal == 0 && how.command.empty())
        return "it has no [reload], which would say how; `keel restart` always works";
    if (hands_of(m) == Inputs::Hands::off) return "it is held as it is";
    if (std::ranges::none_of(m.unit().instances, in_service)) return "nothing of it is in service";
    return {};
}

} // namespace

void begin_reload(UnitMaking& m, const Asked& asked)
{
    using enum OperationResult::Outcome;
    if (const std::string why = objection(m); !why.empty()) {
        m.out.notes.emplace_back(OperationEnded{{asked.id, asked.verb, failed, why}});
        return;
    }
    break_off_operation(m, "superseded by a later request");
    Operation op{asked.id, asked.verb, asked.by, m.inputs.now.wall, m.now(), {}, {}, {}};
    for (Slot slot = 1; slot <= m.spec.instances; ++slot)
        if (in_service(m.instance(slot))) op.targets.push_back(slot);
    m.unit().operation = op;
    for (const Slot slot : op.targets)
        run_instance(m, slot, ReloadWanted{});
}

void progress_reload(UnitMaking& m)
{
    using enum OperationResult::Outcome;
    const Operation& op = *m.unit().operation;
    if (!op.failure.empty()) return end_operation(m, failed, op.failure);
    for (const Slot slot : op.targets) {
        const Instance& instance = m.instance(slot);
        if (!in_service(instance)) return end_operation(m, failed, instance.reason);
        if (is_reloading(instance)) return;
    }
    const Duration took = m.now() - op.began;
    end_operation(m, done, took == Duration{0} ? "reloaded" : "reloaded in " + to_human(took));
}

} // namespace keel::core
