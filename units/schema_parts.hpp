// The sections of a unit file whose rows have a file of their own.
//
// Private to units/schema.cpp, which joins them to one table; whoever wants the language asks
// schema().
#pragma once
#include "units/schema.hpp"

#include <span>

namespace keel::units {

/// `[[probe]]` and what stands below it.
std::span<const Key> probe_keys();
/// `[deploy]`, likewise.
std::span<const Key> deploy_keys();

} // namespace keel::units
