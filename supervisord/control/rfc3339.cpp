// Times of the control API's documents, back from text.
#include "control/json_codec.hpp"

#include <algorithm>
#include <charconv>

namespace keel::control {
namespace {

/// A number of exactly `digits` digits at the front of `text`.
std::optional<unsigned> take_number(std::string_view& text, std::size_t digits)
{
    unsigned value = 0;
    if (text.size() < digits) return std::nullopt;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + digits, value);
    if (failed != std::errc{} || end != text.data() + digits) return std::nullopt;
    text.remove_prefix(digits);
    return value;
}

bool take(std::string_view& text, char expected)
{
    if (text.empty() || text.front() != expected) return false;
    text.remove_prefix(1);
    return true;
}

/// `.482` as a duration; nothing is zero; more than nine digits are refused.
std::optional<Duration> take_fraction(std::string_view& text)
{
    if (!take(text, '.')) return Duration{0};
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0 || digits > 9) return std::nullopt;
    auto value = take_number(text, digits);
    Duration fraction(value.value_or(0));
    for (std::size_t i = digits; i < 9; ++i)
        fraction *= 10;
    return fraction;
}

} // namespace

std::optional<WallTime> parse_rfc3339(std::string_view text)
{
    using namespace std::chrono;
    const auto year_number = take_number(text, 4);
    if (!year_number || !take(text, '-')) return std::nullopt;
    const auto month_number = take_number(text, 2);
    if (!month_number || !take(text, '-')) return std::nullopt;
    const auto day_number = take_number(text, 2);
    if (!day_number || !take(text, 'T')) return std::nullopt;
    const auto hour = take_number(text, 2);
    if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
    const auto minute = take_number(text, 2);
    if (!minute || *minute > 59 || !take(text, ':')) return std::nullopt;
    const auto second = take_number(text, 2);
    if (!second || *second > 60) return std::nullopt;
    const auto fraction = take_fraction(text);
    if (!fraction || text != "Z") return std::nullopt;

    const year_month_day date{year(static_cast<int>(*year_number)), month(*month_number),
                              day(*day_number)};
    // Nanoseconds since 1970 fit into 64 bits until 2262.
    if (!date.ok() || *year_number < 1700 || *year_number > 2261) return std::nullopt;
    return WallTime(duration_cast<Duration>(sys_days(date).time_since_epoch()) + hours(*hour) +
                    minutes(*minute) + std::chrono::seconds(*second) + *fraction);
}

} // namespace keel::control
