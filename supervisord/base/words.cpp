// Words: did-you-mean, splitting, printable text. Durations and sizes are in text.cpp.
#include "base/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

namespace keel {

// ---- did you mean ------------------------------------------------------------------------------

namespace {

/// Optimal string alignment distance: insert, delete, replace, and swap two neighbours, each 1.
std::size_t edit_distance(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> before_last(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({replace, last[j] + 1, row[j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
        std::swap(before_last, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

} // namespace

std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> candidates)
{
    std::size_t allowed = std::clamp<std::size_t>(word.size() / 3, 1, 3);
    std::optional<std::string_view> best;
    for (const std::string_view candidate : candidates) {
        if (std::max(word.size(), candidate.size()) - std::min(word.size(), candidate.size()) >
            allowed)
            continue;
        const std::size_t distance = edit_distance(word, candidate);
        if (distance > allowed) continue;
        best = candidate;
        if (distance == 0) break;
        allowed = distance - 1;
    }
    return best;
}

// ---- words -------------------------------------------------------------------------------------

namespace {

constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

/// Reads one word at a time; `line_` is what has not been read yet.
class WordSplitter {
public:
    explicit WordSplitter(std::string_view line) : line_(line) {}

    std::optional<std::vector<std::string>> all()
    {
        std::vector<std::string> words;
        for (skip_blanks(); !line_.empty(); skip_blanks()) {
            std::string word;
            bool quoted = false;
            while (!line_.empty() && !is_blank(line_.front()))
                if (!take_piece(word, quoted)) return std::nullopt;
            // A line continuation alone makes no word; an empty pair of quotes does.
            if (quoted || !word.empty()) words.push_back(std::move(word));
        }
        return words;
    }

private:
    void skip_blanks()
    {
        line_.remove_prefix(std::min(line_.find_first_not_of(" \t\n"), line_.size()));
    }

    char take()
    {
        const char c = line_.front();
        line_.remove_prefix(1);
        return c;
    }

    bool take_piece(std::string& word, bool& quoted)
    {
        const char c = take();
        if (c == '\\') return take_escaped(word);
        if (c == '\'' || c == '"') {
            quoted = true;
            return c == '"' ? take_double_quoted(word) : take_single_quoted(word);
        }
        word += c;
        return true;
    }

    bool take_escaped(std::string& word)
    {
        if (line_.empty()) return false;
        const char c = take();
        if (c != '\n') word += c;
        return true;
    }

    bool take_single_quoted(std::string& word)
    {
        const std::size_t end = line_.find('\'');
        if (end == std::string_view::npos) return false;
        word += line_.substr(0, end);
        line_.remove_prefix(end + 1);
        return true;
    }

    /// Between double quotes a backslash keeps its place but before these five.
    bool take_double_quoted(std::string& word)
    {
        while (!line_.empty()) {
            const char c = take();
            if (c == '"') return true;
            if (c != '\\') {
                word += c;
            } else if (line_.empty()) {
                return false;
            } else if (std::string_view("$`\"\\\n").find(line_.front()) != std::string_view::npos) {
                if (!take_escaped(word)) return false;
            } else {
                word += c;
            }
        }
        return false;
    }

    std::string_view line_;
};

} // namespace

std::optional<std::vector<std::string>> split_words(std::string_view line)
{
    return WordSplitter(line).all();
}

// ---- printable bytes ---------------------------------------------------------------------------

namespace {

/// Length of the well-formed UTF-8 sequence at the front of `bytes` (RFC 3629), 0 if there is none.
std::size_t utf8_length(std::string_view bytes)
{
    const auto at = [&](std::size_t i) -> unsigned {
        return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U;
    };
    const unsigned lead = at(0);
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                               : lead >= 0xE0 && lead <= 0xEF ? 3
                               : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                              : 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((at(i) & 0xC0U) != 0x80U) return 0;
    // Overlong forms, surrogates, and beyond U+10FFFF: decided by the second byte.
    if (lead == 0xE0 && at(1) < 0xA0) return 0;
    if (lead == 0xED && at(1) > 0x9F) return 0;
    if (lead == 0xF0 && at(1) < 0x90) return 0;
    if (lead == 0xF4 && at(1) > 0x8F) return 0;
    return length;
}

bool is_control(std::string_view sequence)
{
    const auto lead = static_cast<unsigned char>(sequence[0]);
    if (lead < 0x20 || lead == 0x7F) return true;
    return lead == 0xC2 && static_cast<unsigned char>(sequence[1]) < 0xA0; // U+0080 to U+009F
}

std::string escaped(std::string_view bytes)
{
    if (bytes == "\n") return "\\n";
    if (bytes == "\r") return "\\r";
    if (bytes == "\t") return "\\t";
    std::string text;
    for (const char c : bytes)
        text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    return text;
}

} // namespace

std::string printable(std::string_view bytes, std::size_t limit)
{
    constexpr std::string_view ellipsis = "…";
    std::string text;
    std::size_t cut_at = 0; // how much of `text` can stand before an ellipsis
    while (!bytes.empty()) {
        const std::size_t length = std::max<std::size_t>(utf8_length(bytes), 1);
        const std::string_view piece = bytes.substr(0, length);
        const bool shown_as_is = utf8_length(bytes) != 0 && !is_control(piece);
        text += shown_as_is ? std::string(piece) : escaped(piece);
        if (text.size() > limit) {
            text.resize(cut_at);
            return limit < ellipsis.size() ? text : text.append(ellipsis);
        }
        if (text.size() + ellipsis.size() <= limit) cut_at = text.size();
        bytes.remove_prefix(length);
    }
    return text;
}

} // namespace keel
