// What keel.toml says about keeld itself, after defaults: plain values, no behaviour.
//
// Meanings and ranges are the schema's (units/daemon_schema.cpp). What it says about units, its
// [defaults], is no part of this: that is laid under every unit file (daemon_file.hpp).
#pragma once
#include "base/enum_names.hpp"
#include "units/spec.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace keel::units {

enum class LogLevel : std::uint8_t { debug, info, warn, error, off };

/// The storm brake: restarts of the whole host that are not the first in a row.
struct StormSpec {
    std::uint32_t starts_per_second = 50; ///< 0: off
    std::uint32_t burst = 200;
};

struct DaemonSpec {
    std::string http_listen = "127.0.0.1:9632"; ///< or `off`
    std::string token_file;                     ///< empty: there is no token
    std::string operators_group;                ///< empty: nobody but root and keeld's own user
    std::string readers_group;
    LogLevel log_level = LogLevel::info;
    StormSpec storm;
    NamedHooks hooks; ///< also those that have a problem, as far as they are usable
};

} // namespace keel::units

namespace keel {
template <>
inline constexpr std::array names_of<units::LogLevel> =
    std::to_array<std::string_view>({"debug", "info", "warn", "error", "off"});
} // namespace keel
