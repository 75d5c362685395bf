// What the processes of one instance may use together: the limits of its control group.
//
// A group has the files of a controller only where all groups above it hand the controller down (in
// their cgroup.subtree_control). Here that is seen to for the controllers that somebody asks for,
// from the base to the group above the instance's, and taken back as a whole by release(): systemd
// cannot start keeld in a group that hands controllers down (the service then fails with
// 219/CGROUP), so whoever leaves last with units running has to. Limits are gone for so long, and
// are set again by the next start.
//
// Copies share their state. set() may wait for the kernel, which takes back what is in use above a
// new limit, so of a running instance it is for another thread than the loop's.
#pragma once
#include "sys/cgroup_files.hpp"
#include "units/resources.hpp"

#include <memory>
#include <mutex>
#include <string>

namespace keel::sys {

class CgroupLimits {
public:
    explicit CgroupLimits(std::shared_ptr<const CgroupFiles> files);

    /// Gives the group `UNIT/SLOT`, which is there, these limits, and takes from it all others. The
    /// first that cannot be set is the error; the others are set all the same.
    [[nodiscard]] Result<void> set(const std::string& group,
                                   const units::ResourcesSpec& wanted) const;

    /// No group, from the base on, hands anything down any more. From now on set() refuses to.
    void release() const;

    /// What the base has to hand down.
    [[nodiscard]] std::vector<std::string> controllers() const;

private:
    [[nodiscard]] Result<void> set_one(const std::string& group,
                                       const units::ResourceSetting& setting) const;
    [[nodiscard]] Result<void> hand_down(const std::string& group,
                                         std::string_view controller) const;
    [[nodiscard]] Result<void> set_io_weight(const std::string& group,
                                             const units::ResourceSetting& setting) const;
    void release_below(const std::string& group) const;

    struct Shared {
        std::shared_ptr<const CgroupFiles> files;
        std::mutex handing_down;
        bool released = false;
    };
    std::shared_ptr<Shared> shared_;
};

/// What `io.weight` is to be written as where only BFQ is there to heed it: 1 to 1000, 100 for 100.
[[nodiscard]] unsigned bfq_weight(unsigned io_weight);

} // namespace keel::sys
