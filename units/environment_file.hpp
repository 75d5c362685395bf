// Files of environment variables, as `environment_files` names them.
//
// One NAME=value a line; blank lines and lines that begin with # are skipped, an `export ` in front
// is too. A value may stand in 'single quotes' (taken as it is) or "double quotes" (\" \\ \n are
// escapes); nothing is expanded, since there is no shell. Files are small: more than 1 MiB is
// refused.
#pragma once
#include "units/problem.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace keel::units {

using Variables = std::map<std::string, std::string>;

/// The variables, of which a later line has the last word, or the first mistake with its line.
std::variant<Variables, Mistake> parse_environment(std::string_view text);

/// The same of a file. That it cannot be read is a mistake as well.
std::variant<Variables, Mistake> read_environment_file(const std::string& path);

/// Of several, of which a later one has the last word.
std::variant<Variables, Mistake> read_environment_files(const std::vector<std::string>& paths);

/// What the files of units said, by the units' names: enough to see that they say something else
/// now, and not what. A unit without such files has no entry.
using EnvironmentDigests = std::map<std::string, std::uint64_t>;

/// Beside the stored configurations: to_text() of those in force.
inline constexpr std::string_view environment_digests_name = "environment";

/// 0 for a mistake, and for nothing else.
std::uint64_t digest_of(const std::variant<Variables, Mistake>& read);

/// `NAME 0123456789abcdef`, a line each; and back, without lines that are not such.
std::string to_text(const EnvironmentDigests& digests);
EnvironmentDigests digests_from(std::string_view text);

} // namespace keel::units
