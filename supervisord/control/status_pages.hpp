// The public status page as it is given away: made on demand, at most once a second, off the loop.
//
// Everybody may ask for it as often as he likes. So the loop only copies what is known of units,
// the ledger finds their records on its own thread, and another one makes a page of it, which all
// share who ask within a second. How much goes into a page is limited.
#pragma once
#include "ports/loop.hpp"
#include "ports/supervisor.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace keel::control {

class StatusPages {
public:
    using Text = std::shared_ptr<const std::string>;

    /// Both outlive it.
    StatusPages(ports::Loop& loop, const ports::Supervisor& supervisor);
    StatusPages(const StatusPages&) = delete;
    StatusPages& operator=(const StatusPages&) = delete;

    /// Calls `give` with a page that is at most `age_max` old, at once if there is one. Not at all
    /// if this object or the loop ends first.
    void get(std::function<void(Text)> give);
    static constexpr Duration age_max = std::chrono::seconds(1);

private:
    void make();
    void write(std::vector<core::OutageView> records);
    [[nodiscard]] WallTime known_since(const std::vector<core::OutageView>& records) const;

    ports::Loop& loop_;
    const ports::Supervisor& supervisor_;
    const WallTime begun_; ///< of this object
    Text text_;
    MonoTime taken_at_;
    std::uint64_t made_ = 0;         ///< pages begun
    ports::Loop::Registration late_; ///< while the ledger is being asked
    std::vector<std::function<void(Text)>> waiting_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

} // namespace keel::control
