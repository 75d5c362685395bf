#include "sys/disk_sync.hpp"

#include "base/owned_fd.hpp"

#include <fcntl.h>
#include <filesystem>
#include <unistd.h>
#include <utility>

namespace keel::sys {
namespace {

/// Whatever fails here was told when the file was written, or is nothing that anybody can mend.
void sync(const std::string& path, int flags)
{
    const OwnedFd fd(::open(path.c_str(), flags | O_CLOEXEC));
    if (fd.get() >= 0) (void)::fsync(fd.get());
}

} // namespace

DiskSync::DiskSync(ports::Loop& loop, std::string path) : loop_(loop), path_(std::move(path)) {}

DiskSync::~DiskSync() = default;

void DiskSync::soon()
{
    if (std::exchange(work_, work_ == Work::none ? Work::under_way : Work::once_more) == Work::none)
        begin();
}

void DiskSync::begin()
{
    loop_.offload(
        [path = path_] {
            sync(path, O_RDONLY);
            sync(std::filesystem::path(path).parent_path(), O_RDONLY | O_DIRECTORY);
        },
        [this, alive = std::weak_ptr<int>(alive_)] {
            if (alive.expired()) return;
            const bool once_more = work_ == Work::once_more;
            work_ = once_more ? Work::under_way : Work::none;
            if (once_more) begin();
        });
}

} // namespace keel::sys
