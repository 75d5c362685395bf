// Text that flows: paragraphs filled to a width, items whose further lines hang below the first.
#pragma once
#include "cli/context.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace keel::cli {

/// Columns to fill: those of the terminal; without one, as many as there can be.
std::size_t columns_of(const Screen& screen);

/// `text` broken between words so that no line, with its indentation, takes more than `width`
/// columns; a word that is longer stands alone. Line breaks of the text are blanks. The first line
/// begins with `before`, the others with as many blanks as that takes. Ends in a line break.
std::string hanging(std::string_view before, std::string_view text, std::size_t width);

/// Paragraphs between empty lines, each filled; one that is indented stands as it is.
std::string filled(std::string_view paragraphs, std::size_t width);

} // namespace keel::cli
