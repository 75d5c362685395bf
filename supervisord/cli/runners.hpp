// From a command line to the call that carries it out: what its options mean, and which function it
// is. Whether there is such a command, and such an option, has been looked at before.
#pragma once
#include "cli/arguments.hpp"
#include "cli/context.hpp"

namespace keel::cli {

/// A command of the table, with as many words as it may have. Throws Wrong where a value makes no
/// sense.
Exit run_command(std::string_view command, const Arguments& arguments);

} // namespace keel::cli
