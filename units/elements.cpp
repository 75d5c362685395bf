#include "units/elements.hpp"

#include "base/text.hpp"
#include "units/mistakes.hpp"
#include "units/signals.hpp"

#include <algorithm>
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

template <class T> std::optional<T> parse_number(std::string_view text)
{
    T number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

/// One side of a limit, in the resource's own unit.
std::optional<std::uint64_t> parse_limit(std::string_view text, Measure measure)
{
    if (text == "unlimited") return ResourceLimit::unlimited;
    switch (measure) {
    case Measure::count: return parse_number<std::uint64_t>(text);
    case Measure::bytes: return text == "0" ? std::optional<std::uint64_t>(0) : parse_size(text);
    case Measure::seconds:
    case Measure::microseconds: break;
    }
    const auto span = parse_duration(text);
    if (!span) return std::nullopt;
    const Duration unit = measure == Measure::seconds ? Duration(1s) : Duration(1us);
    return static_cast<std::uint64_t>((*span + unit - Duration(1)) / unit); // never less than asked
}

std::string_view limit_example(Measure measure)
{
    switch (measure) {
    case Measure::count: return "4096, \"1024:4096\" (soft:hard) or \"unlimited\"";
    case Measure::bytes: return "\"64MiB\", \"64MiB:1GiB\" (soft:hard) or \"unlimited\"";
    case Measure::seconds:
    case Measure::microseconds: break;
    }
    return "\"10s\", \"10s:1m\" (soft:hard) or \"unlimited\"";
}

std::string limit_side(std::uint64_t side, Measure measure)
{
    if (side == ResourceLimit::unlimited) return "unlimited";
    switch (measure) {
    case Measure::count: return fmt::format("{}", side);
    case Measure::bytes: return side == 0 ? "0" : size_to_text(side);
    case Measure::seconds: return keel::to_text(std::chrono::seconds(side));
    case Measure::microseconds: break;
    }
    return keel::to_text(std::chrono::microseconds(side));
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

std::optional<std::uint8_t> place_among(std::span<const std::string_view> words,
                                        std::string_view word)
{
    const auto found = std::find(words.begin(), words.end(), word);
    if (found == words.end()) return std::nullopt;
    return static_cast<std::uint8_t>(found - words.begin());
}

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

std::variant<std::uint32_t, Mistake> percentage(std::string_view text, std::uint32_t min,
                                                std::uint32_t max)
{
    const auto number = text.ends_with('%')
                            ? parse_number<std::uint32_t>(text.substr(0, text.size() - 1))
                            : std::nullopt;
    const std::string hint = fmt::format("from \"{}%\" to \"{}%\"", min, max);
    if (!number) return Mistake{fmt::format("`{}` is no percentage", printable(text, 32)), hint};
    if (*number >= min && *number <= max) return *number;
    return Mistake{fmt::format("must be {}% to {}%, is {}%", min, max, *number), hint};
}

std::variant<std::uint32_t, Mistake> file_mode(std::string_view text, std::uint32_t mode_max)
{
    std::uint32_t mode = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
    if (!text.empty() && error == std::errc{} && end == text.data() + text.size() &&
        mode <= mode_max)
        return mode;
    return Mistake{fmt::format("`{}` is no file mode", printable(text, 32)),
                   fmt::format("octal digits up to {:o}, for example \"0027\"", mode_max)};
}

std::optional<Mistake> add_processors(const Value& element, std::uint16_t number_max,
                                      std::vector<std::uint16_t>& numbers)
{
    const auto* number = std::get_if<std::int64_t>(&element.data);
    const auto* given = std::get_if<std::string>(&element.data);
    const std::string text = number != nullptr  ? std::to_string(*number)
                             : given != nullptr ? *given
                                                : std::string(type_name(element));
    const std::size_t dash = text.find('-');
    const auto first = parse_number<std::uint16_t>(std::string_view(text).substr(0, dash));
    const auto last = dash == std::string::npos
                          ? first
                          : parse_number<std::uint16_t>(std::string_view(text).substr(dash + 1));
    if (!first || !last || *first > *last || *last > number_max)
        return Mistake{fmt::format("`{}` is no processor or range of them", printable(text, 32)),
                       fmt::format("from 0 to {}, for example 2 or \"0-3\"", number_max)};
    for (unsigned n = *first; n <= *last; ++n) {
        const auto here = std::lower_bound(numbers.begin(), numbers.end(), n);
        if (here == numbers.end() || *here != n)
            numbers.insert(here, static_cast<std::uint16_t>(n));
    }
    return std::nullopt;
}

std::variant<ResourceLimit, Mistake> resource_limit(const Value& value, Measure measure)
{
    const std::string hint = fmt::format("for example {}", limit_example(measure));
    if (const auto* number = std::get_if<std::int64_t>(&value.data)) {
        const bool counts = measure == Measure::count || *number == 0;
        if (!counts || *number < 0) return Mistake{fmt::format("{} is no limit", *number), hint};
        const auto both = static_cast<std::uint64_t>(*number);
        return ResourceLimit{both, both};
    }
    const auto* text = std::get_if<std::string>(&value.data);
    if (text == nullptr)
        return Mistake{fmt::format("expected a limit, found {}", type_name(value)), hint};
    const std::size_t colon = text->find(':');
    const auto soft = parse_limit(std::string_view(*text).substr(0, colon), measure);
    const auto hard = colon == std::string::npos
                          ? soft
                          : parse_limit(std::string_view(*text).substr(colon + 1), measure);
    if (!soft || !hard) return Mistake{fmt::format("`{}` is no limit", printable(*text, 64)), hint};
    if (*soft > *hard)
        return Mistake{
            fmt::format("the soft limit of `{}` is above the hard one", printable(*text, 64)),
            "soft:hard, the lower one first"};
    return ResourceLimit{*soft, *hard};
}

std::string to_text(const ResourceLimit& limit, Measure measure)
{
    std::string text = limit_side(limit.soft, measure);
    if (limit.hard != limit.soft) text += ":" + limit_side(limit.hard, measure);
    return text;
}

std::variant<Rung, Mistake> ladder_rung(const std::string& text, const Rungs& kind)
{
    constexpr std::string_view run = "run:";
    if (!text.starts_with(run)) {
        const auto found = std::find(kind.words.begin(), kind.words.end(), text);
        if (found == kind.words.end()) return unknown_word(text, kind.words, kind.later);
        return Rung{static_cast<Rung::Kind>(found - kind.words.begin())};
    }
    const std::string hook = text.substr(run.size());
    if (is_name(hook)) return Rung{Rung::run, hook};
    return Mistake{fmt::format("`{}` cannot be the name of a hook", printable(hook, 80)),
                   std::string(name_rule)};
}

std::variant<ReadyWhen, Mistake> ready_when(const std::string& text, const Readiness& kind)
{
    constexpr std::string_view log = "log:", fd = "fd:";
    constexpr std::size_t length_max = 1024;
    if (text.starts_with(fd)) {
        const auto number = parse_number<int>(std::string_view(text).substr(fd.size()));
        if (number && *number >= kind.fd_min && *number <= kind.fd_max)
            return ReadyWhen{ReadyBy::descriptor, {}, *number};
        return Mistake{
            fmt::format("`{}` is no descriptor that can be kept for it", printable(text, 32)),
            fmt::format("from \"fd:{}\" to \"fd:{}\"", kind.fd_min, kind.fd_max)};
    }
    if (!text.starts_with(log)) {
        const auto place = place_among(kind.words, text);
        if (!place) return unknown_word(text, kind.words, {});
        return ReadyWhen{static_cast<ReadyBy>(*place), {}, 0};
    }
    const std::string line = text.substr(log.size());
    if (line.empty())
        return Mistake{"waits for no line in particular", "for example \"log:listening on\""};
    if (line.size() > length_max)
        return Mistake{fmt::format("is longer than {} bytes", length_max), "shorten it"};
    if (auto mistake = expression.check(line)) return std::move(*mistake);
    return ReadyWhen{ReadyBy::log, line, 0};
}

} // namespace keel::units
