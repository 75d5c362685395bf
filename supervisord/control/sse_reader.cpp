#include "control/sse_reader.hpp"

#include <algorithm>

namespace keel::control {

Result<std::vector<SseEvent>> SseReader::feed(std::string_view bytes)
{
    std::vector<SseEvent> events;
    while (!bytes.empty()) {
        const auto end = bytes.find('\n');
        const std::size_t length = std::min(end, bytes.size());
        if (line_.size() + next_.data.size() + length > event_bytes_max)
            return Error{"an event longer than any should be", {}, 0};
        line_ += bytes.substr(0, length);
        bytes.remove_prefix(std::min(length + 1, bytes.size()));
        if (end == std::string_view::npos) break;
        if (!line_.empty() && line_.back() == '\r') line_.pop_back();
        on_line(line_, events);
        line_.clear();
    }
    return events;
}

void SseReader::on_line(std::string_view line, std::vector<SseEvent>& out)
{
    if (line.empty()) {
        if (has_data_) out.push_back(next_);
        last_id_ = next_.id;
        next_.event.clear();
        next_.data.clear();
        has_data_ = false;
        return;
    }
    const auto colon = line.find(':');
    const std::string_view field = line.substr(0, colon);
    std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "id") {
        next_.id = value;
    } else if (field == "event") {
        next_.event = value;
    } else if (field == "data") {
        if (has_data_) next_.data += '\n';
        next_.data += value;
        has_data_ = true;
    }
}

} // namespace keel::control
