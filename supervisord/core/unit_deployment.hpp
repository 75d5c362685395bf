// A deployment as its unit carries it: the machine's state (core/deployment.hpp), what it is about,
// and the process that is at work for it.
//
//   kind       asked for by   its steps                            what it ends in
//   --------   ------------   ----------------------------------   -------------------------------
//   deploy     a person       fetch, unpack, the unit's, roll,     the release is current, or all
//                             commit                               is as it was
//   rollback   a person       roll, commit                         the same
//   rollback   the ladder     commit: nothing healthy is stopped   the last good one is current,
//                                                                  what fails starts on it
//   redeploy   the ladder     unpack, in place                     the same release, afresh
//
// A release that is on the disk already is neither fetched nor unpacked. The process is a spawn of
// its own, one at a time, and is over when nothing of it lives.
#pragma once
#include "base/ids.hpp"
#include "core/deployment.hpp"
#include "core/releases.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace keel::core {

/// A process that is at work for the unit's releases.
struct DeployEffect {
    SpawnId spawn{};
    enum class About : std::uint8_t {
        step,    ///< of the deployment that is under way: does it, or undoes it
        removal, ///< of a release that nobody needs any more
        formers, ///< of trees of a release that nothing runs from since it was unpacked afresh
        link     ///< for people, which could not be set when it should have been
    } about = About::step;
    std::size_t step = 0;
    DeployWorked::Way way = DeployWorked::Way::doing;
    std::string release; ///< that is removed, or linked to
    MonoTime due{};      ///< then, by its stage: it is tried again, killed, or killed again
    enum class Stage : std::uint8_t {
        recorded, ///< is being: what it removes is not to be counted on by whoever reads the record
        runs,
        put_off, ///< keeld had no descriptors or processes left for it
        asked,   ///< to end
        ending,  ///< it has its result; what lives of it is being killed
        left     ///< by an engine that is gone: once nothing of it lives, its step is done again
    } stage = Stage::runs;
    DeployFault fault = DeployFault::none; ///< once it is ending, or has reported
    std::string what{};                    ///< for people: `exit 1`
    enum class Reported : std::uint8_t { no, yes } reported = Reported::no;
};

struct UnitDeployment {
    std::uint64_t number = 0; ///< of the unit's deployments
    enum class Kind : std::uint8_t { deploy, redeploy, rollback } kind = Kind::deploy;
    enum class Asker : std::uint8_t { person, ladder } asker = Asker::person;
    std::string release; ///< that is to be current
    std::string from;    ///< that was current when it began; empty: none
    std::string by;      ///< who asked: `ann`, `the ladder`
    std::string why;     ///< empty: not said
    std::string source;  ///< of the archive, if the person named one
    WallTime since;
    std::optional<OperationId> operation; ///< of a person
    std::uint8_t rung = 0;                ///< of the ladder: on which
    std::uint64_t bytes = 0;              ///< of its files, once they are unpacked
    std::vector<Slot> rolled; ///< that start on the release; the others start on the former one
    Deployment course;
    // What follows is not for the disk.
    std::size_t serving = 0; ///< so many of them have served at a time
    std::string failure;     ///< of one of them; empty: none has failed
};

/// One that has come to its end.
struct DeploymentRecord {
    std::uint64_t number = 0;
    UnitDeployment::Kind kind{};
    UnitDeployment::Asker asker{};
    std::string release;
    std::string from;
    std::string by;
    std::string why;
    WallTime since;
    WallTime ended;
    CloseDeployment::Outcome outcome{};
    std::string failure; ///< why it was undone
};

/// Whether the release is taking the place of the former one, instance by instance.
bool is_rolling(const UnitDeployment&);
/// Whether it has begun to do so, and may be on its way back.
bool has_rolled(const UnitDeployment&);
/// Whether a start of that slot is made from the new release.
bool is_rolled(const UnitDeployment&, Slot);
/// Whether its archive cannot be had for the time being.
bool awaits_source(const UnitDeployment&);
/// Whether it was found on record, or put there as keeld ends, and has not gone on yet.
bool is_found(const UnitDeployment&);
/// `deployment of v2`, `rollback to v1`, `redeployment of v1`
std::string title_of(UnitDeployment::Kind, const std::string& release);

} // namespace keel::core

namespace keel {
template <>
inline constexpr std::array names_of<core::UnitDeployment::Kind> =
    std::to_array<std::string_view>({"deploy", "redeploy", "rollback"});
template <>
inline constexpr std::array
    names_of<core::UnitDeployment::Asker> = std::to_array<std::string_view>({"person", "ladder"});
} // namespace keel
