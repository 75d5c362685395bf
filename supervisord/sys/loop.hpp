// The event loop: ports::Loop on libuv.
//
// Promises: a destroyed registration's handler is never called again, whoever destroyed it and
// when, and what the handler held is let go at once (after its return, if it is running). Handlers
// run one after the other on the thread that calls run(). A loop with nothing to do sleeps in the
// kernel without a timeout. A timer never fires in a turn whose now() is before its deadline.
// It refuses to know what any descriptor or timer is for. Registrations die before the loop does.
//
// A turn is what is done between two waits: first all that happened on descriptors, then due
// timers and deferred calls. now() is read once for each of the two halves, when the first of its
// handlers is about to run, so an idle turn reads no clock at all.
//
// libuv makes a watched descriptor non-blocking and allows one watch for each; ENSURE sees to that.
#pragma once
#include "ports/loop.hpp"
#include "sys/clock.hpp"
#include "sys/offload.hpp"

#include <functional>
#include <optional>
#include <uv.h>
#include <vector>

namespace keel::sys {

class UvLoop final : public ports::Loop {
public:
    /// Throws std::system_error if the kernel refuses the few descriptors that it takes.
    UvLoop();
    ~UvLoop() override;
    UvLoop(const UvLoop&) = delete;
    UvLoop& operator=(const UvLoop&) = delete;

    /// Outside of handlers (while wiring, between runs) it is a fresh reading.
    [[nodiscard]] Now now() const override;
    [[nodiscard]] MonoTime precise() const override { return read_mono(); }
    [[nodiscard]] Registration watch_fd(int fd, ports::Interest interest,
                                        std::function<void(ports::FdEvents)> handler) override;
    [[nodiscard]] Registration after(Duration delay, std::function<void()> handler) override;
    void defer(std::function<void()> handler) override;
    void offload(std::function<void()> work, std::function<void()> done) override;

    /// Runs until stop(), also when nothing is registered.
    void run();
    /// From a handler: run() returns at the end of this turn. Not for other threads or signals.
    void stop();
    /// One turn: waits until something is due and handles it.
    void run_turn();

    /// Called at the end of every turn in which a handler ran, with how long the turn's work took:
    /// for that long no other event could be served. Costs one clock reading a turn and no wake-up.
    void on_turn(std::function<void(Duration lag)> observer);

private:
    friend struct LoopCallbacks;

    void begin_turn();
    void end_turn();
    void run_deferred();

    uv_loop_t uv_{};
    uv_prepare_t before_wait_{};
    uv_check_t after_events_{};
    uv_idle_t no_wait_{};
    std::vector<std::function<void()>> deferred_;
    std::function<void(Duration)> observer_;
    std::optional<Now> now_; ///< none outside of handlers
    std::optional<MonoTime> busy_since_;
    std::optional<Offload> offload_; ///< last: it holds a watch on this loop
};

} // namespace keel::sys
