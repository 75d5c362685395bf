// The file of `http.token_file`: a secret that people or programs keep, on one line.
//
// Only looks. A secret that anybody on the host could read, or guess, is none: it is refused.
#pragma once
#include "units/problem.hpp"

#include <cstddef>
#include <string>
#include <variant>

namespace keel::units {

/// A token of fewer characters could be guessed.
inline constexpr std::size_t token_length_min = 24;

/// The token without the blanks and line breaks around it, or why it cannot be used.
std::variant<std::string, Mistake> read_token(const std::string& path);

} // namespace keel::units
