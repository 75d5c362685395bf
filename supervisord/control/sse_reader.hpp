// Reading server-sent events from bytes as they arrive.
//
// Understood are `id`, `event` and `data` lines, comments, and line ends of every kind the format
// allows but a lone CR. An event beyond its limit is an error. It knows no socket and no JSON.
#pragma once
#include "base/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace keel::control {

struct SseEvent {
    std::string id;    ///< of the latest event that had one
    std::string event; ///< its kind; empty: not said
    std::string data;
    friend bool operator==(const SseEvent&, const SseEvent&) = default;
};

class SseReader {
public:
    static constexpr std::size_t event_bytes_max = 1U << 20;

    /// The events that `bytes` complete, in order.
    Result<std::vector<SseEvent>> feed(std::string_view bytes);

    /// Where to go on from: the latest id that came whole, also without an event; empty: none.
    [[nodiscard]] const std::string& last_id() const { return last_id_; }

private:
    void on_line(std::string_view line, std::vector<SseEvent>& out);

    std::string line_;
    SseEvent next_;
    std::string last_id_;
    bool has_data_ = false;
};

} // namespace keel::control
