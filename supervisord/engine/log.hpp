// keeld's own log: one line per decision, on stderr (the journal, under systemd).
//
// A narrow door in front of spdlog, so that one file pays for its templates. Only the engine and
// main() log; nobody decides anything here.
#pragma once
#include <optional>
#include <string_view>

namespace keel::log {

enum class Level : unsigned char { debug, info, warn, error, off };

std::optional<Level> level_from(std::string_view name);

void set_level(Level level);
[[nodiscard]] bool enabled(Level level);
void write(Level level, std::string_view line);

} // namespace keel::log
