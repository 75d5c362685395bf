#include "sys/limit_changes.hpp"

#include <utility>

namespace keel::sys {

LimitChanges::LimitChanges(ports::Loop& loop, CgroupLimits limits)
    : loop_(loop), limits_(std::move(limits)), alive_(std::make_shared<bool>(true))
{}

void LimitChanges::want(const std::string& group, const units::ResourcesSpec& resources,
                        Refused refused)
{
    wanted_.insert_or_assign(group, Change{resources, std::move(refused)});
    begin();
}

Result<void> LimitChanges::set_now(const std::string& group, const units::ResourcesSpec& resources)
{
    wanted_.erase(group);
    auto outcome = limits_.set(group, resources);
    // What the thread has in hand for this group is of the past, and may be written after this.
    if (under_way_ && under_way_->contains(group)) wanted_.emplace(group, Change{resources, {}});
    return outcome;
}

void LimitChanges::begin()
{
    if (under_way_ || wanted_.empty()) return;
    under_way_ = std::make_shared<Changes>(std::exchange(wanted_, {}));
    loop_.offload(
        [limits = limits_, changes = under_way_] {
            for (auto& [group, change] : *changes)
                change.outcome = limits.set(group, change.resources);
        },
        [this, changes = under_way_, alive = std::weak_ptr(alive_)] {
            if (!alive.expired()) end(*changes);
        });
}

void LimitChanges::end(const Changes& made)
{
    under_way_.reset();
    for (const auto& [group, change] : made)
        if (!change.outcome && change.refused) change.refused(change.outcome.error());
    begin();
}

} // namespace keel::sys
