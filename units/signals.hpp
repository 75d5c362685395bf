// Signals by name, as unit files write them: TERM, SIGTERM, RTMIN+3.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keel::units {

/// The number of a signal; nullopt for anything that names none (numbers are not names).
std::optional<int> parse_signal(std::string_view name);

/// The name without SIG: `TERM`, `RTMIN+3`.
std::string signal_text(int number);

/// All names that have no arithmetic in them, for "did you mean".
const std::vector<std::string_view>& signal_names();

} // namespace keel::units
