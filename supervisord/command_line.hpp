// The engine's command line: keeld's own, which the keeper passes on.
#pragma once
#include <optional>
#include <string>

namespace keel {

struct Options {
    std::optional<std::string> root; ///< none: as KEEL_ROOT says
    std::optional<std::string> http; ///< this and the next, none: as keel.toml says
    std::optional<std::string> log_level;
};

/// None: go on. Else what there was to say has been said, and the program ends with that code.
std::optional<int> parse(Options& options, int argc, char** argv);

} // namespace keel
