// An outage with what is on record around it: what a report about it is written from.
#pragma once
#include "base/ids.hpp"
#include "base/time.hpp"
#include "core/views.hpp"

#include <optional>
#include <string>
#include <vector>

namespace keel::core {

/// One run of an instance.
struct SpawnRecord {
    SpawnId id{};
    std::string unit;
    Slot slot = 1;
    std::string reason;       ///< what it was started for: a name of StartCause; empty: not known
    std::optional<Now> began; ///< none: by an engine before this one
    std::optional<Now> ended;
    std::string ending; ///< `exit 1`, `SIGSEGV (core dumped)`, `exec: No such file …`
};

/// What is on record around an outage.
struct Incident {
    std::optional<OutageView> outage;        ///< none: there is none of that number
    std::optional<OutageView> cause;         ///< the outage that caused it
    std::vector<OutageView> followers;       ///< those that it caused, the first one first
    std::vector<SpawnRecord> spawns;         ///< of its unit, around that time, in order
    std::vector<OperationRecord> operations; ///< on its unit, in order
    std::string missing;                     ///< why there may be more; empty: there is not
};

} // namespace keel::core
