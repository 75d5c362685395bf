#include "sys/line_watch.hpp"

#include <algorithm>
#include <utility>

namespace keel::sys {

std::optional<std::string> LineWatch::see(std::string_view bytes)
{
    while (!bytes.empty()) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size());
        torn_ += bytes.substr(0, std::min(end, line_max - torn_.size()));
        if (end == bytes.size()) return std::nullopt;
        bytes.remove_prefix(end + 1);
        const std::string line = std::exchange(torn_, {});
        if (expression_.found_in(line)) return line;
    }
    return std::nullopt;
}

} // namespace keel::sys
