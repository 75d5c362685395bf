// Changes of limits by another thread: in turn, the latest wish of each group, and the last word
// stays.
#include "sys/limit_changes.hpp"
#include "sys/loop.hpp"
#include "tests/support/loop_fixture.hpp"
#include "tests/unit/sys/fake_cgroups.hpp"

#include <condition_variable>
#include <gtest/gtest.h>
#include <thread>

namespace keel::sys {
namespace {

using test::run_until;

/// A kernel that takes its time: whoever writes a limit waits until it is let go.
class SlowCgroups final : public CgroupFiles {
public:
    explicit SlowCgroups(std::shared_ptr<FakeCgroups> kernel) : kernel_(std::move(kernel)) {}

    Result<std::string> read(const std::string& path) const override { return kernel_->read(path); }
    Result<void> write(const std::string& path, std::string_view text) const override
    {
        std::unique_lock lock(mutex_);
        if (is_slow_ && path.ends_with("memory.max") && std::this_thread::get_id() != owner_) {
            is_slow_ = false;
            waits_ = true;
            changed_.notify_all();
            changed_.wait(lock, [this] { return !waits_; });
        }
        return kernel_->write(path, text);
    }
    std::vector<std::string> groups_in(const std::string& path) const override
    {
        return kernel_->groups_in(path);
    }

    void be_slow_once() { is_slow_ = true; }
    void await_writer()
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return waits_; });
    }
    void let_go()
    {
        const std::lock_guard lock(mutex_);
        waits_ = false;
        changed_.notify_all();
    }

private:
    std::shared_ptr<FakeCgroups> kernel_;
    const std::thread::id owner_ = std::this_thread::get_id();
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    mutable bool is_slow_ = false;
    mutable bool waits_ = false;
};

class Changes : public testing::Test {
protected:
    Changes()
    {
        kernel->make("api");
        kernel->make("api/1");
    }
    static units::ResourcesSpec memory(std::uint64_t bytes)
    {
        units::ResourcesSpec resources;
        resources.memory_max = bytes;
        return resources;
    }
    testing::AssertionResult becomes(const std::string& limit)
    {
        return run_until(loop, [&] { return kernel->limit("api/1/memory.max") == limit; });
    }

    [[nodiscard]] std::ptrdiff_t written(const std::string& write) const
    {
        const auto writes = kernel->writes();
        return std::ranges::count(writes, write);
    }

    std::shared_ptr<FakeCgroups> kernel =
        std::make_shared<FakeCgroups>(std::set<std::string>{"memory"});
    std::shared_ptr<SlowCgroups> slow = std::make_shared<SlowCgroups>(kernel);
    UvLoop loop;
    LimitChanges changes{loop, CgroupLimits(slow)};
};

TEST_F(Changes, AreMadeByAnotherThread)
{
    slow->be_slow_once();
    changes.want("api/1", memory(100), {});
    slow->await_writer(); // And this thread is here.
    slow->let_go();
    EXPECT_TRUE(becomes("100"));
}

TEST_F(Changes, ThatAreOvertakenAreLeftOut)
{
    slow->be_slow_once();
    changes.want("api/1", memory(100), {});
    slow->await_writer();
    changes.want("api/1", memory(200), {});
    changes.want("api/1", memory(300), {});
    slow->let_go();
    EXPECT_TRUE(becomes("300"));
    EXPECT_EQ(written("api/1/memory.max 200"), 0);
}

TEST_F(Changes, DoNotUndoWhatIsSaidHereAndNow)
{
    slow->be_slow_once();
    changes.want("api/1", memory(100), {});
    slow->await_writer();
    EXPECT_TRUE(changes.set_now("api/1", memory(400)));
    slow->let_go();
    EXPECT_TRUE(run_until(loop, [&] { return written("api/1/memory.max 400") == 2; }));
    EXPECT_EQ(kernel->limit("api/1/memory.max"), "400");
}

TEST_F(Changes, ThatCannotBeMadeAreToldOnTheLoop)
{
    kernel->refused["memory.max"] = EINVAL;
    std::string told;
    changes.want("api/1", memory(100), [&](const Error& why) { told = why.text(); });
    EXPECT_TRUE(told.empty()) << "never from inside want()";
    EXPECT_TRUE(run_until(loop, [&] { return !told.empty(); }));
    EXPECT_EQ(told, "memory_max: write api/1/memory.max: Invalid argument");
}

} // namespace
} // namespace keel::sys
