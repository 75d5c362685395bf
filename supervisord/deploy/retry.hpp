// When to try again, and when to give up: attempts without progress are counted, and all together
// have a limit of time.
//
// The waits double from backoff_min to backoff_max; what a server asks for (Retry-After) can only
// make one longer.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace keel::deploy {

class Retry {
public:
    explicit Retry(std::chrono::milliseconds time_limit);

    /// Until the limit; at least a millisecond.
    [[nodiscard]] std::chrono::milliseconds left() const;
    /// Waits for the next attempt. `bytes`: that are there by now; more than ever is progress.
    /// Throws Failed with Fault::source if it is time to give up.
    void again(const std::string& source, const std::string& trouble, std::uint64_t bytes,
               std::chrono::milliseconds wanted);

private:
    std::chrono::steady_clock::time_point until_;
    std::uint64_t most_ = 0;
    int attempts_ = 0;
};

} // namespace keel::deploy
