// A key of the schema in words: its type, its range, its default, and the value a Draft has for it.
#pragma once
#include "units/schema.hpp"

#include <string>

namespace keel::units {

/// "duration", "integer", "one of `exec`, `probe`" …
std::string type_text(const Kind& kind);

/// "10ms to 1d", "at most 256 bytes"; empty where nothing more is to be said.
std::string range_text(const Kind& kind);

/// The value as it would stand in a unit file: `"5s"`, `[0, "TERM"]`. Empty for sections.
std::string show(const Kind& kind, const Draft& draft);

/// What holds when the key is left out: what a fresh Draft shows, or the row's own words.
std::string default_text(const Key& key);

/// `restart.delay = "200ms"` with a value that suits the key; for hints.
std::string example(const Key& key);

/// Text as a TOML basic string.
std::string toml_string(std::string_view text);

/// Its words as messages list them, and the forms that take more than a word.
std::string ready_text(const Readiness& kind);

/// Choices as messages list them: `a`, `b` or `c`.
std::string one_of(std::span<const std::string_view> words);

} // namespace keel::units
