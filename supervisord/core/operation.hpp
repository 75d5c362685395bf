// What persons want of a unit, and what they ask for: the words that a unit's machine is told, and
// by which it answers. Plain values; what follows from them is core/unit.hpp's.
#pragma once
#include "base/enum_names.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace keel::core {

// ---- what is wanted -----------------------------------------------------------------------------

struct Up {};
/// Down on purpose, or to be left as it is: a person's word, with name and reason.
struct Held {
    std::string by;
    std::string why;
    WallTime since;
    std::optional<Now> until{}; ///< on both clocks; none: until a person acts
    enum class Process : std::uint8_t {
        stopped,
        left_running ///< nothing is spawned, signalled or killed
    } process = Process::stopped;
    enum class Lasts : std::uint8_t { this_boot, over_boots } lasts = Lasts::this_boot;
    enum class Then : std::uint8_t { up, down } then = Then::up; ///< wanted once its time is over
};
struct Down {}; ///< never asked for: `enabled = false`
using Wanted = std::variant<Up, Held, Down>;
inline constexpr std::array wanted_names = std::to_array<std::string_view>({"up", "held", "down"});
inline std::string_view wanted_name(const Wanted& w) { return wanted_names[w.index()]; }

// ---- operations ---------------------------------------------------------------------------------

enum class Verb : std::uint8_t { start, stop, restart, hold, reload, deploy, rollback, undeny };

/// Whether a person may take it back while it is under way. A stop goes to its end: a start undoes
/// it.
constexpr bool can_be_cancelled(Verb verb)
{
    return verb == Verb::start || verb == Verb::restart || verb == Verb::reload ||
           verb == Verb::deploy || verb == Verb::rollback;
}

/// Whether it is carried out by a deployment.
constexpr bool is_deployment(Verb verb) { return verb == Verb::deploy || verb == Verb::rollback; }

/// What a person says with Verb::deploy and Verb::undeny.
struct DeployTerms {
    std::string release; ///< ID; with undeny empty: all
    std::string source;  ///< where its archive is; empty: as the unit file says
    friend bool operator==(const DeployTerms&, const DeployTerms&) = default;
};

/// What a person says with Verb::hold.
struct HoldTerms {
    std::optional<Duration> span; ///< none: until a person acts
    Held::Process process = Held::Process::stopped;
    friend bool operator==(const HoldTerms&, const HoldTerms&) = default;
};

/// A request on a unit that is being carried out.
struct Operation {
    OperationId id{};
    Verb verb = Verb::start;
    std::string by;
    WallTime since;
    MonoTime began; ///< the same moment
    std::vector<Slot> targets;
    std::vector<Slot> waiting; ///< restart: slots whose turn has not come
    std::string failure;       ///< of a target since the operation began; empty: none
    enum class Which : std::uint8_t {
        all,
        outdated          ///< those that are made from another recipe than the unit's
    } which = Which::all; ///< restart only
};

struct OperationResult {
    OperationId id{};
    Verb verb{};
    enum class Outcome : std::uint8_t { done, failed, cancelled } outcome = Outcome::done;
    std::string text; ///< for people: `ready in 120 ms`, `exit 1`
};

} // namespace keel::core

namespace keel {
template <>
inline constexpr std::array names_of<core::Verb> = std::to_array<std::string_view>(
    {"start", "stop", "restart", "hold", "reload", "deploy", "rollback", "undeny"});
template <>
inline constexpr std::array names_of<core::OperationResult::Outcome> =
    std::to_array<std::string_view>({"done", "failed", "cancelled"});
template <>
inline constexpr std::array
    names_of<core::Held::Process> = std::to_array<std::string_view>({"stopped", "left-running"});
template <>
inline constexpr std::array
    names_of<core::Held::Lasts> = std::to_array<std::string_view>({"this-boot", "over-boots"});
} // namespace keel
