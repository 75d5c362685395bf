// One channel: what it is told, when, and what has not arrived yet. Pure but for the journal that
// keeps it.
//
// Promises: news arrive in their order, each at least once under one id, over the death and restart
// of keeld; the end of an outage is told where its opening was, and nowhere else; an outage that
// stays open is told again, with numbers that go on over restarts; quiet time loses nothing but
// repetitions, which are counted; an outage that is still open when quiet time ends is told then.
// Bounded: the oldest of queue_max news is dropped for a new one, and after `patience` nobody wants
// to hear it any more; both are counted.
// It refuses to know how a notification travels, what became of an outage, and what else the
// journal is used for.
#pragma once
#include "notify/notification.hpp"
#include "ports/notifier.hpp"
#include "ports/state_journal.hpp"

#include <deque>
#include <functional>
#include <map>
#include <utility>

namespace keel::notify {

class Channel {
public:
    static constexpr std::size_t queue_max = 1000;
    static constexpr Duration patience = std::chrono::hours(24);
    static constexpr Duration retry_min = std::chrono::seconds(1);
    static constexpr Duration retry_max = std::chrono::minutes(5);

    using Result = ports::NotificationResult;
    using Counts = core::CountBy<Result>;

    /// One that was told nothing yet.
    Channel(std::string name, units::ChannelSpec spec, ports::StateJournal& kept);
    /// Takes over what the engine before this one kept of it, before it is told anything.
    void recover(Now now);

    /// Another one from now on; what waits for the next try is tried at once.
    void respecify(units::ChannelSpec spec, Now now);
    /// Nothing is kept of it any more.
    void forget();

    /// After a start: what quiet time kept back of outages that `is_open` does not know is no news
    /// any more.
    void settle(const std::function<bool(const std::string& about)>& is_open);
    /// Whether it was told of this outage, or is about to be at the end of a quiet time.
    [[nodiscard]] bool knows(const std::string& about) const;
    /// Outages that it was told of and not of their ends.
    [[nodiscard]] std::vector<Notification> open() const;
    /// No word more of outages of units that `is_told` does not name.
    void forget_unless(const std::function<bool(const std::string& unit)>& is_told);

    /// The opening of an outage that it knows already is no news: what reminders say of it is.
    void take(Notification news, Now now);
    /// What falls due by time: reminders, the ends of quiet times.
    void tick(Now now);
    /// What is to be sent now; nullptr: nothing, or not yet, or one is on its way. It is on its way
    /// from then on.
    [[nodiscard]] const Notification* send(Now now);
    void arrived();
    /// It was not sent after all, and is to be at once.
    void take_back() { on_its_way_ = false; }
    void failed(MonoTime now);
    [[nodiscard]] std::optional<MonoTime> deadline() const;

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const units::ChannelSpec& spec() const { return spec_; }
    [[nodiscard]] const Counts& counts() const { return counts_; }
    [[nodiscard]] std::size_t waiting() const { return queue_.size(); }

private:
    using Kind = std::pair<std::string, units::Occasion>; ///< of one unit
    struct Queued {
        std::uint64_t place; ///< grows
        Kept kept;
        MonoTime until; ///< then nobody wants to hear it any more, whatever the wall clock says
    };
    struct Quiet {
        MonoTime until;
        std::optional<Notification> last; ///< of those kept back; none: nothing to tell at the end
        std::uint32_t kept_back = 0;      ///< not told of yet
    };
    struct Told {
        Kept kept; ///< its reminder: how many there were; since: when it was told last
        std::optional<MonoTime> remind_at;
    };

    [[nodiscard]] bool wants(units::Occasion occasion) const;
    /// Whether it knows of it; then its reminders name what is beside it now.
    bool add_beside(const Notification& opening);
    void note_open(const Notification& opening, Now now);
    void keep(const Told& told);
    void enqueue(Notification news, Now now);
    void keep_back(Quiet& quiet, Notification news);
    /// Whether it was the recovery of what nobody was told of.
    bool cancels_out(const Notification& recovery);
    void count(Result result);
    void drop_front();
    [[nodiscard]] static MonoTime patience_ends(WallTime since, Now now);
    [[nodiscard]] std::optional<MonoTime> reminder_at(WallTime told_last, Now now) const;
    [[nodiscard]] std::string key(std::string_view kind, std::string_view rest) const;

    std::string name_;
    units::ChannelSpec spec_;
    ports::StateJournal& kept_;
    std::deque<Queued> queue_;
    std::map<Kind, Quiet> quiet_;
    std::map<std::string, Told> told_; ///< open outages, by `about`
    std::uint64_t next_place_ = 1;
    bool on_its_way_ = false;
    unsigned tries_ = 0;
    std::optional<MonoTime> retry_at_;
    Counts counts_{};
};

} // namespace keel::notify
