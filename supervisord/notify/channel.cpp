#include "notify/channel.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace keel::notify {

using units::Occasion;

namespace {

constexpr std::string_view in_queue = "queue";
constexpr std::string_view told_as_open = "told";
constexpr std::string_view kept_back = "kept-back";

std::uint64_t number_in(std::string_view text)
{
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

} // namespace

Channel::Channel(std::string name, units::ChannelSpec spec, ports::StateJournal& kept, Now now)
    : name_(std::move(name)), spec_(std::move(spec)), kept_(kept)
{
    recover(now);
}

std::string Channel::key(std::string_view kind, std::string_view rest) const
{
    return fmt::format("{}/{}/{}", name_, kind, rest);
}

/// Deadlines begin anew: what is kept does not say how long keeld was away.
void Channel::recover(Now now)
{
    const auto read = [&](std::string_view kind, const auto& take) {
        const std::string prefix = key(kind, "");
        const auto& kept = kept_.recovered();
        for (auto each = kept.lower_bound(prefix);
             each != kept.end() && each->first.starts_with(prefix); ++each)
            if (auto what = decode(each->second))
                take(each->first.substr(prefix.size()), std::move(*what));
            else
                kept_.erase(each->first);
    };
    read(in_queue, [&](const std::string& place, Notification what) {
        queue_.push_back({number_in(place), now.wall, std::move(what)});
        next_place_ = queue_.back().place + 1;
    });
    read(told_as_open, [&](const std::string& about, Notification what) {
        told_[about] = {std::move(what), reminder_after(now.mono), 0};
    });
    read(kept_back, [&](const std::string&, Notification what) {
        const Kind kind{what.unit, what.occasion};
        const std::uint32_t more = what.like_it + 1;
        quiet_[kind] = {now.mono + spec_.quiet, std::move(what), more};
    });
}

void Channel::settle(const std::function<bool(const std::string& about)>& is_open, Now now)
{
    std::vector<Notification> over;
    for (const auto& [about, told] : told_)
        if (!is_open(about)) over.push_back(told.what);
    for (Notification& what : over) {
        what.id = what.about + "-over";
        what.occasion = Occasion::recovered;
        what.at = now.wall;
        what.text = "is no longer in that outage; Keel was away when it ended";
        what.beside.clear();
        what.like_it = 0;
        take(std::move(what), now);
    }
    for (auto& [kind, quiet] : quiet_) {
        const bool is_over = quiet.last && !quiet.last->about.empty() &&
                             kind.second == Occasion::outage_opened && !is_open(quiet.last->about);
        if (!is_over) continue;
        quiet.last.reset();
        kept_.erase(key(kept_back, kind.first + "/" + std::string(keel::name(kind.second))));
    }
}

bool Channel::wants(Occasion occasion) const
{
    return std::ranges::find(spec_.events, occasion) != spec_.events.end();
}

std::optional<MonoTime> Channel::reminder_after(MonoTime now) const
{
    if (spec_.remind == Duration{0}) return std::nullopt;
    return now + spec_.remind;
}

// ---- coming in ----------------------------------------------------------------------------------

bool Channel::cancels_out(const Notification& recovery)
{
    const auto quiet = quiet_.find({recovery.unit, Occasion::outage_opened});
    if (quiet == quiet_.end() || !quiet->second.last) return false;
    if (quiet->second.last->about != recovery.about) return false;
    quiet->second.last.reset();
    kept_.erase(key(kept_back, recovery.unit + "/" + std::string(keel::name(quiet->first.second))));
    ++counts_.kept_back;
    return true;
}

void Channel::keep_back(Quiet& quiet, Notification news)
{
    ++counts_.kept_back;
    news.like_it = quiet.kept_back++;
    kept_.put(key(kept_back, news.unit + "/" + std::string(keel::name(news.occasion))),
              encode(news));
    quiet.last = std::move(news);
}

void Channel::take(Notification news, Now now)
{
    const bool is_recovery = news.occasion == Occasion::recovered;
    const bool was_told = is_recovery && told_.erase(news.about) > 0;
    if (was_told) kept_.erase(key(told_as_open, news.about));
    if (is_recovery && cancels_out(news)) return;
    if (!wants(news.occasion)) return;
    const bool is_known = std::ranges::any_of(
        queue_, [&](const Queued& queued) { return queued.what.id == news.id; });
    if (is_known) return;
    if (!is_recovery && spec_.quiet > Duration{0}) {
        Quiet& quiet = quiet_[{news.unit, news.occasion}];
        if (quiet.until > now.mono) return keep_back(quiet, std::move(news));
        news.like_it = std::exchange(quiet.kept_back, 0);
        quiet.until = now.mono + spec_.quiet;
    }
    enqueue(std::move(news), now);
}

void Channel::enqueue(Notification news, Now now)
{
    if (queue_.size() >= queue_max) {
        // The first may be on its way.
        if (on_its_way_) {
            kept_.erase(key(in_queue, fmt::format("{:020}", queue_[1].place)));
            queue_.erase(queue_.begin() + 1);
            ++counts_.dropped;
        } else {
            drop_front();
        }
    }
    if (news.occasion == Occasion::outage_opened && news.reminder == 0) {
        kept_.put(key(told_as_open, news.about), encode(news));
        told_[news.about] = {news, reminder_after(now.mono), 0};
    }
    const std::uint64_t place = next_place_++;
    kept_.put(key(in_queue, fmt::format("{:020}", place)), encode(news));
    queue_.push_back({place, now.wall, std::move(news)});
}

void Channel::tick(Now now)
{
    std::vector<Notification> due;
    for (auto& [kind, quiet] : quiet_) {
        if (quiet.until > now.mono || !quiet.last) continue;
        quiet.last->like_it = std::exchange(quiet.kept_back, 0) - 1;
        due.push_back(std::move(*quiet.last));
        quiet.last.reset();
        quiet.until = now.mono + spec_.quiet;
        kept_.erase(key(kept_back, kind.first + "/" + std::string(keel::name(kind.second))));
    }
    // With nothing kept back it has nothing more to say.
    std::erase_if(quiet_, [&](const auto& entry) {
        return entry.second.until <= now.mono && entry.second.kept_back == 0;
    });
    for (auto& [about, told] : told_) {
        if (!told.remind_at || *told.remind_at > now.mono) continue;
        told.remind_at = reminder_after(now.mono);
        Notification again = told.what;
        again.reminder = ++told.reminders;
        again.id += fmt::format("-again-{}", again.reminder);
        again.like_it = 0;
        due.push_back(std::move(again));
    }
    for (Notification& news : due)
        enqueue(std::move(news), now);
}

// ---- going out ----------------------------------------------------------------------------------

void Channel::drop_front()
{
    ++counts_.dropped;
    kept_.erase(key(in_queue, fmt::format("{:020}", queue_.front().place)));
    queue_.pop_front();
}

const Notification* Channel::send(Now now)
{
    if (on_its_way_) return nullptr;
    while (!queue_.empty() && queue_.front().since + patience < now.wall) {
        drop_front();
        retry_at_.reset();
        tries_ = 0;
    }
    if (queue_.empty() || (retry_at_ && now.mono < *retry_at_)) return nullptr;
    on_its_way_ = true;
    return &queue_.front().what;
}

void Channel::arrived()
{
    ++counts_.delivered;
    kept_.erase(key(in_queue, fmt::format("{:020}", queue_.front().place)));
    queue_.pop_front();
    on_its_way_ = false;
    tries_ = 0;
    retry_at_.reset();
}

void Channel::failed(MonoTime now)
{
    ++counts_.failed;
    on_its_way_ = false;
    retry_at_ = now + std::min(retry_max, retry_min * (1 << std::min(tries_, 16U)));
    ++tries_;
}

std::optional<MonoTime> Channel::deadline() const
{
    std::optional<MonoTime> first;
    const auto by = [&](MonoTime at) { first = std::min(first.value_or(at), at); };
    if (!queue_.empty() && !on_its_way_) by(retry_at_.value_or(MonoTime{}));
    for (const auto& [kind, quiet] : quiet_)
        if (quiet.last || quiet.kept_back == 0) by(quiet.until);
    for (const auto& [about, told] : told_)
        if (told.remind_at) by(*told.remind_at);
    return first;
}

} // namespace keel::notify
