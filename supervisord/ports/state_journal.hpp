// The run-time state under /run/keel that lets a new engine go on where the last one died.
//
// An append-only list of opaque records, keyed; the last record of a key wins. It heals by
// truncation: whatever was cut or damaged at the end is dropped, everything before it stands.
#pragma once
#include "base/result.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace keel::ports {

class StateJournal {
public:
    virtual ~StateJournal() = default;

    /// What the file held when it was opened: the last record of every key.
    [[nodiscard]] virtual const std::map<std::string, std::string>& recovered() const = 0;

    /// In the kernel's hands on return, so it survives the death of this process. Never blocks on
    /// a disk: the file is on tmpfs. A failure is told once and counted; supervision goes on.
    virtual void put(std::string_view key, std::string_view record) = 0;
    virtual void erase(std::string_view key) = 0;
};

} // namespace keel::ports
