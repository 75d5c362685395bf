#include "units/elements.hpp"

#include "base/text.hpp"
#include "units/mistakes.hpp"
#include "units/signals.hpp"

#include <charconv>
#include <fmt/format.h>
#include <optional>

namespace keel::units {
namespace {

std::optional<int> parse_status(std::string_view text)
{
    int code = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
    if (text.size() != 3 || error != std::errc{} || end != text.data() + 3) return std::nullopt;
    if (code < 100 || code > 599) return std::nullopt;
    return code;
}

/// `204` or `200-399`.
std::optional<StatusRange> parse_status_range(std::string_view text)
{
    const std::size_t dash = text.find('-');
    const auto low = parse_status(text.substr(0, dash));
    const auto high = dash == std::string_view::npos ? low : parse_status(text.substr(dash + 1));
    if (!low || !high || *low > *high) return std::nullopt;
    return StatusRange{*low, *high};
}

} // namespace

std::variant<ExitMatch, Mistake> exit_match(const Value& element)
{
    if (const auto* code = std::get_if<std::int64_t>(&element.data)) {
        if (*code >= 0 && *code <= 255)
            return ExitMatch{ExitMatch::Kind::code, static_cast<int>(*code)};
        return Mistake{fmt::format("{} is no exit code", *code),
                       "a number from 0 to 255, or the name of a signal"};
    }
    if (const auto* name = std::get_if<std::string>(&element.data)) {
        if (const auto number = parse_signal(*name))
            return ExitMatch{ExitMatch::Kind::signal, *number};
        return unknown_signal(*name);
    }
    return Mistake{fmt::format("expected an exit code or a signal, found {}", type_name(element)),
                   "for example 0 or \"TERM\""};
}

std::variant<StatusRange, Mistake> status_range(const Value& element)
{
    if (const auto* code = std::get_if<std::int64_t>(&element.data)) {
        if (*code >= 100 && *code <= 599)
            return StatusRange{static_cast<int>(*code), static_cast<int>(*code)};
        return Mistake{fmt::format("{} is no status code", *code), "a number from 100 to 599"};
    }
    if (const auto* text = std::get_if<std::string>(&element.data)) {
        if (const auto range = parse_status_range(*text)) return *range;
        return Mistake{fmt::format("`{}` is no range of status codes", printable(*text, 32)),
                       "from 100 to 599, for example \"200-399\" or \"204\""};
    }
    return Mistake{fmt::format("expected a status code or range, found {}", type_name(element)),
                   "for example \"200-399\""};
}

} // namespace keel::units
