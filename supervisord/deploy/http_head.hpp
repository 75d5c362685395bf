// The head of an HTTP answer, as far as a download needs it.
//
// Lines are taken as they come; each new status line begins anew. Knows nothing of connections.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keel::deploy {

inline constexpr std::size_t validator_bytes_max = 256;

struct HttpHead {
    std::string etag;
    std::string last_modified;
    std::string content_range;
    std::string location;

    void take(std::string_view line);

    /// For If-Range, which takes no weak ETag. Empty: nothing tells one version from another.
    [[nodiscard]] std::string validator() const;
    /// Where the bytes of `bytes 100-199/200` begin.
    [[nodiscard]] std::optional<std::uint64_t> range_begin() const;
};

} // namespace keel::deploy
