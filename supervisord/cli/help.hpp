// The words of `keel --help` and `keel help COMMAND`.
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace keel::cli {

struct CommandHelp {
    std::string_view command;
    std::string_view summary; ///< one line
    std::string_view text;    ///< the whole page, ending in a line break
};

std::span<const CommandHelp> command_help();

/// The page about one command; nullptr: there is no such command.
const CommandHelp* help_for(std::string_view command);

/// The page about all of them.
std::string overview();

} // namespace keel::cli
