// What is kept over boots besides the ledger: numbers that were given out, and counts that were
// told. Nothing that anybody was told is taken back, whatever became of the engine or of the host.
#include "engine/counter_codec.hpp"
#include "engine/engine.hpp"

#include <algorithm>
#include <string>

namespace keel::engine {
namespace {

std::string unit_key(const units::UnitSpec& spec) { return "unit/" + spec.name; }
const std::string told_key = "told";

std::vector<std::string> names_of_probes(const units::UnitSpec& spec)
{
    std::vector<std::string> names;
    for (const units::ProbeSpec& probe : spec.probes)
        names.push_back(probe.name);
    return names;
}

bool counts(const core::Outage& record)
{
    return record.kind == core::OutageKind::outage && record.planned == core::Outage::Planned::no;
}

} // namespace

/// Numbers of earlier boots are not given out again. Where those of this boot are lost, too, as
/// many are left out as may have been given out since the totals were written.
void Engine::recover_numbers(JournalOfBoot journal)
{
    const auto& kept = ports_.totals.recovered();
    const auto saved = kept.find("host");
    const auto totals = saved == kept.end() ? std::nullopt : decode_host(saved->second);
    const bool are_final = kept.contains(key_of_totals_end) || journal == JournalOfBoot::there;
    ports_.totals.erase(key_of_totals_end);
    if (!totals) return;
    const std::uint64_t unseen = are_final ? 0 : 1000;
    const auto beyond = [unseen](auto own, auto other) {
        return std::max(own, decltype(own){number(other) + unseen});
    };
    auto counters = host_.counters();
    counters.next_spawn = beyond(counters.next_spawn, totals->counters.next_spawn);
    counters.next_outage = beyond(counters.next_outage, totals->counters.next_outage);
    host_.restore(counters);
    next_operation_ = beyond(next_operation_, totals->next_operation);
    counters_.adopted_processes = std::max(counters_.adopted_processes, totals->adopted_processes);
    counters_.invariant_failures =
        std::max(counters_.invariant_failures, totals->invariant_failures);
    for (std::size_t verb = 0; verb < counters_.operations.size(); ++verb)
        for (std::size_t i = 0; i < counters_.operations[verb].size(); ++i)
            counters_.operations[verb][i] =
                std::max(counters_.operations[verb][i], totals->operations[verb][i]);
}

void Engine::recover_counts()
{
    const auto& kept = ports_.totals.recovered();
    for (const UnitId id : host_.start_order())
        if (const auto saved = kept.find(unit_key(host_.spec(id))); saved != kept.end())
            raise_to(saved->second, unit_counters_[number(id)], names_of_probes(host_.spec(id)));
    for (const auto* records : {&kept, &ports_.journal.recovered()})
        if (const auto saved = records->find(told_key); saved != records->end())
            recover_told(saved->second);
    for (const auto& [key, record] : kept)
        if (key.starts_with("unit/") && !host_.find(key.substr(5))) ports_.totals.erase(key);
}

void Engine::recover_told(const std::string& record)
{
    const auto told = decode_told(record);
    if (!told) return;
    core::raise_to(told->host, counters_);
    for (const auto& [name, of_unit] : told->units) {
        const auto id = host_.find(name);
        if (!id) continue;
        core::UnitCounters& counted = unit_counters_[number(*id)];
        const auto probes = names_of_probes(host_.spec(*id));
        for (std::size_t i = 0; i < std::min(counted.probes.size(), probes.size()); ++i)
            if (const auto known = of_unit.probes.find(probes[i]); known != of_unit.probes.end())
                core::raise_to(known->second, counted.probes[i]);
        // Those of an outage that goes on come on top, as they did when this was told.
        if (core::open_outage(host_.unit(*id).outage) == nullptr)
            counted.outage_seconds = std::max(counted.outage_seconds, of_unit.outage_seconds);
    }
}

void Engine::keep_counts(UnitId id)
{
    const units::UnitSpec& spec = host_.spec(id);
    ports_.totals.put(unit_key(spec), encode(unit_counters_[number(id)], names_of_probes(spec)));
}

void Engine::write_down_counts() const
{
    ToldCounts told{counters_, {}};
    const MonoTime now = ports_.loop.now().mono;
    for (const UnitId id : host_.start_order()) {
        const core::UnitCounters& counted = unit_counters_[number(id)];
        ToldCounts::OfUnit& unit = told.units[host_.spec(id).name];
        const auto probes = names_of_probes(host_.spec(id));
        for (std::size_t i = 0; i < std::min(counted.probes.size(), probes.size()); ++i)
            unit.probes[probes[i]] = counted.probes[i];
        unit.outage_seconds = counted.outage_seconds;
        const core::OutageFold& fold = host_.unit(id).outage;
        const core::Outage* open = core::open_outage(fold);
        if (open != nullptr && counts(*open) && fold.counted == core::OutageFold::Counted::yes)
            unit.outage_seconds += seconds(core::length_of(fold, now));
    }
    const std::string record = encode(told);
    ports_.journal.put(told_key, record);
    ports_.totals.put(told_key, record);
}

} // namespace keel::engine
