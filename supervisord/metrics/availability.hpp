// How available units were in the last hour, day and month, for the metrics.
//
// It comes from the records, which takes a while with many of them: it is computed on another
// thread, and not again before `age_max`, or a hundred times of what it took, has gone by.
#pragma once
#include "ports/loop.hpp"
#include "ports/supervisor.hpp"

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace keel::metrics {

struct Window {
    std::string_view name;
    Duration length;
};
inline constexpr std::array windows = std::to_array<Window>({{"1h", std::chrono::hours(1)},
                                                             {"24h", std::chrono::hours(24)},
                                                             {"30d", std::chrono::hours(720)}});

/// By window; none: not known.
using Ratios = std::array<std::optional<double>, windows.size()>;
using RatiosByUnit = std::map<std::string, Ratios>;

class Availabilities {
public:
    static constexpr Duration age_max = std::chrono::seconds(15);

    /// Both outlive it.
    Availabilities(ports::Loop& loop, const ports::Supervisor& supervisor);

    /// The latest there are; none: none are known yet. Nobody waits for the ledger's disk: if they
    /// are too old, others are there by the next time.
    using Latest = std::shared_ptr<const RatiosByUnit>;
    Latest get();

private:
    void make();
    void make_do();

    ports::Loop& loop_;
    const ports::Supervisor& supervisor_;
    Latest latest_;
    MonoTime due_{};
    enum class Making : std::uint8_t { no, yes } making_ = Making::no;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

RatiosByUnit ratios_of(const core::PastOfAll& past, WallTime now);

} // namespace keel::metrics
