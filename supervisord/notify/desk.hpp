// The news desk: what of all that happens is worth telling, and in which words. Pure.
//
// Promises: an outage and its recovery are told once each; what is down because of another unit is
// named beside that one and told by no word of its own, as are planned outages; an outage is told
// after a moment in which those that follow from it can gather.
// It refuses to know channels, quiet time and how anything is sent.
#pragma once
#include "core/host.hpp"
#include "notify/notification.hpp"

#include <map>
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

    /// What is to be told at once.
    [[nodiscard]] std::vector<News> heed(const core::Host&, std::span<const core::HostNote>, Now);
    /// Outages that have gathered for long enough.
    [[nodiscard]] std::vector<News> gathered(MonoTime now);
    [[nodiscard]] std::optional<MonoTime> deadline() const;

private:
    struct Gathering {
        News news;
        MonoTime until;
    };
    void heed_opened(const core::Host&, UnitId, const core::Outage&, MonoTime now);
    void heed_closed(const core::Host&, UnitId, const core::Outage&, Now, std::vector<News>& out);
    [[nodiscard]] OutageId root_of(OutageId) const;
    News finish(OutageId, Gathering);

    std::map<OutageId, Gathering> gathering_;
    std::map<OutageId, OutageId> causes_; ///< of open outages: which other one each follows from
    std::map<OutageId, std::vector<std::string>> followers_; ///< by root, in the order they came
};

} // namespace keel::notify
