// What a command is about: a unit, `worker`, or one of its instances, `worker.3`.
#pragma once
#include "base/ids.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace keel::cli {

struct Target {
    std::string unit;
    std::optional<Slot> slot;
    friend bool operator==(const Target&, const Target&) = default;
};

/// none: it can be neither. A unit's name has no dot, so the last one begins the instance.
std::optional<Target> parse_target(std::string_view text);
std::string to_text(const Target& target);

} // namespace keel::cli
