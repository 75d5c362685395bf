// A Prober on a real loop, and what tests of it need: probe one target and wait for its verdict.
#pragma once
#include "probes/prober.hpp"
#include "tests/integration/probes/server.hpp"
#include "tests/support/loop_fixture.hpp"

#include <chrono>
#include <condition_variable>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <optional>

namespace keel::test {

using namespace std::chrono_literals;
using core::ProbeAnswer;
using core::Verdict;
using core::VerdictKind;

/// Fails every spawn; for tests that make none.
class NoSpawner final : public ports::Spawner {
public:
    std::variant<ports::ProcessIdentity, ports::SpawnFailure>
    spawn(SpawnId, const ports::SpawnPlan&) override
    {
        return ports::SpawnFailure{};
    }
    void set_resources(SpawnId, const units::ResourcesSpec&) override {}
    void signal(SpawnId, int) override {}
    void take_for_main(SpawnId, pid_t) override {}
    void kill_tree(SpawnId) override {}
    void acknowledge(SpawnId) override {}
    void set_handlers(Handlers) override {}
    std::vector<Survivor> survivors(const std::vector<Survivor>&) override { return {}; }
};

class ProberTest : public testing::Test {
public:
    ~ProberTest() override { await_lookups(0); }

protected:
    /// Probes and waits for the answer.
    ProbeAnswer probe(units::ProbeTarget target, Duration timeout = 20s)
    {
        std::optional<ProbeAnswer> answer;
        begin(std::move(target), timeout, answer);
        EXPECT_FALSE(answer) << "an answer never comes from inside probe()";
        EXPECT_TRUE(run_until(loop_, [&] { return answer.has_value(); }));
        return answer.value_or(ProbeAnswer{});
    }

    ports::AttemptId begin(units::ProbeTarget target, Duration timeout,
                           std::optional<ProbeAnswer>& answer)
    {
        const ports::AttemptId attempt{++attempts_};
        prober_.probe({attempt, std::move(target), timeout, {}},
                      [&answer](const ProbeAnswer& given) {
                          EXPECT_FALSE(answer) << "an answer comes once";
                          answer = given;
                      });
        return attempt;
    }

    /// Lets the loop do what it has to do, so many times.
    testing::AssertionResult idle_turns(int count)
    {
        for (int i = 0; i < count; ++i) {
            bool over = false;
            const auto timer = loop_.after(1ms, [&over] { over = true; });
            if (auto reached = run_until(loop_, [&over] { return over; }); !reached) return reached;
        }
        return testing::AssertionSuccess();
    }

    /// Runs the loop until another thread has set the signal.
    testing::AssertionResult reached(const Signal& signal)
    {
        const auto watch =
            loop_.watch_fd(signal.fd(), ports::Interest::readable, [](ports::FdEvents) {});
        return run_until(loop_, [&signal] { return signal.is_set(); });
    }

    /// Returns when so many lookups have begun and none is under way: what they use may go.
    void await_lookups(int count) { lookups_->await(count); }

    /// Counts those who are inside, on whatever thread.
    class Turnstile {
    public:
        void enter()
        {
            const std::lock_guard lock(mutex_);
            ++inside_;
            ++entered_;
        }
        void leave()
        {
            const std::lock_guard lock(mutex_);
            --inside_;
            changed_.notify_all();
        }
        void await(int count)
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this, count] { return inside_ == 0 && entered_ >= count; });
        }

    private:
        std::mutex mutex_;
        std::condition_variable changed_;
        int inside_ = 0;
        int entered_ = 0;
    };

    std::shared_ptr<Turnstile> lookups_ = std::make_shared<Turnstile>();
    /// What tests set is called on threads that may begin late.
    void set_lookup(transfer::Resolver::Lookup lookup) { *lookup_ = std::move(lookup); }

    std::shared_ptr<transfer::Resolver::Lookup> lookup_ =
        std::make_shared<transfer::Resolver::Lookup>(
            [](const std::string&) { return transfer::Resolution{}; });
    std::uint64_t attempts_ = 0;
    sys::UvLoop loop_;
    NoSpawner spawner_;
    probes::Prober prober_{loop_, spawner_, [] { return SpawnId{1}; },
                           [lookup = lookup_, lookups = lookups_](const std::string& host) {
                               lookups->enter();
                               transfer::Resolution resolution = (*lookup)(host);
                               lookups->leave();
                               return resolution;
                           }};
};

inline testing::AssertionResult is(const ProbeAnswer& answer, Verdict verdict, VerdictKind kind,
                                   std::string_view detail = {})
{
    if (answer.verdict == verdict && answer.kind == kind &&
        answer.detail.find(detail) != std::string::npos)
        return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << name(answer.verdict) << " " << name(answer.kind) << ": " << answer.detail;
}

} // namespace keel::test
