#include "cli/since.hpp"

#include "base/text.hpp"
#include "control/json_codec.hpp"

#include <array>
#include <ctime>

namespace keel::cli {
namespace {

std::tm local(std::time_t at)
{
    std::tm parts{};
    (void)::localtime_r(&at, &parts);
    return parts;
}

/// nullopt: there is no such day. What a change of the clocks left out is moved on.
std::optional<std::time_t> moment(std::tm parts)
{
    const int day = parts.tm_mday;
    parts.tm_isdst = -1;
    const std::time_t at = std::mktime(&parts);
    if (at == -1 || parts.tm_mday != day) return std::nullopt;
    return at;
}

std::optional<std::time_t> with_date(const char* text)
{
    for (const char* form : {"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M",
                             "%Y-%m-%dT%H:%M", "%Y-%m-%d"}) {
        std::tm parts{};
        const char* end = ::strptime(text, form, &parts);
        if (end != nullptr && *end == '\0') return moment(parts);
    }
    return std::nullopt;
}

std::optional<std::time_t> of_last_day(const char* text, std::time_t now)
{
    for (const char* form : {"%H:%M:%S", "%H:%M"}) {
        std::tm parts = local(now);
        parts.tm_sec = 0;
        const char* end = ::strptime(text, form, &parts);
        if (end == nullptr || *end != '\0') continue;
        const auto today = moment(parts);
        if (today && *today <= now) return today;
        parts.tm_mday -= 1;
        parts.tm_isdst = -1;
        return std::mktime(&parts);
    }
    return std::nullopt;
}

/// Takes `.482` off the end; nullopt: what stands there is no fraction.
std::optional<Duration> take_fraction(std::string& text)
{
    const auto dot = text.find('.');
    if (dot == std::string::npos) return Duration{0};
    const std::string digits = text.substr(dot + 1);
    if (digits.empty() || digits.size() > 9) return std::nullopt;
    if (digits.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
    if (text.find(':') == std::string::npos) return std::nullopt;
    text.resize(dot);
    return Duration(std::stoll((digits + "000000000").substr(0, 9)));
}

} // namespace

std::optional<WallTime> parse_since(const std::string& text, WallTime now)
{
    if (const auto length = parse_duration(text)) return now - *length;
    if (const auto utc = control::parse_rfc3339(text)) return utc;
    std::string whole = text;
    const auto fraction = take_fraction(whole);
    if (!fraction) return std::nullopt;
    auto at = with_date(whole.c_str());
    if (!at)
        at = of_last_day(
            whole.c_str(),
            std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
    if (!at) return std::nullopt;
    return WallTime(std::chrono::seconds(*at)) + *fraction;
}

} // namespace keel::cli
