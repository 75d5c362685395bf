#include "notify/bodies.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace keel::notify {
namespace {

using nlohmann::json;
using units::Occasion;

std::string dump(const json& body)
{
    return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

json own_body(const Notification& n, const std::string& host)
{
    return {{"id", n.id},
            {"event", name(n.occasion)},
            {"host", host},
            {"unit", n.unit},
            {"at", to_rfc3339(n.at)},
            {"text", sentence(n, n.unit)},
            {"outage", n.about.empty() ? json(nullptr) : json(n.about)},
            {"unit_is",
             n.its_unit == Notification::Unit::unsaid ? json(nullptr) : json(name(n.its_unit))},
            {"also_down", n.beside},
            {"more_like_it", n.like_it},
            {"reminder", n.reminder}};
}

/// Slack reads these three in a text, and nothing else.
std::string escaped_for_slack(const std::string& text)
{
    std::string out;
    for (const char c : text) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else
            out += c;
    }
    return out;
}

std::string_view alert_name(Occasion occasion)
{
    switch (occasion) {
    case Occasion::attempt_failed: return "KeelAttemptFailed";
    case Occasion::gave_up: return "KeelGaveUp";
    case Occasion::held: return "KeelHeld";
    case Occasion::climbed: return "KeelClimbed";
    case Occasion::deployed: return "KeelDeployed";
    case Occasion::outage_opened:
    case Occasion::recovered: break;
    }
    return "KeelUnitDown";
}

/// An alert that nobody ends would end after Alertmanager's resolve_timeout, minutes from now. What
/// has waited for long must not have ended when it arrives.
WallTime end_of(const Notification& n, const units::ChannelSpec& spec, WallTime now)
{
    using namespace std::chrono_literals;
    if (n.occasion == Occasion::recovered) return n.at;
    if (n.occasion != Occasion::outage_opened) return now + 1h;
    if (spec.remind == Duration{0}) return now + 720h;
    return now + 2 * spec.remind; // The next reminder comes before that.
}

json alert(const Notification& n, const units::ChannelSpec& spec, const std::string& host,
           WallTime now)
{
    json labels = {{"alertname", alert_name(n.occasion)}, {"unit", n.unit}, {"host", host}};
    if (!n.about.empty()) labels["outage"] = n.about;
    json one = {{"labels", labels},
                {"annotations", {{"summary", sentence(n, n.unit)}, {"id", n.id}}},
                {"endsAt", to_rfc3339(end_of(n, spec, now))}};
    // Of an outage its recovery does not say when it began; Alertmanager keeps what it was told.
    if (n.occasion != Occasion::recovered) one["startsAt"] = to_rfc3339(n.at);
    return json::array({one});
}

} // namespace

std::string sentence(const Notification& n, const std::string& subject)
{
    std::string text = fmt::format("{} {}{}", subject, n.reminder > 0 ? "still " : "", n.text);
    if (!n.beside.empty())
        text += fmt::format("; with it {} down: {}", n.beside.size() == 1 ? "is" : "are",
                            fmt::join(n.beside, ", "));
    if (n.like_it > 0) text += fmt::format(" (and {} more like it in quiet time)", n.like_it);
    return text;
}

std::string body_of(const Notification& n, const units::ChannelSpec& spec, const std::string& host,
                    WallTime now)
{
    switch (spec.body) {
    case units::WebhookBody::slack:
        return dump(
            {{"text", escaped_for_slack(sentence(n, fmt::format("*{}* on {}", n.unit, host)))}});
    case units::WebhookBody::alertmanager: return dump(alert(n, spec, host, now));
    case units::WebhookBody::json: break;
    }
    return dump(own_body(n, host));
}

} // namespace keel::notify
