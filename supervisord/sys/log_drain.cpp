#include "sys/log_drain.hpp"

#include "base/thread.hpp"
#include "sys/clock.hpp"

#include <array>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unordered_map>
#include <vector>

namespace keel::sys {

using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t wake_id = ~std::uint64_t{0};
constexpr Duration telling_interval = 1min;
constexpr auto patience_at_end = 1s;
/// More than the largest pipe holds: whoever waits for a FIFO to be empty is not kept waiting by a
/// writer that goes on.
constexpr int pieces_in_full_pipe = 20;

} // namespace

class LogDrain::Worker {
public:
    explicit Worker(std::function<void(std::string)> tell)
        : tell_(std::move(tell)), epoll_(::epoll_create1(EPOLL_CLOEXEC)),
          wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
    {
        if (!epoll_ || !wake_ || !watch(wake_.get(), wake_id))
            throw std::system_error(errno, std::generic_category(), "log thread");
    }

    // ---- called by the loop -------------------------------------------------------------------

    void order(std::function<void(Worker&)> order)
    {
        const std::lock_guard lock(mutex_);
        orders_.push_back(std::move(order));
        const std::uint64_t one = 1;
        (void)!::write(wake_.get(), &one, sizeof one);
    }

    /// False: it does not end, it hangs on a disk.
    bool wait_for_end()
    {
        std::unique_lock lock(mutex_);
        return ended_.wait_for(lock, patience_at_end, [this] { return has_ended_; });
    }

    // ---- called by the thread -----------------------------------------------------------------

    void run()
    {
        std::array<epoll_event, 64> events{};
        while (!ending_) {
            const int ready = ::epoll_wait(epoll_.get(), events.data(), events.size(), -1);
            for (int i = 0; i < ready; ++i) {
                const std::uint64_t id = events[static_cast<std::size_t>(i)].data.u64;
                if (id == wake_id)
                    take_orders();
                else if (const auto source = sources_.find(id); source != sources_.end())
                    (void)take_piece(source->second);
            }
        }
        for (auto& [id, source] : sources_)
            take_all(source);
        const std::lock_guard lock(mutex_);
        has_ended_ = true;
        ended_.notify_all();
    }

    void add(std::uint64_t id, LogSource source)
    {
        const auto [place, is_new] = sources_.try_emplace(id, std::move(source));
        if (is_new && !watch(place->second.source.fifo->get(), id)) {
            tell_("log of " + place->second.source.name +
                  " is not kept: " + Error::from_errno("watch fifo").text());
            sources_.erase(place);
        }
    }

    void remove(std::uint64_t id)
    {
        const auto source = sources_.find(id);
        if (source == sources_.end()) return;
        take_all(source->second);
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, source->second.source.fifo->get(), nullptr);
        sources_.erase(source);
    }

    void set_rules(std::uint64_t id, units::LogSpec rules)
    {
        if (const auto source = sources_.find(id); source != sources_.end())
            source->second.source.file.set_rules(rules);
    }

    void take_all(std::uint64_t id)
    {
        if (const auto source = sources_.find(id); source != sources_.end())
            take_all(source->second);
    }

    void end() { ending_ = true; }

private:
    struct Drained {
        explicit Drained(LogSource handed_over) : source(std::move(handed_over)) {}
        LogSource source;
        std::optional<MonoTime> told_at; ///< of the last failure
        std::uint64_t dropped_since = 0; ///< bytes, since the file was last written
    };

    bool watch(int fd, std::uint64_t id) const
    {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = id;
        return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
    }

    void take_orders()
    {
        std::vector<std::function<void(Worker&)>> orders;
        {
            const std::lock_guard lock(mutex_);
            std::uint64_t count = 0;
            (void)!::read(wake_.get(), &count, sizeof count);
            orders.swap(orders_);
        }
        for (auto& order : orders)
            order(*this);
    }

    /// False: there was nothing.
    bool take_piece(Drained& drained)
    {
        LogSource& source = drained.source;
        const auto moved = source.file.take_from(source.fifo->get(), peek_);
        if (!moved) return drop_piece(drained, moved.error());
        if (*moved == 0) return false;
        source.counters->bytes.fetch_add(*moved, std::memory_order_relaxed);
        if (drained.dropped_since > 0)
            tell_("log of " + source.name + " is kept again; " +
                  std::to_string(std::exchange(drained.dropped_since, 0)) + " bytes were lost");
        return true;
    }

    /// A log that cannot be written must never hold a service back.
    bool drop_piece(Drained& drained, const Error& why)
    {
        const LogSource& source = drained.source;
        const std::size_t gone = peek_.drop(source.fifo->get(), LogFile::piece_max);
        if (gone == 0) return false;
        source.counters->dropped.fetch_add(gone, std::memory_order_relaxed);
        drained.dropped_since += gone;
        const MonoTime now = read_mono();
        if (!drained.told_at || now - *drained.told_at >= telling_interval) {
            drained.told_at = now;
            tell_("log of " + source.name + " is being lost: " + why.text());
        }
        return true;
    }

    void take_all(Drained& drained)
    {
        for (int i = 0; i < pieces_in_full_pipe && take_piece(drained); ++i) {
        }
    }

    const std::function<void(std::string)> tell_;
    const OwnedFd epoll_, wake_;
    std::mutex mutex_;
    std::condition_variable ended_;
    std::vector<std::function<void(Worker&)>> orders_; ///< guarded by mutex_
    bool has_ended_ = false;                           ///< guarded by mutex_
    std::unordered_map<std::uint64_t, Drained> sources_;
    PipePeek peek_;
    bool ending_ = false;
};

LogDrain::LogDrain(std::function<void(std::string)> tell)
    : worker_(std::make_shared<Worker>(std::move(tell)))
{
    auto thread = start_thread("keel-logs", [worker = worker_] { worker->run(); });
    if (!thread)
        throw std::system_error(thread.error().errno_value, std::generic_category(), "log thread");
    thread_ = std::move(*thread);
}

LogDrain::~LogDrain()
{
    worker_->order([](Worker& worker) { worker.end(); });
    if (worker_->wait_for_end())
        thread_.join();
    else
        thread_.detach();
}

void LogDrain::add(std::uint64_t id, LogSource source)
{
    auto handed_over = std::make_shared<LogSource>(std::move(source));
    worker_->order([id, handed_over](Worker& worker) { worker.add(id, std::move(*handed_over)); });
}

void LogDrain::set_rules(std::uint64_t id, units::LogSpec rules)
{
    worker_->order([id, rules](Worker& worker) { worker.set_rules(id, rules); });
}

void LogDrain::remove(std::uint64_t id)
{
    worker_->order([id](Worker& worker) { worker.remove(id); });
}

void LogDrain::when_drained(std::uint64_t id, std::function<void()> done)
{
    worker_->order([id, done = std::move(done)](Worker& worker) {
        worker.take_all(id);
        done();
    });
}

} // namespace keel::sys
