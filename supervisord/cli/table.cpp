#include "cli/table.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cctype>
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

/// Where the escape sequence ends that begins at `begin`: behind its letter.
std::size_t end_of_escape(std::string_view text, std::size_t begin)
{
    std::size_t end = begin + 1;
    while (end < text.size() && std::isalpha(static_cast<unsigned char>(text[end])) == 0)
        ++end;
    return std::min(end + 1, text.size());
}

/// The first `width` columns of it, as bytes; all of it, if it takes fewer.
std::size_t bytes_of_columns(std::string_view text, std::size_t width)
{
    std::size_t end = 0;
    for (std::size_t seen = 0; end < text.size();) {
        if (text[end] == '\x1b') {
            end = end_of_escape(text, end);
            continue;
        }
        if (begins_character(text[end]) && seen++ == width) break;
        ++end;
    }
    return end;
}

} // namespace

std::string toned(std::string_view text, Tone tone, Colour colour)
{
    if (colour == Colour::off || tone == Tone::plain || text.empty()) return std::string(text);
    std::string out(code_of(tone));
    return out.append(text).append("\x1b[0m");
}

std::size_t width_of(std::string_view text)
{
    std::size_t width = 0;
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] == '\x1b') {
            i = end_of_escape(text, i);
            continue;
        }
        if (begins_character(text[i++])) ++width;
    }
    return width;
}

std::string cut(std::string_view text, std::size_t width)
{
    if (width_of(text) <= width) return std::string(text);
    if (width == 0) return {};
    std::string kept(text.substr(0, bytes_of_columns(text, width - 1)));
    const bool has_colours = kept.find('\x1b') != std::string::npos;
    return kept.append(ellipsis).append(has_colours ? "\x1b[0m" : "");
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
