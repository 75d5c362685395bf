#include "deploy/http_head.hpp"

#include "base/text.hpp"

#include <charconv>
#include <strings.h>

namespace keel::deploy {
namespace {

constexpr std::string_view unit = "bytes ";

/// The value if `line` is the header `name`.
std::optional<std::string> value_of(std::string_view line, std::string_view name)
{
    if (line.size() <= name.size() || line[name.size()] != ':') return std::nullopt;
    if (::strncasecmp(line.data(), name.data(), name.size()) != 0) return std::nullopt;
    line.remove_prefix(name.size() + 1);
    const auto begin = line.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos) return "";
    return std::string(line.substr(begin, line.find_last_not_of(" \t\r\n") - begin + 1));
}

bool is_short_and_plain(const std::string& text)
{
    return text.size() <= validator_bytes_max && printable(text, 4 * validator_bytes_max) == text;
}

} // namespace

void HttpHead::take(std::string_view line)
{
    if (line.starts_with("HTTP/")) *this = {};
    if (auto value = value_of(line, "ETag")) etag = std::move(*value);
    if (auto value = value_of(line, "Last-Modified")) last_modified = std::move(*value);
    if (auto value = value_of(line, "Content-Range")) content_range = std::move(*value);
    if (auto value = value_of(line, "Location")) location = std::move(*value);
}

std::string HttpHead::validator() const
{
    const std::string& best = etag.starts_with('"') ? etag : last_modified;
    return is_short_and_plain(best) ? best : std::string();
}

std::optional<std::uint64_t> HttpHead::range_begin() const
{
    if (!content_range.starts_with(unit)) return std::nullopt;
    std::uint64_t begin = 0;
    const char* const end = content_range.data() + content_range.size();
    const auto [stopped, problem] = std::from_chars(content_range.data() + unit.size(), end, begin);
    if (problem != std::errc{} || stopped == end || *stopped != '-') return std::nullopt;
    return begin;
}

} // namespace keel::deploy
