#include "units/signals.hpp"

#include <charconv>
#include <csignal>
#include <cstring>
#include <fmt/format.h>

namespace keel::units {
namespace {

/// `RTMIN`, `RTMIN+n`, `RTMAX`, `RTMAX-n`. The C library keeps the first few for itself, so the
/// numbers are known at run time only.
std::optional<int> parse_real_time(std::string_view name)
{
    const bool from_min = name.starts_with("RTMIN");
    if (!from_min && !name.starts_with("RTMAX")) return std::nullopt;
    const int base = from_min ? SIGRTMIN : SIGRTMAX;
    name.remove_prefix(5);
    if (name.empty()) return base;
    if (name.size() < 2 || name[0] != (from_min ? '+' : '-') || name[1] < '0' || name[1] > '9')
        return std::nullopt;
    int offset = 0;
    const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), offset);
    if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
    if (offset > SIGRTMAX - SIGRTMIN) return std::nullopt;
    return from_min ? base + offset : base - offset;
}

} // namespace

std::optional<int> parse_signal(std::string_view name)
{
    if (name.starts_with("SIG")) name.remove_prefix(3);
    for (int number = 1; number < SIGRTMIN; ++number) {
        const char* const known = sigabbrev_np(number);
        if (known != nullptr && name == known) return number;
    }
    return parse_real_time(name);
}

std::string signal_text(int number)
{
    if (number >= SIGRTMIN && number <= SIGRTMAX)
        return number == SIGRTMIN ? "RTMIN" : fmt::format("RTMIN+{}", number - SIGRTMIN);
    const char* const known = sigabbrev_np(number);
    return known != nullptr ? known : fmt::format("{}", number);
}

const std::vector<std::string_view>& signal_names()
{
    static const std::vector<std::string_view> names = [] {
        std::vector<std::string_view> all;
        for (int number = 1; number < SIGRTMIN; ++number)
            if (const char* const known = sigabbrev_np(number)) all.emplace_back(known);
        return all;
    }();
    return names;
}

} // namespace keel::units
