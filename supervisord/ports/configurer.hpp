// Putting another configuration in force, as the control API sees it.
//
// Whoever implements it reads the configuration, checks all of it, and leaves what follows to the
// engine. On the loop's thread; nothing blocks it.
#pragma once
#include "core/views.hpp"
#include "ports/supervisor.hpp"
#include "units/problem.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace keel::ports {

struct ApplySpec {
    std::string by; ///< who asks: `root (uid 0)`
    enum class From : std::uint8_t {
        directory, ///< what stands in /etc now
        former,    ///< the generation that was in force before the present one
        numbered   ///< that of `generation`
    } from = From::directory;
    std::uint64_t generation = 0;
    std::string why{}; ///< for the record; empty: not said
    enum class IfItFails : std::uint8_t { revert, stay } if_it_fails = IfItFails::revert;
};

class Configurer {
public:
    virtual ~Configurer() = default;

    /// What became of it; or why it was not begun; or what is wrong with the configuration, all of
    /// it, in which case nothing was touched either.
    using Answer = std::variant<core::ApplyView, Refusal, std::vector<units::Problem>>;
    /// `done` comes exactly once, later; not at all if the engine ends first.
    virtual void apply(const ApplySpec& spec, std::function<void(const Answer&)> done) = 0;

    /// Names of units that stand otherwise on the disk than they are in force. `done` comes exactly
    /// once, later; should the disk not answer soon, with what was known last.
    using ChangedUnits = std::set<std::string>;
    virtual void look_for_changes(std::function<void(const ChangedUnits&)> done) = 0;
};

} // namespace keel::ports
