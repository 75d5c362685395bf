#include "cli/words.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>

namespace keel::cli {
namespace {

using core::UnitStatus;

/// What Keel does at next_at, after `in 3.2 s`.
std::string next_of(const core::InstanceView& instance, WallTime now)
{
    if (!instance.next_at) return {};
    const std::string in = to_human(std::max(*instance.next_at - now, Duration{0}));
    if (instance.state == "backoff") return "next start in " + in;
    if (instance.state == "starting") return "must be ready in " + in;
    if (instance.state == "unready") return "must be ready again in " + in;
    if (instance.state == "stopping") return "next signal in " + in;
    if (instance.state == "blocked") return "looked at again in " + in;
    return {};
}

std::string joined(std::string left, const std::string& right)
{
    if (left.empty()) return right;
    if (!right.empty()) left += "; " + right;
    return left;
}

} // namespace

Tone tone_of(UnitStatus status)
{
    switch (status) {
    case UnitStatus::up:
    case UnitStatus::done: return Tone::good;
    case UnitStatus::degraded:
    case UnitStatus::starting:
    case UnitStatus::blocked: return Tone::warning;
    case UnitStatus::down:
    case UnitStatus::failed: return Tone::bad;
    case UnitStatus::held:
    case UnitStatus::stopped: return Tone::dim;
    }
    return Tone::plain;
}

Tone tone_of_state(std::string_view state)
{
    if (state == "ready" || state == "done") return Tone::good;
    if (state == "failed" || state == "backoff") return Tone::bad;
    return state == "stopped" ? Tone::dim : Tone::warning;
}

std::string age(WallTime since, WallTime now)
{
    if (since == WallTime{}) return {};
    return to_human(std::max(now - since, Duration{0}));
}

std::string note_of(const core::InstanceView& instance, WallTime now)
{
    if (core::is_at_rest(instance)) return {};
    return joined(instance.reason, next_of(instance, now));
}

std::string standing_of(const core::UnitView& unit, WallTime now, Colour colour)
{
    std::string text = fmt::format("{} is {}", toned(unit.name, Tone::strong, colour),
                                   toned(name(unit.status), tone_of(unit.status), colour));
    const std::string since = age(unit.since, now);
    if (!since.empty()) text += fmt::format(", and has been for {}", since);
    if (unit.wanted_instances > 1 && is_wanted_up(unit))
        text += fmt::format("; {} of {} instances are ready, {} needed", unit.ready,
                            unit.wanted_instances, unit.min_ready);
    return text;
}

namespace {

/// A line about all units names no instance that is ready.
bool has_process(const core::UnitView& unit)
{
    return unit.ready > 0 || std::ranges::any_of(unit.instances, [](const auto& instance) {
               return instance.pid.has_value();
           });
}

/// `held by ann for 29 min more, its process left running: gdb`
std::string hold_of(const core::UnitView& unit, WallTime now)
{
    const core::Held& held = *unit.held;
    std::string text = "held by " + held.by;
    if (held.until)
        text +=
            fmt::format(" for {} more", to_human(std::max(Duration{0}, held.until->wall - now)));
    if (held.process == core::Held::Process::left_running && has_process(unit))
        text += ", its process left running";
    return held.why.empty() ? text : fmt::format("{}: {}", text, held.why);
}

} // namespace

std::string intervention_of(const core::UnitView& unit, WallTime now)
{
    if (unit.operation)
        return fmt::format("{} by {}{}{}", name(unit.operation->verb), unit.operation->by,
                           unit.operation->step.empty() ? "" : ": ", unit.operation->step);
    if (unit.held) return hold_of(unit, now);
    if (!is_wanted_up(unit) && !is_held(unit)) return "not enabled";
    return {};
}

std::string note_of(const core::UnitView& unit, WallTime now)
{
    if (std::string note = intervention_of(unit, now); !note.empty()) return note;
    for (const auto& instance : unit.instances) {
        const std::string note = note_of(instance, now);
        if (note.empty()) continue;
        return instance.name == unit.name ? note : instance.name + ": " + note;
    }
    return change_of(unit);
}

std::string release_of(const core::UnitView& unit)
{
    if (unit.release.empty()) return {};
    return fmt::format("release {}{}", unit.release,
                       unit.release_good == core::UnitView::Good::yes ? ", which is good" : "");
}

std::string deployment_of(const core::UnitView& unit, WallTime now)
{
    if (!unit.deployment) return {};
    const core::DeploymentView& deployment = *unit.deployment;
    std::string text =
        fmt::format("{} by {}, for {}: {}", core::title_of(deployment.kind, deployment.release),
                    shown_of(deployment.by), age(deployment.since, now), shown_of(deployment.step));
    if (deployment.bytes > 0)
        text += fmt::format(", {}{}", human_size(deployment.bytes),
                            deployment.total ? " of " + human_size(*deployment.total) : "");
    if (!deployment.failure.empty()) text += fmt::format(" ({})", shown_of(deployment.failure));
    return text;
}

std::string change_of(const core::UnitView& unit)
{
    return unit.on_disk == core::UnitView::OnDisk::changed
               ? "changed on disk: `keel plan` shows what, `keel apply` puts it in force"
               : "";
}

bool is_wanted_up(const core::UnitView& unit) { return unit.wanted == "up"; }
bool is_held(const core::UnitView& unit) { return unit.wanted == "held"; }

bool is_well(const core::UnitView& unit)
{
    return unit.status == UnitStatus::up || unit.status == UnitStatus::degraded ||
           unit.status == UnitStatus::done;
}

std::string probe_note(const core::ProbeView& probe)
{
    if (!probe.verdict) return "not answered yet";
    std::string note = *probe.verdict == core::Verdict::pass
                           ? "passes"
                           : fmt::format("{} ({})", name(*probe.verdict), name(probe.kind));
    // The detail tells how long it took where that is of interest.
    return probe.detail.empty() ? note + " in " + to_human(probe.latency)
                                : note + ": " + probe.detail;
}

std::string lasted(const core::OutageView& outage)
{
    const core::Outage& record = outage.record;
    const char* bound = record.begin == core::Outage::Begin::unseen ? "at most "
                        : record.end == core::Outage::End::unseen   ? "at least "
                                                                    : "";
    return bound + to_human(outage.length);
}

std::string began(const core::Outage& outage, WallTime now)
{
    const bool is_seen = outage.begin == core::Outage::Begin::seen;
    return local_time(outage.opened.wall, now) +
           (is_seen ? "" : ", or later: that is when Keel last saw it ready");
}

std::string ended(const core::Outage& outage, WallTime now)
{
    if (!outage.closed) return "not yet";
    const bool is_seen = outage.end == core::Outage::End::seen;
    return local_time(outage.closed->wall, now) +
           (is_seen ? "" : ", or later: Keel was away by then");
}

std::string subject_of(const core::Outage& outage)
{
    return outage.unit.empty() ? "Keel itself" : shown_of(outage.unit);
}

std::string shown_of(std::string_view text)
{
    constexpr std::size_t text_max = 4096; // more than a reason may have
    return printable(text, text_max);
}

std::string local_time(WallTime at, WallTime now)
{
    const auto parts = [](WallTime moment) {
        const auto count = std::chrono::floor<std::chrono::seconds>(moment.time_since_epoch());
        const std::time_t time = count.count();
        std::tm tm{};
        ::localtime_r(&time, &tm);
        return tm;
    };
    const std::tm then = parts(at);
    const std::tm today = parts(now);
    const auto past_second = at.time_since_epoch() % std::chrono::seconds(1);
    std::string time =
        fmt::format("{:02}:{:02}:{:02}.{:03}", then.tm_hour, then.tm_min, then.tm_sec,
                    std::chrono::floor<std::chrono::milliseconds>(past_second).count());
    if (then.tm_year == today.tm_year && then.tm_yday == today.tm_yday) return time;
    return fmt::format("{:04}-{:02}-{:02} {}", then.tm_year + 1900, then.tm_mon + 1, then.tm_mday,
                       time);
}

} // namespace keel::cli
