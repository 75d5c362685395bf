#include "sys/loop.hpp"

#include "sys/clock.hpp"
#include "tests/support/loop_fixture.hpp"

#include <array>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace keel::sys {
namespace {

using namespace std::chrono_literals;
using ports::FdEvents;
using ports::Interest;
using test::run_until;

struct Pipe {
    std::array<int, 2> end{-1, -1};
    Pipe() { EXPECT_EQ(0, ::pipe2(end.data(), O_CLOEXEC)); }
    ~Pipe()
    {
        if (end[0] >= 0) ::close(end[0]);
        close_writer();
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    void put() const { EXPECT_EQ(1, ::write(end[1], "x", 1)); }
    void take() const
    {
        char byte = 0;
        EXPECT_EQ(1, ::read(end[0], &byte, 1));
    }
    void close_writer()
    {
        if (end[1] >= 0) ::close(end[1]);
        end[1] = -1;
    }
};

TEST(UvLoop, CallsAWatchAgainUntilItsDescriptorIsRead)
{
    UvLoop loop;
    const Pipe pipe;
    int calls = 0;
    const auto watch = loop.watch_fd(pipe.end[0], Interest::readable, [&](FdEvents events) {
        EXPECT_TRUE(events.readable);
        if (++calls == 3) pipe.take();
    });
    pipe.put();
    ASSERT_TRUE(run_until(loop, [&] { return calls == 3; }));
    bool later = false;
    const auto timer = loop.after(5ms, [&] { later = true; });
    ASSERT_TRUE(run_until(loop, [&] { return later; }));
    EXPECT_EQ(3, calls);
}

TEST(UvLoop, NeverCallsAWatchThatAnotherHandlerOfTheSameTurnDestroyed)
{
    UvLoop loop;
    const Pipe one, other;
    int calls = 0;
    ports::Loop::Registration first, second;
    first = loop.watch_fd(one.end[0], Interest::readable, [&](FdEvents) {
        ++calls;
        second.reset();
        one.take();
    });
    second = loop.watch_fd(other.end[0], Interest::readable, [&](FdEvents) {
        ++calls;
        first.reset();
        other.take();
    });
    one.put();
    other.put();
    loop.run_turn();
    loop.defer([] {});
    loop.run_turn();
    EXPECT_EQ(1, calls);
}

TEST(UvLoop, LetsAHandlerDestroyItsOwnRegistration)
{
    UvLoop loop;
    const Pipe pipe;
    auto held = std::make_shared<int>(7);
    const std::weak_ptr<int> seen = held;
    ports::Loop::Registration watch;
    watch = loop.watch_fd(pipe.end[0], Interest::readable, [&watch, held](FdEvents) {
        watch.reset();
        EXPECT_EQ(7, *held);
    });
    held.reset();
    pipe.put();
    loop.run_turn();
    EXPECT_TRUE(seen.expired());
    ports::Loop::Registration timer;
    bool fired = false;
    timer = loop.after(0ms, [&] {
        timer.reset();
        fired = true;
    });
    EXPECT_TRUE(run_until(loop, [&] { return fired; }));
}

TEST(UvLoop, LetsGoOfWhatAHandlerHeldBeforeTheNextOneRuns)
{
    UvLoop loop;
    const Pipe one, other;
    std::array<std::shared_ptr<int>, 2> held{std::make_shared<int>(), std::make_shared<int>()};
    const std::array<std::weak_ptr<int>, 2> seen{held[0], held[1]};
    std::array<ports::Loop::Registration, 2> watches;
    int calls = 0;
    for (std::size_t i = 0; i < 2; ++i)
        watches[i] = loop.watch_fd((i == 0 ? one : other).end[0], Interest::readable,
                                   [&, i, mine = std::move(held[i])](FdEvents) {
                                       EXPECT_EQ(++calls == 2, seen[1 - i].expired());
                                       watches[i].reset();
                                   });
    one.put();
    other.put();
    loop.run_turn();
    EXPECT_EQ(2, calls);
}

TEST(UvLoop, LetsGoAtOnceOfWhatADestroyedHandlerHeld)
{
    UvLoop loop;
    auto held = std::make_shared<int>(1);
    auto timer = loop.after(1h, [held] {});
    EXPECT_EQ(2, held.use_count());
    timer.reset();
    EXPECT_EQ(1, held.use_count());
}

TEST(UvLoop, WatchesADescriptorAnewRightAfterTheOldWatchDied)
{
    UvLoop loop;
    const Pipe pipe;
    int calls = 0;
    auto watch = loop.watch_fd(pipe.end[0], Interest::readable, [](FdEvents) { FAIL(); });
    watch.reset();
    watch = loop.watch_fd(pipe.end[0], Interest::readable, [&](FdEvents) {
        ++calls;
        pipe.take();
    });
    pipe.put();
    EXPECT_TRUE(run_until(loop, [&] { return calls == 1; }));
}

TEST(UvLoop, ShowsAnErrorAsBothAndKeepsShowingIt)
{
    UvLoop loop;
    Pipe pipe;
    ::close(pipe.end[0]);
    pipe.end[0] = -1;
    int calls = 0;
    const auto watch = loop.watch_fd(pipe.end[1], Interest::writable, [&](FdEvents events) {
        EXPECT_TRUE(events.readable);
        EXPECT_TRUE(events.writable);
        ++calls;
    });
    EXPECT_TRUE(run_until(loop, [&] { return calls == 3; }));
}

TEST(UvLoop, ShowsAHangUpToAReader)
{
    UvLoop loop;
    Pipe pipe;
    bool readable = false;
    const auto watch =
        loop.watch_fd(pipe.end[0], Interest::readable, [&](FdEvents e) { readable = e.readable; });
    pipe.close_writer();
    EXPECT_TRUE(run_until(loop, [&] { return readable; }));
}

TEST(UvLoop, NeverFiresATimerBeforeItsDeadline)
{
    UvLoop loop;
    int fired = 0;
    std::vector<ports::Loop::Registration> timers;
    for (int i = 0; i < 50; ++i) {
        const Duration delay = i * 137us;
        const MonoTime deadline = loop.now().mono + delay;
        timers.push_back(loop.after(delay, [&loop, &fired, deadline] {
            EXPECT_GE(loop.now().mono, deadline);
            ++fired;
        }));
    }
    EXPECT_TRUE(run_until(loop, [&] { return fired == 50; }));
}

TEST(UvLoop, ServesDescriptorsWhileATimerKeepsArmingItselfWithoutDelay)
{
    UvLoop loop;
    const Pipe pipe;
    ports::Loop::Registration timer;
    std::function<void()> again = [&] { timer = loop.after(0ms, again); };
    again();
    bool served = false;
    const auto watch =
        loop.watch_fd(pipe.end[0], Interest::readable, [&](FdEvents) { served = true; });
    pipe.put();
    EXPECT_TRUE(run_until(loop, [&] { return served; }));
}

TEST(UvLoop, RunsDeferredCallsInOrderAndBeforeItWaitsAgain)
{
    UvLoop loop;
    std::string order;
    loop.defer([&] {
        order += 'a';
        loop.defer([&] {
            order += 'c';
            loop.stop();
        });
    });
    loop.defer([&] { order += 'b'; });
    EXPECT_EQ("", order);
    loop.run(); // Nothing else is registered: it would wait for ever if it waited.
    EXPECT_EQ("abc", order);
}

TEST(UvLoop, ServesDescriptorsWhileDeferredCallsKeepDeferring)
{
    UvLoop loop;
    const Pipe pipe;
    std::function<void()> again = [&] { loop.defer(again); };
    again();
    bool served = false;
    const auto watch =
        loop.watch_fd(pipe.end[0], Interest::readable, [&](FdEvents) { served = true; });
    pipe.put();
    EXPECT_TRUE(run_until(loop, [&] { return served; }));
}

TEST(UvLoop, KeepsOneTimeForAllHandlersOfAHalfTurn)
{
    UvLoop loop;
    const Pipe one, other;
    std::vector<MonoTime> seen;
    const auto note = [&](FdEvents) {
        seen.push_back(loop.now().mono);
        const MonoTime begin = read_mono();
        while (read_mono() == begin) {
        } // Even where the clock is coarse it has moved on now.
    };
    const auto first = loop.watch_fd(one.end[0], Interest::readable, note);
    const auto second = loop.watch_fd(other.end[0], Interest::readable, note);
    one.put();
    other.put();
    loop.run_turn();
    ASSERT_EQ(2U, seen.size());
    EXPECT_EQ(seen[0], seen[1]);
    EXPECT_GT(loop.now().mono, seen[1]);
}

TEST(UvLoop, ReadsTheTimeAnewForTimersThatCameDueWhileHandlersRan)
{
    UvLoop loop;
    const Pipe pipe;
    ports::Loop::Registration timer;
    const auto watch = loop.watch_fd(pipe.end[0], Interest::readable, [&](FdEvents) {
        pipe.take();
        const MonoTime deadline = loop.now().mono + 1ms;
        timer = loop.after(1ms, [&loop, deadline] {
            EXPECT_GE(loop.now().mono, deadline);
            loop.stop();
        });
        while (read_mono() < deadline + 2ms) {
        }
    });
    pipe.put();
    loop.run();
}

TEST(UvLoop, WatchesADescriptorOnceOnly)
{
    UvLoop loop;
    const Pipe pipe;
    auto first = loop.watch_fd(pipe.end[0], Interest::readable, [](FdEvents) {});
    EXPECT_DEATH((void)loop.watch_fd(pipe.end[0], Interest::writable, [](FdEvents) {}),
                 "not watched already");
    first.reset();
    EXPECT_NE(nullptr, loop.watch_fd(pipe.end[0], Interest::writable, [](FdEvents) {}));
}

TEST(UvLoop, TellsHowLongATurnsWorkTookAndNothingOfTurnsWithoutWork)
{
    UvLoop loop;
    std::vector<Duration> lags;
    loop.on_turn([&](Duration lag) { lags.push_back(lag); });
    const Duration busy = 3ms;
    bool done = false;
    const auto timer = loop.after(1ms, [&] {
        const MonoTime begin = read_mono();
        while (read_mono() - begin < busy) {
        }
        done = true;
    });
    EXPECT_TRUE(run_until(loop, [&] { return done; }));
    loop.defer([] {});
    loop.run_turn();
    ASSERT_FALSE(lags.empty());
    EXPECT_GE(lags.front(), busy);
}

TEST(UvLoop, RunsOffloadedWorkElsewhereAndItsDoneHere)
{
    UvLoop loop;
    const auto here = std::this_thread::get_id();
    struct Seen {
        std::thread::id worker;
        int work = 0;
    };
    auto seen = std::make_shared<Seen>();
    int done = 0;
    loop.offload(
        [seen] {
            seen->worker = std::this_thread::get_id();
            seen->work = 1;
        },
        [&] {
            EXPECT_EQ(here, std::this_thread::get_id());
            EXPECT_EQ(1, seen->work);
            EXPECT_NE(here, seen->worker);
            ++done;
        });
    EXPECT_TRUE(run_until(loop, [&] { return done == 1; }));
}

TEST(UvLoop, QueuesOffloadedWorkBeyondItsLimit)
{
    UvLoop loop;
    struct Gate {
        std::atomic<unsigned> running = 0, most = 0;
        std::atomic<bool> open = false;
    };
    auto gate = std::make_shared<Gate>();
    unsigned done = 0;
    constexpr unsigned pieces = 3 * ports::Loop::offload_limit;
    for (unsigned i = 0; i < pieces; ++i)
        loop.offload(
            [gate] {
                const unsigned mine = ++gate->running;
                if (mine > gate->most) gate->most = mine;
                gate->open.wait(false);
                --gate->running;
            },
            [&] { ++done; });
    EXPECT_TRUE(run_until(loop, [&] {
        loop.defer([] {});
        return gate->running == ports::Loop::offload_limit;
    }));
    gate->open = true;
    gate->open.notify_all();
    EXPECT_TRUE(run_until(loop, [&] { return done == pieces; }));
    EXPECT_LE(gate->most, ports::Loop::offload_limit);
}

TEST(UvLoop, EndsWhileOffloadedWorkHangsAndDropsItsDone)
{
    struct Seen {
        std::atomic<bool> started = false, open = false, ended = false;
    };
    auto seen = std::make_shared<Seen>();
    {
        UvLoop loop;
        loop.offload(
            [seen] {
                seen->started = true;
                seen->started.notify_all();
                seen->open.wait(false);
                seen->ended = true;
                seen->ended.notify_all();
            },
            [] { FAIL(); });
        seen->started.wait(false);
    }
    seen->open = true;
    seen->open.notify_all();
    seen->ended.wait(false);
}

TEST(UvLoop, SleepsInTheKernelWhenNothingIsDue)
{
    // A loop that is itself watched: its epoll descriptor becomes readable only if it has work.
    UvLoop loop;
    int turns = 0;
    loop.on_turn([&](Duration) { ++turns; });
    const Pipe pipe;
    const auto watch = loop.watch_fd(pipe.end[0], Interest::readable, [&](FdEvents) {
        pipe.take();
        loop.stop();
    });
    std::thread waker([&] { pipe.put(); });
    loop.run();
    waker.join();
    EXPECT_EQ(1, turns);
}

} // namespace
} // namespace keel::sys
