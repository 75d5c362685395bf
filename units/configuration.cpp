#include "units/configuration.hpp"

namespace keel::units {

std::vector<Problem> Configuration::all_problems() const
{
    std::vector<Problem> all = daemon.problems;
    const auto of_units = units.all_problems();
    all.insert(all.end(), of_units.begin(), of_units.end());
    return all;
}

Configuration load_configuration(const Collected& collected)
{
    Configuration loaded{load_daemon(collected.daemon), {}};
    loaded.units = load_units(collected, loaded.daemon.defaults);
    return loaded;
}

} // namespace keel::units
