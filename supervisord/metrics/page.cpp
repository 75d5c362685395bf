#include "metrics/page.hpp"

#include "metrics/collector.hpp"

#include <utility>

namespace keel::metrics {

Page::Page(ports::Loop& loop, const ports::Supervisor& supervisor, LogVolumeOf log_volume_of,
           ports::UsageMeter* meter, std::string version, std::function<void()> settle)
    : loop_(loop), supervisor_(supervisor), log_volume_of_(std::move(log_volume_of)), meter_(meter),
      version_(std::move(version)), settle_(std::move(settle)), availabilities_(loop, supervisor)
{}

void Page::get(std::function<void(Text)> give)
{
    if (text_ != nullptr && loop_.now().mono - taken_at_ < age_max) {
        give(text_);
        return;
    }
    waiting_.push_back(std::move(give));
    if (waiting_.size() == 1) make();
}

void Page::make()
{
    if (meter_ == nullptr) return write({});
    meter_->measure([this, alive = std::weak_ptr(alive_)](const ports::UsageByUnit& usage) {
        if (!alive.expired()) write(usage);
    });
}

void Page::write(const ports::UsageByUnit& usage)
{
    struct Job {
        Snapshot snapshot;
        Text text;
    };
    auto job = std::make_shared<Job>();
    supervisor_.write_down_counts();
    job->snapshot = take_snapshot(supervisor_, log_volume_of_, usage, version_);
    if (notifier_ != nullptr) job->snapshot.notifications = notifier_->counts();
    job->snapshot.availabilities = availabilities_.get();
    taken_at_ = loop_.now().mono;
    loop_.offload(
        [job, settle = settle_] {
            if (settle) settle();
            job->text = std::make_shared<const std::string>(page_of(job->snapshot));
            job->snapshot = {}; // as long to destroy as to make
        },
        [this, job, alive = std::weak_ptr(alive_)] {
            if (alive.expired()) return;
            text_ = job->text;
            for (const auto& give : std::exchange(waiting_, {}))
                give(text_);
        });
}

} // namespace keel::metrics
