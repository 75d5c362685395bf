// SHA-256 as FIPS 180-4 has it: by which what must not be kept in clear is recognised again.
//
// For short texts: it keeps the whole message in memory. Nothing is signed with it.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace keel::control {

std::array<std::uint8_t, 32> sha256(std::string_view message);

} // namespace keel::control
