// The document of a link to the dashboard.
#include "control/json_codec.hpp"
#include "control/json_writer.hpp"

#include <nlohmann/json.hpp>

namespace keel::control {

std::string encode(const WebLink& link)
{
    JsonWriter out;
    out.begin_object()
        .member("url", link.url)
        .member("expires_at", to_rfc3339(link.expires))
        .end_object();
    return out.take();
}

Result<WebLink> decode_link(std::string_view json)
{
    const auto link = nlohmann::json::parse(json, nullptr, false);
    const auto text = [&](const char* key) {
        const bool is_there = link.is_object() && link.contains(key) && link[key].is_string();
        return is_there ? link[key].get<std::string>() : std::string();
    };
    const auto expires = parse_rfc3339(text("expires_at"));
    if (text("url").empty() || !expires) return Error{"not a link with its time", {}, 0};
    return WebLink{text("url"), *expires};
}

} // namespace keel::control
