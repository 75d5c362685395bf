#include "units/spec.hpp"

namespace keel::units {

const std::vector<std::string>& command_of(const UnitSpec& unit, Hook hook)
{
    switch (hook) {
    case Hook::start_pre: return unit.start.pre;
    case Hook::start_post: return unit.start.post;
    case Hook::stop_pre: return unit.stop.pre;
    case Hook::stop_post: return unit.stop.post;
    case Hook::reload: break;
    }
    return unit.reload.command;
}

Duration limit_of(const UnitSpec& unit, Hook hook)
{
    const bool of_stop = hook == Hook::stop_pre || hook == Hook::stop_post;
    return of_stop ? unit.stop.timeout : unit.start.timeout;
}

std::string to_text(const Rung& rung)
{
    std::string text(name(rung.kind));
    return rung.kind == Rung::run ? text + ":" + rung.hook : text;
}

} // namespace keel::units
