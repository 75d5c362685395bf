// What a webhook is sent.
#include "notify/bodies.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace keel::notify {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class Bodies : public testing::Test {
protected:
    Bodies()
    {
        news.id = "outage-1-outage-opened";
        news.about = "outage-1";
        news.unit = "web";
        news.text = "is down: exit 1";
        news.at = WallTime{1'700'000'000s};
    }
    [[nodiscard]] json body(units::WebhookBody shape, Duration later = {})
    {
        spec.body = shape;
        return json::parse(body_of(news, spec, "host1", news.at + later));
    }

    Notification news;
    units::ChannelSpec spec;
};

TEST_F(Bodies, LetNoAlertEndBeforeItArrives)
{
    const auto end = [&](Duration later) {
        return body(units::WebhookBody::alertmanager, later).at(0).at("endsAt").get<std::string>();
    };
    spec.remind = 1h;
    EXPECT_EQ(end(0s), to_rfc3339(news.at + 2h));
    EXPECT_EQ(end(23h), to_rfc3339(news.at + 25h)) << "it has waited for its receiver";
    news.reminder = 3;
    EXPECT_EQ(end(3h), to_rfc3339(news.at + 5h));
    spec.remind = 0s;
    EXPECT_EQ(end(1h), to_rfc3339(news.at + 721h));
    news.occasion = units::Occasion::gave_up;
    EXPECT_EQ(end(5h), to_rfc3339(news.at + 6h));
    news.occasion = units::Occasion::recovered;
    EXPECT_EQ(end(5h), to_rfc3339(news.at)) << "when it was over";
}

TEST_F(Bodies, SayWhatBecameOfTheUnit)
{
    EXPECT_TRUE(body(units::WebhookBody::json).at("unit_is").is_null());
    news.its_unit = Notification::Unit::wanted_down;
    EXPECT_EQ(body(units::WebhookBody::json).at("unit_is"), "wanted-down");
}

} // namespace
} // namespace keel::notify
