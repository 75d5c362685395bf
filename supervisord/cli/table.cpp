#include "cli/table.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <numeric>

namespace keel::cli {
namespace {

constexpr std::size_t cell_bytes_max = 512;
constexpr std::string_view below_indent = "    ";
constexpr std::string_view ellipsis = "…";

std::string_view code_of(Tone tone)
{
    switch (tone) {
    case Tone::plain: return "";
    case Tone::good: return "\x1b[32m";
    case Tone::warning: return "\x1b[33m";
    case Tone::bad: return "\x1b[31m";
    case Tone::dim: return "\x1b[2m";
    case Tone::strong: return "\x1b[1m";
    }
    return "";
}

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

} // namespace

std::string toned(std::string_view text, Tone tone, Colour colour)
{
    if (colour == Colour::off || tone == Tone::plain || text.empty()) return std::string(text);
    std::string out(code_of(tone));
    return out.append(text).append("\x1b[0m");
}

std::size_t width_of(std::string_view text)
{
    return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

std::string cut(std::string_view text, std::size_t width)
{
    if (width_of(text) <= width) return std::string(text);
    std::size_t end = 0;
    for (std::size_t seen = 0; end < text.size(); ++end)
        if (begins_character(text[end]) && ++seen > width - 1) break;
    return std::string(text.substr(0, end)).append(ellipsis);
}

void Table::add(std::vector<Cell> row)
{
    for (Cell& cell : row)
        cell.text = printable(cell.text, cell_bytes_max);
    row.resize(columns_.size());
    rows_.push_back(std::move(row));
}

/// The first `count` cells of a row, without blanks at the end.
std::string Table::line(const Row& row, const std::vector<std::size_t>& widths, std::size_t count,
                        Colour colour) const
{
    std::string text;
    std::size_t owed = 0; // blanks, written only if something follows them
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t padding = widths[i] - width_of(row[i].text);
        const bool right = columns_[i].align == Align::right;
        if (right) owed += padding;
        if (!row[i].text.empty()) {
            text.append(owed, ' ').append(toned(row[i].text, row[i].tone, colour));
            owed = 0;
        }
        owed += 2 + (right ? 0 : padding);
    }
    return text + "\n";
}

std::string Table::text(const Screen& screen) const
{
    Row titles;
    std::vector<std::size_t> widths;
    for (const Column& column : columns_) {
        titles.push_back({column.title, Tone::dim});
        widths.push_back(width_of(column.title));
    }
    for (const Row& row : rows_)
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], width_of(row[i].text));
    const std::size_t total =
        std::accumulate(widths.begin(), widths.end(), 2 * (widths.size() - 1));
    const bool fits = !screen.width || total <= *screen.width;
    const std::size_t beside = fits ? columns_.size() : columns_.size() - 1;

    std::string out = line(titles, widths, beside, screen.colour);
    for (const Row& row : rows_) {
        out += line(row, widths, beside, screen.colour);
        if (fits || row.back().text.empty()) continue;
        const std::string below = cut(row.back().text, *screen.width - below_indent.size());
        out.append(below_indent).append(toned(below, row.back().tone, screen.colour)) += '\n';
    }
    return out;
}

} // namespace keel::cli
