// Tables and colours for people. Text of the daemon is made printable here, so that nothing a
// service says can play tricks on the terminal.
#pragma once
#include "cli/context.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace keel::cli {

enum class Tone : std::uint8_t { plain, good, warning, bad, dim, strong };

/// `text` in that tone, if there are colours.
std::string toned(std::string_view text, Tone tone, Colour colour);

/// Columns that `text` takes on a terminal; wide characters count as one, colours as none.
std::size_t width_of(std::string_view text);

/// At most `width` columns, cut with `…`; colours that were left on are ended.
std::string cut(std::string_view text, std::size_t width);

struct Cell {
    std::string text;
    Tone tone = Tone::plain;
};

/// Columns aligned under their titles, two blanks between them. Where the last column, which holds
/// the longest text, does not fit beside the others, it goes below them, a line of its own for each
/// row that has something in it.
class Table {
public:
    enum class Align : std::uint8_t { left, right };
    struct Column {
        std::string title;
        Align align = Align::left;
    };

    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
    /// As many cells as there are columns.
    void add(std::vector<Cell> row);
    [[nodiscard]] std::string text(const Screen& screen) const;

private:
    using Row = std::vector<Cell>;
    [[nodiscard]] std::string line(const Row& row, const std::vector<std::size_t>& widths,
                                   std::size_t count, Colour colour) const;

    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

} // namespace keel::cli
