#include "metrics/availability.hpp"

#include <algorithm>
#include <utility>

namespace keel::metrics {

RatiosByUnit ratios_of(const core::PastOfAll& past, WallTime now)
{
    RatiosByUnit all;
    const core::Spans gaps(past.gaps);
    for (const core::UnitPast& unit : past.units) {
        Ratios& ratios = all[unit.unit];
        for (std::size_t i = 0; i < windows.size(); ++i)
            ratios[i] = core::availability(unit, gaps, {now - windows[i].length, now}).ratio();
    }
    return all;
}

Availabilities::Availabilities(ports::Loop& loop, const ports::Supervisor& supervisor)
    : loop_(loop), supervisor_(supervisor)
{}

Availabilities::Latest Availabilities::get()
{
    const bool is_due = latest_ == nullptr || loop_.now().mono >= due_;
    if (is_due && making_ == Making::no) make();
    return latest_;
}

void Availabilities::make()
{
    making_ = Making::yes;
    const Now began = loop_.now();
    const auto longest = std::ranges::max(windows, {}, &Window::length).length;
    supervisor_.find_past(began.wall - longest,
                          [this, began, alive = std::weak_ptr(alive_)](core::PastOfAll found) {
                              if (alive.expired()) return;
                              if (!found.missing.empty()) return make_do();
                              auto past = std::make_shared<core::PastOfAll>(std::move(found));
                              auto made = std::make_shared<RatiosByUnit>();
                              loop_.offload(
                                  [past, made, now = loop_.now().wall] {
                                      *made = ratios_of(*past, now);
                                      *past = {}; // as long to destroy as to read
                                  },
                                  [this, made, began, alive] {
                                      if (alive.expired()) return;
                                      making_ = Making::no;
                                      latest_ = made;
                                      const MonoTime now = loop_.now().mono;
                                      due_ = now + std::max(age_max, 100 * (now - began.mono));
                                  });
                          });
}

/// Nothing is claimed of what could not be read: what was known before stands.
void Availabilities::make_do()
{
    making_ = Making::no;
    due_ = loop_.now().mono + age_max;
    if (latest_ == nullptr) latest_ = std::make_shared<const RatiosByUnit>();
}

} // namespace keel::metrics
