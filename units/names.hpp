// The names of units, probes, channels and steps: safe wherever one is put, be it a path, a label
// or a line that a shell reads.
//
// In a file of its own, as the client needs it and nothing else of the language: it is linked
// without the libraries that the other rules take.
#pragma once
#include <string_view>

namespace keel::units {

/// `[a-z0-9][a-z0-9_-]{0,63}`.
[[nodiscard]] bool is_name(std::string_view text);
inline constexpr std::string_view name_rule =
    "lower-case letters, digits, `-` and `_`, at most 64, the first no `-` or `_`";

} // namespace keel::units
