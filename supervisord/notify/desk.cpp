#include "notify/desk.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace keel::notify {
namespace {

using core::Outage;
using units::Occasion;

long long milliseconds(WallTime at)
{
    using std::chrono::duration_cast;
    return duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
}

/// Those of which people are told.
bool is_news(const Outage& record)
{
    return record.kind == core::OutageKind::outage && record.planned == Outage::Planned::no;
}

News news_of(const core::Host& host, UnitId unit, Occasion occasion, std::string about, WallTime at,
             std::string text)
{
    const units::UnitSpec& spec = host.spec(unit);
    Notification what;
    what.id = fmt::format("{}-{}", about, name(occasion));
    what.occasion = occasion;
    what.unit = spec.name;
    what.about = std::move(about);
    what.at = at;
    what.text = std::move(text);
    return {std::move(what), spec.notify};
}

/// Of what is no outage's: the moment makes it one of its kind.
News single(const core::Host& host, UnitId unit, Occasion occasion, WallTime at, std::string text)
{
    News news = news_of(host, unit, occasion, {}, at, std::move(text));
    news.what.id = fmt::format("{}-{}-{}", host.spec(unit).name, name(occasion), milliseconds(at));
    return news;
}

std::string subject(const core::Host& host, UnitId unit, Slot slot)
{
    return host.spec(unit).instances == 1 ? "" : fmt::format("instance {} ", slot);
}

News gave_up(const core::Host& host, UnitId unit, const core::Moved& moved, WallTime at)
{
    std::string text =
        fmt::format("{}was given up: {}", subject(host, unit, moved.slot), moved.reason);
    const Outage* open = core::open_outage(host.unit(unit).outage);
    if (open == nullptr || !is_news(*open))
        return single(host, unit, Occasion::gave_up, at, std::move(text));
    News news = news_of(host, unit, Occasion::gave_up, about(*open), at, std::move(text));
    news.what.id += fmt::format("-{}", moved.slot);
    return news;
}

std::optional<News> held(const core::Host& host, UnitId unit, const core::OperationResult& result,
                         WallTime at)
{
    const auto* hold = std::get_if<core::Held>(&host.unit(unit).wanted);
    const bool holds = result.verb == core::Verb::hold || result.verb == core::Verb::stop;
    if (!holds || hold == nullptr || result.outcome != core::OperationResult::Outcome::done)
        return std::nullopt;
    std::string text = fmt::format("is held by {}", hold->by);
    if (!hold->why.empty()) text += ": " + hold->why;
    if (hold->until) text += ", until " + to_rfc3339(hold->until->wall);
    return single(host, unit, Occasion::held, at, std::move(text));
}

} // namespace

std::string about(const Outage& record)
{
    return fmt::format("outage-{}-{}", number(record.id), milliseconds(record.opened.wall));
}

std::vector<News> Desk::heed(const core::Host& host, std::span<const core::HostNote> notes, Now now)
{
    std::vector<News> out;
    for (const auto& [unit, note] : notes) {
        if (const auto* failed = std::get_if<core::AttemptFailed>(&note)) {
            if (failed->failure.charge == core::Failure::Charge::charged)
                out.push_back(single(host, unit, Occasion::attempt_failed, now.wall,
                                     fmt::format("{}failed: {}", subject(host, unit, failed->slot),
                                                 failed->failure.what)));
        } else if (const auto* moved = std::get_if<core::Moved>(&note)) {
            if (moved->to == "failed") out.push_back(gave_up(host, unit, *moved, now.wall));
        } else if (const auto* counted = std::get_if<core::OutageCounted>(&note)) {
            if (is_news(counted->record)) heed_opened(host, unit, counted->record, now.mono);
        } else if (const auto* closed = std::get_if<core::OutageClosed>(&note)) {
            if (is_news(closed->record)) heed_closed(host, unit, closed->record, now, out);
        } else if (const auto* ended = std::get_if<core::OperationEnded>(&note)) {
            if (auto news = held(host, unit, ended->result, now.wall))
                out.push_back(std::move(*news));
        }
    }
    return out;
}

// ---- outages ------------------------------------------------------------------------------------

/// Causes point to older outages, so there is no circle.
OutageId Desk::root_of(OutageId id) const
{
    for (auto cause = causes_.find(id); cause != causes_.end(); cause = causes_.find(id))
        id = cause->second;
    return id;
}

void Desk::heed_opened(const core::Host& host, UnitId unit, const Outage& record, MonoTime now)
{
    if (record.caused_by && *record.caused_by < record.id) {
        causes_[record.id] = *record.caused_by;
        auto& followers = followers_[root_of(record.id)];
        if (followers.size() < beside_max) followers.push_back(record.unit);
        return;
    }
    auto news = news_of(host, unit, Occasion::outage_opened, about(record), record.opened.wall,
                        "is down: " + record.cause_text);
    gathering_.emplace(record.id, Gathering{std::move(news), now + gathers_for});
}

void Desk::heed_closed(const core::Host& host, UnitId unit, const Outage& record, Now now,
                       std::vector<News>& out)
{
    if (causes_.erase(record.id) > 0) return;
    if (auto early = gathering_.extract(record.id))
        out.push_back(finish(record.id, std::move(early.mapped())));
    followers_.erase(record.id);
    const std::string took = to_human(length_of(record, now.mono));
    out.push_back(news_of(host, unit, Occasion::recovered, about(record),
                          record.closed.value_or(now).wall,
                          fmt::format("is up again after {} ({})", took, record.cause_text)));
}

News Desk::finish(OutageId id, Gathering gathering)
{
    if (const auto known = followers_.find(id); known != followers_.end())
        gathering.news.what.beside = known->second;
    return std::move(gathering.news);
}

std::vector<News> Desk::gathered(MonoTime now)
{
    std::vector<News> out;
    for (auto each = gathering_.begin(); each != gathering_.end();) {
        if (each->second.until > now) {
            ++each;
            continue;
        }
        out.push_back(finish(each->first, std::move(each->second)));
        each = gathering_.erase(each);
    }
    return out;
}

std::optional<MonoTime> Desk::deadline() const
{
    std::optional<MonoTime> first;
    for (const auto& [id, gathering] : gathering_)
        first = std::min(first.value_or(gathering.until), gathering.until);
    return first;
}

} // namespace keel::notify
