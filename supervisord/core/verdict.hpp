// What a probe found out. Only `fail` speaks against the unit; `unknown` speaks against the prober.
#pragma once
#include "base/enum_names.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <string>

namespace keel::core {

enum class Verdict : std::uint8_t { pass, fail, unknown };

/// Why a verdict is not `pass`. `none` goes with `pass`.
enum class VerdictKind : std::uint8_t {
    none,
    refused,
    timeout,
    reset,
    status,
    body,
    tls,
    dns,
    exit,
    internal
};

struct ProbeAnswer {
    Verdict verdict = Verdict::unknown;
    VerdictKind kind = VerdictKind::internal;
    Duration latency{0};
    std::string detail; ///< for people, at most 512 bytes of printable text
};

} // namespace keel::core

namespace keel {
template <>
inline constexpr std::array
    names_of<core::Verdict> = std::to_array<std::string_view>({"pass", "fail", "unknown"});
template <>
inline constexpr std::array names_of<core::VerdictKind> = std::to_array<std::string_view>(
    {"none", "refused", "timeout", "reset", "status", "body", "tls", "dns", "exit", "internal"});
} // namespace keel
