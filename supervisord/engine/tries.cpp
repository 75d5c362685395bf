// Probes that a person asks for: each once, now, and nothing follows from what they find.
#include "base/text.hpp"
#include "engine/engine.hpp"
#include "units/placeholders.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace keel::engine {
namespace {

/// Of one question; each takes descriptors, or a process.
constexpr std::size_t tries_max = 256;

core::ProbeView view_of(const units::ProbeSpec& probe, const core::ProbeAnswer& answer)
{
    return {probe.name, answer.verdict, answer.kind, answer.latency, answer.detail};
}

} // namespace

ports::ProbeRequest Engine::request_for(InstanceId id, const units::ProbeSpec& probe)
{
    const units::UnitSpec& spec = host_.spec(id.unit);
    const std::string release = release_of(id);
    const auto values = values_for(spec, id.slot, options_.runtime_root, release);
    ports::ProbeRequest request;
    request.attempt = ports::AttemptId{next_attempt_++};
    request.target = units::fill(probe.target, values);
    request.timeout = probe.timeout;
    if (std::holds_alternative<units::ExecTarget>(probe.target))
        request.plan =
            make_plan(spec, id.slot, identities_[number(id.unit)], options_.runtime_root, release);
    return request;
}

std::optional<ports::Refusal> Engine::try_probes(const std::string& unit, std::optional<Slot> slot,
                                                 Tried done)
{
    using enum ports::Refusal::Kind;
    const auto id = host_.find(unit);
    if (!id) return ports::Refusal{no_such_unit, "there is no unit " + unit, {}};
    const units::UnitSpec& spec = host_.spec(*id);
    std::vector<InstanceId> instances;
    for (Slot each = 1; each <= spec.instances; ++each)
        if (!slot || *slot == each) instances.push_back({*id, each});
    const std::size_t count = instances.size() * spec.probes.size();
    if (count > tries_max)
        return ports::Refusal{
            unusable,
            fmt::format("{} has {} probes in all, and {} at a time can be tried: name an instance",
                        unit, count, tries_max),
            {}};
    if (tries_.contains(unit))
        return ports::Refusal{
            conflict, fmt::format("somebody tries the probes of {} just now", unit), {}};
    if (count == 0)
        ports_.loop.defer([done = std::move(done)] { done({}); });
    else
        begin_tries(unit, instances, std::move(done));
    return std::nullopt;
}

void Engine::begin_tries(const std::string& unit, const std::vector<InstanceId>& instances,
                         Tried done)
{
    struct Trial {
        std::vector<core::TriedProbe> found;
        std::size_t missing;
        Tried done;
    };
    const auto& probes = host_.spec(instances.front().unit).probes;
    const auto trial =
        std::make_shared<Trial>(Trial{{}, instances.size() * probes.size(), std::move(done)});
    trial->found.resize(trial->missing);
    std::size_t place = 0;
    for (const InstanceId id : instances)
        for (const units::ProbeSpec& probe : probes) {
            trial->found[place].instance = subject(id.unit, id.slot);
            const ports::ProbeRequest request = request_for(id, probe);
            tries_[unit].push_back(request.attempt);
            ports_.prober.probe(
                request, [this, unit, trial, place, probe,
                          alive = std::weak_ptr<int>(alive_)](const core::ProbeAnswer& answer) {
                    if (alive.expired()) return;
                    trial->found[place].probe = view_of(probe, answer);
                    if (--trial->missing > 0) return;
                    tries_.erase(unit);
                    trial->done(trial->found);
                });
            ++place;
        }
}

void Engine::break_off_tries()
{
    for (const auto& [unit, attempts] : std::exchange(tries_, {}))
        for (const ports::AttemptId attempt : attempts)
            ports_.prober.cancel(attempt);
}

} // namespace keel::engine
