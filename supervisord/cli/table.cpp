#include "cli/table.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace keel::cli {
namespace {

constexpr std::size_t cell_bytes_max = 512;
constexpr std::size_t last_column_min = 10;
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

std::string Table::text(const Screen& screen) const
{
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        widths.push_back(width_of(columns_[i].title));
        for (const auto& row : rows_)
            widths[i] = std::max(widths[i], width_of(row[i].text));
    }
    std::size_t before_last = 0;
    for (std::size_t i = 0; i + 1 < widths.size(); ++i)
        before_last += widths[i] + 2;
    if (screen.width && before_last + widths.back() > *screen.width)
        widths.back() = std::max(*screen.width - std::min(*screen.width, before_last), last_column_min);

    std::string out;
    const auto print_row = [&](const auto& cell_of) {
        std::string line;
        std::size_t owed = 0; // blanks, written only if something follows them
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const Cell cell = cell_of(i);
            const std::string shown = cut(cell.text, widths[i]);
            const std::size_t padding = widths[i] - width_of(shown);
            const bool right = columns_[i].align == Align::right;
            if (right) owed += padding;
            if (!shown.empty()) {
                line.append(owed, ' ').append(toned(shown, cell.tone, screen.colour));
                owed = 0;
            }
            owed += 2 + (right ? 0 : padding);
        }
        out += line + "\n";
    };
    print_row([&](std::size_t i) { return Cell{columns_[i].title, Tone::dim}; });
    for (const auto& row : rows_)
        print_row([&](std::size_t i) { return row[i]; });
    return out;
}

} // namespace keel::cli
