#include "core/health.hpp"

#include <algorithm>

namespace keel::core {

using namespace std::chrono_literals;

bool is_passing(const units::ProbeSpec& spec, const ProbeHealth& health)
{
    return health.counter >= spec.successes;
}

void forgive(const units::ProbeSpec& spec, ProbeHealth& health)
{
    health.counter = spec.successes + spec.failures - 1;
    health.liveness_fails = 0;
    health.held_back.reset();
    health.failing_since.reset();
}

HealthChange observe(const units::ProbeSpec& spec, ProbeHealth& health, const ProbeAnswer& answer,
                     MonoTime now)
{
    health.answer_by.reset();
    health.last = answer;
    if (answer.verdict == Verdict::unknown) {
        ++health.unknown_run;
        return HealthChange::unchanged;
    }
    health.unknown_run = 0;
    const bool passed_before = is_passing(spec, health);
    if (answer.verdict == Verdict::pass) {
        const bool at_rest = passed_before && !health.failing_since;
        health.failing_since.reset();
        health.liveness_fails = 0;
        health.held_back.reset();
        if (++health.counter >= spec.successes) forgive(spec, health);
        if (is_passing(spec, health) != passed_before) return HealthChange::changed;
        return at_rest ? HealthChange::unchanged : HealthChange::pending;
    }
    if (!health.failing_since) health.failing_since = now;
    if (!passed_before) {
        health.counter = 0;
        return HealthChange::unchanged;
    }
    if (--health.counter >= spec.successes) return HealthChange::pending;
    health.counter = 0;
    return HealthChange::changed;
}

bool gates_readiness(const units::ProbeSpec& spec)
{
    return spec.role.startup || spec.role.readiness;
}

Duration startup_pause(const units::ProbeSpec& spec, Duration since_spawn)
{
    const Duration ramp = since_spawn < 200ms ? Duration{10ms} : since_spawn / 10;
    const bool is_exec = std::holds_alternative<units::ExecTarget>(spec.target);
    return std::min(spec.interval, std::max(ramp, is_exec ? Duration{100ms} : Duration{0}));
}

} // namespace keel::core
