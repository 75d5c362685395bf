#include "control/response_reader.hpp"

#include "control/http.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace keel::control {
namespace {

Error malformed(const char* what) { return {std::string("malformed HTTP answer: ") + what, {}, 0}; }

std::string lower(std::string_view text)
{
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

std::string_view trimmed(std::string_view text)
{
    const auto begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// All of `text` as a number, without a sign.
std::optional<std::uint64_t> whole_number(std::string_view text, int base)
{
    std::uint64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// Answers of these kinds have no body, whatever their headers say.
bool is_bodiless(int status) { return status == 204 || status == 304; }

} // namespace

Result<void> ResponseReader::feed(std::string_view bytes)
{
    while (!bytes.empty()) {
        if (is_complete()) return malformed("bytes after its end");
        if (part_ == Part::counted_body || part_ == Part::endless_body ||
            part_ == Part::chunk_body) {
            if (auto taken = take_body_bytes(bytes); !taken) return taken;
            continue;
        }
        const auto complete = take_line(bytes);
        if (!complete) return complete.error();
        if (!*complete) return {};
        if (auto understood = on_line(); !understood) return understood;
        line_.clear();
    }
    return {};
}

Result<void> ResponseReader::end()
{
    if (part_ == Part::endless_body) part_ = Part::complete;
    if (is_complete()) return {};
    return Error{"the connection ended in the middle of the answer", {}, 0};
}

std::string ResponseReader::take_body() { return std::exchange(body_, {}); }

Result<bool> ResponseReader::take_line(std::string_view& bytes)
{
    const auto end = bytes.find('\n');
    const std::size_t length = std::min(end, bytes.size());
    const bool in_head =
        part_ == Part::status_line || part_ == Part::header_line || part_ == Part::trailer_line;
    if (in_head && (head_bytes_ += length + 1) > head_bytes_max)
        return malformed("a head too long");
    if (!in_head && line_.size() + length > chunk_line_max)
        return malformed("a chunk line too long");
    line_ += bytes.substr(0, length);
    bytes.remove_prefix(std::min(length + 1, bytes.size()));
    if (end == std::string_view::npos) return false;
    if (line_.empty() || line_.back() != '\r') return malformed("a line without CR LF");
    line_.pop_back();
    return true;
}

Result<void> ResponseReader::take_body_bytes(std::string_view& bytes)
{
    std::size_t length = bytes.size();
    if (part_ != Part::endless_body)
        length = static_cast<std::size_t>(std::min<std::uint64_t>(length, remaining_));
    body_ += bytes.substr(0, length);
    bytes.remove_prefix(length);
    if (part_ == Part::endless_body) return {};
    remaining_ -= length;
    if (remaining_ == 0) part_ = part_ == Part::chunk_body ? Part::chunk_end : Part::complete;
    return {};
}

Result<void> ResponseReader::on_line()
{
    switch (part_) {
    case Part::status_line: return on_status_line();
    case Part::header_line: return on_header_line();
    case Part::chunk_size: return on_chunk_size();
    case Part::chunk_end:
        if (!line_.empty()) return malformed("a chunk longer than announced");
        part_ = Part::chunk_size;
        return {};
    case Part::trailer_line:
        if (line_.empty()) part_ = Part::complete;
        return {};
    case Part::counted_body:
    case Part::endless_body:
    case Part::chunk_body:
    case Part::complete: break;
    }
    return malformed("a line where none can be");
}

/// `HTTP/1.1 200 OK`
Result<void> ResponseReader::on_status_line()
{
    const std::string_view line = line_;
    if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ')
        return malformed("no HTTP status line");
    const auto status = whole_number(line.substr(9, 3), 10);
    if (!status || *status < 100 || (line.size() > 12 && line[12] != ' '))
        return malformed("a status that is no number");
    head_ = ResponseHead{};
    head_.status = static_cast<int>(*status);
    part_ = Part::header_line;
    return {};
}

Result<void> ResponseReader::on_header_line()
{
    if (line_.empty()) {
        begin_body();
        return {};
    }
    const std::string_view line = line_;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return malformed("a header without a name");
    if (line.find_first_of(" \t") < colon) return malformed("a blank in a header's name");
    return on_header(lower(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
}

Result<void> ResponseReader::on_header(std::string_view name, std::string_view value)
{
    if (name == "content-type") {
        head_.content_type = value;
    } else if (name == "content-length") {
        const auto length = whole_number(value, 10);
        if (!length) return malformed("a length that is no number");
        if (head_.length && *head_.length != *length) return malformed("two lengths");
        head_.length = length;
    } else if (name == "transfer-encoding") {
        if (lower(value) != "chunked" || head_.chunked) return malformed("an unknown encoding");
        head_.chunked = true;
    } else if (name == lower(untimed_since_header)) {
        head_.untimed_since = value;
    } else if (name == lower(log_target_header)) {
        head_.log_target = value;
    }
    if (head_.chunked && head_.length) return malformed("a length beside chunks");
    return {};
}

void ResponseReader::begin_body()
{
    if (head_.status < 200) {
        part_ = Part::status_line; // an interim answer: the real one follows
    } else if (is_bodiless(head_.status) || head_.length == 0) {
        part_ = Part::complete;
    } else if (head_.chunked) {
        part_ = Part::chunk_size;
    } else if (head_.length) {
        remaining_ = *head_.length;
        part_ = Part::counted_body;
    } else {
        part_ = Part::endless_body;
    }
}

/// `1a3;extension`
Result<void> ResponseReader::on_chunk_size()
{
    const std::string_view line = line_;
    const auto size = whole_number(trimmed(line.substr(0, line.find(';'))), 16);
    if (!size) return malformed("a chunk size that is no number");
    remaining_ = *size;
    part_ = *size == 0 ? Part::trailer_line : Part::chunk_body;
    return {};
}

} // namespace keel::control
