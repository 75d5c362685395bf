#include "deploy/checksums.hpp"

#include "base/text.hpp"
#include "deploy/digest.hpp"
#include "deploy/failed.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::deploy {
namespace {

constexpr std::size_t digits = 64;

/// The checksum in this line if it is for `name`.
std::optional<std::string> checksum_in(std::string_view line, std::string_view name)
{
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() < digits + 3 || line[digits] != ' ') return std::nullopt;
    if (line[digits + 1] != ' ' && line[digits + 1] != '*') return std::nullopt;
    const std::string_view path = line.substr(digits + 2);
    if (path.substr(path.rfind('/') + 1) != name) return std::nullopt;
    return parse_sha256(line.substr(0, digits));
}

} // namespace

std::string find_checksum(std::string_view list, std::string_view name)
{
    std::string found;
    while (!list.empty()) {
        const std::size_t end = std::min(list.find('\n'), list.size());
        const auto one = checksum_in(list.substr(0, end), name);
        if (one && !found.empty() && found != *one)
            throw Failed(Fault::release,
                         fmt::format("the list of checksums has two for {}", printable(name)));
        if (one) found = *one;
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    if (found.empty())
        throw Failed(Fault::release,
                     fmt::format("the list of checksums has none for {}", printable(name)));
    return found;
}

} // namespace keel::deploy
