// How `keel events` shows what happened, a line each.
#pragma once
#include "cli/context.hpp"
#include "core/views.hpp"

#include <string>

namespace keel::cli {

/// `09:15:02.482  worker.1  backoff -> ready (…)`
std::string event_line(const core::EventView& event, WallTime now, const Screen& screen);

} // namespace keel::cli
