#include "sys/loop.hpp"

#include "base/ensure.hpp"
#include "sys/clock.hpp"

#include <algorithm>
#include <system_error>

namespace keel::sys {

using ports::FdEvents;
using ports::Interest;

namespace {

/// A libuv handle and what to call for it. libuv needs the memory until its close callback, which
/// is after the registration's death; so the registration owns a node and the close frees it.
template <class UvHandle, class Handler> struct Node {
    UvHandle uv{};
    UvLoop* loop = nullptr;
    Handler handler;
    int interest = 0; ///< descriptors only
    bool running = false;
    bool released = false;

    template <class... Args> void call(Args... args)
    {
        running = true;
        handler(args...);
        running = false;
        if (released) handler = nullptr;
    }

    void release()
    {
        released = true;
        uv_close(reinterpret_cast<uv_handle_t*>(&uv),
                 [](uv_handle_t* closed) noexcept { delete static_cast<Node*>(closed->data); });
        // A handler must not be destroyed under its own feet; call() does it on its return.
        if (!running) {
            Handler dying;
            std::swap(dying, handler);
        }
    }
};

using PollNode = Node<uv_poll_t, std::function<void(FdEvents)>>;
using TimerNode = Node<uv_timer_t, std::function<void()>>;

template <class NodeType> class Owner final : public ports::Loop::Handle {
public:
    explicit Owner(NodeType* node) : node_(node) {}
    ~Owner() override { node_->release(); }
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;

private:
    NodeType* node_;
};

int to_uv(Interest interest)
{
    switch (interest) {
    case Interest::readable: return UV_READABLE;
    case Interest::writable: return UV_WRITABLE;
    case Interest::both: return UV_READABLE | UV_WRITABLE;
    }
    return 0;
}

/// Keeps a deadline far from the end of the clock's range.
constexpr Duration longest_delay = std::chrono::hours(24 * 3650);

[[noreturn]] void refuse(int uv_error, const char* what)
{
    throw std::system_error(-uv_error, std::generic_category(), what);
}

} // namespace

/// What libuv calls. An exception cannot pass through C, hence noexcept: it ends the engine, and
/// the keeper starts another.
struct LoopCallbacks {
    static void on_poll(uv_poll_t* poll, int status, int events) noexcept
    {
        auto* node = static_cast<PollNode*>(poll->data);
        node->loop->begin_turn();
        if (status >= 0) {
            node->call(FdEvents{(events & UV_READABLE) != 0, (events & UV_WRITABLE) != 0});
            return;
        }
        // libuv stops a watch at the first error condition. Ours is level-triggered: it goes on
        // until its owner has dealt with the error by ending it.
        node->call(FdEvents{true, true});
        if (!node->released) uv_poll_start(poll, node->interest, on_poll);
    }

    static void on_timer(uv_timer_t* timer) noexcept
    {
        auto* node = static_cast<TimerNode*>(timer->data);
        node->loop->begin_turn();
        node->call();
    }

    static void before_wait(uv_prepare_t* hook) noexcept
    {
        auto* loop = static_cast<UvLoop*>(hook->data);
        loop->run_deferred();
        loop->end_turn();
    }

    static void after_events(uv_check_t* hook) noexcept
    {
        static_cast<UvLoop*>(hook->data)->now_.reset();
    }
};

UvLoop::UvLoop()
{
    if (const int failed = uv_loop_init(&uv_); failed != 0) refuse(failed, "event loop");
    uv_prepare_init(&uv_, &before_wait_);
    uv_check_init(&uv_, &after_events_);
    uv_idle_init(&uv_, &no_wait_);
    before_wait_.data = after_events_.data = this;
    uv_prepare_start(&before_wait_, LoopCallbacks::before_wait);
    uv_check_start(&after_events_, LoopCallbacks::after_events);
    offload_.emplace(*this, offload_limit);
}

UvLoop::~UvLoop()
{
    offload_.reset();
    // What deferred calls hold may in turn hold registrations, or defer again while dying.
    while (!deferred_.empty())
        std::exchange(deferred_, {});
    uv_prepare_stop(&before_wait_);
    uv_close(reinterpret_cast<uv_handle_t*>(&before_wait_), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&after_events_), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&no_wait_), nullptr);
    uv_run(&uv_, UV_RUN_NOWAIT);
    ENSURE(uv_loop_close(&uv_) == 0, "no registration outlives its loop");
}

Now UvLoop::now() const { return now_ ? *now_ : read_clocks(); }

UvLoop::Registration UvLoop::watch_fd(int fd, Interest interest,
                                      std::function<void(FdEvents)> handler)
{
    auto node = std::make_unique<PollNode>();
    const int failed = uv_poll_init(&uv_, &node->uv, fd);
    ENSURE(failed == 0, "a watched descriptor is open, pollable and not watched already");
    node->uv.data = node.get();
    node->interest = to_uv(interest);
    node->loop = this;
    node->handler = std::move(handler);
    uv_poll_start(&node->uv, node->interest, LoopCallbacks::on_poll);
    return std::make_unique<Owner<PollNode>>(node.release());
}

UvLoop::Registration UvLoop::after(Duration delay, std::function<void()> handler)
{
    using std::chrono::ceil, std::chrono::milliseconds;
    auto node = std::make_unique<TimerNode>();
    uv_timer_init(&uv_, &node->uv);
    node->uv.data = node.get();
    node->loop = this;
    node->handler = std::move(handler);
    // libuv counts whole milliseconds of the monotonic clock and from a time that may be old. The
    // deadline is rounded up on that scale, and is never in this very turn: a timer that arms
    // another with no delay must not keep descriptors from being served.
    const MonoTime deadline = now().mono + std::clamp(delay, Duration::zero(), longest_delay);
    const auto due =
        static_cast<std::uint64_t>(ceil<milliseconds>(deadline.time_since_epoch()).count());
    const std::uint64_t current = uv_now(&uv_);
    uv_timer_start(&node->uv, LoopCallbacks::on_timer, due > current ? due - current : 1, 0);
    return std::make_unique<Owner<TimerNode>>(node.release());
}

void UvLoop::defer(std::function<void()> handler) { deferred_.push_back(std::move(handler)); }

void UvLoop::offload(std::function<void()> work, std::function<void()> done)
{
    offload_->run(std::move(work), std::move(done));
}

void UvLoop::run()
{
    uv_run(&uv_, UV_RUN_DEFAULT);
    end_turn();
}

void UvLoop::stop() { uv_stop(&uv_); }

void UvLoop::run_turn()
{
    uv_run(&uv_, deferred_.empty() ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    end_turn();
}

void UvLoop::on_turn(std::function<void(Duration)> observer) { observer_ = std::move(observer); }

void UvLoop::begin_turn()
{
    if (now_) return;
    now_ = read_clocks();
    if (!busy_since_) busy_since_ = now_->mono;
}

void UvLoop::end_turn()
{
    if (busy_since_ && observer_) observer_(read_mono() - *busy_since_);
    busy_since_.reset();
    now_.reset();
}

/// Runs what was deferred until now. What these calls defer in turn waits for the next turn, so
/// that a chain of them cannot keep descriptors and timers from being served.
void UvLoop::run_deferred()
{
    if (!deferred_.empty()) {
        begin_turn();
        for (auto& handler : std::exchange(deferred_, {}))
            handler();
    }
    // An active idle handle is how libuv is told not to wait.
    if (deferred_.empty())
        uv_idle_stop(&no_wait_);
    else
        uv_idle_start(&no_wait_, [](uv_idle_t*) noexcept {});
}

} // namespace keel::sys
