// ENSURE(condition, "what should have been true"): Keel's own invariants.
//
// In tests and fuzzers a broken invariant aborts, so that it cannot be missed. In production it
// throws InvariantFailure; the engine catches it at the border of one unit, freezes that unit with
// its process running, counts it and goes on. It is never used for the world's misbehaviour.
#pragma once
#include <stdexcept>
#include <string>
#include <string_view>

namespace keel {

struct InvariantFailure : std::logic_error {
    using std::logic_error::logic_error;
};

enum class OnInvariantFailure { abort, throw_exception };

/// Tests keep the default, abort. The engine's main() chooses throw_exception.
void set_on_invariant_failure(OnInvariantFailure answer);

/// What ENSURE calls; `file` and `line` are its own (clang 14 has no std::source_location).
[[noreturn]] void invariant_failed(std::string_view condition, std::string_view what,
                                   const char* file, int line);

} // namespace keel

#define ENSURE(condition, what)                                                                    \
    do {                                                                                           \
        if (!(condition)) [[unlikely]]                                                             \
            ::keel::invariant_failed(#condition, (what), __FILE__, __LINE__);                      \
    } while (false)
