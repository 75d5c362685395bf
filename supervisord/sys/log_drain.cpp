#include "sys/log_drain.hpp"

#include "base/thread.hpp"
#include "sys/clock.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <poll.h>
#include <span>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

namespace keel::sys {

using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t wake_id = ~std::uint64_t{0};
constexpr auto patience_at_end = 1s;
constexpr std::chrono::milliseconds wait_max = 1h;
/// More than the largest pipe holds: whoever waits for a FIFO to be empty is not kept waiting by a
/// writer that goes on.
constexpr int pieces_in_full_pipe = 20;

constexpr Duration busy_within = 1ms;
constexpr std::size_t piece_worth_a_round = std::size_t{16} << 10;
/// Short against what a writer needs to fill its FIFO, so that it is not held up.
constexpr std::chrono::nanoseconds gather_time = 100us;

bool is_wake(const epoll_event& event) { return event.data.u64 == wake_id; }

} // namespace

class LogDrain::Worker {
public:
    explicit Worker(TellOfLog tell)
        : tell_(std::move(tell)), packer_(tell_), epoll_(::epoll_create1(EPOLL_CLOEXEC)),
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
            const int ready = ::epoll_wait(epoll_.get(), events.data(), events.size(), timeout());
            const std::span events_now(events.data(), static_cast<std::size_t>(std::max(ready, 0)));
            // Orders first, then it is seen anew who has something: what was written after rules
            // were given, or after a file was said to be drained, is not taken by the old ones.
            if (std::ranges::any_of(events_now, &is_wake))
                take_orders();
            else
                take_round(events_now);
            look_after_those_due();
        }
        for (auto& [id, log] : logs_)
            take_all(log);
        const std::lock_guard lock(mutex_);
        has_ended_ = true;
        ended_.notify_all();
    }

    void add(std::uint64_t id, LogSource source)
    {
        const auto [place, is_new] = logs_.try_emplace(id, std::move(source), tell_, packer_);
        DrainedLog& log = place->second;
        if (is_new) log.finish_piece(peek_);
        note_due(log);
        if (is_new && !watch(log.fifo(), id)) {
            tell_(log.name(), "its log is not kept: " + Error::from_errno("watch fifo").text());
            logs_.erase(place);
        }
    }

    void remove(std::uint64_t id)
    {
        const auto log = logs_.find(id);
        if (log == logs_.end()) return;
        take_all(log->second);
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, log->second.fifo(), nullptr);
        logs_.erase(log);
    }

    void set_rules(std::uint64_t id, const units::LogSpec& rules)
    {
        const auto log = logs_.find(id);
        if (log == logs_.end()) return;
        log->second.set_rules(rules);
        note_due(log->second);
    }

    void set_piece_in_hand(std::uint64_t id, PieceInHand piece)
    {
        const auto log = logs_.find(id);
        if (log == logs_.end()) return;
        log->second.set_piece_in_hand(std::move(piece));
        log->second.finish_piece(peek_);
    }

    void await_line(std::uint64_t id, AwaitedLine line)
    {
        if (const auto log = logs_.find(id); log != logs_.end())
            log->second.await_line(std::move(line));
    }

    void take_all(std::uint64_t id)
    {
        if (const auto log = logs_.find(id); log != logs_.end()) take_all(log->second);
    }

    core::LastWords last_words(std::uint64_t id)
    {
        const auto log = logs_.find(id);
        if (log == logs_.end()) return nullptr;
        log->second.take_waiting(peek_);
        note_due(log->second);
        return log->second.last_words();
    }

    void end() { ending_ = true; }

private:
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

    /// One piece of each that has something.
    void take_round(std::span<const epoll_event> events)
    {
        std::size_t largest = 0;
        for (const epoll_event& event : events) {
            const auto log = logs_.find(event.data.u64);
            if (log == logs_.end()) continue;
            take_piece(log->second);
            largest = std::max(largest, log->second.last_piece());
        }
        const MonoTime now = read_mono();
        const Duration since_last = now - std::exchange(last_round_, now);
        if (since_last < busy_within && largest < piece_worth_a_round) let_gather();
    }

    /// Who writes line by line, and fast, would have each line taken by a round of its own. Orders
    /// do not wait for that, and lines that come now and then do not either.
    void let_gather() const
    {
        pollfd ordered{wake_.get(), POLLIN, 0};
        const timespec moment{0, gather_time.count()};
        (void)::ppoll(&ordered, 1, &moment, nullptr);
    }

    /// False: there was nothing.
    bool take_piece(DrainedLog& log)
    {
        const bool taken = log.take_piece(peek_);
        note_due(log);
        return taken;
    }

    void take_all(DrainedLog& log)
    {
        for (int i = 0; i < pieces_in_full_pipe && take_piece(log); ++i) {
        }
    }

    void note_due(const DrainedLog& log)
    {
        if (const auto due = log.due()) earliest_ = std::min(earliest_, *due);
    }

    /// Milliseconds for epoll_wait, rounded up; -1: for ever.
    [[nodiscard]] int timeout() const
    {
        if (earliest_ == MonoTime::max()) return -1;
        const auto wait = std::chrono::ceil<std::chrono::milliseconds>(earliest_ - read_mono());
        return static_cast<int>(std::clamp(wait, 0ms, wait_max).count());
    }

    void look_after_those_due()
    {
        if (earliest_ == MonoTime::max() || read_mono() < earliest_) return;
        const Now now = read_clocks();
        earliest_ = MonoTime::max();
        for (auto& [id, log] : logs_) {
            log.look_after(now);
            note_due(log);
        }
    }

    const TellOfLog tell_;
    LogPacker packer_;
    const OwnedFd epoll_, wake_;
    std::mutex mutex_;
    std::condition_variable ended_;
    std::vector<std::function<void(Worker&)>> orders_; ///< guarded by mutex_
    bool has_ended_ = false;                           ///< guarded by mutex_
    std::unordered_map<std::uint64_t, DrainedLog> logs_;
    MonoTime earliest_ = MonoTime::max(); ///< no log has something to do before
    MonoTime last_round_{};
    PipePeek peek_;
    bool ending_ = false;
};

LogDrain::LogDrain(TellOfLog tell) : worker_(std::make_shared<Worker>(std::move(tell)))
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

void LogDrain::set_piece_in_hand(std::uint64_t id, PieceInHand piece)
{
    auto handed_over = std::make_shared<PieceInHand>(std::move(piece));
    worker_->order([id, handed_over](Worker& worker) {
        worker.set_piece_in_hand(id, std::move(*handed_over));
    });
}

void LogDrain::await_line(std::uint64_t id, AwaitedLine line)
{
    auto handed_over = std::make_shared<AwaitedLine>(std::move(line));
    worker_->order(
        [id, handed_over](Worker& worker) { worker.await_line(id, std::move(*handed_over)); });
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

void LogDrain::last_words(std::uint64_t id, std::function<void(core::LastWords)> done)
{
    worker_->order([id, done = std::move(done)](Worker& worker) { done(worker.last_words(id)); });
}

} // namespace keel::sys
