#include "units/document.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>
#include <optional>
#include <toml++/toml.h>

namespace keel::units {
namespace {

// toml++ bounds the nesting of brackets but not that of dotted keys: `a.a.a…` of half a megabyte
// makes a tree so deep that destroying it overflows the stack. So keys are measured beforehand.
constexpr std::size_t key_parts_max = 16;

/// Walks over TOML text far enough to tell keys from strings and comments, and finds the first key
/// (or number) with too many dots. On malformed text it may lose its way, but only behind the
/// place where the parser stops anyway.
class DotScanner {
public:
    explicit DotScanner(std::string_view text) : rest_(text) {}

    std::optional<Position> first_too_deep()
    {
        while (!rest_.empty()) {
            const char c = rest_.front();
            if (c == '"' || c == '\'') {
                skip_string(c);
                continue;
            }
            if (c == '#') {
                skip(std::min(rest_.find('\n'), rest_.size()));
                continue;
            }
            if (c == '.' && ++dots_ == key_parts_max) return at_;
            if (std::string_view("\n=,[]{}").find(c) != std::string_view::npos) dots_ = 0;
            skip(1);
        }
        return std::nullopt;
    }

private:
    void skip(std::size_t count)
    {
        for (const char c : rest_.substr(0, count)) {
            if (c == '\n')
                at_ = {at_.line + 1, 1};
            else if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U)
                ++at_.column;
        }
        rest_.remove_prefix(std::min(count, rest_.size()));
    }

    void skip_string(char quote)
    {
        const std::string three(3, quote);
        const bool many_lines = rest_.starts_with(three);
        skip(many_lines ? 3 : 1);
        while (!rest_.empty()) {
            if (quote == '"' && rest_.front() == '\\') {
                skip(2);
            } else if (many_lines ? rest_.starts_with(three) : rest_.front() == quote) {
                // Up to two more quotes may stand before the closing three.
                const std::size_t end = std::min(rest_.find_first_not_of(quote), rest_.size());
                skip(many_lines ? std::min<std::size_t>(end, 5) : 1);
                return;
            } else if (!many_lines && rest_.front() == '\n') {
                return;
            } else {
                skip(1);
            }
        }
    }

    std::string_view rest_;
    Position at_{1, 1};
    std::size_t dots_ = 0;
};

Position position_of(const toml::source_region& source, Position otherwise)
{
    if (source.begin.line == 0 || source.begin.column == 0) return otherwise;
    return {source.begin.line, source.begin.column};
}

Value convert(const toml::node& node, Position around);

Table convert_table(const toml::table& table, Position around)
{
    Table entries;
    entries.reserve(table.size());
    for (const auto& [key, node] : table) {
        const Position at = position_of(key.source(), around);
        entries.push_back({std::string(key.str()), at, convert(node, at)});
    }
    return entries;
}

List convert_list(const toml::array& array, Position around)
{
    List values;
    values.reserve(array.size());
    for (const toml::node& node : array)
        values.push_back(convert(node, around));
    return values;
}

Value convert(const toml::node& node, Position around)
{
    Value value{position_of(node.source(), around), Moment{}};
    if (const auto* text = node.as_string())
        value.data = text->get();
    else if (const auto* integer = node.as_integer())
        value.data = integer->get();
    else if (const auto* number = node.as_floating_point())
        value.data = number->get();
    else if (const auto* boolean = node.as_boolean())
        value.data = boolean->get();
    else if (const auto* array = node.as_array())
        value.data = convert_list(*array, value.at);
    else if (const auto* table = node.as_table())
        value.data = convert_table(*table, value.at);
    return value;
}

Problem problem_at(const std::string& file, Position at, std::string message, std::string hint)
{
    return {file, at.line, at.column, "", std::move(message), std::move(hint)};
}

/// toml++ names the place in its grammar first: "Error while parsing string: unknown escape …".
std::string said_plainly(std::string_view description)
{
    constexpr std::string_view prefix = "Error while parsing ";
    std::string text = printable(description, 300);
    if (text.starts_with(prefix)) text.erase(0, prefix.size());
    if (!text.empty())
        text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    return "not valid TOML: " + text;
}

} // namespace

std::variant<Table, Problem> parse_document(std::string_view text, const std::string& file)
{
    if (text.size() > document_size_max)
        return problem_at(file, {1, 1},
                          fmt::format("larger than {}", size_to_text(document_size_max)),
                          "a unit file is a page of text");
    if (const auto at = DotScanner(text).first_too_deep())
        return problem_at(file, *at, fmt::format("more than {} dots in a row", key_parts_max - 1),
                          "no key of a unit file has more than one");
    try {
        return convert_table(toml::parse(text, std::string_view(file)), {1, 1});
    } catch (const toml::parse_error& error) {
        return problem_at(file, position_of(error.source(), {1, 1}),
                          said_plainly(error.description()),
                          "strings need quotes, and each key "
                          "stands once; see toml.io");
    }
}

std::string_view type_name(const Value& value)
{
    constexpr std::array<std::string_view, 7> names = {
        "a boolean", "an integer", "a number", "a string", "a date or time", "a list", "a table"};
    return names[value.data.index()];
}

} // namespace keel::units
