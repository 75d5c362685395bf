// What keel-release can be told to do. Each verb can be done again, after it was done or after it
// was killed at any point, and ends in the same state; what it leaves half done no other verb takes
// for done.
//
// A verb throws Failed. Of a release at fault it leaves nothing behind; when the disk is full it
// gives back the room that it took. None decides when it is called, or what is current.
#pragma once
#include "deploy/report_file.hpp"

#include <chrono>
#include <string>

namespace keel::deploy {

struct FetchOrder {
    std::string root;
    std::string id;
    std::string source;    ///< a directory, a tar archive, or the URL of one
    std::string sha256;    ///< in lower case; empty: not known
    std::string checksums; ///< a file or https URL with a list of them; empty: none
    std::string ca_file;   ///< certificates to trust instead of the host's; empty: the host's
    std::chrono::milliseconds stall{30'000}; ///< without a byte for so long a transfer has failed
    std::chrono::milliseconds time_limit{3'600'000}; ///< for all attempts together
};

/// Why it cannot be ordered so; empty: it can.
[[nodiscard]] std::string problem_of(const FetchOrder& order);

/// The archive is kept as ROOT/archives/ID, verified, with its digest beside it.
void fetch(const FetchOrder& order, ReportFile& report);

/// What becomes of the tree that was there.
enum class Replaced : std::uint8_t {
    removed,
    kept ///< as ROOT/releases/ID.former-N: something may run from it
};
/// The kept archive becomes ROOT/releases/ID, in place of what was there.
void unpack(const std::string& root, const std::string& id, Replaced replaced, ReportFile& report);

/// ROOT/current leads to the release.
void point(const std::string& root, const std::string& id, ReportFile& report);

/// Nothing is left of what was replaced, nor of an unpacking that was cut short.
void remove_formers(const std::string& root, const std::string& id, ReportFile& report);

/// Nothing of this ID is left.
void remove(const std::string& root, const std::string& id, ReportFile& report);

} // namespace keel::deploy
