// The news desk: what of all that happens is worth telling, and in which words.
//
// Promises: an outage is told after a moment in which those that follow from it can gather, and its
// end once it is over, in words that say whether the unit is up or wanted down. What is down
// because of another unit is named beside that one, and told by no word of its own for as long as
// that one is open, to whoever hears of that one; to others, and afterwards, it is. Planned outages
// are told to nobody. After a start it goes on from what is open and what was told: nothing that is
// open stays untold, and what ended unseen is told as over once it is known what became of it.
// It refuses to know quiet time and how anything is sent. It has no state that begin() does not
// find again.
#pragma once
#include "core/host.hpp"
#include "notify/notification.hpp"

#include <functional>
#include <map>
#include <set>
#include <span>

namespace keel::notify {

struct News {
    Notification what;
    std::vector<std::string> channels;
};

/// What an outage and everything told of it have in common, also over boots.
std::string about(const core::Outage&);

class Desk {
public:
    /// What follows from an outage is down within this.
    static constexpr Duration gathers_for = std::chrono::seconds(1);

    /// Whether a channel was told of an outage's opening.
    using Knows = std::function<bool(const std::string& channel, const std::string& about)>;
    explicit Desk(Knows knows) : knows_(std::move(knows)) {}

    /// Once the engine goes on from what it found, and whenever there are other channels. `told`:
    /// openings, and which channels were told of each and not of its end.
    [[nodiscard]] std::vector<News> begin(const core::Host&, std::vector<News> told, Now);
    /// What is to be told at once.
    [[nodiscard]] std::vector<News> heed(const core::Host&, std::span<const core::HostNote>, Now);
    /// Outages that have gathered for long enough.
    [[nodiscard]] std::vector<News> gathered(const core::Host&, MonoTime now);
    [[nodiscard]] std::optional<MonoTime> deadline() const;

private:
    struct Open {
        UnitId unit{};
        Notification what; ///< its opening
        std::optional<OutageId> cause;
        bool is_told_of = false;            ///< counted and not planned
        std::optional<MonoTime> look_at{};  ///< whom to tell of it
        std::set<std::string> told{};       ///< channels that know of it
        std::vector<std::string> follows{}; ///< units that are down because of it
    };
    using Opens = std::map<OutageId, Open>; ///< causes are older than what follows from them

    Open& entry_of(const core::Host&, UnitId, const core::Outage&);
    void heed_counted(const core::Host&, UnitId, const core::Outage&, Now, std::vector<News>& out);
    void heed_moved(const core::Host&, UnitId, MonoTime now);
    void heed_closed(const core::Host&, UnitId, const core::Outage&, Now, std::vector<News>& out);
    void join_cause(const core::Host&, const Open&, std::vector<News>& out);
    void look(const core::Host&, Open&, std::vector<News>& out);
    [[nodiscard]] bool has_outlived_cause(const Open&) const;
    [[nodiscard]] Open* cause_told(const core::Host&, const Open&, const std::string& channel);
    void settle(const core::Host&, Now, std::vector<News>& out);

    Knows knows_;
    Opens open_;
    std::vector<News> unsettled_; ///< openings told by an earlier engine, and not open now
};

} // namespace keel::notify
