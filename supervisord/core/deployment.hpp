// A deployment: one release of a unit takes the place of another, or everything is as it was.
//
//   step     doing it                             undoing it
//   ------   ----------------------------------   ---------------------------------------------
//   fetch    the verified archive is on disk      what is on disk of the release is removed
//   unpack   the release is on disk, complete     the same
//   run      a command of the unit's              its other command; nothing if it has none
//   roll     the unit's instances run on it and   nothing runs on it any more
//            have proved themselves
//   commit   it is the unit's current release     never: with its record nothing is undone any more
//
//   a step is    todo -> doing -> done     and on the way back     undoing -> undone | stuck
//
// Each is idempotent. That a step is being done, or undone, is on disk before its effect begins
// (Write, then Written), so a new Keel finds what may have half happened and does that again. What
// goes wrong is undone in reverse, what was only begun among it; a release's source that cannot be
// reached is waited for instead, and a step that cannot be undone is tried again, then left as it
// is, said so, and the others are undone all the same.
//
// Pure, and told everything: it knows no archive, no process, no instance, no clock.
#pragma once
#include "base/enum_names.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace keel::core {

enum class DeployStepKind : std::uint8_t { fetch, unpack, run, roll, commit };

struct DeployStep {
    DeployStepKind kind = DeployStepKind::fetch;
    std::string name; ///< `fetch`, or what the unit file calls it
    enum class Undo : std::uint8_t { needless, needed } undo = Undo::needless;
    Duration limit{}; ///< of doing and of undoing it; a roll's: since it last got on
    enum class Status : std::uint8_t {
        todo,
        doing,
        done,
        undoing,
        undone,
        stuck ///< it could not be undone
    } status = Status::todo;
    friend bool operator==(const DeployStep&, const DeployStep&) = default;
};

/// What was wrong, and so what follows: only the release's own fault says that it is no good.
enum class DeployFault : std::uint8_t {
    none,
    release, ///< its archive, one of its steps, or what its instances did
    source,  ///< it cannot be reached for the time being
    host,    ///< no room, no permission
    person   ///< somebody wanted otherwise
};

// ---- what it is doing ---------------------------------------------------------------------------

/// The record of what comes next is on its way to the disk.
struct DeployWriting {
    std::uint64_t record = 0;
};
/// The effect is under way.
struct DeployWorking {
    std::optional<MonoTime> limit; ///< then it is ended; none: it has no limit of its own
};
/// The effect is being ended, as its time is over or somebody wanted otherwise.
struct DeployEnding {
    std::string why;
    DeployFault fault = DeployFault::none;
};
/// The effect is tried again then.
struct DeployWaiting {
    MonoTime until;
};
struct DeployOver {};
using DeployStage =
    std::variant<DeployWriting, DeployWorking, DeployEnding, DeployWaiting, DeployOver>;

struct Deployment {
    std::vector<DeployStep> steps; ///< in order; `commit` is the last
    enum class Course : std::uint8_t { forward, back } course = Course::forward;
    std::string failure; ///< why it goes back; empty: it does not
    DeployFault fault = DeployFault::none;
    // What follows is not on record: a new Keel begins there anew.
    DeployStage stage = DeployWriting{};
    unsigned tries = 0; ///< of the present effect that have failed
    std::uint64_t records = 0;
};

// ---- events -------------------------------------------------------------------------------------

struct DeployBegun {}; ///< the first of all
/// A new Keel has found it on disk; no effect of it is under way any more.
struct DeployResumed {};
struct DeployWritten {
    std::uint64_t record = 0;
};
/// An effect has ended. One that is not under way any more is passed over.
struct DeployWorked {
    std::size_t step = 0;
    enum class Way : std::uint8_t { doing, undoing } way = Way::doing;
    DeployFault fault = DeployFault::none; ///< none: it is done
    std::string what{};                    ///< for people: `exit 1`
};
/// The roll has got on: another instance runs on the release and serves.
struct DeployGotOn {};
struct DeployAborted {
    std::string why; ///< `stop asked for by ann`
};
struct DeployTick {};
using DeployEvent = std::variant<DeployBegun, DeployResumed, DeployWritten, DeployWorked,
                                 DeployGotOn, DeployAborted, DeployTick>;

// ---- actions ------------------------------------------------------------------------------------

/// The deployment as it is now is to be on disk; Written tells when it is, and not before.
struct WriteDeployment {
    std::uint64_t record = 0;
};
struct DoDeployStep {
    std::size_t step = 0;
};
struct UndoDeployStep {
    std::size_t step = 0;
};
/// The effect that is under way is to end; Worked tells when nothing of it goes on. A roll is not
/// ended so: undoing it takes its place.
struct EndDeployStep {
    std::size_t step = 0;
};
/// All is done, or undone as far as it can be: it need not be on disk any more.
struct CloseDeployment {
    enum class Outcome : std::uint8_t { committed, undone, stuck } outcome = Outcome::committed;
};
using DeployAction =
    std::variant<WriteDeployment, DoDeployStep, UndoDeployStep, EndDeployStep, CloseDeployment>;

struct DeploymentStep {
    Deployment next;
    std::vector<DeployAction> actions;
    std::string reason; ///< why this step went as it did; empty: nothing came of the event
};

DeploymentStep step(Deployment, const DeployEvent&, MonoTime now);

/// When it needs a DeployTick; none: it waits for an effect or for the disk.
std::optional<MonoTime> deadline_of(const Deployment&);

/// Whether it can still be undone: its commit is not under way.
bool can_be_undone(const Deployment&);

/// The step that is being done or undone, or would be next; none: it is over.
std::optional<std::size_t> present_step(const Deployment&);

/// How often an undo is tried before it is left as it is.
inline constexpr unsigned undo_tries_max = 3;
/// The delay before the k-th retry is this much times 2 to the k-1, and not more than that.
inline constexpr Duration retry_delay = std::chrono::seconds(1);
inline constexpr Duration retry_delay_max = std::chrono::minutes(1);

} // namespace keel::core

namespace keel {
template <>
inline constexpr std::array names_of<core::DeployStepKind> =
    std::to_array<std::string_view>({"fetch", "unpack", "run", "roll", "commit"});
template <>
inline constexpr std::array names_of<core::DeployStep::Status> =
    std::to_array<std::string_view>({"todo", "doing", "done", "undoing", "undone", "stuck"});
template <>
inline constexpr std::array names_of<core::DeployFault> =
    std::to_array<std::string_view>({"none", "release", "source", "host", "person"});
template <>
inline constexpr std::array names_of<core::CloseDeployment::Outcome> =
    std::to_array<std::string_view>({"committed", "undone", "stuck"});
} // namespace keel
