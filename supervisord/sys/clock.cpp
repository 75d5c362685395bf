#include "sys/clock.hpp"

#include <ctime>
#include <fcntl.h>
#include <unistd.h>

namespace keel::sys {
namespace {

Duration read(clockid_t clock)
{
    timespec at{};
    ::clock_gettime(clock, &at);
    return std::chrono::seconds(at.tv_sec) + Duration(at.tv_nsec);
}

} // namespace

Now read_clocks() { return {MonoTime(read(CLOCK_MONOTONIC)), WallTime(read(CLOCK_REALTIME))}; }

MonoTime read_mono() { return MonoTime(read(CLOCK_MONOTONIC)); }

Duration read_boottime() { return read(CLOCK_BOOTTIME); }

Result<std::string> read_boot_id()
{
    constexpr const char* place = "/proc/sys/kernel/random/boot_id";
    constexpr std::size_t length = 36;
    const int fd = ::open(place, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return Error::from_errno("open", place);
    std::string id(length, '\0');
    const ssize_t got = ::read(fd, id.data(), id.size());
    ::close(fd);
    if (got != static_cast<ssize_t>(length)) return Error{"read", place, EIO};
    return id;
}

} // namespace keel::sys
