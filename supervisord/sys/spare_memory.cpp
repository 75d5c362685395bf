#include "sys/spare_memory.hpp"

#include <malloc.h>

namespace keel::sys {

namespace {

constexpr std::size_t worth_giving_back = 512U << 10; ///< bytes

} // namespace

SpareMemory::SpareMemory() { ::mallopt(M_ARENA_MAX, 1); }

void SpareMemory::give_back()
{
    if (::mallinfo2().fordblks < kept_ + worth_giving_back) return;
    ::malloc_trim(0);
    kept_ = ::mallinfo2().fordblks;
}

} // namespace keel::sys
