#include "core/instance.hpp"
#include "core/instance_moves.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::core {

std::string to_text(const BlockedOn& on)
{
    switch (on.kind) {
    case BlockedOn::Kind::dependency: return "blocked on " + on.what;
    case BlockedOn::Kind::storm: return "blocked by the storm brake";
    case BlockedOn::Kind::descriptors: return fmt::format("blocked ({})", on.what);
    case BlockedOn::Kind::hold: return fmt::format("blocked by the hold of {}", on.what);
    case BlockedOn::Kind::release: return "blocked (no release)";
    case BlockedOn::Kind::shutdown: break;
    }
    return "blocked: keeld is stopping";
}

bool is_away_for_liveness(const InstanceState& state)
{
    return std::visit(
        [](const auto& s) {
            if constexpr (requires { s.cause; }) return s.cause == StartCause::liveness;
            return false;
        },
        state);
}

bool serves(const InstanceState& state)
{
    return std::holds_alternative<Ready>(state) || std::holds_alternative<Done>(state);
}

std::optional<SpawnId> spawn_of(const InstanceState& state)
{
    return std::visit(
        [](const auto& s) -> std::optional<SpawnId> {
            if constexpr (HoldsASpawn<std::remove_cvref_t<decltype(s)>>) return s.spawn;
            return std::nullopt;
        },
        state);
}

std::vector<SpawnId> spawns_of(const Instance& instance)
{
    std::vector<SpawnId> spawns;
    const auto* stopping = std::get_if<Stopping>(&instance.state);
    const bool is_over = stopping != nullptr && stopping->stage == KillStage::emptied;
    if (const auto own = spawn_of(instance.state); own && !is_over) spawns.push_back(*own);
    if (instance.hook) spawns.push_back(instance.hook->spawn);
    return spawns;
}

bool is_reloading(const Instance& instance)
{
    return instance.reload_by || (instance.hook && instance.hook->hook == units::Hook::reload);
}

bool has_process(const Instance& instance)
{
    return instance.hook.has_value() || spawn_of(instance.state).has_value();
}

bool is_outdated(const units::UnitSpec& spec, const Instance& instance)
{
    const InstanceState& state = instance.state;
    const bool awaits_its_making =
        std::holds_alternative<Stopped>(state) || std::holds_alternative<Blocked>(state) ||
        std::holds_alternative<Preparing>(state) || std::holds_alternative<Stopping>(state);
    return !awaits_its_making && instance.recipe != spec.recipe;
}

namespace {
std::optional<MonoTime> deadline_of_state(const InstanceState& state)
{
    if (const auto* s = std::get_if<Blocked>(&state)) return s->retry_at;
    if (const auto* s = std::get_if<Starting>(&state)) return s->ready_by;
    if (const auto* s = std::get_if<Unready>(&state)) return s->limit_at;
    if (const auto* s = std::get_if<Stopping>(&state); s && s->stage != KillStage::emptied)
        return s->escalate_at;
    if (const auto* s = std::get_if<Backoff>(&state)) return s->retry_at;
    return std::nullopt;
}

std::optional<MonoTime> earlier(std::optional<MonoTime> a, std::optional<MonoTime> b)
{
    if (a && b) return std::min(*a, *b);
    return a ? a : b;
}
} // namespace

std::optional<MonoTime> patience_end_of(const units::UnitSpec& spec, const Instance& instance)
{
    const Said& said = instance.said;
    auto earliest =
        said.hear_by ? said.hear_by : earlier(deadline_of_state(instance.state), said.life_by);
    if (instance.hook) earliest = earlier(earliest, instance.hook->due);
    earliest = earlier(earliest, instance.reload_by);
    for (std::size_t i = 0; i < instance.probes.size(); ++i)
        if (const auto& health = instance.probes[i];
            is_probed(spec.probes[i], instance.state) && health.held_back && !said.hear_by)
            earliest = earlier(earliest, health.held_back->until);
    return earliest;
}

std::optional<MonoTime> deadline_of(const units::UnitSpec& spec, const Instance& instance)
{
    auto earliest = patience_end_of(spec, instance);
    for (std::size_t i = 0; i < instance.probes.size(); ++i)
        if (is_probed(spec.probes[i], instance.state))
            earliest = earlier(earliest,
                               instance.probes[i].answer_by.value_or(instance.probes[i].next_at));
    return earliest;
}

Duration failing_for(const units::UnitSpec& spec, const Instance& instance, MonoTime now)
{
    Duration longest{0};
    for (std::size_t i = 0; i < instance.probes.size(); ++i) {
        const ProbeHealth& health = instance.probes[i];
        const bool counts = spec.probes[i].role.readiness && health.failing_since;
        if (counts && !is_passing(spec.probes[i], health))
            longest = std::max(longest, now - *health.failing_since);
    }
    return longest;
}

} // namespace keel::core
