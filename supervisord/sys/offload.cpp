#include "sys/offload.hpp"

#include "base/thread.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace keel::sys {

using namespace std::chrono_literals;

namespace {
constexpr auto idle_limit = 5s;
constexpr Duration retry_delay = 100ms;
} // namespace

/// What threads and loop share. The last one to leave frees it, and that may be a thread.
struct Offload::Shared {
    struct Piece {
        std::uint64_t id;
        std::function<void()> work;
    };

    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Piece> waiting;
    std::vector<std::uint64_t> finished;
    unsigned threads = 0;
    unsigned idle = 0;
    bool closed = false;
    int wake_fd = -1;

    ~Shared()
    {
        if (wake_fd >= 0) ::close(wake_fd);
    }

    /// Waits for a piece; false: none came for a while, or the owner is gone.
    bool take(std::unique_lock<std::mutex>& lock, Piece& piece)
    {
        ++idle;
        changed.wait_for(lock, idle_limit, [this] { return closed || !waiting.empty(); });
        --idle;
        if (closed || waiting.empty()) return false;
        piece = std::move(waiting.front());
        waiting.pop_front();
        return true;
    }

    void work_until_idle()
    {
        std::unique_lock lock(mutex);
        for (Piece piece; take(lock, piece);) {
            lock.unlock();
            piece.work();
            // Whatever the work held is let go before anyone hears that it is finished.
            piece.work = nullptr;
            lock.lock();
            finished.push_back(piece.id);
            const std::uint64_t one = 1;
            // It can only fail when the counter is full, and then the loop is awake anyway.
            (void)!::write(wake_fd, &one, sizeof one);
        }
        --threads;
    }
};

Offload::Offload(ports::Loop& loop, unsigned limit)
    : loop_(loop), limit_(limit), shared_(std::make_shared<Shared>())
{
    shared_->wake_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (shared_->wake_fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    wake_ = loop_.watch_fd(shared_->wake_fd, ports::Interest::readable,
                           [this](ports::FdEvents) { take_finished(); });
}

Offload::~Offload()
{
    wake_.reset();
    std::deque<Shared::Piece> dropped;
    const std::lock_guard lock(shared_->mutex);
    shared_->closed = true;
    dropped.swap(shared_->waiting);
    shared_->changed.notify_all();
}

void Offload::run(std::function<void()> work, std::function<void()> done)
{
    const std::uint64_t id = next_++;
    done_.emplace(id, std::move(done));
    {
        const std::lock_guard lock(shared_->mutex);
        shared_->waiting.push_back({id, std::move(work)});
        shared_->changed.notify_one();
    }
    grow();
}

/// Starts one more thread if work waits that no idle thread will take.
void Offload::grow()
{
    const std::lock_guard lock(shared_->mutex);
    if (shared_->waiting.size() <= shared_->idle || shared_->threads >= limit_) return;
    auto thread = start_thread("keel-offload", [shared = shared_] { shared->work_until_idle(); });
    if (thread) {
        ++shared_->threads;
        thread->detach();
    } else if (shared_->threads == 0) {
        retry_ = loop_.after(retry_delay, [this] { grow(); });
    }
}

void Offload::take_finished()
{
    std::uint64_t count = 0;
    (void)!::read(shared_->wake_fd, &count, sizeof count);
    std::vector<std::uint64_t> finished;
    {
        const std::lock_guard lock(shared_->mutex);
        finished.swap(shared_->finished);
    }
    for (const std::uint64_t id : finished) {
        auto node = done_.extract(id);
        if (!node.empty()) node.mapped()();
    }
}

unsigned Offload::threads() const
{
    const std::lock_guard lock(shared_->mutex);
    return shared_->threads;
}

} // namespace keel::sys
