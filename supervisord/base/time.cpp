#include "base/time.hpp"

#include <ctime>
#include <fmt/format.h>

namespace keel {

std::string to_rfc3339(WallTime at)
{
    using namespace std::chrono;
    const auto since_epoch = at.time_since_epoch();
    const auto whole = floor<std::chrono::seconds>(since_epoch);
    const auto millis = duration_cast<milliseconds>(since_epoch - whole).count();
    const std::time_t seconds_value = whole.count();
    std::tm utc{};
    (void)gmtime_r(&seconds_value, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                       utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, millis);
}

} // namespace keel
