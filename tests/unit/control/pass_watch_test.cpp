// Streams that were opened with a session, and the session's end.
#include "control/pass_watch.hpp"
#include "tests/support/manual_loop.hpp"

#include <gtest/gtest.h>

namespace keel::control {
namespace {

using namespace std::chrono_literals;

class FakeExchange final : public Exchange {
public:
    bool ended = false;

    [[nodiscard]] const HttpRequest& request() const override { return request_; }
    [[nodiscard]] int descriptor() const override { return -1; }
    void answer(HttpAnswer) override {}
    void stream(HttpAnswer, std::unique_ptr<StreamSource>) override {}
    void wake() override {}
    void end() override { ended = true; }
    [[nodiscard]] bool is_gone() const override { return false; }

private:
    HttpRequest request_;
};

struct PassWatchTest : testing::Test {
    test::ManualLoop loop;
    WebAccess web{{}};
    PassWatch watch{loop, web};
    std::shared_ptr<FakeExchange> stream = std::make_shared<FakeExchange>();

    std::string session()
    {
        const auto secret = web.use_link(web.new_link(loop.now()), loop.now());
        return web.pass_of({{}, *secret}, loop.now())->session;
    }
};

TEST_F(PassWatchTest, EndsAStreamWhenItsSessionsTimeIsOver)
{
    const std::string mine = session();
    loop.advance(7s);
    watch.watch(mine, stream);
    loop.advance(WebAccess::session_life - 7s - 1ms);
    EXPECT_FALSE(stream->ended);
    loop.advance(1ms);
    EXPECT_TRUE(stream->ended);
    EXPECT_EQ(loop.timers(), 0U) << "there is nothing more to look after";
}

TEST_F(PassWatchTest, EndsAStreamAlsoWhenTheClockIsSet)
{
    watch.watch(session(), stream);
    loop.time.wall += WebAccess::session_life;
    loop.advance(PassWatch::look_pause);
    EXPECT_TRUE(stream->ended);
}

TEST_F(PassWatchTest, EndsOnlyTheStreamsOfTheSessionThatIsEnded)
{
    const std::string mine = session();
    auto other = std::make_shared<FakeExchange>();
    watch.watch(mine, stream);
    watch.watch(session(), other);
    web.end(mine);
    watch.look();
    EXPECT_TRUE(stream->ended);
    EXPECT_FALSE(other->ended);
}

TEST_F(PassWatchTest, IsNotPutOffByMoreStreams)
{
    watch.watch(session(), stream);
    loop.time.wall += WebAccess::session_life;
    std::vector<std::shared_ptr<FakeExchange>> more;
    for (int i = 0; i < 3; ++i) {
        loop.advance(PassWatch::look_pause / 2);
        more.push_back(std::make_shared<FakeExchange>());
        watch.watch(session(), more.back());
    }
    EXPECT_TRUE(stream->ended);
}

TEST_F(PassWatchTest, LooksAtNothingWhenItsStreamsAreGone)
{
    watch.watch(session(), stream);
    stream.reset();
    loop.advance(PassWatch::look_pause);
    EXPECT_EQ(loop.timers(), 0U);
}

} // namespace
} // namespace keel::control
