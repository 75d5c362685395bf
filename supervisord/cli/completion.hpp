// Completion of `keel`'s command line by shells: scripts made from the table of commands, and the
// names that they ask for while a person types.
#pragma once
#include "cli/context.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace keel::cli {

enum class Shell : std::uint8_t { bash, zsh, fish };

/// The script that teaches it to the shell.
std::string completion_script(Shell shell);

/// `keel completion WORD`: a shell's script; or, as the scripts ask, the names of `units` or
/// `instances`, of units that are `deployed`, or the numbers of those `operations` that can be
/// cancelled, a line each. `keel completion WORD UNIT`: the unit's `releases` that can be deployed,
/// or those that are `denied`. Of a daemon that does not answer at once there are none.
Exit completion(const Context& context, const std::vector<std::string>& words);

} // namespace keel::cli

namespace keel {
template <>
inline constexpr std::array names_of<cli::Shell> = std::to_array<std::string_view>({"bash", "zsh",
                                                                                    "fish"});
} // namespace keel
