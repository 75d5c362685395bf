// Files that hold a secret which people or programs keep, on one line: http.token_file, and those
// of channels.
//
// Only looks. A secret that anybody on the host could read is none, nor is a token of Keel's own
// that could be guessed: they are refused where a configuration is checked. No secret stands in
// what is said of it.
#pragma once
#include "units/problem.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <variant>

namespace keel::units {

/// A token of fewer characters could be guessed.
inline constexpr std::size_t token_length_min = 24;

/// What is wrong with who may read the file; nullopt: nothing, or it is not there.
std::optional<Mistake> check_is_private(const std::string& path);

/// The word in it, without the blanks and line breaks around, or why there is none. Who else may
/// read it is not asked: somebody relies on being told by it.
std::variant<std::string, Mistake> read_secret(const std::string& path);

/// The token without the blanks and line breaks around it, or why it cannot be used.
std::variant<std::string, Mistake> read_token(const std::string& path);

} // namespace keel::units
