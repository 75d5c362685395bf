#include "core/late_turns.hpp"

#include <algorithm>

namespace keel::core {

void LateTurns::note(MonoTime at, Duration by)
{
    if (by <= noted_min) return;
    std::erase_if(kept_, [&](const Late& late) { return late.by <= by; });
    if (kept_.size() == kept_max)
        kept_.back().at = at;
    else
        kept_.push_back({at, by});
}

Duration LateTurns::worst_since(MonoTime then) const
{
    const auto first =
        std::ranges::find_if(kept_, [&](const Late& late) { return late.at >= then; });
    return first == kept_.end() ? Duration{0} : first->by;
}

} // namespace keel::core
