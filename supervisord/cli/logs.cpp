// keel logs: what a unit's instances wrote, as they wrote it.
#include "cli/commands.hpp"
#include "cli/target.hpp"

#include <fmt/format.h>
#include <optional>

namespace keel::cli {
namespace {

using control::Trouble;
using control::trouble_of;

std::string path_of(const Target& target, std::size_t lines, LogsOptions::Follow follow)
{
    std::string path =
        fmt::format("/v1/units/{}/log?lines={}", control::url_encoded(target.unit), lines);
    if (target.slot) path += fmt::format("&instance={}", *target.slot);
    if (follow == LogsOptions::Follow::yes) path += "&follow=1";
    return path;
}

/// Prints what comes, up to its end or to that of its reader.
std::optional<Trouble> pass_on(control::Call& call, control::Deadline deadline)
{
    for (;;) {
        const auto bytes = call.more(deadline);
        if (const auto* trouble = trouble_of(bytes)) return *trouble;
        const std::string& text = std::get<std::string>(bytes);
        if (text.empty() || !print(text)) return std::nullopt;
    }
}

} // namespace

Exit logs(const Context& context, const LogsOptions& options)
{
    const auto target = parse_target(options.target);
    if (!target) {
        complain(fmt::format("`{}` is neither a unit nor an instance", options.target),
                 "an instance is written worker.3");
        return Exit::usage;
    }
    const bool follows = options.follow == LogsOptions::Follow::yes;
    for (std::size_t lines = options.lines;; lines = 0) {
        const auto deadline = control::deadline_in(std::chrono::seconds(30));
        auto begun = control::open_stream(context.socket_path,
                                          path_of(*target, lines, options.follow), deadline);
        if (const auto* trouble = trouble_of(begun)) return give_up(*trouble);
        const auto trouble =
            pass_on(std::get<control::Call>(begun), follows ? control::Deadline{} : deadline);
        if (!trouble) return Exit::done;
        if (!follows || trouble->kind != Trouble::Kind::unreachable) return give_up(*trouble);
        complain("the engine was replaced; lines that came meanwhile are missing here",
                 "`keel logs` without -f shows them");
    }
}

} // namespace keel::cli
