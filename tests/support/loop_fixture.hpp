// For tests that run a real loop: wait for a condition, with a bound that only stops a failure.
#pragma once
#include "sys/loop.hpp"

#include <chrono>
#include <functional>
#include <gtest/gtest.h>

namespace keel::test {

/// Runs turns until `reached` says so. The bound is generous, as it is met only by a defect.
inline testing::AssertionResult run_until(sys::UvLoop& loop, const std::function<bool()>& reached,
                                          std::chrono::seconds bound = std::chrono::seconds(30))
{
    bool late = false;
    const auto stop = loop.after(bound, [&late] { late = true; });
    while (!reached() && !late)
        loop.run_turn();
    if (reached()) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "not reached within " << bound.count() << " s";
}

} // namespace keel::test
