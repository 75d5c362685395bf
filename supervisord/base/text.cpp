// Quantities: durations and sizes. Words and printable text are in words.cpp.
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <fmt/format.h>
#include <numeric>

namespace keel {
namespace {

using namespace std::chrono_literals;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes the longest prefix of `text` that `belongs` accepts.
template <class Predicate> std::string_view take_while(std::string_view& text, Predicate belongs)
{
    const auto end = std::find_if_not(text.begin(), text.end(), belongs);
    const auto length = static_cast<std::size_t>(end - text.begin());
    const std::string_view taken = text.substr(0, length);
    text.remove_prefix(length);
    return taken;
}

/// Digits as a number. More of them than fit are refused.
std::optional<std::uint64_t> parse_digits(std::string_view digits)
{
    if (digits.empty() || digits.size() > 18) return std::nullopt;
    return std::accumulate(
        digits.begin(), digits.end(), std::uint64_t{0},
        [](std::uint64_t sum, char c) { return sum * 10 + static_cast<std::uint64_t>(c - '0'); });
}

/// A decimal number as it stands in the text: `1.25` is whole 1, fraction 25 of 10^2.
struct Decimal {
    std::uint64_t whole = 0;
    std::uint64_t fraction = 0;
    std::uint64_t scale = 1;
};

std::optional<Decimal> take_decimal(std::string_view& text)
{
    const auto whole = parse_digits(take_while(text, is_digit));
    if (!whole) return std::nullopt;
    Decimal number{*whole};
    if (text.empty() || text.front() != '.') return number;

    text.remove_prefix(1);
    const std::string_view digits = take_while(text, is_digit);
    if (digits.size() > 9) return std::nullopt;
    const auto fraction = parse_digits(digits);
    if (!fraction) return std::nullopt;
    number.fraction = *fraction;
    for (std::size_t i = 0; i < digits.size(); ++i)
        number.scale *= 10;
    return number;
}

/// number × unit, rounded down. The fraction is multiplied in two parts, neither of which can
/// overflow: both are below unit, or below scale² = 10^18.
std::optional<std::uint64_t> times(const Decimal& number, std::uint64_t unit)
{
    std::uint64_t whole = 0;
    if (__builtin_mul_overflow(number.whole, unit, &whole)) return std::nullopt;
    const std::uint64_t part = (unit / number.scale) * number.fraction +
                               (unit % number.scale) * number.fraction / number.scale;
    std::uint64_t sum = 0;
    if (__builtin_add_overflow(whole, part, &sum)) return std::nullopt;
    return sum;
}

struct Unit {
    std::string_view name;
    std::uint64_t value;
};

constexpr std::uint64_t nanoseconds_of(Duration d) { return static_cast<std::uint64_t>(d.count()); }

constexpr Duration day = 24h;
constexpr Duration longest = 3650 * day;

/// From the longest to the shortest: the order in which several in a row must stand.
constexpr std::array duration_units = {
    Unit{"d", nanoseconds_of(day)}, Unit{"h", nanoseconds_of(1h)}, Unit{"m", nanoseconds_of(1min)},
    Unit{"s", nanoseconds_of(1s)}, Unit{"ms", nanoseconds_of(1ms)}};

constexpr std::array size_units = {Unit{"TiB", 1ULL << 40},
                                   Unit{"GiB", 1ULL << 30},
                                   Unit{"MiB", 1ULL << 20},
                                   Unit{"KiB", 1ULL << 10},
                                   Unit{"TB", 1'000'000'000'000},
                                   Unit{"GB", 1'000'000'000},
                                   Unit{"MB", 1'000'000},
                                   Unit{"kB", 1'000},
                                   Unit{"KB", 1'000},
                                   Unit{"B", 1}};

} // namespace

// ---- durations ---------------------------------------------------------------------------------

std::optional<Duration> parse_duration(std::string_view text)
{
    if (text.empty()) return std::nullopt;
    std::uint64_t total = 0;
    const Unit* next_allowed = duration_units.begin();
    while (!text.empty()) {
        const auto number = take_decimal(text);
        if (!number) return std::nullopt;
        const auto letters = take_while(text, [](char c) { return c >= 'a' && c <= 'z'; });
        const Unit* const unit = std::find_if(next_allowed, duration_units.end(),
                                              [&](const Unit& u) { return u.name == letters; });
        if (unit == duration_units.end()) return std::nullopt;
        next_allowed = unit + 1;
        const auto part = times(*number, unit->value);
        if (!part || *part > nanoseconds_of(longest)) return std::nullopt;
        total += *part;
        if (total > nanoseconds_of(longest)) return std::nullopt;
    }
    return Duration(static_cast<Duration::rep>(total));
}

std::string to_text(Duration d)
{
    if (d <= Duration::zero()) return "0s";
    const auto total = nanoseconds_of(std::chrono::ceil<std::chrono::milliseconds>(d));
    std::string in_one_unit;
    std::string in_several;
    auto rest = total;
    for (const Unit& unit : duration_units) {
        if (in_one_unit.empty() && total % unit.value == 0)
            in_one_unit = fmt::format("{}{}", total / unit.value, unit.name);
        if (rest >= unit.value) in_several += fmt::format("{}{}", rest / unit.value, unit.name);
        rest %= unit.value;
    }
    return in_several.size() < in_one_unit.size() ? in_several : in_one_unit;
}

namespace {

/// `value` to three significant digits, without zeros that say nothing: 3.02, 12.5, 812, 3.
std::string three_digits(double value)
{
    const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    std::string text = fmt::format("{:.{}f}", value, decimals);
    if (decimals > 0) {
        text.erase(text.find_last_not_of('0') + 1);
        if (text.back() == '.') text.pop_back();
    }
    return text;
}

/// Both parts, the second only if it is not 0: `4 min 12 s`.
std::string two_parts(std::int64_t large, const char* large_name, std::int64_t small,
                      const char* small_name)
{
    if (small == 0) return fmt::format("{} {}", large, large_name);
    return fmt::format("{} {} {} {}", large, large_name, small, small_name);
}

} // namespace

std::string to_human(Duration d)
{
    using namespace std::chrono;
    if (d < Duration::zero()) return "-" + to_human(d == Duration::min() ? Duration::max() : -d);
    if (d == Duration::zero()) return "0 s";

    // Rounding the very longest durations would overflow.
    d = std::min(d, Duration::max() - day);

    // Each border is where the next smaller unit would round up to a whole larger one.
    const auto count = static_cast<double>(d.count());
    if (count < 999.5) return fmt::format("{} ns", d.count());
    if (count < 999.5e3) return three_digits(count / 1e3) + " µs";
    if (count < 999.5e6) return three_digits(count / 1e6) + " ms";
    if (count < 59.95e9) return three_digits(count / 1e9) + " s";
    if (const auto s = round<std::chrono::seconds>(d).count(); s < 3600)
        return two_parts(s / 60, "min", s % 60, "s");
    if (const auto m = round<minutes>(d).count(); m < minutes(24h).count())
        return two_parts(m / 60, "h", m % 60, "min");
    const auto h = round<hours>(d).count();
    return two_parts(h / 24, "d", h % 24, "h");
}

// ---- sizes -------------------------------------------------------------------------------------

std::optional<std::uint64_t> parse_size(std::string_view text)
{
    if (text == "0") return 0;
    const auto number = take_decimal(text);
    if (!number) return std::nullopt;
    const auto* const unit = std::find_if(size_units.begin(), size_units.end(),
                                          [&](const Unit& u) { return u.name == text; });
    if (unit == size_units.end()) return std::nullopt;
    return times(*number, unit->value);
}

std::string size_to_text(std::uint64_t bytes)
{
    if (bytes == 0) return "0";
    for (const Unit& unit : size_units)
        if (unit.name.ends_with("iB") && bytes % unit.value == 0)
            return fmt::format("{}{}", bytes / unit.value, unit.name);
    return fmt::format("{}B", bytes);
}

std::string human_size(std::uint64_t bytes)
{
    if (bytes < 1024) return fmt::format("{} B", bytes);
    constexpr std::array names{"KiB", "MiB", "GiB", "TiB"};
    double value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    for (; value >= 1024 && unit + 1 < names.size(); ++unit)
        value /= 1024;
    return fmt::format("{:.1f} {}", value, names.at(unit));
}

} // namespace keel
