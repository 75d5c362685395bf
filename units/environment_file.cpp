#include "units/environment_file.hpp"

#include "base/text.hpp"
#include "units/rules.hpp"
#include "units/small_file.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <optional>

namespace keel::units {
namespace {

constexpr std::size_t size_max = 1U << 20;
constexpr std::string_view blank = " \t\r";

std::string_view trimmed(std::string_view text)
{
    const std::size_t first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/// A value without its quotes; nothing if they do not match.
std::optional<std::string> unquoted(std::string_view text)
{
    if (text.empty() || (text.front() != '"' && text.front() != '\'')) return std::string(text);
    const char quote = text.front();
    if (text.size() < 2 || text.back() != quote) return std::nullopt;
    const std::string_view inside = text.substr(1, text.size() - 2);
    std::string value;
    for (std::size_t i = 0; i < inside.size(); ++i) {
        if (inside[i] == quote) return std::nullopt;
        const bool escape = quote == '"' && inside[i] == '\\';
        if (escape && ++i == inside.size()) return std::nullopt; // the closing quote is escaped
        value += escape && inside[i] == 'n' ? '\n' : inside[i];
    }
    return value;
}

std::optional<Mistake> read_line(std::string_view line, Variables& variables)
{
    if (line.starts_with("export ")) line = trimmed(line.substr(7));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return Mistake{"has no `=`", "write NAME=value"};
    const std::string name(line.substr(0, equals));
    if (auto mistake = environment_entries.check_key(name)) return mistake;
    auto value = unquoted(trimmed(line.substr(equals + 1)));
    if (!value) return Mistake{"has a quote that does not match", "quote the whole value or none"};
    if (auto mistake = environment_entries.check_value(*value)) return mistake;
    variables[name] = std::move(*value);
    return std::nullopt;
}

} // namespace

std::variant<Variables, Mistake> parse_environment(std::string_view text)
{
    Variables variables;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty() || line.front() == '#') continue;
        if (auto mistake = read_line(line, variables)) {
            mistake->message = fmt::format("line {} {}", number, mistake->message);
            return std::move(*mistake);
        }
    }
    return variables;
}

std::variant<Variables, Mistake> read_environment_file(const std::string& path)
{
    auto text = read_small_file(path, size_max);
    auto* mistake = std::get_if<Mistake>(&text);
    if (mistake == nullptr && std::get<std::string>(text).size() > size_max)
        return Mistake{printable(path) + " is larger than 1MiB",
                       "only lines NAME=value belong into it"};
    std::variant<Variables, Mistake> read;
    if (mistake == nullptr) {
        read = parse_environment(std::get<std::string>(text));
        mistake = std::get_if<Mistake>(&read);
    }
    if (mistake == nullptr) return read;
    return Mistake{fmt::format("{} {}", printable(path), mistake->message), mistake->hint};
}

std::variant<Variables, Mistake> read_environment_files(const std::vector<std::string>& paths)
{
    Variables all;
    for (const std::string& path : paths) {
        auto read = read_environment_file(path);
        if (std::holds_alternative<Mistake>(read)) return read;
        for (auto& [name, value] : std::get<Variables>(read))
            all[name] = std::move(value);
    }
    return all;
}

std::uint64_t digest_of(const std::variant<Variables, Mistake>& read)
{
    const auto* variables = std::get_if<Variables>(&read);
    if (variables == nullptr) return 0;
    std::uint64_t digest = 14695981039346656037ULL; // FNV-1a
    const auto add = [&](std::string_view text) {
        for (const char c : text)
            digest = (digest ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
        digest = (digest ^ 0xff) * 1099511628211ULL;
    };
    for (const auto& [name, value] : *variables) {
        add(name);
        add(value);
    }
    return std::max<std::uint64_t>(digest, 1);
}

std::string to_text(const EnvironmentDigests& digests)
{
    std::string text;
    for (const auto& [unit, digest] : digests)
        text += fmt::format("{} {:016x}\n", unit, digest);
    return text;
}

EnvironmentDigests digests_from(std::string_view text)
{
    constexpr std::size_t digits = 16;
    EnvironmentDigests digests;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const std::size_t blank_at = line.find(' ');
        if (blank_at == std::string_view::npos || line.size() - blank_at - 1 != digits) continue;
        std::uint64_t digest = 0;
        const auto [end, failed] =
            std::from_chars(line.data() + blank_at + 1, line.data() + line.size(), digest, 16);
        if (failed == std::errc{} && end == line.data() + line.size())
            digests[std::string(line.substr(0, blank_at))] = digest;
    }
    return digests;
}

} // namespace keel::units
