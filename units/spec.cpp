#include "units/spec.hpp"

namespace keel::units {

const std::vector<std::string>& command_of(const UnitSpec& unit, Hook hook)
{
    switch (hook) {
    case Hook::start_pre: return unit.start.pre;
    case Hook::start_post: return unit.start.post;
    case Hook::stop_pre: return unit.stop.pre;
    case Hook::stop_post: break;
    }
    return unit.stop.post;
}

Duration limit_of(const UnitSpec& unit, Hook hook)
{
    const bool of_start = hook == Hook::start_pre || hook == Hook::start_post;
    return of_start ? unit.start.timeout : unit.stop.timeout;
}

} // namespace keel::units
