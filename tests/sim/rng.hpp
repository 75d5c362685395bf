// The simulator's dice: one stream per world, the same on every machine for the same seed.
//
// splitmix64. The standard library's distributions differ between implementations, so none is used.
#pragma once
#include "base/time.hpp"

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace keel::sim {

class Rng {
public:
    explicit Rng(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next()
    {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }
    /// Uniform in [0, bound); 0 for a bound of 0.
    std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
    /// Uniform in [0, 1).
    double fraction() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
    bool chance(double probability) { return fraction() < probability; }
    /// Uniform in [0, longest].
    Duration upto(Duration longest)
    {
        return Duration{
            static_cast<Duration::rep>(below(static_cast<std::uint64_t>(longest.count()) + 1))};
    }
    Duration between(Duration low, Duration high) { return low + upto(high - low); }
    template <class T> T one_of(std::initializer_list<T> choices)
    {
        return *(choices.begin() + below(choices.size()));
    }
    template <class T> const T& one_of(const std::vector<T>& choices)
    {
        return choices[below(choices.size())];
    }

private:
    std::uint64_t state_;
};

} // namespace keel::sim
