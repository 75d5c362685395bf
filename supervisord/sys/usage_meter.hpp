// What units use: readings of the kernel, added up over the ends of processes and control groups.
//
// Reading is left to another thread, and is done only when somebody asks. A group of a unit is read
// once more, on the loop's thread, before it is removed, so nothing that it counted is lost.
#pragma once
#include "ports/loop.hpp"
#include "ports/usage_meter.hpp"
#include "sys/spawner.hpp"
#include "sys/usage_reading.hpp"

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace keel::sys {

/// Adds readings up by unit. Readings may come late: what was noted of a group meanwhile, or of a
/// later one of the same name, is never counted twice.
class UsageBook {
public:
    /// What was used before the book was opened; it does not count.
    void begin(const std::vector<UsageReading>& before);
    /// What one source has counted so far.
    void note(const UsageReading& reading);
    /// The reading of all that there is begins; take() is given what came of it. A source that is
    /// not noted between the two, and not read, is gone.
    void expect() { ++round_; }
    void take(const std::vector<UsageReading>& all);

    [[nodiscard]] const ports::UsageByUnit& units() const { return units_; }

private:
    struct Seen {
        std::uint64_t identity = 0;
        Duration cpu{0};
        std::uint64_t oom_kills = 0;
        std::uint64_t round = 0; ///< in which it was noted last
    };
    std::unordered_map<std::string, Seen> seen_; ///< by source
    std::uint64_t round_ = 0;
    ports::UsageByUnit units_;
};

class UsageMeter final : public ports::UsageMeter {
public:
    /// Both outlive it.
    UsageMeter(ports::Loop& loop, const Spawner& spawner);
    ~UsageMeter() override;
    UsageMeter(const UsageMeter&) = delete;
    UsageMeter& operator=(const UsageMeter&) = delete;

    void measure(std::function<void(const ports::UsageByUnit&)> done) override;

private:
    ports::Loop& loop_;
    const Spawner& spawner_;
    const std::string groups_;
    UsageBook book_;
    std::vector<std::function<void(const ports::UsageByUnit&)>> waiting_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

} // namespace keel::sys
