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
    news.what.its_unit = Notification::Unit::down;
    return news;
}

std::string in_words(const core::Held& hold)
{
    std::string text = fmt::format("is held by {}", hold.by);
    if (!hold.why.empty()) text += ": " + hold.why;
    if (hold.until) text += ", until " + to_rfc3339(hold.until->wall);
    return text;
}

std::optional<News> held(const core::Host& host, UnitId unit, const core::OperationResult& result,
                         WallTime at)
{
    const auto* hold = std::get_if<core::Held>(&host.unit(unit).wanted);
    const bool holds = result.verb == core::Verb::hold || result.verb == core::Verb::stop;
    if (!holds || hold == nullptr || result.outcome != core::OperationResult::Outcome::done)
        return std::nullopt;
    return single(host, unit, Occasion::held, at, in_words(*hold));
}

std::string in_words(const core::DeploymentRecord& record)
{
    const bool is_done = record.outcome == core::CloseDeployment::Outcome::committed;
    const std::string title = core::title_of(record.kind, record.release);
    const std::string current = record.from.empty() ? "nothing" : record.from;
    if (is_done)
        return fmt::format("runs {} as of now: {} by {}: {}", record.release, title, record.by,
                           record.why);
    const bool is_stuck = record.outcome == core::CloseDeployment::Outcome::stuck;
    return fmt::format("runs {} still: {} by {} {}: {}", current, title, record.by,
                       is_stuck ? "could not be undone as a whole" : "was undone", record.failure);
}

/// Who deploys something and has it knows of it.
std::optional<News> deployed(const core::Host& host, UnitId unit,
                             const core::DeploymentRecord& record, WallTime at)
{
    const bool is_expected = record.asker == core::UnitDeployment::Asker::person &&
                             record.outcome == core::CloseDeployment::Outcome::committed;
    if (is_expected) return std::nullopt;
    return single(host, unit, Occasion::deployed, at, in_words(record));
}

/// What became of a unit whose outage is over.
struct Aftermath {
    Notification::Unit its_unit = Notification::Unit::up;
    std::string text;
};

Aftermath aftermath(const core::Host& host, UnitId id)
{
    const core::Unit& unit = host.unit(id);
    using enum Notification::Unit;
    if (core::is_wanted_up(unit) && core::is_ready(host.spec(id), unit)) return {up, "is up again"};
    if (const auto* hold = std::get_if<core::Held>(&unit.wanted))
        return {wanted_down, in_words(*hold)};
    if (unit.before_leaving) return {wanted_down, "is no longer configured"};
    if (host.is_shutting_down()) return {wanted_down, "is stopped with all of Keel"};
    return {wanted_down, "is not wanted up any more"};
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
            heed_moved(host, unit, now.mono);
        } else if (const auto* opened = std::get_if<core::OutageOpened>(&note)) {
            if (opened->record.kind == core::OutageKind::outage)
                (void)entry_of(host, unit, opened->record);
        } else if (const auto* counted = std::get_if<core::OutageCounted>(&note)) {
            if (is_news(counted->record)) heed_counted(host, unit, counted->record, now, out);
        } else if (const auto* closed = std::get_if<core::OutageClosed>(&note)) {
            if (closed->record.kind != core::OutageKind::degraded)
                heed_closed(host, unit, closed->record, now, out);
        } else if (const auto* climbed = std::get_if<core::Climbed>(&note)) {
            out.push_back(
                single(host, unit, Occasion::climbed, now.wall,
                       fmt::format("climbed to `{}`: {}", to_text(climbed->to), climbed->reason)));
        } else if (const auto* over = std::get_if<core::DeploymentEnded>(&note)) {
            if (auto news = deployed(host, unit, over->record, now.wall))
                out.push_back(std::move(*news));
        } else if (const auto* ended = std::get_if<core::OperationEnded>(&note)) {
            if (auto news = held(host, unit, ended->result, now.wall))
                out.push_back(std::move(*news));
        }
    }
    settle(host, now, out);
    return out;
}

// ---- outages ------------------------------------------------------------------------------------

Desk::Open& Desk::entry_of(const core::Host& host, UnitId unit, const Outage& record)
{
    Open& open = open_[record.id];
    if (!open.what.about.empty()) return open;
    open.unit = unit;
    open.what = news_of(host, unit, Occasion::outage_opened, about(record), record.opened.wall,
                        "is down: " + record.cause_text)
                    .what;
    open.what.its_unit = Notification::Unit::down;
    if (record.caused_by && *record.caused_by < record.id) open.cause = record.caused_by;
    for (const std::string& channel : host.spec(unit).notify)
        if (knows_(channel, open.what.about)) open.told.insert(channel);
    return open;
}

void Desk::heed_counted(const core::Host& host, UnitId unit, const Outage& record, Now now,
                        std::vector<News>& out)
{
    Open& open = entry_of(host, unit, record);
    open.is_told_of = true;
    open.look_at = now.mono + gathers_for;
    join_cause(host, open, out);
}

/// What has been on trial since its cause was over may have failed it.
void Desk::heed_moved(const core::Host& host, UnitId unit, MonoTime now)
{
    const Outage* record = core::open_outage(host.unit(unit).outage);
    const auto found = record == nullptr ? open_.end() : open_.find(record->id);
    if (found == open_.end()) return;
    Open& open = found->second;
    if (open.is_told_of && !open.look_at && has_outlived_cause(open))
        open.look_at = now + gathers_for;
}

void Desk::heed_closed(const core::Host& host, UnitId unit, const Outage& record, Now now,
                       std::vector<News>& out)
{
    (void)entry_of(host, unit, record);
    Open ended = std::move(open_.extract(record.id).mapped());
    if (ended.is_told_of) look(host, ended, out);
    for (auto& [id, open] : open_)
        if (open.cause && open.is_told_of && !open.look_at) open.look_at = now.mono + gathers_for;
    if (ended.told.empty()) return;
    auto [its_unit, text] = aftermath(host, unit);
    text += its_unit == Notification::Unit::up ? " after " : "; it was down for ";
    text += fmt::format("{} ({})", to_human(length_of(record, now.mono)), record.cause_text);
    auto news = news_of(host, unit, Occasion::recovered, about(record),
                        record.closed.value_or(now).wall, std::move(text));
    news.what.its_unit = its_unit;
    std::erase_if(news.channels, [&](const auto& name) { return !ended.told.contains(name); });
    out.push_back(std::move(news));
}

bool Desk::has_outlived_cause(const Open& open) const
{
    return open.cause && !open_.contains(*open.cause);
}

/// The outage that a channel hears of, or will, for which this one is not told by itself: the first
/// of the chain. Whoever is in the chain behind one that is over has come to be down by itself.
Desk::Open* Desk::cause_told(const core::Host& host, const Open& open, const std::string& channel)
{
    const auto cause = open.cause ? open_.find(*open.cause) : open_.end();
    if (cause == open_.end()) return nullptr;
    if (Open* first = cause_told(host, cause->second, channel)) return first;
    if (cause->second.told.contains(channel)) return &cause->second;
    // One that is not certain yet may still turn out to be none.
    const Outage* record = core::open_outage(host.unit(cause->second.unit).outage);
    const bool may_be_told = record != nullptr && record->id == cause->first && is_news(*record);
    const auto& channels = host.spec(cause->second.unit).notify;
    const bool will_be = may_be_told && std::ranges::find(channels, channel) != channels.end();
    return will_be ? &cause->second : nullptr;
}

/// Whom it is told with its cause, are told its name beside that.
void Desk::join_cause(const core::Host& host, const Open& open, std::vector<News>& out)
{
    std::map<Open*, std::vector<std::string>> channels;
    for (const std::string& channel : host.spec(open.unit).notify)
        if (Open* cause = cause_told(host, open, channel); cause && !open.told.contains(channel))
            channels[cause].push_back(channel);
    for (auto& [cause, who] : channels) {
        auto& known = cause->follows;
        const bool is_named = std::ranges::find(known, open.what.unit) != known.end();
        if (is_named || known.size() >= beside_max) continue;
        known.push_back(open.what.unit);
        if (cause->told.empty()) continue; // That is to come.
        News more{cause->what, std::move(who)};
        more.what.beside = known;
        out.push_back(std::move(more));
    }
}

void Desk::look(const core::Host& host, Open& open, std::vector<News>& out)
{
    join_cause(host, open, out);
    News news{open.what, {}};
    for (const std::string& channel : host.spec(open.unit).notify)
        if (!open.told.contains(channel) && cause_told(host, open, channel) == nullptr)
            news.channels.push_back(channel);
    if (news.channels.empty()) return;
    if (has_outlived_cause(open)) {
        // On trial, or over: it has followed its cause in that, too.
        if (!std::holds_alternative<core::OpenOutage>(host.unit(open.unit).outage.state)) return;
        news.what.text += ", though the outage that it followed from is over";
    }
    news.what.beside = open.follows;
    open.told.insert(news.channels.begin(), news.channels.end());
    out.push_back(std::move(news));
}

std::vector<News> Desk::gathered(const core::Host& host, MonoTime now)
{
    std::vector<News> out;
    for (auto& [id, open] : open_) {
        if (!open.look_at || *open.look_at > now) continue;
        open.look_at.reset();
        look(host, open, out);
    }
    return out;
}

std::optional<MonoTime> Desk::deadline() const
{
    std::optional<MonoTime> first;
    for (const auto& [id, open] : open_)
        if (open.look_at) first = std::min(first.value_or(*open.look_at), *open.look_at);
    return first;
}

// ---- after a start ------------------------------------------------------------------------------

std::vector<News> Desk::begin(const core::Host& host, std::vector<News> told, Now now)
{
    std::vector<News> out;
    open_.clear();
    for (const UnitId unit : host.start_order()) {
        const core::OutageFold& fold = host.unit(unit).outage;
        if (const Outage* record = core::open_outage(fold))
            entry_of(host, unit, *record).is_told_of =
                fold.counted == core::OutageFold::Counted::yes && is_news(*record);
    }
    for (auto& [id, open] : open_) {
        if (!open.is_told_of) continue;
        open.look_at = now.mono + gathers_for;
        join_cause(host, open, out);
    }
    std::erase_if(told, [&](const News& news) {
        return std::ranges::any_of(
            open_, [&](const auto& entry) { return entry.second.what.about == news.what.about; });
    });
    unsettled_ = std::move(told);
    settle(host, now, out);
    return out;
}

/// What became of an outage that ended unseen, once that is known: after a boot nothing is up yet.
void Desk::settle(const core::Host& host, Now now, std::vector<News>& out)
{
    std::erase_if(unsettled_, [&](News& news) {
        Notification& what = news.what;
        const auto unit = host.find(what.unit);
        const Outage* record = unit ? core::open_outage(host.unit(*unit).outage) : nullptr;
        if (!unit) {
            what.text = "is no longer configured";
            what.its_unit = Notification::Unit::wanted_down;
        } else if (record != nullptr) {
            const auto open = open_.find(record->id);
            if (open == open_.end() || !open->second.is_told_of) return false;
            what.text = "is not in that outage any more, but in another one";
            what.its_unit = Notification::Unit::down;
        } else if (core::is_wanted_up(host.unit(*unit)) &&
                   !core::is_ready(host.spec(*unit), host.unit(*unit))) {
            return false;
        } else {
            auto [its_unit, text] = aftermath(host, *unit);
            what.text = std::move(text);
            what.its_unit = its_unit;
        }
        what.text += "; Keel was away when that outage ended";
        what.id = what.about + "-over";
        what.occasion = Occasion::recovered;
        what.at = now.wall;
        what.beside.clear();
        what.like_it = what.reminder = 0;
        out.push_back(std::move(news));
        return true;
    });
}

} // namespace keel::notify
