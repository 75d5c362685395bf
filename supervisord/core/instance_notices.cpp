// What the process itself says: that it is ready, that it lives, that it is about to leave; and
// what follows when it says nothing.
#include "base/text.hpp"
#include "core/instance_moves.hpp"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>

namespace keel::core {
namespace {

/// None: the unit has no watchdog.
std::optional<Duration> watchdog_of(const Here& h)
{
    if (h.spec.watchdog == Duration{0}) return std::nullopt;
    return h.instance.said.watchdog.value_or(h.spec.watchdog);
}

void take_in(Here& h, const Notice& notice)
{
    Said& said = h.instance.said;
    if (notice.phase) said.phase = *notice.phase;
    if (notice.status) said.status = *notice.status;
    if (notice.watchdog) said.watchdog = notice.watchdog;
    if (notice.life == Notice::Life::sign) await_life(h);
    if (notice.watchdog) await_life_anew(h);
}

/// Asked to end by SIGABRT: unless the program has other ideas, it leaves a core of what it hung
/// in, where limits.core lets it. What follows is as with a failed liveness.
InstanceStep fail_for_watchdog(Here& h, SpawnId spawn, const std::string& what, Duration detection)
{
    auto after = judge_trouble(h, {{StartCause::watchdog, {}, "watchdog: " + what, {}}, detection});
    after.signal_number = SIGABRT;
    return ask_to_stop(h, spawn, std::move(after));
}

/// What any process in service may say; none: it goes on as it was.
std::optional<InstanceStep> heed(Here& h, SpawnId spawn, const Notice& notice)
{
    take_in(h, notice);
    heed_reload(h, notice);
    if (notice.life != Notice::Life::trouble || is_left_alone(h)) return std::nullopt;
    return fail_for_watchdog(h, spawn, "it said WATCHDOG=trigger", Duration{0});
}

InstanceStep note(Here& h, const Notice& notice)
{
    const std::string text = to_text(notice);
    return stay(h, text.empty() ? "said nothing that matters" : "said " + text);
}

/// `at`, moved to `span` from now, yet never beyond extension_max times the timeout.
MonoTime extended(const Here& h, MonoTime at, MonoTime began, Duration timeout, Duration span)
{
    return std::max(at, std::min(h.now() + span, began + extension_max * timeout));
}

bool passes_readiness(const Here& h)
{
    return all_pass(h, [](const units::ProbeSpec& probe) { return probe.role.readiness; });
}

bool is_told_of_readiness(const units::UnitSpec& spec)
{
    return spec.ready == units::ReadyBy::notify || spec.ready == units::ReadyBy::log ||
           spec.ready == units::ReadyBy::descriptor;
}

/// Whether something is due only because nothing was heard.
bool is_silence_due(const Here& h)
{
    if (is_left_alone(h)) return false;
    const Said& said = h.instance.said;
    if (said.life_by && h.now() >= *said.life_by) return true;
    const auto* starting = std::get_if<Starting>(&h.instance.state);
    return starting != nullptr && is_told_of_readiness(h.spec) && starting->ready_by &&
           h.now() >= *starting->ready_by;
}

} // namespace

std::string awaited_for_readiness(const units::UnitSpec& spec)
{
    switch (spec.ready) {
    case units::ReadyBy::notify: return "once it says READY=1";
    case units::ReadyBy::log:
        return fmt::format("once a line of its output matches `{}`", spec.ready_line);
    case units::ReadyBy::descriptor:
        return fmt::format("once it writes a newline to descriptor {}", spec.ready_fd);
    case units::ReadyBy::probe: return "once its probes pass";
    case units::ReadyBy::exec: break;
    }
    return "as soon as it runs";
}

InstanceStep on(Here& h, const Starting& s, const Notified& e)
{
    note_started(h);
    if (auto failed = heed(h, s.spawn, e.notice)) return std::move(*failed);
    if (e.notice.phase == Phase::ready && h.spec.ready == units::ReadyBy::notify)
        return become_ready(h, s.spawn, "said " + to_text(e.notice));
    auto& starting = std::get<Starting>(h.instance.state);
    if (e.notice.extension && starting.ready_by)
        starting.ready_by = extended(h, *starting.ready_by, starting.since, h.spec.start.timeout,
                                     *e.notice.extension);
    return note(h, e.notice);
}

InstanceStep on(Here& h, const Starting& s, const ShownReady& e)
{
    note_started(h);
    if (h.spec.ready != e.by) return stay(h, e.how);
    return become_ready(h, s.spawn, e.how);
}

InstanceStep on(Here& h, const Ready& s, const Notified& e)
{
    if (auto failed = heed(h, s.spawn, e.notice)) return std::move(*failed);
    if (e.notice.phase == Phase::stopping)
        return become_unready(h, s.spawn, "said " + to_text(e.notice));
    return note(h, e.notice);
}

InstanceStep on(Here& h, const Unready& s, const Notified& e)
{
    const bool was_leaving = h.instance.said.phase == Phase::stopping;
    if (auto failed = heed(h, s.spawn, e.notice)) return std::move(*failed);
    if (was_leaving && e.notice.phase == Phase::ready && passes_readiness(h))
        return become_ready(h, s.spawn, "said " + to_text(e.notice));
    return note(h, e.notice);
}

InstanceStep on(Here& h, const Stopping& s, const Notified& e)
{
    auto& stopping = std::get<Stopping>(h.instance.state);
    if (e.notice.phase) h.instance.said.phase = *e.notice.phase;
    if (e.notice.status) h.instance.said.status = *e.notice.status;
    if (e.notice.extension && s.stage == KillStage::asked)
        stopping.escalate_at = extended(h, s.escalate_at, h.instance.since.mono,
                                        h.spec.stop.timeout, *e.notice.extension);
    return note(h, e.notice);
}

void await_life(Here& h)
{
    if (const auto interval = watchdog_of(h)) h.instance.said.life_by = h.now() + *interval;
}

void await_life_anew(Here& h)
{
    h.instance.said.hear_by.reset();
    if (h.instance.said.life_by) await_life(h);
}

std::optional<InstanceStep> missed_watchdog(Here& h, SpawnId spawn)
{
    const auto& life_by = h.instance.said.life_by;
    if (!life_by || h.now() < *life_by) return std::nullopt;
    if (is_left_alone(h)) {
        await_life(h);
        return std::nullopt;
    }
    const Duration interval = watchdog_of(h).value_or(Duration{0});
    return fail_for_watchdog(h, spawn, "no WATCHDOG=1 for " + keel::to_text(interval), interval);
}

std::optional<InstanceStep> hear_first(Here& h, SpawnId spawn)
{
    auto& hear_by = h.instance.said.hear_by;
    if (hear_by && h.now() >= *hear_by) {
        hear_by.reset();
        return std::nullopt;
    }
    if (!hear_by && !is_silence_due(h)) return std::nullopt;
    if (!hear_by) {
        hear_by = h.now() + hearing_patience;
        h.actions.emplace_back(HearOut{spawn});
    }
    run_due_probes(h);
    return stay(h, "not heard for too long: what it may have said is read first");
}

} // namespace keel::core
