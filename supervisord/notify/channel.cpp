#include "notify/channel.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace keel::notify {

using units::Occasion;

namespace {

constexpr std::string_view in_queue = "queue";
constexpr std::string_view told_as_open = "told";
constexpr std::string_view kept_back = "kept-back";
constexpr std::string_view counted = "counts";

std::string text_of(const std::pair<std::string, Occasion>& kind)
{
    return fmt::format("{}/{}", kind.first, name(kind.second));
}

std::uint64_t number_in(std::string_view text)
{
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

/// Numbers with a blank between them.
Channel::Counts counts_in(std::string_view text)
{
    Channel::Counts counts{};
    for (std::uint64_t& count : counts) {
        count = number_in(text);
        text.remove_prefix(std::min(text.find(' '), text.size() - 1) + 1);
    }
    return counts;
}

} // namespace

Channel::Channel(std::string name, units::ChannelSpec spec, ports::StateJournal& kept)
    : name_(std::move(name)), spec_(std::move(spec)), kept_(kept)
{}

std::string Channel::key(std::string_view kind, std::string_view rest) const
{
    return fmt::format("{}/{}/{}", name_, kind, rest);
}

void Channel::recover(Now now)
{
    if (const auto found = kept_.recovered().find(key(counted, ""));
        found != kept_.recovered().end())
        counts_ = counts_in(found->second);
    const auto read = [&](std::string_view kind, const auto& take) {
        const std::string prefix = key(kind, "");
        const auto& kept = kept_.recovered();
        for (auto each = kept.lower_bound(prefix);
             each != kept.end() && each->first.starts_with(prefix); ++each)
            if (auto what = decode(each->second, now.wall))
                take(each->first.substr(prefix.size()), std::move(*what));
            else
                kept_.erase(each->first);
    };
    read(in_queue, [&](const std::string& place, Kept kept) {
        const MonoTime until = patience_ends(kept.since, now);
        queue_.push_back({number_in(place), std::move(kept), until});
        next_place_ = queue_.back().place + 1;
    });
    read(told_as_open, [&](const std::string& about, Kept kept) {
        const auto remind_at = reminder_at(kept.since, now);
        told_[about] = {std::move(kept), remind_at};
    });
    // Quiet times begin anew: what is kept does not say when they did.
    read(kept_back, [&](const std::string&, Kept kept) {
        const Kind kind{kept.what.unit, kept.what.occasion};
        const std::uint32_t more = kept.what.like_it + 1;
        quiet_[kind] = {now.mono + spec_.quiet, std::move(kept.what), more};
    });
}

void Channel::respecify(units::ChannelSpec spec, Now now)
{
    spec_ = std::move(spec);
    retry_at_.reset();
    tries_ = 0;
    for (auto& [kind, quiet] : quiet_)
        quiet.until = std::min(quiet.until, now.mono + spec_.quiet);
    for (auto& [about, told] : told_)
        told.remind_at = reminder_at(told.kept.since, now);
}

void Channel::forget()
{
    for (const Queued& queued : queue_)
        kept_.erase(key(in_queue, fmt::format("{:020}", queued.place)));
    for (const auto& [kind, quiet] : quiet_)
        kept_.erase(key(kept_back, text_of(kind)));
    for (const auto& [about, told] : told_)
        kept_.erase(key(told_as_open, about));
    kept_.erase(key(counted, ""));
    queue_.clear();
    quiet_.clear();
    told_.clear();
}

void Channel::settle(const std::function<bool(const std::string& about)>& is_open)
{
    for (auto& [kind, quiet] : quiet_) {
        const bool is_over = quiet.last && !quiet.last->about.empty() &&
                             kind.second == Occasion::outage_opened && !is_open(quiet.last->about);
        if (!is_over) continue;
        quiet.last.reset();
        kept_.erase(key(kept_back, text_of(kind)));
    }
}

bool Channel::knows(const std::string& about) const
{
    return told_.contains(about) || std::ranges::any_of(quiet_, [&](const auto& entry) {
               return entry.first.second == Occasion::outage_opened && entry.second.last &&
                      entry.second.last->about == about;
           });
}

std::vector<Notification> Channel::open() const
{
    std::vector<Notification> all;
    for (const auto& [about, told] : told_)
        all.push_back(told.kept.what);
    return all;
}

void Channel::forget_unless(const std::function<bool(const std::string& unit)>& is_told)
{
    std::erase_if(told_, [&](const auto& entry) {
        const bool goes = !is_told(entry.second.kept.what.unit);
        if (goes) kept_.erase(key(told_as_open, entry.first));
        return goes;
    });
}

bool Channel::wants(Occasion occasion) const
{
    return std::ranges::find(spec_.events, occasion) != spec_.events.end();
}

void Channel::count(Result result)
{
    ++counts_[static_cast<std::size_t>(result)];
    kept_.put(key(counted, ""), fmt::format("{}", fmt::join(counts_, " ")));
}

/// Only the wall clock knows how long something waited before this engine.
MonoTime Channel::patience_ends(WallTime since, Now now)
{
    return now.mono + std::min(since + patience - now.wall, patience);
}

/// What is left of the time between two of them, also if keeld was away for a part of it.
std::optional<MonoTime> Channel::reminder_at(WallTime told_last, Now now) const
{
    if (spec_.remind == Duration{0} || !wants(Occasion::outage_opened)) return std::nullopt;
    return now.mono + std::clamp(told_last + spec_.remind - now.wall, Duration{0}, spec_.remind);
}

// ---- coming in ----------------------------------------------------------------------------------

bool Channel::cancels_out(const Notification& recovery)
{
    const auto quiet = quiet_.find({recovery.unit, Occasion::outage_opened});
    if (quiet == quiet_.end() || !quiet->second.last) return false;
    if (quiet->second.last->about != recovery.about) return false;
    quiet->second.last.reset();
    kept_.erase(key(kept_back, text_of(quiet->first)));
    count(Result::kept_back);
    return true;
}

void Channel::keep_back(Quiet& quiet, Notification news)
{
    count(Result::kept_back);
    news.like_it = quiet.kept_back++;
    kept_.put(key(kept_back, text_of({news.unit, news.occasion})), encode({news, news.at}));
    quiet.last = std::move(news);
}

bool Channel::add_beside(const Notification& opening)
{
    const auto merge = [&](Notification& known) {
        for (const std::string& unit : opening.beside)
            if (known.beside.size() < beside_max &&
                std::ranges::find(known.beside, unit) == known.beside.end())
                known.beside.push_back(unit);
    };
    if (const auto told = told_.find(opening.about); told != told_.end()) {
        merge(told->second.kept.what);
        keep(told->second);
        return true;
    }
    const auto quiet = quiet_.find({opening.unit, Occasion::outage_opened});
    if (quiet == quiet_.end() || !quiet->second.last) return false;
    if (quiet->second.last->about != opening.about) return false;
    merge(*quiet->second.last);
    kept_.put(key(kept_back, text_of(quiet->first)), encode({*quiet->second.last, opening.at}));
    return true;
}

void Channel::keep(const Told& told)
{
    kept_.put(key(told_as_open, told.kept.what.about), encode(told.kept));
}

void Channel::note_open(const Notification& opening, Now now)
{
    Told& told = told_[opening.about];
    told = {{opening, now.wall}, reminder_at(now.wall, now)};
    keep(told);
}

void Channel::take(Notification news, Now now)
{
    const bool is_recovery = news.occasion == Occasion::recovered;
    const bool is_opening = news.occasion == Occasion::outage_opened;
    if (is_opening && add_beside(news)) return;
    if (is_recovery) {
        if (cancels_out(news) || told_.erase(news.about) == 0) return;
        kept_.erase(key(told_as_open, news.about));
    }
    // Who wants to hear of ends only is told of no other ones.
    if (is_opening && !wants(news.occasion)) return note_open(news, now);
    if (!wants(news.occasion)) return;
    const bool is_known = std::ranges::any_of(
        queue_, [&](const Queued& queued) { return queued.kept.what.id == news.id; });
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
            count(Result::dropped);
        } else {
            drop_front();
        }
    }
    if (news.occasion == Occasion::outage_opened && news.reminder == 0) note_open(news, now);
    const std::uint64_t place = next_place_++;
    Kept kept{std::move(news), now.wall};
    kept_.put(key(in_queue, fmt::format("{:020}", place)), encode(kept));
    queue_.push_back({place, std::move(kept), now.mono + patience});
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
        kept_.erase(key(kept_back, text_of(kind)));
    }
    // With nothing kept back it has nothing more to say.
    std::erase_if(quiet_, [&](const auto& entry) {
        return entry.second.until <= now.mono && entry.second.kept_back == 0;
    });
    for (auto& [about, told] : told_) {
        if (!told.remind_at || *told.remind_at > now.mono) continue;
        told.kept.since = now.wall;
        told.remind_at = reminder_at(now.wall, now);
        Notification again = told.kept.what;
        again.reminder = ++told.kept.what.reminder;
        keep(told);
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
    count(Result::dropped);
    kept_.erase(key(in_queue, fmt::format("{:020}", queue_.front().place)));
    queue_.pop_front();
}

const Notification* Channel::send(Now now)
{
    if (on_its_way_) return nullptr;
    while (!queue_.empty() && queue_.front().until < now.mono) {
        drop_front();
        retry_at_.reset();
        tries_ = 0;
    }
    if (queue_.empty() || (retry_at_ && now.mono < *retry_at_)) return nullptr;
    on_its_way_ = true;
    return &queue_.front().kept.what;
}

void Channel::arrived()
{
    count(Result::delivered);
    kept_.erase(key(in_queue, fmt::format("{:020}", queue_.front().place)));
    queue_.pop_front();
    on_its_way_ = false;
    tries_ = 0;
    retry_at_.reset();
}

void Channel::failed(MonoTime now)
{
    count(Result::failed);
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
