#include "sys/cgroup_limits.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>

namespace keel::sys {
namespace {

std::string file_in(const std::string& group, std::string_view file)
{
    return group.empty() ? std::string(file) : fmt::format("{}/{}", group, file);
}

std::string handed_down_by(const std::string& group)
{
    return file_in(group, "cgroup.subtree_control");
}

/// As people are told: what they asked for, and why they do not get it.
Error refused(const units::ResourceSetting& setting, const Error& why)
{
    return {fmt::format("{}: {}", setting.key, why.what), why.subject, why.errno_value};
}

} // namespace

CgroupLimits::CgroupLimits(std::shared_ptr<const CgroupFiles> files)
    : shared_(std::make_shared<Shared>())
{
    shared_->files = std::move(files);
}

std::vector<std::string> CgroupLimits::controllers() const
{
    const auto text = shared_->files->read("cgroup.controllers");
    return text ? units::words_of(*text) : std::vector<std::string>{};
}

Result<void> CgroupLimits::set(const std::string& group, const units::ResourcesSpec& wanted) const
{
    const std::string above = group.substr(0, group.rfind('/'));
    // The usual case, at the price of one look: nothing is asked for, and nothing ever was.
    if (wanted == units::ResourcesSpec{}) {
        const auto handed_down = shared_->files->read(handed_down_by(above));
        if (!handed_down || units::words_of(*handed_down).empty()) return {};
    }
    Result<void> outcome;
    for (const units::ResourceSetting& setting : units::settings_of(wanted))
        if (auto one = set_one(group, setting); !one && outcome)
            outcome = refused(setting, one.error());
    return outcome;
}

Result<void> CgroupLimits::set_one(const std::string& group,
                                   const units::ResourceSetting& setting) const
{
    if (!setting.is_default)
        if (auto handed = hand_down(group, setting.controller); !handed) return handed;
    auto written = setting.file == "io.weight"
                       ? set_io_weight(group, setting)
                       : shared_->files->write(file_in(group, setting.file), setting.value);
    // Without its controller a group has no limit to be taken back.
    if (!written && setting.is_default && written.error().errno_value == ENOENT) return {};
    return written;
}

/// From the base to the group above this one, each in its turn.
Result<void> CgroupLimits::hand_down(const std::string& group, std::string_view controller) const
{
    const std::lock_guard lock(shared_->handing_down);
    if (shared_->released) return Error{"keeld is leaving", {}, 0};
    if (std::ranges::count(controllers(), controller) == 0)
        return Error{
            fmt::format("keeld's control group has no controller `{}`", controller), {}, 0};
    const std::string above = group.substr(0, group.rfind('/'));
    for (const std::string& one : {std::string(), above}) {
        const auto handed_down = shared_->files->read(handed_down_by(one));
        if (handed_down && std::ranges::count(units::words_of(*handed_down), controller) != 0)
            continue;
        auto handed = shared_->files->write(handed_down_by(one), fmt::format("+{}", controller));
        if (handed) continue;
        Error why = handed.error();
        // It says EBUSY, which tells nobody that a group may have processes or hand down, not both.
        if (why.errno_value == EBUSY) why.what = "processes live in the group itself, " + why.what;
        return why;
    }
    return {};
}

/// Whoever heeds it: io.cost, or BFQ by a file and with a range of its own.
Result<void> CgroupLimits::set_io_weight(const std::string& group,
                                         const units::ResourceSetting& setting) const
{
    auto written = shared_->files->write(file_in(group, setting.file), setting.value);
    if (written || written.error().errno_value != ENOENT) return written;
    const unsigned weight = bfq_weight(static_cast<unsigned>(std::stoul(setting.value)));
    auto by_bfq = shared_->files->write(file_in(group, "io.bfq.weight"), fmt::format("{}", weight));
    if (by_bfq || by_bfq.error().errno_value != ENOENT) return by_bfq;
    return Error{"the kernel weighs no disks: it has neither io.cost nor BFQ; open", "io.weight",
                 ENOENT};
}

void CgroupLimits::release() const
{
    const std::lock_guard lock(shared_->handing_down);
    shared_->released = true;
    release_below({});
}

/// The deepest first: a group hands down what it is given only as long as it is given it.
void CgroupLimits::release_below(const std::string& group) const
{
    for (const std::string& name : shared_->files->groups_in(group))
        release_below(file_in(group, name));
    const auto handed_down = shared_->files->read(handed_down_by(group));
    if (!handed_down) return;
    for (const std::string& controller : units::words_of(*handed_down))
        (void)shared_->files->write(handed_down_by(group), "-" + controller);
}

unsigned bfq_weight(unsigned io_weight)
{
    constexpr unsigned usual = 100, max = 10'000, bfq_max = 1'000;
    if (io_weight <= usual) return std::max(io_weight, 1U);
    return usual + (io_weight - usual) * (bfq_max - usual) / (max - usual);
}

} // namespace keel::sys
