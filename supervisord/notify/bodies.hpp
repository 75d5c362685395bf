// What a webhook is sent, in the shape that its receiver wants.
//
//   json          {"id", "event", "host", "unit", "at", "text", "outage", "unit_is",
//                 "also_down": [...], "more_like_it", "reminder"}; `outage` is null where it
//                 belongs to none, and so is `unit_is`, else `down`, `up` or `wanted-down`
//   slack         {"text": "*api-server* on web1 is down: SIGKILL"}: Slack, Mattermost, Rocket.Chat
//   alertmanager  [{"labels": {...}, "annotations": {...}, "startsAt", "endsAt"}], for
//                 /api/v2/alerts: an outage is one alert, which its recovery ends
#pragma once
#include "notify/notification.hpp"

#include <string>

namespace keel::notify {

/// `host`: the name of this one. `now`: it is sent.
std::string body_of(const Notification&, const units::ChannelSpec&, const std::string& host,
                    WallTime now);

/// `*api-server* on web1 is down: SIGKILL; with it are down: panel, worker`
std::string sentence(const Notification&, const std::string& subject);

} // namespace keel::notify
