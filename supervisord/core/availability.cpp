#include "core/availability.hpp"

namespace keel::core {
namespace {

bool is_down(OutageKind kind) { return kind == OutageKind::outage || kind == OutageKind::blip; }

Spans downtime(const UnitPast& past, Outage::Planned planned)
{
    std::vector<Span> spans;
    for (const Downtime& each : past.downtimes)
        if (is_down(each.kind) && each.planned == planned) spans.push_back(each.span);
    return Spans(std::move(spans));
}

void count(Availability& out, const UnitPast& past, Span window)
{
    Duration sum{0};
    Duration::rep over = 0;
    for (const Downtime& each : past.downtimes) {
        const bool opened = each.span.begin >= window.begin && each.span.begin < window.end;
        if (!opened || !is_down(each.kind)) continue;
        if (each.kind == OutageKind::blip) {
            ++out.blips;
        } else if (each.planned == Outage::Planned::yes) {
            ++out.planned_outages;
        } else {
            ++out.outages;
            if (each.over == Downtime::Over::no) continue;
            sum += each.span.end - each.span.begin;
            ++over;
        }
    }
    if (over > 0) out.recovery = sum / over;
}

} // namespace

std::optional<double> Availability::ratio() const
{
    // All that was wanted, and neither planned nor unknown; so that what was never down is 1.
    const Duration known = ready + down;
    if (known <= Duration{0}) return std::nullopt;
    return seconds(ready) / seconds(known);
}

std::optional<Duration> Availability::between_failures() const
{
    if (outages == 0) return std::nullopt;
    return ready / static_cast<Duration::rep>(outages);
}

Availability availability(const UnitPast& past, const Spans& gaps, Span window)
{
    const Spans wanted = Spans(past.wanted).within(Spans({window}));
    const Spans known = wanted.without(gaps);
    const Spans unplanned = known.without(downtime(past, Outage::Planned::yes));
    const Spans ready = unplanned.without(downtime(past, Outage::Planned::no));
    Availability out;
    out.wanted = wanted.length();
    out.unknown = out.wanted - known.length();
    out.planned = known.length() - unplanned.length();
    out.down = unplanned.length() - ready.length();
    out.ready = ready.length();
    count(out, past, window);
    return out;
}

} // namespace keel::core
