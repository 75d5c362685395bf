#include "metrics/collector.hpp"

#include "base/ensure.hpp"
#include "base/text.hpp"
#include "metrics/catalogue.hpp"

#include <initializer_list>
#include <limits>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace keel::metrics {
namespace {

using prometheus::ClientMetric;

prometheus::MetricType type_of(Kind kind)
{
    switch (kind) {
    case Kind::gauge: return prometheus::MetricType::Gauge;
    case Kind::counter: return prometheus::MetricType::Counter;
    case Kind::histogram: return prometheus::MetricType::Histogram;
    }
    return prometheus::MetricType::Untyped;
}

/// All families, filled unit by unit.
class Families {
public:
    Families()
    {
        for (const MetricSpec& spec : catalogue) {
            prometheus::MetricFamily family;
            family.name = spec.name;
            family.help = spec.help;
            family.type = type_of(spec.kind);
            list_.push_back(std::move(family));
        }
    }

    /// `labels`: values in the order of the catalogue.
    void add(Metric metric, std::initializer_list<std::string_view> labels, double value)
    {
        ClientMetric sample;
        if (spec_of(metric).kind == Kind::counter)
            sample.counter.value = value;
        else
            sample.gauge.value = value;
        push(metric, labels, std::move(sample));
    }

    void add(Metric metric, std::initializer_list<std::string_view> labels, std::uint64_t value)
    {
        add(metric, labels, static_cast<double>(value));
    }

    /// One series per name of E; `skip`: one that is never counted.
    template <NamedEnum E>
    void add_each(Metric metric, std::string_view whose, const core::CountBy<E>& counts,
                  std::optional<E> skip = std::nullopt)
    {
        for (std::size_t i = 0; i < counts.size(); ++i)
            if (!skip || static_cast<std::size_t>(*skip) != i)
                add(metric, {whose, names_of<E>[i]}, counts[i]);
    }

    void add(Metric metric, const core::Histogram& histogram)
    {
        ClientMetric sample;
        std::uint64_t total = 0;
        for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
            total += histogram.counts[i];
            const double bound = i < histogram.bounds.size()
                                     ? histogram.bounds[i]
                                     : std::numeric_limits<double>::infinity();
            sample.histogram.bucket.push_back({total, bound});
        }
        sample.histogram.sample_count = total;
        sample.histogram.sample_sum = histogram.sum;
        push(metric, {}, std::move(sample));
    }

    /// One more, of the unit's own, for the series that was added last.
    void add_label(Metric metric, const std::string& label, std::string value)
    {
        list_[static_cast<std::size_t>(metric)].metric.back().label.push_back(
            {label, std::move(value)});
    }

    std::vector<prometheus::MetricFamily> take() { return std::move(list_); }

private:
    void push(Metric metric, std::initializer_list<std::string_view> labels, ClientMetric sample)
    {
        const MetricSpec& spec = spec_of(metric);
        ENSURE(labels.size() == label_count(spec),
               "a series has the labels of its catalogue entry");
        std::size_t i = 0;
        for (const std::string_view value : labels)
            sample.label.push_back({std::string(spec.labels[i++]), std::string(value)});
        list_[static_cast<std::size_t>(metric)].metric.push_back(std::move(sample));
    }

    std::vector<prometheus::MetricFamily> list_;
};

void add_standing(Families& out, const core::UnitView& unit)
{
    const bool has_enough = unit.ready >= unit.min_ready;
    out.add(Metric::unit_up, {unit.name}, has_enough ? 1.0 : 0.0);
    for (std::size_t i = 0; i < names_of<core::UnitStatus>.size(); ++i)
        out.add(Metric::unit_status, {unit.name, names_of<core::UnitStatus>[i]},
                static_cast<std::size_t>(unit.status) == i ? 1.0 : 0.0);
    out.add(Metric::unit_ready_instances, {unit.name}, std::uint64_t{unit.ready});
    out.add(Metric::unit_wanted_instances, {unit.name}, std::uint64_t{unit.wanted_instances});
    out.add(Metric::unit_held, {unit.name}, unit.held ? 1.0 : 0.0);
    out.add(Metric::unit_info, {unit.name, printable(unit.description)}, 1.0);
    for (const auto& [label, value] : unit.labels)
        out.add_label(Metric::unit_info, label, printable(value));
    out.add(Metric::ladder_rung, {unit.name}, std::uint64_t{unit.rung_index});
    out.add(Metric::ladder_last_rung, {unit.name}, std::uint64_t{unit.rung_last});
}

void add_releases(Families& out, const UnitSnapshot& unit)
{
    const core::UnitView& view = unit.view;
    if (view.deploys == core::UnitView::Deploys::no) return;
    const bool is_good = view.release_good == core::UnitView::Good::yes;
    if (!view.release.empty())
        out.add(Metric::release_info, {view.name, view.release, is_good ? "yes" : "no"}, 1.0);
    out.add_each<core::CloseDeployment::Outcome>(Metric::deploys, view.name, unit.counters.deploys);
}

/// What the contract counts as down: an unplanned outage that has outlived its grace.
const core::OutageView* counted_outage(const core::UnitView& unit)
{
    if (!unit.outage) return nullptr;
    const bool counts = unit.outage->record.kind == core::OutageKind::outage &&
                        unit.outage->record.planned == core::Outage::Planned::no &&
                        unit.outage->counted == core::OutageFold::Counted::yes;
    return counts ? &*unit.outage : nullptr;
}

void add_outages(Families& out, const UnitSnapshot& unit)
{
    const std::string& name = unit.view.name;
    const core::OutageView* open = counted_outage(unit.view);
    const double length = open != nullptr ? seconds(open->length) : 0.0;
    const double since =
        open != nullptr ? seconds(open->record.opened.wall.time_since_epoch()) : 0.0;
    out.add_each<core::OutageCause>(Metric::outages, name, unit.counters.outages);
    out.add(Metric::outage_seconds, {name}, unit.counters.outage_seconds + length);
    out.add(Metric::outage_open, {name}, open != nullptr ? 1.0 : 0.0);
    out.add(Metric::outage_open_since, {name}, since);
}

void add_availability(Families& out, const std::string& unit, const Availabilities::Latest& all)
{
    static const Ratios unknown{};
    const auto found = all != nullptr ? all->find(unit) : RatiosByUnit::const_iterator{};
    const bool is_known = all != nullptr && found != all->end();
    for (std::size_t i = 0; i < windows.size(); ++i)
        out.add(Metric::availability, {unit, windows[i].name},
                (is_known ? found->second : unknown)[i].value_or(
                    std::numeric_limits<double>::quiet_NaN()));
}

/// The latest answer of one probe on one instance; none: nothing runs, or none has come yet.
const core::ProbeView* answer_of(const core::InstanceView& instance, std::size_t probe)
{
    if (probe >= instance.probes.size() || !instance.probes[probe].verdict) return nullptr;
    return &instance.probes[probe];
}

void add_probes(Families& out, const UnitSnapshot& unit)
{
    const std::string& name = unit.view.name;
    for (std::size_t i = 0; i < unit.probes.size(); ++i) {
        for (const auto& instance : unit.view.instances) {
            const std::string slot = std::to_string(instance.slot);
            const core::ProbeView* answer = answer_of(instance, i);
            const bool passes = answer != nullptr && answer->verdict == core::Verdict::pass;
            out.add(Metric::probe_up, {name, slot, unit.probes[i]}, passes ? 1.0 : 0.0);
            out.add(Metric::probe_duration, {name, slot, unit.probes[i]},
                    answer != nullptr ? seconds(answer->latency) : 0.0);
        }
        static const core::ProbeCounters none;
        const auto& counts = i < unit.counters.probes.size() ? unit.counters.probes[i] : none;
        for (std::size_t v = 0; v < counts.verdicts.size(); ++v)
            out.add(Metric::probe_verdicts, {name, unit.probes[i], names_of<core::Verdict>[v]},
                    counts.verdicts[v]);
    }
}

void add_unit(Families& out, const UnitSnapshot& unit)
{
    const std::string& name = unit.view.name;
    add_standing(out, unit.view);
    out.add_each<core::StartCause>(Metric::restarts, name, unit.counters.starts,
                                   core::StartCause::wanted);
    out.add_each<core::Restraint>(Metric::liveness_restraints, name, unit.counters.restraints);
    out.add_each<core::SetupStage>(Metric::spawn_failures, name, unit.counters.spawn_failures);
    add_outages(out, unit);
    add_releases(out, unit);
    out.add(Metric::log_bytes, {name}, unit.log.bytes);
    out.add(Metric::log_dropped_bytes, {name}, unit.log.dropped_bytes);
    out.add(Metric::cpu_seconds, {name}, seconds(unit.usage.cpu));
    out.add(Metric::memory_bytes, {name}, unit.usage.memory_bytes);
    out.add(Metric::processes, {name}, unit.usage.processes);
    out.add(Metric::oom_kills, {name}, unit.usage.oom_kills);
    add_probes(out, unit);
}

} // namespace

std::vector<prometheus::MetricFamily> Collector::Collect() const
{
    Families out;
    for (const UnitSnapshot& unit : snapshot_.units) {
        add_unit(out, unit);
        add_availability(out, unit.view.name, snapshot_.availabilities);
    }
    const core::HostCounters& host = snapshot_.host;
    out.add(Metric::restart_latency, host.restart_latency);
    out.add(Metric::outage_detection, host.outage_detection);
    out.add(Metric::outage_recovery, host.outage_recovery);
    out.add(Metric::probe_latency, host.probe_latency);
    out.add(Metric::loop_lag, host.loop_lag);
    for (const auto& [channel, counts] : snapshot_.notifications)
        out.add_each<ports::NotificationResult>(Metric::notifications, channel, counts);
    for (std::size_t verb = 0; verb < host.operations.size(); ++verb)
        for (std::size_t result = 0; result < host.operations[verb].size(); ++result)
            out.add(Metric::operations,
                    {names_of<core::Verb>[verb], names_of<core::OperationResult::Outcome>[result]},
                    host.operations[verb][result]);
    out.add(Metric::engine_starts, {}, host.engine_starts);
    out.add(Metric::adopted_processes, {}, host.adopted_processes);
    const bool has_failed = host.last_apply.outcome == core::LastApply::Outcome::failed;
    out.add(Metric::config_last_apply_success, {}, has_failed ? 0.0 : 1.0);
    out.add(Metric::config_last_apply_timestamp, {},
            seconds(host.last_apply.at.time_since_epoch()));
    out.add(Metric::invariant_failures, {}, host.invariant_failures);
    out.add(Metric::build_info, {snapshot_.version}, 1.0);
    return out.take();
}

std::string page_of(const Snapshot& snapshot)
{
    return prometheus::TextSerializer().Serialize(Collector(snapshot).Collect());
}

} // namespace keel::metrics
