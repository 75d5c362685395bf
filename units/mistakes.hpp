// What is wrong with a value, in words, and what to write instead.
//
// Only wording: whether something is wrong is decided by reader.cpp.
#pragma once
#include "units/document.hpp"
#include "units/schema.hpp"

#include <span>
#include <string>
#include <string_view>

namespace keel::units {

/// The value's type is not the key's: expected a duration, found an integer (write "5s").
Mistake wrong_type(const Key& key, const Value& value);

/// The same for an element or entry that must be a string.
Mistake not_a_string(const Value& value, const std::string& example);

/// The word is not in the closed set; `later` are those that a later version will know.
Mistake unknown_word(std::string_view word, std::span<const std::string_view> words,
                     std::span<const std::string_view> later);

Mistake unknown_signal(std::string_view name);

/// A key that the schema does not have, at this place of the file.
/// `parent` as parent_of() gives it: ``, `restart.`, `probe[].`.
Mistake unknown_key(const Language& language, std::string_view parent, std::string_view name);

/// A required key that was not given.
Mistake missing_key(const Key& key);

} // namespace keel::units
