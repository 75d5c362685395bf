// The storm brake: a token bucket over all restarts of the host that are not the first in a row.
//
// When hundreds of services crash together, restarting them all at once would finish the host off.
// First starts and first restarts after a stable run are free; each further one takes a token.
// Pure: time is an argument.
#pragma once
#include "base/time.hpp"

#include <cstdint>
#include <optional>

namespace keel::core {

struct StormBrakeSpec {
    std::uint32_t starts_per_second = 50; ///< 0: off
    std::uint32_t burst = 200;
};

class StormBrake {
public:
    explicit StormBrake(StormBrakeSpec spec) : spec_(spec), tokens_(spec.burst) {}

    /// Whole tokens there at `now`.
    [[nodiscard]] std::uint32_t tokens(MonoTime now) const;
    /// Takes up to `count` of them.
    void take(std::uint32_t count, MonoTime now);
    /// When the next whole token will be there; `now` or earlier if one is.
    [[nodiscard]] MonoTime next_token_at(MonoTime now) const;

private:
    StormBrakeSpec spec_;
    double tokens_;
    std::optional<MonoTime> counted_at_; ///< when tokens_ was right; none: it is full
};

} // namespace keel::core
