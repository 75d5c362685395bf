// What [deploy] asks for: what its texts look like, what follows for the unit's other keys, and
// that no two units keep their releases in one place.
//
// Pure. Whether a directory is there is host_check.hpp's business, and how a release gets into it
// that of keeld.
#pragma once
#include "units/loader.hpp"
#include "units/reader.hpp"
#include "units/rules.hpp"
#include "units/spec.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace keel::units {

extern const TextRule release_root;
extern const TextRule release_source;
extern const TextRule checksums_source;
extern const TextRule sha256_digits;

/// The same path without doubled or final slashes and without `.`; links are not followed.
std::string tidy_path(std::string_view path);

/// Checks [deploy] against the unit's other keys, and sets what depends on it: the ladder, if none
/// was given, and the names of steps.
void settle_releases(UnitSpec& unit, const Notes& notes, Report& report);

/// Adds a problem to each unit whose root is another's, or lies in it, or around it. Of two it is
/// the later by name that gets it. `units` are sorted by name.
void check_roots(std::vector<LoadedUnit>& units);

} // namespace keel::units
