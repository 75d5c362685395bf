// Lines behind the time at which they came: `2025-01-31T09:15:02.482Z text`.
//
// A time stands where a line begins and nowhere else: what continues a line that the file already
// has in part gets none. Times are those of Keel's taking the line, which under load is later than
// its writing; lines taken together have the same.
#pragma once
#include "base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace keel::sys {

/// RFC 3339 in UTC with milliseconds, and a space.
inline constexpr std::size_t stamp_length = 25;
[[nodiscard]] std::string stamp_of(WallTime at);

/// How the text in front ends: with a whole line (or there is none), or in the middle of one.
enum class LineState : std::uint8_t { closed, open };

[[nodiscard]] std::string with_stamps(std::string_view bytes, std::string_view stamp,
                                      LineState before);

/// How many bytes the beginning of such a text has without its stamps. It ends at no place inside
/// of a stamp.
[[nodiscard]] std::size_t length_without_stamps(std::string_view stamped, LineState before);

} // namespace keel::sys
