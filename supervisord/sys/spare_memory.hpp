// Memory that is free and not the kernel's: what reading unit files, or telling of all units, took
// for a moment.
//
// Promises: all threads share one heap, so that what one has freed another takes; give_back() costs
// next to nothing unless there is much to give back. It refuses to know who used the memory.
#pragma once
#include <cstddef>

namespace keel::sys {

class SpareMemory {
public:
    /// Before any other thread begins.
    SpareMemory();
    /// To be called now and then.
    void give_back();

private:
    std::size_t kept_ = 0; ///< bytes that were free and could not be given back the last time
};

} // namespace keel::sys
