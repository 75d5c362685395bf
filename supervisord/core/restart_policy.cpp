#include "core/restart_policy.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace keel::core {
namespace {

using units::ExitMatch;
using units::RestartWhen;

bool matches(const std::vector<ExitMatch>& list, const ExitStatus& status)
{
    if (status.kind == ExitStatus::Kind::unknown) return false;
    const auto kind =
        status.kind == ExitStatus::Kind::code ? ExitMatch::Kind::code : ExitMatch::Kind::signal;
    return std::ranges::find(list, ExitMatch{kind, status.number}) != list.end();
}

bool is_about_exit(StartCause cause)
{
    return cause == StartCause::exit || cause == StartCause::signal || cause == StartCause::oom ||
           cause == StartCause::lost;
}

Judgement judge_failure(const units::RestartSpec& spec, const std::string& what)
{
    if (spec.policy == RestartWhen::never)
        return {Outcome::failed, what + "; policy \"never\" forbids a restart"};
    return {Outcome::restart_failed, what};
}

} // namespace

bool is_stable(const units::RestartSpec& spec, ReadyTime ready_for)
{
    // A run that was never ready was not stable, not even where no time at all is asked for.
    return ready_for && *ready_for >= spec.stable_after;
}

Judgement judge(const units::RestartSpec& spec, const Ending& ending)
{
    if (!is_about_exit(ending.cause)) return judge_failure(spec, ending.what);

    const bool clean = matches(spec.success_exit, ending.status);
    if (matches(spec.prevent_exit, ending.status))
        return {clean ? Outcome::done : Outcome::failed, ending.what + "; prevent_exit lists it"};
    if (!clean) return judge_failure(spec, ending.what);
    if (spec.policy != RestartWhen::always) return {Outcome::done, ending.what};
    if (is_stable(spec, ending.ready_for)) return {Outcome::restart_clean, ending.what};
    return {Outcome::restart_failed,
            fmt::format("{} before it was ready for {}", ending.what, to_text(spec.stable_after))};
}

Duration backoff_delay(const units::RestartSpec& spec, Duration cap, std::uint32_t k, double draw)
{
    if (k <= 1 || spec.delay == Duration{0}) return Duration{0}; // 0 × ∞ is no number
    const double ceiling = static_cast<double>(cap.count());
    const double grown =
        static_cast<double>(spec.delay.count()) * std::pow(spec.factor, static_cast<double>(k - 2));
    const double base = std::min(ceiling, grown);
    const double spread = std::clamp(base * (1.0 + spec.jitter * draw), 0.0, ceiling);
    return Duration{static_cast<Duration::rep>(spread)};
}

Duration budget_window(const units::UnitSpec& spec)
{
    Duration slowest = spec.start.timeout + spec.stop.timeout + spec.restart.delay_max;
    for (const units::Hook hook : {units::Hook::stop_pre, units::Hook::stop_post})
        if (units::has_hook(spec, hook)) slowest += units::limit_of(spec, hook);
    return std::max(spec.escalation.window,
                    static_cast<Duration::rep>(spec.escalation.failures) * slowest);
}

void charge(const units::UnitSpec& spec, RestartHistory& history, MonoTime now)
{
    const std::size_t limit = spec.escalation.failures;
    if (limit == 0) return;
    std::erase_if(history.charged, [&](MonoTime at) { return at + budget_window(spec) <= now; });
    history.charged.push_back(now);
    if (history.charged.size() > limit)
        history.charged.erase(history.charged.begin(),
                              history.charged.end() - static_cast<std::ptrdiff_t>(limit));
}

std::uint32_t charged_within(const units::UnitSpec& spec, const RestartHistory& history,
                             MonoTime now)
{
    return static_cast<std::uint32_t>(std::ranges::count_if(
        history.charged, [&](MonoTime at) { return at + budget_window(spec) > now; }));
}

bool is_spent(const units::UnitSpec& spec, const RestartHistory& history, MonoTime now)
{
    return spec.escalation.failures != 0 &&
           charged_within(spec, history, now) >= spec.escalation.failures;
}

} // namespace keel::core
