#include "sys/line_stamps.hpp"

#include <algorithm>

namespace keel::sys {
namespace {

/// Places at which a line begins.
std::size_t lines_begun(std::string_view text, LineState before)
{
    if (text.empty()) return 0;
    const auto ends = std::count(text.begin(), text.end() - 1, '\n');
    return static_cast<std::size_t>(ends) + (before == LineState::closed ? 1 : 0);
}

} // namespace

std::string stamp_of(WallTime at) { return to_rfc3339(at) + ' '; }

std::string with_stamps(std::string_view bytes, std::string_view stamp, LineState before)
{
    std::string text;
    text.reserve(bytes.size() + lines_begun(bytes, before) * stamp.size());
    bool at_begin = before == LineState::closed;
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const std::size_t length = end == std::string_view::npos ? bytes.size() : end + 1;
        if (at_begin) text += stamp;
        text += bytes.substr(0, length);
        bytes.remove_prefix(length);
        at_begin = true;
    }
    return text;
}

std::size_t length_without_stamps(std::string_view stamped, LineState before)
{
    return stamped.size() - lines_begun(stamped, before) * stamp_length;
}

} // namespace keel::sys
