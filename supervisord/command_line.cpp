#include "command_line.hpp"

#include "base/keeld_options.hpp"

#include <CLI/CLI.hpp>

namespace keel {

std::optional<int> parse(Options& options, int argc, char** argv)
{
    CLI::App app{"keeld supervises this host's services.\n"
                 "KEEL_ROOT in the environment stands in for --root.",
                 "keeld"};
    app.option_defaults()->take_last();
    app.set_version_flag("--version", "keeld " KEEL_VERSION);
    const auto add = [&](const KeeldOption& option, std::optional<std::string>& value) {
        app.add_option(std::string(option.flag), value, std::string(option.meaning))
            ->type_name(std::string(option.value));
    };
    add(keeld_root, options.root);
    add(keeld_http, options.http);
    add(keeld_log_level, options.log_level);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    return std::nullopt;
}

} // namespace keel
