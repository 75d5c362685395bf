#include "control/tls_front.hpp"

#include "base/thread.hpp"
#include "control/tls_link.hpp"

#include <array>
#include <atomic>
#include <deque>
#include <mutex>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace keel::control {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int niceness = 5;       ///< of the thread: units come first
constexpr int look_pause = 1000;  ///< milliseconds, while there are some that leave
constexpr std::uint64_t news = 0; ///< of the loop's side; links are numbered from 1

} // namespace

struct TlsFront::Shared {
    struct Arrival {
        std::shared_ptr<ssl_ctx_st> context;
        OwnedFd outside, inside;
    };

    Limits limits;
    OwnedFd wake, epoll;
    std::atomic<std::size_t> links{0};
    std::mutex mutex;
    std::vector<Arrival> arrived;
    bool over = false;
    std::shared_ptr<ssl_ctx_st> context; ///< the loop's alone

    void wake_up() const
    {
        const std::uint64_t one = 1;
        (void)!::write(wake.get(), &one, sizeof one);
    }
};

/// What runs on the thread. Descriptors are watched for changes only, so each link that is touched
/// is pumped until nothing moves.
class TlsFront::Worker {
public:
    explicit Worker(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

    void run()
    {
        ::setpriority(PRIO_PROCESS, 0, niceness); // of this thread, as Linux has it
        while (!over_) {
            std::array<epoll_event, 64> events{};
            const int count =
                ::epoll_wait(shared_->epoll.get(), events.data(), events.size(), patience());
            auto touched = std::exchange(again_, {});
            for (int i = 0; i < count; ++i) {
                const std::uint64_t id = events.at(static_cast<std::size_t>(i)).data.u64;
                if (id != news)
                    touched.insert(id);
                else
                    take_news(touched);
            }
            for (const std::uint64_t id : touched)
                pump(id);
            end_late_ones();
        }
        links_.clear();
    }

private:
    [[nodiscard]] int patience() const
    {
        if (!again_.empty()) return 0;
        return leaving_.empty() ? -1 : look_pause;
    }

    void take_news(std::unordered_set<std::uint64_t>& touched)
    {
        std::uint64_t ignored = 0;
        (void)!::read(shared_->wake.get(), &ignored, sizeof ignored);
        std::vector<Shared::Arrival> arrived;
        {
            const std::lock_guard lock(shared_->mutex);
            arrived.swap(shared_->arrived);
            over_ = shared_->over;
        }
        for (auto& each : arrived) {
            const std::uint64_t id = ++last_id_;
            auto link = std::make_unique<TlsLink>(*each.context, std::move(each.outside),
                                                  std::move(each.inside));
            for (const int fd : {link->outside(), link->inside()}) {
                epoll_event event{};
                event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
                event.data.u64 = id;
                ::epoll_ctl(shared_->epoll.get(), EPOLL_CTL_ADD, fd, &event);
            }
            links_.emplace(id, std::move(link));
            touched.insert(id);
        }
    }

    void pump(std::uint64_t id)
    {
        const auto found = links_.find(id);
        if (found == links_.end()) return; // an event of one that has just ended
        switch (found->second->pump()) {
        case TlsLink::Next::wait:
            if (found->second->is_leaving())
                leaving_.try_emplace(id, Clock::now() + shared_->limits.leaving_time);
            return;
        case TlsLink::Next::again: again_.insert(id); return;
        case TlsLink::Next::over: end(id); return;
        }
    }

    void end(std::uint64_t id)
    {
        leaving_.erase(id);
        if (links_.erase(id) > 0) --shared_->links;
    }

    void end_late_ones()
    {
        std::vector<std::uint64_t> late;
        for (const auto& [id, until] : leaving_)
            if (until <= Clock::now()) late.push_back(id);
        for (const std::uint64_t id : late)
            end(id);
    }

    std::shared_ptr<Shared> shared_;
    bool over_ = false;
    std::uint64_t last_id_ = news;
    std::unordered_map<std::uint64_t, std::unique_ptr<TlsLink>> links_;
    std::unordered_set<std::uint64_t> again_;
    std::unordered_map<std::uint64_t, Clock::time_point> leaving_;
};

Result<std::unique_ptr<TlsFront>> TlsFront::start(Limits limits)
{
    auto shared = std::make_shared<Shared>();
    shared->limits = limits;
    shared->wake = OwnedFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    shared->epoll = OwnedFd(::epoll_create1(EPOLL_CLOEXEC));
    if (!shared->wake || !shared->epoll) return Error::from_errno("open", "what TLS needs");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = news;
    if (::epoll_ctl(shared->epoll.get(), EPOLL_CTL_ADD, shared->wake.get(), &event) != 0)
        return Error::from_errno("watch", "what TLS needs");
    auto front = std::unique_ptr<TlsFront>(new TlsFront(shared));
    auto thread = start_thread("keel-tls", [shared] { Worker(shared).run(); });
    if (!thread) return thread.error();
    front->thread_ = std::move(*thread);
    return front;
}

TlsFront::~TlsFront()
{
    {
        const std::lock_guard lock(shared_->mutex);
        shared_->over = true;
    }
    shared_->wake_up();
    if (thread_.joinable()) thread_.join();
}

void TlsFront::use(std::shared_ptr<ssl_ctx_st> context) { shared_->context = std::move(context); }

OwnedFd TlsFront::admit(OwnedFd connection)
{
    std::array<int, 2> pair{-1, -1};
    if (shared_->context == nullptr || shared_->links >= shared_->limits.connections ||
        ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()) != 0)
        return {};
    ++shared_->links;
    {
        const std::lock_guard lock(shared_->mutex);
        shared_->arrived.push_back({shared_->context, std::move(connection), OwnedFd(pair[0])});
    }
    shared_->wake_up();
    return OwnedFd(pair[1]);
}

} // namespace keel::control
