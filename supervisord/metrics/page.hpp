// The page of /metrics, made on demand and at most once a second.
//
// The loop only takes the snapshot; asking the kernel what units use, and turning it all into text,
// which takes tens of milliseconds with a thousand units, happens on other threads. However many
// ask meanwhile, they share one page.
#pragma once
#include "metrics/availability.hpp"
#include "metrics/snapshot.hpp"
#include "ports/loop.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace keel::metrics {

class Page {
public:
    using Text = std::shared_ptr<const std::string>;

    /// All outlive it. Without a meter, units use nothing. `settle`: called before a page is given,
    /// on another thread, which it may block: what was written down of the counts is to be safe
    /// first.
    Page(ports::Loop& loop, const ports::Supervisor& supervisor, LogVolumeOf log_volume_of,
         ports::UsageMeter* meter, std::string version, std::function<void()> settle = {});
    Page(const Page&) = delete;
    Page& operator=(const Page&) = delete;

    /// Outlives this too: who tells people, and counts it.
    void count(const ports::Notifier& notifier) { notifier_ = &notifier; }

    /// Calls `give` with a page that is at most `age_max` old, at once if there is one. Not at all
    /// if this object or the loop ends first.
    void get(std::function<void(Text)> give);
    static constexpr Duration age_max = std::chrono::seconds(1);

private:
    void make();
    void write(const ports::UsageByUnit& usage);

    ports::Loop& loop_;
    const ports::Supervisor& supervisor_;
    const LogVolumeOf log_volume_of_;
    ports::UsageMeter* const meter_;
    const ports::Notifier* notifier_ = nullptr;
    const std::string version_;
    const std::function<void()> settle_;
    Availabilities availabilities_;
    Text text_;
    MonoTime taken_at_;
    std::vector<std::function<void(Text)>> waiting_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

} // namespace keel::metrics
