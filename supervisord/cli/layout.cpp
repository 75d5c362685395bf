#include "cli/layout.hpp"

#include "cli/table.hpp"

#include <algorithm>
#include <limits>

namespace keel::cli {
namespace {

/// The text up to `end`, which is taken away with it.
std::string_view take_until(std::string_view& text, std::string_view end)
{
    const auto found = text.find(end);
    const std::string_view taken = text.substr(0, found);
    text.remove_prefix(found == std::string_view::npos ? text.size() : found + end.size());
    return taken;
}

std::string_view take_word(std::string_view& text)
{
    text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
    const auto end = std::min(text.find_first_of(" \n"), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end);
    return word;
}

} // namespace

std::size_t columns_of(const Screen& screen)
{
    return screen.width.value_or(std::numeric_limits<std::size_t>::max());
}

std::string hanging(std::string_view before, std::string_view text, std::size_t width)
{
    const std::size_t indent = width_of(before);
    std::string out(before);
    std::size_t column = indent;
    bool fresh = true; // nothing stands on this line yet
    for (auto word = take_word(text); !word.empty(); word = take_word(text)) {
        const std::size_t needed = width_of(word) + (fresh ? 0 : 1);
        if (!fresh && column + needed > width) {
            out.append("\n").append(indent, ' ');
            column = indent;
            fresh = true;
        }
        if (!fresh) out += ' ';
        column += width_of(word) + (fresh ? 0 : 1);
        out += word;
        fresh = false;
    }
    return out += '\n';
}

std::string filled(std::string_view paragraphs, std::size_t width)
{
    std::string out;
    while (!paragraphs.empty()) {
        std::string_view paragraph = take_until(paragraphs, "\n\n");
        while (paragraph.ends_with('\n'))
            paragraph.remove_suffix(1);
        if (!out.empty()) out += '\n';
        if (paragraph.starts_with(' '))
            out.append(paragraph).append("\n");
        else
            out += hanging({}, paragraph, width);
    }
    return out;
}

} // namespace keel::cli
