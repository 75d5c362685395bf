// What an engine needs to know and to keep of units' releases, beside the processes that fetch and
// unpack them: records that outlive boots, what a root holds, and how far such a process is.
#pragma once
#include "core/deployment.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keel::ports {

/// How far a helper has come, in its own words.
struct DeployProgress {
    std::string step;        ///< `download`, `unpack` …
    std::uint64_t bytes = 0; ///< done in this step
    std::optional<std::uint64_t> total;
    std::uint64_t entries = 0; ///< unpacked so far
    core::DeployFault fault = core::DeployFault::none;
    std::string what; ///< if it has failed: why, for people
};

class ReleaseStore {
public:
    virtual ~ReleaseStore() = default;

    /// By unit, what was kept last when this engine began.
    [[nodiscard]] virtual const std::map<std::string, std::string>& recovered() const = 0;
    /// Never blocks.
    virtual void put(std::string_view unit, std::string_view record) = 0;
    virtual void erase(std::string_view unit) = 0;
    /// Once all that was put until now is on the disk; or the disk has refused it, or taken too
    /// long, which is told elsewhere and keeps nothing from going on. `done` comes later, on the
    /// loop.
    virtual void when_kept(std::function<void()> done) = 0;

    /// What ROOT/current leads to, if it is the name of a release that is there, and what else is.
    /// None: the root does not answer in time, which is short.
    struct Found {
        std::string current; ///< empty: none
        std::vector<std::string> all;
    };
    [[nodiscard]] virtual std::optional<Found> look(const std::string& root) = 0;

    /// The file in which a helper that works for that unit tells how far it is.
    [[nodiscard]] virtual std::string report_of(const std::string& unit) const = 0;
    [[nodiscard]] virtual std::optional<DeployProgress>
    progress_of(const std::string& unit) const = 0;
    /// Before another one works for it: what the last one said is not its word.
    virtual void forget_report(const std::string& unit) = 0;
};

} // namespace keel::ports
