// The releases of one unit: which is its current one, which have proved themselves, which are not
// to come back. Plain values and the questions that follow from them.
//
// A release is known once it is complete on the disk, and until it is removed from there. It knows
// nothing of how one gets there, nor of the instances that run on it.
#pragma once
#include "base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keel::core {

/// What a spawn is made from: a release, and which unpacking of it.
struct ReleasePin {
    std::string id; ///< empty: no release
    std::uint64_t making = 0;
    friend bool operator==(const ReleasePin&, const ReleasePin&) = default;
};

struct Release {
    std::string id;
    WallTime since;          ///< it has been known
    std::uint64_t bytes = 0; ///< of its files; 0: not known
    enum class Good : std::uint8_t {
        no,
        yes ///< its unit kept min_ready on it without a break for `good_after`
    } good = Good::no;
    friend bool operator==(const Release&, const Release&) = default;
};

/// A release that was rolled back from.
struct DeniedRelease {
    std::string id;
    WallTime since;
    std::string why; ///< for people
    friend bool operator==(const DeniedRelease&, const DeniedRelease&) = default;
};

struct Releases {
    std::string current;               ///< ID; empty: none yet
    std::vector<Release> known;        ///< the one that was the current one last, or is, comes last
    std::vector<DeniedRelease> denied; ///< oldest first, at most denied_max
    /// Releases that were unpacked afresh, with the former trees still on the disk.
    std::vector<std::string> formers{};
    enum class Link : std::uint8_t {
        right,
        behind                     ///< it could not be set: it names another release, or none
    } link = Link::right;          ///< `current`, for people
    std::uint64_t making = 0;      ///< how often one was unpacked in place of itself
    std::uint64_t deployments = 0; ///< begun so far: their numbers
    std::optional<MonoTime> current_since{}; ///< in this boot; not for the disk
    friend bool operator==(const Releases&, const Releases&) = default;

    static constexpr std::size_t denied_max = 100;
};

const Release* find_release(const Releases&, std::string_view id);
const DeniedRelease* find_denied(const Releases&, std::string_view id);
/// Whether it is a current one that has proved itself.
bool is_current_good(const Releases&);
/// The good one that was current last, other than the current one, and not denied; none: there is
/// nothing to roll back to.
std::optional<std::string> last_good(const Releases&);

/// It is complete on the disk.
void add_known(Releases&, std::string_view id, WallTime now, std::uint64_t bytes);
/// It is the current one from now on.
void make_current(Releases&, std::string_view id, Now now);
void deny(Releases&, std::string_view id, WallTime now, std::string why);
/// It is not on the disk any more.
void forget_release(Releases&, std::string_view id);

/// Those beyond the `keep` latest, oldest first; never the current one, what can be rolled back to,
/// or one that is `in_use`.
std::vector<std::string> surplus_releases(const Releases&, std::uint32_t keep,
                                          const std::vector<std::string>& in_use);

} // namespace keel::core
