// A list of checksums as `sha256sum` writes it: which one belongs to a file of this name.
//
//     HEX  NAME
//     HEX *NAME
//
// A name may have directories before it, which are ignored. Whatever else stands there is passed
// over, as people put signatures and remarks into such lists.
#pragma once
#include <string>
#include <string_view>

namespace keel::deploy {

/// In lower case. Throws Failed with Fault::release: there is none, or two that differ.
[[nodiscard]] std::string find_checksum(std::string_view list, std::string_view name);

} // namespace keel::deploy
