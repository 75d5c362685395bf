#include "engine/counter_codec.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace keel::engine {

using namespace state_json;
using namespace keel::core;

namespace {

constexpr std::array histograms = {
    std::pair{"restart_latency", &HostCounters::restart_latency},
    std::pair{"outage_detection", &HostCounters::outage_detection},
    std::pair{"outage_recovery", &HostCounters::outage_recovery},
    std::pair{"probe_latency", &HostCounters::probe_latency},
    std::pair{"loop_lag", &HostCounters::loop_lag},
};

json put_probes(const std::vector<ProbeCounters>& counters)
{
    json probes = json::array();
    for (const ProbeCounters& p : counters)
        probes.push_back(p.verdicts);
    return probes;
}

void get_histogram(const json& j, Histogram& histogram)
{
    const json& counts = j.at("counts");
    if (counts.size() != histogram.counts.size()) return; // Another version's bounds.
    for (std::size_t i = 0; i < counts.size(); ++i)
        counts[i].get_to(histogram.counts[i]);
    j.at("sum").get_to(histogram.sum);
}

} // namespace

json put_counters(const UnitCounters& c)
{
    return {{"starts", c.starts},
            {"spawn_failures", c.spawn_failures},
            {"restraints", c.restraints},
            {"outages", c.outages},
            {"outage_seconds", c.outage_seconds},
            {"deploys", c.deploys},
            {"probes", put_probes(c.probes)}};
}

void get_counters(const json& j, UnitCounters& c)
{
    get_counts(j.at("starts"), c.starts);
    get_counts(j.at("spawn_failures"), c.spawn_failures);
    if (j.contains("restraints")) get_counts(j.at("restraints"), c.restraints);
    get_counts(j.at("outages"), c.outages);
    j.at("outage_seconds").get_to(c.outage_seconds);
    if (j.contains("deploys")) get_counts(j.at("deploys"), c.deploys);
    const json& probes = j.at("probes");
    for (std::size_t i = 0; i < c.probes.size() && i < probes.size(); ++i)
        get_counts(probes[i], c.probes[i].verdicts);
}

std::string encode(const UnitCounters& counters, const std::vector<std::string>& probes)
{
    json record = put_counters(counters);
    json named = json::object();
    for (std::size_t i = 0; i < std::min(probes.size(), counters.probes.size()); ++i)
        named[probes[i]] = counters.probes[i].verdicts;
    record["probes"] = std::move(named);
    return text(record);
}

void raise_to(std::string_view record, UnitCounters& counters,
              const std::vector<std::string>& probes)
{
    UnitCounters read;
    read.probes.resize(counters.probes.size());
    const bool makes_sense = refuse_or(record, [&](const json& j) {
        const json& named = j.at("probes");
        json in_order = json::array();
        for (const std::string& name : probes)
            in_order.push_back(named.contains(name) ? named[name] : json::array());
        json placed = j;
        placed["probes"] = std::move(in_order);
        get_counters(placed, read);
    });
    if (makes_sense) raise_to(read, counters);
}

std::string encode(const ToldCounts& told)
{
    json host = json::object();
    json units = json::object();
    for (const auto& [name, member] : histograms)
        host[name] = {{"counts", (told.host.*member).counts}, {"sum", (told.host.*member).sum}};
    for (const auto& [name, unit] : told.units) {
        json probes = json::object();
        for (const auto& [probe, counted] : unit.probes)
            probes[probe] = counted.verdicts;
        units[name] = {std::move(probes), unit.outage_seconds};
    }
    return text({{"host", std::move(host)}, {"units", std::move(units)}});
}

std::optional<ToldCounts> decode_told(std::string_view record)
{
    ToldCounts told;
    const bool read = refuse_or(record, [&](const json& j) {
        for (const auto& [name, member] : histograms)
            if (j.at("host").contains(name)) get_histogram(j["host"][name], told.host.*member);
        for (const auto& [name, counts] : j.at("units").items()) {
            ToldCounts::OfUnit& unit = told.units[name];
            for (const auto& [probe, verdicts] : counts.at(0).items())
                get_counts(verdicts, unit.probes[probe].verdicts);
            counts.at(1).get_to(unit.outage_seconds);
        }
    });
    return read ? std::optional(std::move(told)) : std::nullopt;
}

} // namespace keel::engine
