// Telling people of what happens, far from the loop: what a step brought to pass goes in, whom it
// is told and how is the notifier's business.
#pragma once
#include "core/counters.hpp"
#include "core/host.hpp"
#include "units/daemon_spec.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace keel::ports {

/// What became of a notification on a channel, counted once each but for `failed`, which is a try.
enum class NotificationResult : std::uint8_t {
    delivered,
    failed,
    dropped,  ///< too many waited, or this one for too long
    kept_back ///< in quiet time
};

} // namespace keel::ports

namespace keel {
template <>
inline constexpr std::array names_of<ports::NotificationResult> =
    std::to_array<std::string_view>({"delivered", "failed", "dropped", "kept-back"});
} // namespace keel

namespace keel::ports {

/// By channel.
using NotificationCounts = std::map<std::string, core::CountBy<NotificationResult>>;

class Notifier {
public:
    virtual ~Notifier() = default;

    /// What a step brought to pass; `host` is as it is after it. Called before the step is
    /// journaled: should the engine die in between, the next one may tell the same once more, but
    /// nothing goes untold. Of an outage under the same id; of what is no outage's, which has its
    /// id from the moment when it is noticed, under another one. Never blocks.
    virtual void heed(const core::Host& host, std::span<const core::HostNote> notes) = 0;

    // Channels follow the configuration: those of one that is on trial are there beside those of
    // the one in force, and what is told on a channel that is taken away is forgotten with it.
    [[nodiscard]] virtual units::Channels channels() const = 0;
    virtual void set_channels(const units::Channels& channels) = 0;

    /// Of all channels that there are. They go on over engines and boots.
    [[nodiscard]] virtual NotificationCounts counts() const = 0;
};

} // namespace keel::ports
