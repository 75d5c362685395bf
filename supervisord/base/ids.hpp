// Names of things that must not be mixed up: spawns, units, instances, operations, outages.
#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace keel {

/// One run of an instance. Never reused, also over engine restarts; a pid may be.
enum class SpawnId : std::uint64_t {};
constexpr std::uint64_t number(SpawnId id) { return static_cast<std::uint64_t>(id); }

/// A unit's place in the host's list. Stable for as long as the unit is configured.
enum class UnitId : std::uint32_t {};
constexpr std::uint32_t number(UnitId id) { return static_cast<std::uint32_t>(id); }

/// Slot of an instance in its unit, counted from 1 as people see it: `worker.3`.
using Slot = std::uint16_t;
/// In a slot's place: the unit as a whole.
inline constexpr Slot whole_unit = 0;

struct InstanceId {
    UnitId unit{};
    Slot slot = 1;
    friend auto operator<=>(const InstanceId&, const InstanceId&) = default;
};

/// One accepted request or automatic action on a unit.
enum class OperationId : std::uint64_t {};
constexpr std::uint64_t number(OperationId id) { return static_cast<std::uint64_t>(id); }

/// One record of section "Outages".
enum class OutageId : std::uint64_t {};
constexpr std::uint64_t number(OutageId id) { return static_cast<std::uint64_t>(id); }

} // namespace keel
