// The four manual pages.
#include "base/keeld_options.hpp"
#include "cli/command_table.hpp"
#include "cli/man.hpp"
#include "units/markdown.hpp"

#include <fmt/format.h>

namespace keel::cli {
namespace {

constexpr std::string_view keel_intro =
    R"(`keel` shows and steers the units that keeld(8) supervises. Commands that change something
wait for the outcome and tell it in words and by their exit status.
)";

constexpr std::string_view keel_files =
    R"(| file | meaning |
|---|---|
| /etc/keel/units/NAME.toml | units; those of packages are in /usr/lib/keel/units |
| /etc/keel/keel.toml | how keeld itself works |
| /run/keel/control.sock | where keeld listens; a user's own: below $XDG_RUNTIME_DIR |
)";

constexpr std::string_view keel_environment =
    R"(| variable | meaning |
|---|---|
| KEEL_ROOT | stands in for `--root` |
| NO_COLOR | if it is set to anything, nothing is coloured |
| COLUMNS | the width of the terminal, if it is not to be asked |
)";

constexpr std::string_view keeld_intro =
    R"(`keeld` runs the services of a host from unit files, asks them how they are, restarts what
crashes with growing delays, and records every outage. It stays in the foreground and logs
to the standard error output; systemd starts it. keel(1) shows and steers it.

Two processes share the work. The keeper, `keeld` itself, is the parent of every service
and does hardly anything else. The engine, `keel-engine`, does all that is complicated.
When the engine dies the keeper starts it anew at once, and no service notices. When the
keeper dies the services live on, and the next keeld adopts them.

A second keeld on the same root refuses to run.
)";

constexpr std::string_view keeld_signals =
    R"(| signal | meaning |
|---|---|
| SIGTERM, SIGINT | stop the units in reverse order, then end |
| SIGUSR2 | end, and leave the units running: the next keeld adopts them |
| SIGHUP | apply the configuration on the disk, as `keel apply` does |
)";

constexpr std::string_view keeld_files =
    R"(| file | meaning |
|---|---|
| /etc/keel/keel.toml | how keeld itself works: keel.toml(5) |
| /etc/keel/units/NAME.toml | units: keel-unit(5) |
| /etc/keel/units/NAME.toml.d/*.toml | drop-ins, which are laid over the unit NAME |
| /usr/lib/keel/units | units of packages |
| /run/keel | control socket, pids, state: what adoption needs |
| /var/lib/keel | configurations that were in force |
| /var/log/keel/UNIT/SLOT.log | what the units write |
)";

std::string see_also(std::string_view others)
{
    return man_section("see also") + man_inline(others) + "\n";
}

std::string option_entries(std::span<const Option> options)
{
    std::string text;
    for (const Option& option : options)
        text += fmt::format(".TP\n{}\n{}\n", man_inline(fmt::format("`{}`", form_of(option))),
                            man_inline(option.meaning.substr(0, option.meaning.find('\n'))));
    return text;
}

std::string command_entries(const Command& command)
{
    std::string text = fmt::format(".SS {}\n", man_inline(usage_of(command)));
    text += man_text(command.text);
    for (const Option& option : command.options) {
        text += fmt::format(".TP\n{}\n", man_inline(fmt::format("`{}`", form_of(option))));
        std::string_view lines = option.meaning;
        while (!lines.empty()) {
            const auto end = std::min(lines.find('\n'), lines.size());
            text += man_inline(lines.substr(0, end)) + "\n";
            lines.remove_prefix(std::min(end + 1, lines.size()));
            if (!lines.empty()) text += ".br\n";
        }
    }
    return text + man_text(command.after);
}

} // namespace

std::string keel_page()
{
    std::string text = man_head({"keel", 1, "show and steer what keeld supervises"});
    text += man_section("synopsis") + man_inline("`keel` COMMAND [ARGUMENT…] [OPTION…]") + "\n";
    text += man_section("description") + man_body(keel_intro);
    text += man_section("options of every command") + option_entries(common_options());
    text += man_section("commands");
    for (const Command& command : commands())
        text += command_entries(command);
    text += man_section("exit status");
    for (std::size_t code = 0; code < exit_meanings().size(); ++code)
        text += fmt::format(".TP\n\\fB{}\\fR\n{}\n", code, man_inline(exit_meanings()[code]));
    text += man_section("environment") + man_body(keel_environment);
    text += man_section("files") + man_body(keel_files);
    return man_page(text + see_also("keeld(8), keel-unit(5), keel.toml(5)"));
}

std::string keeld_page()
{
    std::string text = man_head({"keeld", 8, "supervise this host's services"});
    const auto options = {keeld_root, keeld_http, keeld_log_level};
    text += man_section("synopsis") + "\\fBkeeld\\fR";
    for (const KeeldOption& option : options)
        text += man_inline(fmt::format(" [{} {}]", option.flag, option.value));
    text += "\n" + man_section("description") + man_body(keeld_intro) + man_section("options");
    for (const KeeldOption& option : options)
        text += fmt::format(".TP\n{}\n{}\n",
                            man_inline(fmt::format("`{} {}`", option.flag, option.value)),
                            man_inline(option.meaning));
    text += ".TP\n\\fB\\-\\-version\\fR\nprint the version and end\n";
    text += man_section("signals") + man_body(keeld_signals);
    text += man_section("environment") +
            man_body("| variable | meaning |\n|---|---|\n| KEEL_ROOT | stands in for `--root` |\n");
    text += man_section("files") + man_body(keeld_files);
    text += man_body("Without root, all of it is below `$XDG_CONFIG_HOME`, `$XDG_RUNTIME_DIR` and "
                     "`$XDG_STATE_HOME`.\n");
    return man_page(text + see_also("keel(1), keel-unit(5), keel.toml(5)"));
}

std::string keel_toml_page()
{
    return man_page(
        man_head({"keel.toml", 5, "how keeld itself works, and defaults of all units"}) +
        man_section("description") + man_body(units::daemon_file_markdown()) +
        see_also("keeld(8), keel-unit(5)"));
}

std::string keel_unit_page()
{
    return man_page(man_head({"keel-unit", 5, "a service that keeld supervises"}) +
                    man_section("description") + man_body(units::unit_file_markdown()) +
                    see_also("keel(1), keeld(8), keel.toml(5)"));
}

} // namespace keel::cli
