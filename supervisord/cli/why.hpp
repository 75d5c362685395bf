// How `keel why` tells a unit's story: how it stands, what happened, what holds, what comes next.
#pragma once
#include "cli/context.hpp"
#include "core/views.hpp"

#include <string>

namespace keel::cli {

std::string why_text(const core::WhyView& why, WallTime now, const Screen& screen);

} // namespace keel::cli
