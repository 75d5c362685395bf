// The event loop as everyone but sys sees it: descriptors, timers, deferred calls, worker threads.
//
// One thread runs it. Every handler is called from that thread, never from inside the call that
// registered it. Watches and timers are owned by whoever asked for them: destroying the handle is
// the only way to stop one, and after that its handler is not called again, not even if the event
// had already happened. The clock is read once per turn.
#pragma once
#include "base/time.hpp"

#include <functional>
#include <memory>

namespace keel::ports {

enum class Interest : unsigned char { readable, writable, both };

/// What happened to a descriptor. Errors and hang-ups show as both.
struct FdEvents {
    bool readable = false;
    bool writable = false;
};

class Clock {
public:
    virtual ~Clock() = default;
    /// The time at which this turn of the loop began.
    [[nodiscard]] virtual Now now() const = 0;
    /// The time at this very moment, for measuring how long something took; never for deciding.
    [[nodiscard]] virtual MonoTime precise() const { return now().mono; }
};

class Loop : public Clock {
public:
    /// Stops and forgets on destruction.
    class Handle {
    public:
        virtual ~Handle() = default;
    };
    using Registration = std::unique_ptr<Handle>;

    /// Level-triggered. The caller keeps the descriptor open for as long as the registration lives,
    /// and watches it once only: a second registration for the same number breaks an invariant.
    [[nodiscard]] virtual Registration watch_fd(int fd, Interest interest,
                                                std::function<void(FdEvents)> handler) = 0;

    /// One shot, not before `delay` has passed; rounded up to the loop's resolution (1 ms).
    [[nodiscard]] virtual Registration after(Duration delay, std::function<void()> handler) = 0;

    /// Once, in this turn's end or the next turn, before the loop waits again.
    virtual void defer(std::function<void()> handler) = 0;

    /// Runs `work` on a thread that is not the loop's and then `done` on the loop. Work may block;
    /// at most `offload_limit` pieces run at once, further ones queue. `done` is dropped if the
    /// loop ends first.
    virtual void offload(std::function<void()> work, std::function<void()> done) = 0;
    static constexpr unsigned offload_limit = 4;
};

} // namespace keel::ports
