// The document of a link to the dashboard.
#include "control/json_codec.hpp"
#include "control/json_reading.hpp"
#include "control/json_writer.hpp"

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
    return decode<WebLink>(json, [](const Json& document) {
        WebLink link{text(document, "url"), moment(document, "expires_at")};
        if (link.url.empty()) throw Unexpected("`url` is missing");
        return link;
    });
}

} // namespace keel::control
