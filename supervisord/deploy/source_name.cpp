#include "deploy/source_name.hpp"

#include "base/text.hpp"

#include <strings.h>

namespace keel::deploy {
namespace {

bool begins_with(std::string_view text, std::string_view prefix)
{
    return text.size() >= prefix.size() &&
           ::strncasecmp(text.data(), prefix.data(), prefix.size()) == 0;
}

/// Without query and fragment.
std::string_view plain_part(std::string_view url) { return url.substr(0, url.find_first_of("?#")); }

} // namespace

SourceKind source_kind(std::string_view source)
{
    if (begins_with(source, "https://")) return SourceKind::https;
    if (begins_with(source, "http://")) return SourceKind::http;
    return SourceKind::local;
}

std::string shown_source(std::string_view source)
{
    if (source_kind(source) == SourceKind::local) return printable(source);
    source = plain_part(source);
    const std::size_t host = source.find("//") + 2;
    const std::string_view authority = source.substr(host, source.find('/', host) - host);
    const std::size_t at = authority.rfind('@');
    std::string shown(source);
    if (at != std::string_view::npos) shown.erase(host, at + 1);
    return printable(shown);
}

std::string base_name_of(std::string_view source)
{
    if (source_kind(source) != SourceKind::local) source = plain_part(source);
    while (source.ends_with('/'))
        source.remove_suffix(1);
    return std::string(source.substr(source.rfind('/') + 1));
}

} // namespace keel::deploy
