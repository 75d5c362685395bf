// keel logs: what a unit's instances wrote, as they wrote it.
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/target.hpp"
#include "cli/words.hpp"

#include <fmt/format.h>
#include <optional>

namespace keel::cli {
namespace {

using control::Trouble;
using control::trouble_of;

const Duration patience = std::chrono::seconds(30);
constexpr std::size_t lines_usual = 50;

std::string path_of(const Target& target, const LogsOptions& options)
{
    std::string path = fmt::format("/v1/units/{}/log?", control::url_encoded(target.unit));
    if (options.since)
        path += fmt::format("since={}&", control::url_encoded(to_rfc3339(*options.since)));
    if (options.lines || !options.since)
        path += fmt::format("lines={}&", options.lines.value_or(lines_usual));
    if (target.slot) path += fmt::format("instance={}&", *target.slot);
    if (options.of == LogsOptions::Of::deployments) path += "deploy=1&";
    path += options.follow == LogsOptions::Follow::yes ? "follow=1" : "follow=0";
    return path;
}

/// Says so where more is shown than was asked for.
void tell_of_untimed(const control::Call& call, const LogsOptions& options)
{
    const auto& told = call.known_head().untimed_since;
    if (!told || !options.since) return;
    const auto begun = control::parse_rfc3339(*told);
    if (begun && *begun >= *options.since) return;
    const std::string from =
        begun ? fmt::format(", from {} on", local_time(*begun, wall_now())) : "";
    complain(fmt::format("the lines of {} have no times (format = \"raw\"), so whole files are "
                         "shown{}",
                         options.target, from));
}

/// Whether what the unit writes comes here; if not, it is told where it goes.
enum class Comes : std::uint8_t { here, elsewhere };
Comes tell_of_target(const control::Call& call, const Target& target)
{
    const auto& told = call.known_head().log_target;
    if (!told) return Comes::here;
    const std::string what = fmt::format("what {} writes ", target.unit);
    if (*told == "journal")
        complain(what + "goes to systemd's journal", "journalctl -t " + target.unit);
    else if (*told == "inherit")
        complain(what + "goes where keeld's own output does", "journalctl -u keel, as a rule");
    else
        complain(what + "goes nowhere", fmt::format("log.target is `{}`", printable(*told, 32)));
    return Comes::elsewhere;
}

/// Prints what comes, up to its end or to that of its reader.
std::optional<Trouble> pass_on(control::Call& call, LogsOptions::Follow follow)
{
    for (;;) {
        const auto bytes =
            call.more(follow == LogsOptions::Follow::yes ? control::Deadline{}
                                                         : control::deadline_in(patience));
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
    if (target->slot && options.of == LogsOptions::Of::deployments) {
        complain("a deployment is the whole unit's, not an instance's",
                 fmt::format("keel logs {} --deploy", target->unit));
        return Exit::usage;
    }
    const bool follows = options.follow == LogsOptions::Follow::yes;
    for (LogsOptions wanted = options;;) {
        auto begun = control::open_stream(context.socket_path, path_of(*target, wanted),
                                          control::deadline_in(patience));
        if (const auto* trouble = trouble_of(begun)) return give_up(*trouble);
        auto& call = std::get<control::Call>(begun);
        const Comes comes = tell_of_target(call, *target);
        if (comes == Comes::elsewhere && follows) return Exit::failed;
        tell_of_untimed(call, wanted);
        const auto trouble = pass_on(call, options.follow);
        if (!trouble) return Exit::done;
        if (!follows || trouble->kind != Trouble::Kind::unreachable) return give_up(*trouble);
        complain("the engine was replaced; lines that came meanwhile are missing here",
                 "`keel logs` without -f shows them");
        wanted.lines = 0;
        wanted.since.reset();
    }
}

} // namespace keel::cli
