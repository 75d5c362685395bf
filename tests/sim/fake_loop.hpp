// ports::Loop on a clock that only the simulator moves.
//
// Two kinds of entries share one queue, ordered by time and then by the order of entry: the world's
// events, put in by at(), and the engine's timers, which may be late by as much as the world says.
// An engine that dies takes its timers and deferred calls with it.
#pragma once
#include "ports/loop.hpp"
#include "tests/sim/violation.hpp"

#include <deque>
#include <map>
#include <utility>

namespace keel::sim {

class FakeLoop final : public ports::Loop {
public:
    using Handler = std::function<void()>;
    using Key = std::pair<MonoTime, std::uint64_t>;

    // ---- ports::Loop
    [[nodiscard]] Now now() const override
    {
        return {mono_, WallTime{mono_.time_since_epoch()} + wall_};
    }
    [[nodiscard]] Registration watch_fd(int, ports::Interest,
                                        std::function<void(ports::FdEvents)>) override
    {
        violated("the engine watches a descriptor");
    }
    [[nodiscard]] Registration after(Duration delay, Handler handler) override
    {
        using namespace std::chrono_literals;
        const auto wait =
            std::chrono::ceil<std::chrono::milliseconds>(std::max(delay, Duration{0}));
        const Key key{late(mono_ + wait), ++sequence_};
        queue_.emplace(key, std::move(handler));
        return std::make_unique<Timer>(*this, key);
    }
    void defer(Handler handler) override { deferred_.push_back(std::move(handler)); }
    void offload(Handler work, Handler done) override
    {
        defer([work = std::move(work), done = std::move(done)] {
            work();
            done();
        });
    }

    // ---- the world's side
    /// How late a timer may be, at most: they fire only at multiples of it, so that one that is
    /// overdue and set again is not later still. 0: on time.
    Duration lateness{0};

    /// An event of the world. It stays when the engine dies.
    void at(MonoTime when, Handler handler)
    {
        queue_.emplace(Key{std::max(when, mono_), ++sequence_}, std::move(handler));
    }
    void in(Duration delay, Handler handler) { at(mono_ + delay, std::move(handler)); }

    [[nodiscard]] bool has_deferred() const { return !deferred_.empty(); }
    /// One turn's deferred calls; those that they defer come in the next turn.
    void run_deferred()
    {
        auto turn = std::exchange(deferred_, {});
        while (!turn.empty()) {
            const Handler next = std::move(turn.front());
            turn.pop_front();
            next();
        }
    }
    [[nodiscard]] MonoTime next_at() const
    {
        return queue_.empty() ? MonoTime::max() : queue_.begin()->first.first;
    }
    /// Takes the next entry out and moves the clock to it.
    Handler take_next()
    {
        auto node = queue_.extract(queue_.begin());
        mono_ = std::max(mono_, node.key().first);
        return std::move(node.mapped());
    }
    void move_to(MonoTime when) { mono_ = std::max(mono_, when); }
    void step_wall(Duration by) { wall_ += by; }
    void engine_died() { deferred_.clear(); }

private:
    class Timer final : public Handle {
    public:
        Timer(FakeLoop& loop, Key key) : loop_(loop), key_(std::move(key)) {}
        ~Timer() override { loop_.queue_.erase(key_); }

    private:
        FakeLoop& loop_;
        Key key_;
    };

    [[nodiscard]] MonoTime late(MonoTime due) const
    {
        const Duration over =
            lateness == Duration{0} ? Duration{0} : due.time_since_epoch() % lateness;
        return over == Duration{0} ? due : due + lateness - over;
    }

    MonoTime mono_{std::chrono::seconds(1000)};
    Duration wall_{std::chrono::seconds(1'700'000'000)};
    std::uint64_t sequence_ = 0;
    std::map<Key, Handler> queue_;
    std::deque<Handler> deferred_;
};

} // namespace keel::sim
