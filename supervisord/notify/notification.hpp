// One thing that people are told, before it takes the shape of any channel.
#pragma once
#include "base/time.hpp"
#include "units/daemon_spec.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace keel::notify {

struct Notification {
    std::string id; ///< the same however often it is sent: who gets it twice can tell
    units::Occasion occasion = units::Occasion::outage_opened;
    std::string unit;
    std::string about; ///< an outage, its recovery and its reminders share it; empty: no outage
    WallTime at;       ///< when it happened
    std::string text;  ///< a sentence that the unit's name begins: `is down: SIGKILL`
    std::vector<std::string> beside; ///< units that are down because of it
    std::uint32_t like_it = 0;       ///< so many more of its unit and kind were kept back before it
    std::uint32_t reminder = 0;      ///< the how manieth of an outage that stays open; 0: the news
    /// What became of the unit, if it is an outage's. An outage ends also by a person's hold.
    enum class Unit : std::uint8_t { unsaid, down, up, wanted_down } its_unit = Unit::unsaid;

    friend bool operator==(const Notification&, const Notification&) = default;
};

/// At most so many units are named in `beside`.
inline constexpr std::size_t beside_max = 50;

/// One that a journal keeps: since when it waits, or when it was told last.
struct Kept {
    Notification what;
    WallTime since;
};

/// As JSON, and back; nullopt: it cannot be read. `since` is `otherwise` where it is not said.
std::string encode(const Kept&);
std::optional<Kept> decode(const std::string& json, WallTime otherwise);

} // namespace keel::notify

namespace keel {
template <>
inline constexpr std::array names_of<notify::Notification::Unit> =
    std::to_array<std::string_view>({"", "down", "up", "wanted-down"});
} // namespace keel
