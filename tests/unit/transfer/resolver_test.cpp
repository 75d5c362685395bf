#include "transfer/resolver.hpp"

#include "tests/support/loop_fixture.hpp"

#include <atomic>
#include <condition_variable>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <mutex>

namespace keel::transfer {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using Kind = Resolution::Kind;

/// Names and what is known of them; lookups of names that begin with `slow` wait to be let go.
/// Shared with the threads, which may begin when a test is long over.
class Names : public std::enable_shared_from_this<Names> {
public:
    std::map<std::string, Resolution> known;

    Resolver::Lookup lookup()
    {
        return [self = shared_from_this()](const std::string& host) { return self->look_up(host); };
    }
    Resolution look_up(const std::string& host)
    {
        std::unique_lock lock(mutex_);
        ++lookups_;
        ++under_way_;
        if (host.starts_with("slow")) changed_.wait(lock, [this] { return let_go_; });
        const auto found = known.find(host);
        Resolution answer =
            found == known.end() ? Resolution{Kind::missing, {}, "none"} : found->second;
        --under_way_;
        changed_.notify_all();
        return answer;
    }
    /// All lookups end; returns when they have left.
    void let_go()
    {
        std::unique_lock lock(mutex_);
        let_go_ = true;
        changed_.notify_all();
        changed_.wait(lock, [this] { return under_way_ == 0; });
    }
    int lookups()
    {
        const std::lock_guard lock(mutex_);
        return lookups_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool let_go_ = false;
    int lookups_ = 0;
    int under_way_ = 0;
};

/// The real loop, but its clock can be put forward.
class SteppedLoop final : public ports::Loop {
public:
    Duration ahead{0};
    sys::UvLoop real;

    Now now() const override
    {
        Now now = real.now();
        now.mono += ahead;
        return now;
    }
    Registration watch_fd(int fd, ports::Interest interest,
                          std::function<void(ports::FdEvents)> handler) override
    {
        return real.watch_fd(fd, interest, std::move(handler));
    }
    Registration after(Duration delay, std::function<void()> handler) override
    {
        return real.after(delay, std::move(handler));
    }
    void defer(std::function<void()> handler) override { real.defer(std::move(handler)); }
    void offload(std::function<void()> work, std::function<void()> done) override
    {
        real.offload(std::move(work), std::move(done));
    }
};

class NameResolver : public testing::Test {
public:
    ~NameResolver() override { names_->let_go(); }

protected:
    Resolution resolve(const std::string& host)
    {
        std::optional<Resolution> answer;
        const auto wait = resolver_.resolve(host, [&](const Resolution& given) { answer = given; });
        EXPECT_FALSE(answer) << "an answer comes later";
        EXPECT_TRUE(test::run_until(loop_.real, [&] { return answer.has_value(); }));
        return answer.value_or(Resolution{});
    }

    SteppedLoop loop_;
    std::shared_ptr<Names> names_ = std::make_shared<Names>();
    Resolver resolver_{loop_, names_->lookup()};
};

TEST_F(NameResolver, FindsTheAddressesOfAName)
{
    names_->known["panel.example"] = {Kind::found, {"192.0.2.1", "2001:db8::7"}, {}};
    const Resolution found = resolve("Panel.Example");
    EXPECT_EQ(Kind::found, found.kind);
    EXPECT_THAT(found.addresses, ElementsAre("192.0.2.1", "2001:db8::7"));
}

TEST_F(NameResolver, AsksNobodyAboutNumbersAndLocalhost)
{
    EXPECT_THAT(resolve("192.0.2.1").addresses, ElementsAre("192.0.2.1"));
    EXPECT_THAT(resolve("localhost").addresses, ElementsAre("127.0.0.1", "::1"));
    EXPECT_EQ(0, names_->lookups());
}

TEST_F(NameResolver, KeepsWhatItFoundForAMinute)
{
    names_->known["panel.example"] = {Kind::found, {"192.0.2.1"}, {}};
    (void)resolve("panel.example");
    loop_.ahead = 59s;
    (void)resolve("panel.example");
    EXPECT_EQ(1, names_->lookups());
    loop_.ahead = 61s;
    names_->known["panel.example"].addresses = {"192.0.2.2"};
    EXPECT_THAT(resolve("panel.example").addresses, ElementsAre("192.0.2.2"));
    EXPECT_EQ(2, names_->lookups());
}

TEST_F(NameResolver, KeepsNoFailure)
{
    EXPECT_EQ(Kind::missing, resolve("panel.example").kind);
    names_->known["panel.example"] = {Kind::unavailable, {}, "no server"};
    EXPECT_EQ(Kind::unavailable, resolve("panel.example").kind);
    names_->known["panel.example"] = {Kind::found, {"192.0.2.1"}, {}};
    EXPECT_EQ(Kind::found, resolve("panel.example").kind);
}

TEST_F(NameResolver, AsksOnceForAllWhoWantTheSameName)
{
    names_->known["slow.example"] = {Kind::found, {"192.0.2.1"}, {}};
    int answers = 0;
    std::vector<ports::Loop::Registration> waits;
    for (int i = 0; i < 50; ++i)
        waits.push_back(resolver_.resolve("slow.example", [&](const Resolution& given) {
            EXPECT_EQ(Kind::found, given.kind);
            ++answers;
        }));
    waits.pop_back();
    names_->let_go();
    EXPECT_TRUE(test::run_until(loop_.real, [&] { return answers == 49; }));
    EXPECT_EQ(1, names_->lookups());
}

TEST_F(NameResolver, LeavesStuckLookupsBehindUpToALimit)
{
    std::vector<ports::Loop::Registration> stuck;
    int ended = 0;
    for (std::size_t i = 0; i < Resolver::lookups_max; ++i)
        stuck.push_back(
            resolver_.resolve("slow" + std::to_string(i), [&](const Resolution&) { ++ended; }));
    EXPECT_EQ(Kind::unavailable, resolve("one.more").kind);
    stuck.clear(); // nobody waits any more, and still they are stuck
    EXPECT_EQ(Kind::unavailable, resolve("one.more").kind);
    EXPECT_EQ(Kind::found, resolve("127.0.0.1").kind);
    names_->let_go();
    // Their ends make room again.
    EXPECT_TRUE(
        test::run_until(loop_.real, [&] { return resolve("one.more").kind == Kind::missing; }));
    EXPECT_EQ(0, ended);
}

TEST_F(NameResolver, MayBeGoneBeforeItsLookups)
{
    bool answered = false;
    ports::Loop::Registration wait;
    {
        Resolver brief(loop_, names_->lookup());
        wait = brief.resolve("slow.example", [&](const Resolution&) { answered = true; });
    }
    names_->let_go();
    EXPECT_FALSE(answered);
}

TEST(SystemLookup, KnowsThisHost)
{
    const Resolution found = system_lookup("localhost");
    EXPECT_EQ(Kind::found, found.kind);
    EXPECT_THAT(found.addresses, testing::Contains(testing::AnyOf("127.0.0.1", "::1")));
}

} // namespace
} // namespace keel::transfer
