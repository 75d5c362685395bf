#include "control/status_pages.hpp"

#include "control/status_page.hpp"

#include <algorithm>
#include <utility>

namespace keel::control {
namespace {

constexpr Duration history = std::chrono::hours(24) * static_cast<int>(status_days);
constexpr std::size_t records_max = 1000;
/// With a ledger on a disk that does not answer; then the page tells what memory knows.
constexpr Duration patience = std::chrono::seconds(1);

} // namespace

StatusPages::StatusPages(ports::Loop& loop, const ports::Supervisor& supervisor)
    : loop_(loop), supervisor_(supervisor), begun_(loop.now().wall)
{}

void StatusPages::get(std::function<void(Text)> give)
{
    if (text_ != nullptr && loop_.now().mono - taken_at_ < age_max) {
        give(text_);
        return;
    }
    waiting_.push_back(std::move(give));
    if (waiting_.size() == 1) make();
}

void StatusPages::make()
{
    const Now now = loop_.now();
    taken_at_ = now.mono;
    const auto go_on = [this, made = ++made_](std::vector<core::OutageView> records) {
        if (made != made_ || late_ == nullptr) return; // the other one was faster
        late_.reset();
        write(std::move(records));
    };
    late_ = loop_.after(patience, [this, go_on] { go_on(supervisor_.outages()); });
    supervisor_.find_outages({now.wall - history, records_max},
                             [go_on, alive = std::weak_ptr(alive_)](ports::OutageHistory past) {
                                 if (!alive.expired()) go_on(std::move(past.outages));
                             });
}

/// Of more records than a page takes, what was before the oldest of them is not known.
WallTime StatusPages::known_since(const std::vector<core::OutageView>& records) const
{
    WallTime oldest = begun_;
    for (const core::OutageView& outage : records)
        oldest = std::min(oldest, outage.record.opened.wall);
    if (records.size() >= records_max) return oldest;
    return std::min(oldest, supervisor_.ledger().since.value_or(begun_));
}

void StatusPages::write(std::vector<core::OutageView> records)
{
    struct Job {
        StatusPage page;
        Text text;
    };
    const WallTime since = known_since(records);
    auto job = std::make_shared<Job>(
        Job{{supervisor_.units(), std::move(records), since, loop_.now().wall}, nullptr});
    loop_.offload(
        [job] {
            job->text = std::make_shared<const std::string>(to_html(job->page));
            job->page = {}; // takes long, too
        },
        [this, job, alive = std::weak_ptr(alive_)] {
            if (alive.expired()) return;
            text_ = job->text;
            for (const auto& give : std::exchange(waiting_, {}))
                give(text_);
        });
}

} // namespace keel::control
