// Text as users write and read it: durations, sizes, "did you mean", words, printable bytes.
#pragma once
#include "base/time.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keel {

/// "250ms", "1.5s", "2m", "1h", "7d", or several in a row from the longest unit to the shortest:
/// "1h30m". A bare number is refused (nullopt), and so is anything negative or longer than ten
/// years.
std::optional<Duration> parse_duration(std::string_view text);

/// Shortest text without a fraction that parse_duration reads back, for durations of whole
/// milliseconds (`90s`, `1h1m`); finer ones are rounded up, negative ones are `0s`.
std::string to_text(Duration d);

/// For people, to three significant digits or two units: `812 ms`, `3.02 s`, `4 min 12 s`,
/// `2 h 5 min`.
std::string to_human(Duration d);

/// Bytes from "64KiB", "50MiB", "1.5GiB", "2TiB", "10MB" or "512B". A bare number is refused but
/// for "0".
std::optional<std::uint64_t> parse_size(std::string_view text);
/// Shortest exact text in binary units that parse_size reads back: `50MiB`, `1000B`, `0`.
std::string size_to_text(std::uint64_t bytes);
/// For people: `812 B`, `3.2 GiB`.
std::string human_size(std::uint64_t bytes);

/// The candidate nearest to `word` by edit distance (transpositions count once); nullopt if even
/// the nearest is further away than a third of the word's length (at least 1, at most 3).
std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> candidates);

/// POSIX shell word splitting without expansion: blanks, '…', "…" and backslash.
/// nullopt: an unclosed quote or a trailing backslash.
std::optional<std::vector<std::string>> split_words(std::string_view line);

/// At most `limit` bytes, control characters and invalid UTF-8 shown as escapes, cut with `…`.
std::string printable(std::string_view bytes, std::size_t limit = 512);

} // namespace keel
