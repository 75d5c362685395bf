// Changes of limits of groups in which something runs, made by another thread: the kernel may take
// its time to take back what is in use above a new limit.
//
// One piece of work at a time, and of a group that is wished for anew meanwhile only the latest, so
// the last word is the one that stays. Only the loop's thread calls it.
#pragma once
#include "ports/loop.hpp"
#include "sys/cgroup_limits.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace keel::sys {

class LimitChanges {
public:
    LimitChanges(ports::Loop& loop, CgroupLimits limits);

    using Refused = std::function<void(const Error& why)>;
    /// Later; `refused` is called on the loop if it cannot be done, and may be empty.
    void want(const std::string& group, const units::ResourcesSpec& resources, Refused refused);
    /// Here and now, for a group in which nothing lives yet.
    [[nodiscard]] Result<void> set_now(const std::string& group,
                                       const units::ResourcesSpec& resources);

private:
    struct Change {
        units::ResourcesSpec resources;
        Refused refused; ///< stays on the loop's side
        Result<void> outcome{};
    };
    using Changes = std::map<std::string, Change>; ///< by group

    void begin();
    void end(const Changes& made);

    ports::Loop& loop_;
    const CgroupLimits limits_;
    Changes wanted_;
    std::shared_ptr<Changes> under_way_; ///< none: no work is
    std::shared_ptr<const bool> alive_;  ///< answers that come too late see it gone
};

} // namespace keel::sys
