// The daemon's events as they come, over replacements of its engine.
//
// When the connection breaks, it is opened anew and goes on after the last event seen. The caller
// is told, as something may have happened meanwhile that no event tells of.
#pragma once
#include "control/client.hpp"
#include "control/sse_reader.hpp"

#include <optional>
#include <string>
#include <vector>

namespace keel::cli {

class EventStream {
public:
    /// `query`: of /v1/events, without where to begin; may be empty.
    EventStream(std::string socket_path, std::string query)
        : socket_path_(std::move(socket_path)), query_(std::move(query))
    {}

    /// Begins after the event `after`; none: with the next one.
    std::optional<control::Trouble> open(control::Deadline deadline,
                                         std::optional<std::uint64_t> after = {});

    struct News {
        std::vector<control::SseEvent> events;                   ///< may be empty
        enum class Gap : std::uint8_t { no, yes } gap = Gap::no; ///< the connection was replaced
    };
    /// Waits for something new. A daemon that stays away for long is a trouble after all.
    control::Reply<News> next(control::Deadline deadline);

    /// To poll for more together with other things. None: the stream is not open.
    [[nodiscard]] std::optional<int> descriptor() const;
    /// What has come, without waiting. A stream that broke is closed and a trouble; open() opens it
    /// anew.
    control::Reply<std::vector<control::SseEvent>> take();

private:
    std::optional<control::Trouble> reopen(control::Deadline deadline);
    control::Reply<std::vector<control::SseEvent>> read(const std::string& bytes);

    std::string socket_path_;
    std::string query_;
    std::optional<control::Call> call_;
    control::SseReader reader_;
    std::string last_id_;
};

} // namespace keel::cli
