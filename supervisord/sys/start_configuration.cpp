#include "sys/start_configuration.hpp"

#include <fmt/format.h>

namespace keel::sys {
namespace {

void tell(const std::vector<units::Problem>& problems, StartConfiguration& start)
{
    for (const units::Problem& problem : problems)
        start.alarms.push_back(to_text(problem));
}

} // namespace

units::Places places_of(const Paths& paths)
{
    return {paths.units_dir, paths.vendor_units_dir, paths.daemon_file};
}

StartConfiguration configuration_at_start(const Paths& paths, StartKind kind)
{
    Generations generations(paths.lib / "generations");
    StartConfiguration start;
    const auto last = generations.current();
    if (last) start.in_force = load_configuration(units::collect(units::places_in(*last)));
    if (last && kind == StartKind::go_on) return start;

    const auto collected = units::collect(places_of(paths));
    auto directory = load_configuration(collected);
    const auto problems = directory.all_problems();
    tell(problems, start);
    if (!problems.empty() && last && start.in_force.all_problems().empty()) {
        start.alarms.push_back(
            fmt::format("the configuration has problems; generation {} stays in force (`keel check`"
                        " shows them, a restart of keeld tries again)",
                        last->filename().string()));
        return start;
    }
    if (!problems.empty())
        start.alarms.emplace_back("the configuration has problems and no generation before it is "
                                  "without; what is usable of it is in force");
    start.in_force = std::move(directory);
    if (auto stored = generations.store(files_of(collected)); !stored)
        start.alarms.push_back("this configuration is not stored: " + stored.error().text());
    return start;
}

} // namespace keel::sys
