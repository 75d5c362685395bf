// How late keeld's own loop has been of late: what probes said meanwhile is not held against them.
//
// Keeps no more of the past than can still matter: of two moments the earlier one counts only if it
// was the worse one. Where even those are too many it errs towards having been late. Pure: time is
// an argument.
#pragma once
#include "base/time.hpp"

#include <cstddef>
#include <vector>

namespace keel::core {

class LateTurns {
public:
    /// At that moment the loop was found to be late by so much. Moments do not go back.
    void note(MonoTime at, Duration by);
    /// By how much it was late at most, from then on; zero: it was not.
    [[nodiscard]] Duration worst_since(MonoTime then) const;

private:
    struct Late {
        MonoTime at;
        Duration by;
    };
    static constexpr Duration noted_min = std::chrono::milliseconds(1); ///< no timeout is shorter
    static constexpr std::size_t kept_max = 16;
    std::vector<Late> kept_; ///< later and less late from one to the next
};

} // namespace keel::core
