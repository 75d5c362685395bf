#include "metrics/document.hpp"

#include "core/counters.hpp"
#include "metrics/catalogue.hpp"
#include "ports/notifier.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <vector>

namespace keel::metrics {
namespace {

constexpr std::array kind_names =
    std::to_array<std::string_view>({"gauge", "counter", "histogram"});

std::string labels_of(const MetricSpec& spec)
{
    std::vector<std::string> quoted;
    for (std::size_t i = 0; i < label_count(spec); ++i)
        quoted.push_back(fmt::format("`{}`", spec.labels[i]));
    return fmt::format("{}", fmt::join(quoted, ", "));
}

template <class Names> std::string list_of(const Names& names, std::size_t from = 0)
{
    std::vector<std::string> quoted;
    for (std::size_t i = from; i < names.size(); ++i)
        quoted.push_back(fmt::format("`{}`", names[i]));
    return fmt::format("{}", fmt::join(quoted, ", "));
}

std::string bounds_of(std::string_view metric, const core::Histogram& histogram)
{
    return fmt::format("- `{}`: {}\n", metric, fmt::join(histogram.bounds, ", "));
}

} // namespace

std::string catalogue_as_markdown()
{
    std::string text =
        "# Metrics\n\n"
        "Written from the catalogue in `supervisord/metrics/catalogue.hpp`; a test keeps it so.\n"
        "`GET /metrics` serves them, on `127.0.0.1:9632` and on the control socket. Every series\n"
        "exists from the start at 0. The page is at most a second old.\n\n"
        "| name | type | labels | meaning |\n|---|---|---|---|\n";
    for (const MetricSpec& spec : catalogue)
        text += fmt::format("| `{}` | {} | {} | {} |\n", spec.name,
                            kind_names[static_cast<std::size_t>(spec.kind)], labels_of(spec),
                            spec.help);

    const core::HostCounters host;
    text += "\n## Values of labels\n\n";
    text += fmt::format("- `status`: {}\n", list_of(names_of<core::UnitStatus>));
    // The first cause of a start is the one that makes it no restart.
    text += fmt::format("- `reason` of `{}`: {}\n", spec_of(Metric::restarts).name,
                        list_of(names_of<core::StartCause>, 1));
    text += fmt::format("- `reason` of `{}`: {}\n", spec_of(Metric::liveness_restraints).name,
                        list_of(names_of<core::Restraint>));
    text += fmt::format("- `stage`: {}\n", list_of(names_of<core::SetupStage>));
    text += fmt::format("- `cause`: {}\n", list_of(names_of<core::OutageCause>));
    text += fmt::format("- `verdict`: {}\n", list_of(names_of<core::Verdict>));
    text += fmt::format("- `verb`: {}\n", list_of(names_of<core::Verb>));
    text += fmt::format("- `result` of `{}`: {}\n", spec_of(Metric::operations).name,
                        list_of(names_of<core::OperationResult::Outcome>));
    text += fmt::format("- `result` of `{}`: {}\n", spec_of(Metric::notifications).name,
                        list_of(names_of<ports::NotificationResult>));
    text += "- `instance`: the number of the slot, from 1\n";
    text += "\n## Buckets of histograms (upper bounds in seconds, and +Inf)\n\n";
    text += bounds_of(spec_of(Metric::restart_latency).name, host.restart_latency);
    text += bounds_of(spec_of(Metric::outage_detection).name, host.outage_detection);
    text += bounds_of(spec_of(Metric::outage_recovery).name, host.outage_recovery);
    text += bounds_of(spec_of(Metric::probe_latency).name, host.probe_latency);
    text += bounds_of(spec_of(Metric::loop_lag).name, host.loop_lag);
    return text;
}

} // namespace keel::metrics
