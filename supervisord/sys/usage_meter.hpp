// What units use: readings of the kernel, added up over the ends of processes and control groups.
//
// Reading is left to other threads, and is done only when somebody asks. A group of a unit is read
// once more before it is removed, so nothing that it counted is lost. A reading that failed, or is
// not whole, is not counted, and told of once: who took it for all there is would count a lifetime
// twice when the rest is read again.
#pragma once
#include "ports/loop.hpp"
#include "ports/usage_meter.hpp"
#include "sys/spawner.hpp"
#include "sys/usage_reading.hpp"

#include <functional>
#include <memory>
#include <optional>
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
    /// not noted between the two, and not read, is gone. An Error changes nothing.
    void expect() { ++round_; }
    void take(const UsageReadings& all);

    /// A group is being read for the last time; note_last() is given what came of it. It is not
    /// forgotten in between.
    void expect_last(const std::string& source) { ++awaited_[source]; }
    void note_last(const std::string& source, const std::optional<UsageReading>& last);

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
    std::unordered_map<std::string, int> awaited_; ///< last readings, by source
    ports::UsageByUnit units_;
};

class UsageMeter final : public ports::UsageMeter {
public:
    /// Told of readings that fail: once, and again when they have worked meanwhile.
    using OnFailure = std::function<void(const Error&)>;

    /// Loop and spawner outlive it.
    UsageMeter(ports::Loop& loop, const Spawner& spawner, OnFailure on_failure);
    ~UsageMeter() override;
    UsageMeter(const UsageMeter&) = delete;
    UsageMeter& operator=(const UsageMeter&) = delete;

    void measure(std::function<void(const ports::UsageByUnit&)> done) override;

private:
    void begin();
    void read_all();
    void tell(const UsageReadings& outcome);
    CgroupTree::LastLook last_look_at(const std::string& name);

    ports::Loop& loop_;
    const Spawner& spawner_;
    const OnFailure on_failure_;
    const std::string groups_;
    /// Nothing is added up before it is known what was used before.
    enum class Stage : std::uint8_t { new_, beginning, begun } stage_ = Stage::new_;
    bool failed_ = false; ///< the last reading
    UsageBook book_;
    std::vector<std::function<void(const ports::UsageByUnit&)>> waiting_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

} // namespace keel::sys
