// keel status --watch: the units, shown again whenever something happens.
#pragma once
#include "cli/commands.hpp"
#include "cli/live_screen.hpp"
#include "core/views.hpp"

#include <string>
#include <vector>

namespace keel::cli {

/// What a page of the watch shows.
struct WatchPage {
    std::vector<core::UnitView> units;
    WallTime now;        ///< of the clock at the top
    WallTime as_of;      ///< when the units were so
    std::string trouble; ///< why nothing newer is known; empty: it is up to date
};

/// The page's lines, as many as the window has rows at most. Units that do not fit are counted, and
/// those that are not well are shown before the others then.
std::vector<std::string> lines_of(const WatchPage& page, WindowSize window, Colour colour);

/// On a terminal a page that is drawn again until it is interrupted, else one table after another.
Exit watch(const Context& context, const StatusOptions& options);

} // namespace keel::cli
