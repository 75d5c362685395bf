// keel logs: what a unit's instances wrote, as they wrote it.
#include "cli/commands.hpp"
#include "cli/target.hpp"

#include <fmt/format.h>

namespace keel::cli {

using control::trouble_of;

Exit logs(const Context& context, const LogsOptions& options)
{
    const auto target = parse_target(options.target);
    if (!target) {
        complain(fmt::format("`{}` is neither a unit nor an instance", options.target),
                 "an instance is written worker.3");
        return Exit::usage;
    }
    const bool follows = options.follow == LogsOptions::Follow::yes;
    std::string path =
        fmt::format("/v1/units/{}/log?lines={}", control::url_encoded(target->unit), options.lines);
    if (target->slot) path += fmt::format("&instance={}", *target->slot);
    if (follows) path += "&follow=1";

    const auto deadline = control::deadline_in(std::chrono::seconds(30));
    auto begun = control::open_stream(context.socket_path, path, deadline);
    if (const auto* trouble = trouble_of(begun)) return give_up(*trouble);
    auto& call = std::get<control::Call>(begun);
    for (;;) {
        const auto bytes = call.more(follows ? control::Deadline{} : deadline);
        if (const auto* trouble = trouble_of(bytes)) return give_up(*trouble);
        const std::string& text = std::get<std::string>(bytes);
        if (text.empty() || !print(text)) return Exit::done;
    }
}

} // namespace keel::cli
