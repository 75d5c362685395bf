#include "sys/oom_watch.hpp"

#include "sys/usage_reading.hpp"

#include <csignal>

namespace keel::sys {

std::uint64_t OomWatch::kills_in(const std::string& group) const
{
    if (!files_ || group.empty()) return 0;
    const auto events = files_->read(group + "/memory.events");
    return events ? oom_kills_in(*events) : 0;
}

core::ExitStatus OomWatch::decode(core::ExitStatus status, const std::string& group,
                                  std::uint64_t before) const
{
    const bool is_kill = status.kind == core::ExitStatus::Kind::signal && status.number == SIGKILL;
    if (is_kill && kills_in(group) > before) status.oom_killed = true;
    return status;
}

} // namespace keel::sys
