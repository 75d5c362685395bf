// A hook that runs around a start or a stop: a spawn of its own, beside its instance's.
//
// It runs until it ends or its time is over, and is over only when nothing of it lives: what it
// leaves behind is ended with it. How it ended is told to the state beside which it ran, once, as
// HookOver. One that ended while no keeld was there to see how runs again: a hook may run twice,
// and is never taken for done. It knows no state; what its end means is core/instance.hpp's.
#pragma once
#include "base/enum_names.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "units/spec.hpp"

#include <optional>
#include <string>

namespace keel::core {

/// How a hook ended.
enum class HookResult : std::uint8_t {
    done,       ///< exit 0
    failed,     ///< any other way, or its time was over
    put_off,    ///< keeld had no descriptors or processes left for it
    broken_off, ///< it was asked to end, as what it was for has changed
    unseen      ///< nobody knows
};

struct HookRun {
    SpawnId spawn;
    units::Hook hook;
    MonoTime began; ///< anew with each engine, as its time
    MonoTime due;   ///< then all of it is killed, again and again
    enum class Stage : std::uint8_t {
        runs,
        asked, ///< to end
        ending ///< it has its result; what lives of it is being killed
    } stage = Stage::runs;
    HookResult result = HookResult::unseen; ///< once it is ending
    std::string what{};                     ///< for people: `exit 1`
};

/// Nothing of a hook lives any more.
struct HookOver {
    units::Hook hook;
    HookResult result;
    std::string what;
    Duration took;
    SpawnId was; ///< its spawn
};

/// What an event of its spawn meant to a hook.
struct HookNews {
    std::string text; ///< for people
    std::optional<HookOver> over{};
};

} // namespace keel::core

namespace keel {
template <>
inline constexpr std::array names_of<core::HookResult> =
    std::to_array<std::string_view>({"done", "failed", "put-off", "broken-off", "unseen"});
} // namespace keel
