// A loop without a kernel: its clock stands still until a test moves it, and what is offloaded is
// done when the test says so. Descriptors never become ready.
#pragma once
#include "ports/loop.hpp"

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <utility>

namespace keel::test {

class ManualLoop final : public ports::Loop {
public:
    Now time{MonoTime{std::chrono::hours(1)}, WallTime(std::chrono::hours(480'000))};
    std::deque<std::pair<std::function<void()>, std::function<void()>>> offloaded;

    void finish_one()
    {
        auto [work, done] = std::move(offloaded.front());
        offloaded.pop_front();
        work();
        done();
    }

    /// Both clocks go on, and timers fire in their order.
    void advance(Duration by)
    {
        const Now until{time.mono + by, time.wall + by};
        for (auto next = earliest(); next != timers_->end() && next->due <= until.mono;
             next = earliest()) {
            time.wall += next->due - time.mono;
            time.mono = next->due;
            const auto handler = std::move(next->handler);
            timers_->erase(next);
            handler();
        }
        time = until;
    }
    [[nodiscard]] std::size_t timers() const { return timers_->size(); }

    [[nodiscard]] Now now() const override { return time; }
    [[nodiscard]] Registration watch_fd(int, ports::Interest,
                                        std::function<void(ports::FdEvents)>) override
    {
        return nullptr;
    }
    [[nodiscard]] Registration after(Duration delay, std::function<void()> handler) override
    {
        timers_->push_back({next_id_++, time.mono + delay, std::move(handler)});
        return std::make_unique<Timer>(timers_, timers_->back().id);
    }
    void defer(std::function<void()> handler) override { handler(); }
    void offload(std::function<void()> work, std::function<void()> done) override
    {
        offloaded.emplace_back(std::move(work), std::move(done));
    }

private:
    struct Waiting {
        int id;
        MonoTime due;
        std::function<void()> handler;
    };
    using Timers = std::list<Waiting>;

    struct Timer final : Handle {
        Timer(std::shared_ptr<Timers> all, int own) : timers(std::move(all)), id(own) {}
        ~Timer() override
        {
            timers->remove_if([this](const Waiting& one) { return one.id == id; });
        }
        std::shared_ptr<Timers> timers;
        int id;
    };

    Timers::iterator earliest()
    {
        auto found = timers_->begin();
        for (auto one = found; one != timers_->end(); ++one)
            if (one->due < found->due) found = one;
        return found;
    }

    std::shared_ptr<Timers> timers_ = std::make_shared<Timers>();
    int next_id_ = 0;
};

} // namespace keel::test
