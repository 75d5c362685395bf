// What [resources] asks of the kernel's control groups: which controller each key needs, and what
// is written into which file of a group.
//
// One list for all who need it: the check of a host, and whoever writes the limits.
#pragma once
#include "units/spec.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace keel::units {

struct ResourceSetting {
    std::string_view key;        ///< `memory_max`
    std::string_view controller; ///< `memory`
    std::string_view file;       ///< `memory.max`
    std::string value;           ///< as the kernel wants it
    bool is_default = false;     ///< the value is what a group has where nobody asks for anything
};

/// All of them, in the order in which they are to be written: what is taken back gently comes
/// before what is enforced.
std::array<ResourceSetting, 6> settings_of(const ResourcesSpec& resources);

/// The control groups that somebody may make, as far as [resources] is concerned.
struct ControlGroups {
    std::string whose;                    ///< "this host's control groups"
    std::vector<std::string> controllers; ///< that they have
    std::string why_none{};               ///< not empty: there are no such groups, and why
    std::string remedy{};                 ///< what a person can do about what is missing
};

/// Those of the running kernel, whoever asks.
ControlGroups control_groups_of_host();

/// Words between blanks and line ends, as cgroup.controllers has them.
std::vector<std::string> words_of(std::string_view text);

} // namespace keel::units
