// What processes use, read from the kernel: of each control group of ours, and of the process trees
// that have none.
//
// A group counts all that ever ran in it, and those below it, exactly. A tree without one is known
// by /proc alone: of what ended there, only that counts which its parents waited for. Reading takes
// some tens of microseconds a group, and for trees one reading of /proc; not for the loop's thread.
#pragma once
#include "base/result.hpp"
#include "base/time.hpp"
#include "sys/process_tree.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keel::sys {

struct UsageReading {
    std::string unit;
    std::string source; ///< `api`, `api.hook`; of a tree: `spawn 17`
    enum class Kind : std::uint8_t { group, tree } kind = Kind::group;
    enum class Age : std::uint8_t { of_this_engine, older } age = Age::of_this_engine;
    std::uint64_t identity = 0; ///< of a group: the later of two with one name has the greater
    Duration cpu{0};
    std::uint64_t oom_kills = 0;
    std::uint64_t memory_bytes = 0;
    std::uint64_t processes = 0;
};

/// How much to read: what a group has counted so far, or also what is in it now.
enum class UsageDepth : std::uint8_t { counters, everything };

/// The group `base`/`name`; nothing if it is not there. An Error: it is, and could not be read.
[[nodiscard]] Result<std::optional<UsageReading>>
read_group(const std::string& base, const std::string& name, UsageDepth depth);

/// All of them, or an Error: who took some for all would take the others for gone.
using UsageReadings = Result<std::vector<UsageReading>>;
/// Of all groups of units below `base`.
[[nodiscard]] UsageReadings read_groups(const std::string& base, UsageDepth depth);

/// How many processes the kernel has killed for want of memory, by what memory.events says.
[[nodiscard]] std::uint64_t oom_kills_in(std::string_view memory_events);

/// A spawn without a control group.
struct LooseTree {
    TreeTarget target;
    std::string unit; ///< or what runs beside it, as in ports::SpawnPlan
    UsageReading::Age age = UsageReading::Age::of_this_engine;
};
[[nodiscard]] UsageReadings read_trees(const std::vector<LooseTree>& trees, const TreeScope& scope);

} // namespace keel::sys
