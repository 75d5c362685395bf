// keel web: a link that opens the dashboard.
#include "cli/commands.hpp"

#include "base/text.hpp"
#include "cli/words.hpp"
#include "control/client.hpp"

#include <fmt/format.h>

namespace keel::cli {

Exit web(const Context& context)
{
    control::Call::Spec spec;
    spec.method = "POST";
    spec.target = "/v1/web/links";
    auto call = control::Call::begin(context.socket_path, spec);
    if (const auto* trouble = control::trouble_of(call)) return give_up(*trouble);
    const auto body = control::body_or_trouble(
        std::get<control::Call>(call).finish(control::deadline_in(std::chrono::seconds(10))));
    if (const auto* trouble = control::trouble_of(body)) return give_up(*trouble);
    const std::string& json = std::get<std::string>(body);
    if (context.as_json()) return print(json + "\n") ? Exit::done : Exit::failed;
    const auto link = control::decode_link(json);
    if (!link) return give_up({control::Trouble::Kind::garbled, link.error().text(), {}});
    // Alone on stdout, for `xdg-open $(keel web)`.
    print(link->url + "\n");
    if (context.screen.width)
        fmt::print(stderr, "Opens the dashboard once, until {}.\n",
                   local_time(link->expires, wall_now()));
    return Exit::done;
}

} // namespace keel::cli
