#include "sys/log_packer.hpp"

#include "base/thread.hpp"
#include "sys/log_packing.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <sys/resource.h>

namespace keel::sys {

using namespace std::chrono_literals;

namespace {

constexpr int niceness = 10;
constexpr auto patience_at_end = 1s;

struct Job {
    std::string name;
    std::filesystem::path raw, packed;
};

} // namespace

struct LogPacker::Shared {
    explicit Shared(Tell how_to_tell) : tell(std::move(how_to_tell)) {}

    void run()
    {
        ::setpriority(PRIO_PROCESS, 0, niceness); // of this thread alone, on Linux
        while (const auto job = next()) {
            const auto done = pack_file(job->raw, job->packed, stop);
            if (done || done.error().errno_value == ENOENT || stop) continue;
            tell(job->name, "its rotated log is not compressed: " + done.error().text());
        }
        const std::lock_guard lock(mutex);
        has_ended = true;
        changed.notify_all();
    }

    std::optional<Job> next()
    {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return stop || !jobs.empty(); });
        if (stop) return std::nullopt;
        Job job = std::move(jobs.front());
        jobs.pop_front();
        return job;
    }

    const Tell tell;
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Job> jobs;   ///< guarded by mutex
    bool has_ended = false; ///< guarded by mutex
    std::atomic<bool> stop = false;
};

LogPacker::LogPacker(Tell tell) : shared_(std::make_shared<Shared>(std::move(tell))) {}

LogPacker::~LogPacker()
{
    if (!thread_.joinable()) return;
    std::unique_lock lock(shared_->mutex);
    shared_->stop = true;
    shared_->changed.notify_all();
    const bool ended =
        shared_->changed.wait_for(lock, patience_at_end, [this] { return shared_->has_ended; });
    lock.unlock();
    if (ended)
        thread_.join();
    else
        thread_.detach();
}

void LogPacker::pack(const std::string& name, const LogNames& names, std::uint64_t sequence)
{
    if (!thread_.joinable()) {
        auto thread = start_thread("keel-pack", [shared = shared_] { shared->run(); });
        if (!thread) {
            shared_->tell(name, "its rotated log is not compressed: " + thread.error().text());
            return;
        }
        thread_ = std::move(*thread);
    }
    const std::lock_guard lock(shared_->mutex);
    shared_->jobs.push_back({name, names.rotated(sequence), names.packed(sequence)});
    shared_->changed.notify_all();
}

} // namespace keel::sys
