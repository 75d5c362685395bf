// The words of `keel --help` and `keel help COMMAND`, rendered from the table of commands.
#pragma once
#include "cli/command_table.hpp"

#include <string>

namespace keel::cli {

/// Pages are filled to this many columns, or to as many as the terminal has, if it has fewer.
inline constexpr std::size_t page_columns = 100;

/// The page about one command.
std::string help_page(const Command& command, std::size_t columns = page_columns);

/// The page about all of them.
std::string overview(std::size_t columns = page_columns);

/// The page `keel help exit`.
std::string exit_page();

} // namespace keel::cli
