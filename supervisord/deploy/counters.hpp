// How far a child has come, in memory that it shares with its parent.
//
// The child alone writes to it. The parent shows the numbers to people and decides nothing by them.
#pragma once
#include "deploy/release_report.hpp"

#include <atomic>

namespace keel::deploy {

struct Counters {
    std::atomic<Step> step{Step::starting};
    std::atomic<std::uint64_t> bytes{0};
    std::atomic<std::uint64_t> total{0}; ///< 0: not known
    std::atomic<std::uint64_t> entries{0};
};

} // namespace keel::deploy
