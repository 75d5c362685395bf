// The options of `keeld`, said once: its parser and its manual page are made from them.
#pragma once
#include <string_view>

namespace keel {

struct KeeldOption {
    std::string_view flag;
    std::string_view value;
    std::string_view meaning; ///< without a capital and a full stop
};

inline constexpr KeeldOption keeld_root{"--root", "DIR", "put every path under this folder"};
inline constexpr KeeldOption keeld_http{"--http", "ADDR:PORT",
                                        "where the pages are, or off; else as keel.toml says"};
inline constexpr KeeldOption keeld_log_level{"--log-level", "LEVEL",
                                             "debug, info, warn, error or off"};

} // namespace keel
