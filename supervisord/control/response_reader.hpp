// Reading one HTTP/1.1 answer from bytes as they arrive.
//
// It takes a status line, headers, and a body by Content-Length, by chunks, or up to the end of the
// connection. It is strict: what is ambiguous (two lengths, a length and chunks, bytes after the
// end) is an error, and so is a head or a line beyond its limit. It never looks at a byte twice and
// holds no more than one line and the body that nobody has taken yet. It knows no socket.
#pragma once
#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keel::control {

struct ResponseHead {
    int status = 0;
    std::string content_type;
    std::optional<std::uint64_t> length; ///< of the body, if the head tells it
    bool chunked = false;
    std::optional<std::string> untimed_since; ///< of a log, http.hpp
    std::optional<std::string> log_target;    ///< the same
};

class ResponseReader {
public:
    static constexpr std::size_t head_bytes_max = 32U << 10;
    static constexpr std::size_t chunk_line_max = 1U << 10;

    /// Takes all of `bytes`. After an Error the reader is of no further use.
    Result<void> feed(std::string_view bytes);
    /// The connection has ended. An Error if the answer was not complete by then.
    Result<void> end();

    [[nodiscard]] bool has_head() const { return part_ > Part::header_line; }
    /// Valid once has_head().
    [[nodiscard]] const ResponseHead& head() const { return head_; }
    /// What has come of the body since the last call.
    std::string take_body();
    [[nodiscard]] bool is_complete() const { return part_ == Part::complete; }

private:
    enum class Part : std::uint8_t {
        status_line,
        header_line,
        counted_body,
        endless_body,
        chunk_size,
        chunk_body,
        chunk_end,
        trailer_line,
        complete
    };

    /// Moves bytes up to a line break into line_; true: the line is complete, without its end.
    Result<bool> take_line(std::string_view& bytes);
    Result<void> take_body_bytes(std::string_view& bytes);
    Result<void> on_line();
    Result<void> on_status_line();
    Result<void> on_header_line();
    Result<void> on_header(std::string_view name, std::string_view value);
    Result<void> on_chunk_size();
    void begin_body();

    Part part_ = Part::status_line;
    ResponseHead head_;
    std::string line_;
    std::size_t head_bytes_ = 0;
    std::uint64_t remaining_ = 0; ///< of the counted body or the chunk
    std::string body_;
};

} // namespace keel::control
