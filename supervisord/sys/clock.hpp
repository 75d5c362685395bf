// The clocks of this host, read from the kernel. Only sys reads them; everyone else is told.
#pragma once
#include "base/result.hpp"
#include "base/time.hpp"

#include <string>

namespace keel::sys {

/// CLOCK_MONOTONIC and CLOCK_REALTIME, now.
[[nodiscard]] Now read_clocks();

/// CLOCK_MONOTONIC alone.
[[nodiscard]] MonoTime read_mono();

/// Time since the boot, suspends included (CLOCK_BOOTTIME).
[[nodiscard]] Duration read_boottime();

/// The kernel's random name of this boot, 36 characters; what was learned in another boot says
/// nothing about the processes of this one.
[[nodiscard]] Result<std::string> read_boot_id();

} // namespace keel::sys
