// keel.toml: text in, what it says about keeld and about every unit out.
//
// Pure and total. A key with a problem keeps its default and the others are taken: keeld must come
// up, and come up as close to what was meant as can be. Whether it should rather go on with the
// configuration before is its caller's business.
#pragma once
#include "units/daemon_spec.hpp"
#include "units/loader.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace keel::units {

struct LoadedDaemon {
    DaemonSpec spec;
    Defaults defaults; ///< without those that have a problem
    std::vector<Problem> problems;
    std::string path;
    Positions positions; ///< where each key stood, but for those of [defaults]
};

LoadedDaemon load_daemon(std::string_view text, const std::string& file);

/// The file's own text, or that it cannot be read. A file that is not there says nothing.
LoadedDaemon load_daemon(const Source& source);

} // namespace keel::units
