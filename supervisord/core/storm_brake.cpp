#include "core/storm_brake.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace keel::core {
namespace {

double refilled(const StormBrakeSpec& spec, double tokens, std::optional<MonoTime> since,
                MonoTime now)
{
    if (!since || now <= *since) return tokens;
    return std::min<double>(spec.burst, tokens + seconds(now - *since) * spec.starts_per_second);
}

} // namespace

std::uint32_t StormBrake::tokens(MonoTime now) const
{
    if (spec_.starts_per_second == 0) return std::numeric_limits<std::uint32_t>::max();
    // The margin absorbs what rounding takes from a token that is due exactly now.
    return static_cast<std::uint32_t>(refilled(spec_, tokens_, counted_at_, now) + 1e-6);
}

void StormBrake::take(std::uint32_t count, MonoTime now)
{
    if (spec_.starts_per_second == 0 || count == 0) return;
    tokens_ = std::max(0.0, refilled(spec_, tokens_, counted_at_, now) - count);
    counted_at_ = std::max(now, counted_at_.value_or(now));
}

MonoTime StormBrake::next_token_at(MonoTime now) const
{
    const double there = refilled(spec_, tokens_, counted_at_, now);
    if (spec_.starts_per_second == 0 || there >= 1.0) return now;
    const double wait = (1.0 - there) / spec_.starts_per_second;
    return now + Duration{static_cast<Duration::rep>(std::ceil(wait * 1e9))};
}

} // namespace keel::core
