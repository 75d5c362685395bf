// What the simulator throws when a promise is broken, and what a fake throws when it is time for
// the engine to die.
#pragma once
#include <string>

namespace keel::sim {

/// A broken promise: ends the world. Not a std::exception, so that no code under test swallows it.
struct Violation {
    std::string what;
};

/// The engine is killed here and now, in the midst of whatever it was doing.
struct EngineDied {};

[[noreturn]] inline void violated(std::string what) { throw Violation{std::move(what)}; }

/// Counts the engine's calls of its ports and kills it at a chosen one, before or after the effect:
/// every port calls burn() at its beginning and at its end.
class Fuse {
public:
    void light(unsigned calls) { left_ = calls; }
    void put_out() { left_ = 0; }
    [[nodiscard]] unsigned left() const { return left_; }
    void burn()
    {
        if (left_ != 0 && --left_ == 0) throw EngineDied{};
    }

private:
    unsigned left_ = 0;
};

} // namespace keel::sim
