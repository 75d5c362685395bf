// Times as people write them on the command line: `--since`.
#pragma once
#include "base/time.hpp"

#include <optional>
#include <string>

namespace keel::cli {

/// So long before now (`30m`), a time in UTC as RFC 3339 has it, or one of the local zone as `keel`
/// prints them: `2025-01-31 09:15:02.482`, `2025-01-31 09:15`, `2025-01-31`; or `09:15:02` and
/// `09:15`, the last time that it was so late. nullopt: none of these.
std::optional<WallTime> parse_since(const std::string& text, WallTime now);

} // namespace keel::cli
