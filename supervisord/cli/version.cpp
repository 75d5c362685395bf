// keel version: of this program, and of the daemon if one runs.
#include "cli/commands.hpp"

#include <fmt/format.h>

namespace keel::cli {

Exit version(const Context& context)
{
    const auto body = control::get(context.socket_path, "/v1/version",
                                   control::deadline_in(std::chrono::seconds(2)));
    std::string daemon;
    if (control::trouble_of(body) == nullptr)
        if (const auto info = control::decode_version(std::get<std::string>(body)))
            daemon = info->version;
    if (context.as_json())
        print(fmt::format("{{\"keel\":\"{}\",\"keeld\":{}}}\n", KEEL_VERSION,
                          daemon.empty() ? "null" : "\"" + daemon + "\""));
    else
        print(fmt::format("keel  {}\nkeeld {}\n", KEEL_VERSION,
                          daemon.empty() ? "does not run here" : daemon));
    return Exit::done;
}

} // namespace keel::cli
