// Reading a file that people write: regular, of bounded size, without ever blocking on it.
//
// Unit files, environment files: a FIFO that lies in a directory must not hold everything up, and
// nobody's mistake may fill the memory.
#pragma once
#include "units/problem.hpp"

#include <cstddef>
#include <string>
#include <variant>

namespace keel::units {

/// The file's text, at most one byte more than `size_max` of it, or why there is none.
std::variant<std::string, Mistake> read_small_file(const std::string& path, std::size_t size_max);

} // namespace keel::units
