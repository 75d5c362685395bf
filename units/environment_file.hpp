// Files of environment variables, as `environment_files` names them.
//
// One NAME=value a line; blank lines and lines that begin with # are skipped, an `export ` in front
// is too. A value may stand in 'single quotes' (taken as it is) or "double quotes" (\" \\ \n are
// escapes); nothing is expanded, since there is no shell. Files are small: more than 1 MiB is
// refused.
#pragma once
#include "units/problem.hpp"

#include <map>
#include <string>
#include <string_view>
#include <variant>

namespace keel::units {

using Variables = std::map<std::string, std::string>;

/// The variables, of which a later line has the last word, or the first mistake with its line.
std::variant<Variables, Mistake> parse_environment(std::string_view text);

/// The same of a file. That it cannot be read is a mistake as well.
std::variant<Variables, Mistake> read_environment_file(const std::string& path);

} // namespace keel::units
