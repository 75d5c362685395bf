// Which hooks of ladders ran, and what was said of them, held against what section 4 of PRODUCT
// says: a unit that climbs to `run:NAME` runs that hook, once; one whose end nobody saw may run
// again, and none is taken for done that did not end well.
#pragma once
#include "base/ids.hpp"
#include "base/time.hpp"
#include "core/hook.hpp"
#include "tests/sim/violation.hpp"

#include <map>
#include <optional>
#include <string>

namespace keel::sim {

class RungWatch {
public:
    /// The unit has climbed to a rung that runs a hook.
    void climbed(UnitId id, MonoTime now)
    {
        all_[id].owed_since = now;
        all_[id].end.reset();
    }
    /// It is spawned, whatever comes of it.
    void tried(UnitId id, const std::string& unit)
    {
        Its& its = all_[id];
        if (!its.owed_since && !its.may_again)
            violated(unit + " runs the hook of a rung to which it has not climbed");
        its.owed_since.reset();
        its.may_again = false;
        its.end.reset();
    }
    /// keeld had nothing left to run it with.
    void put_off(UnitId id) { all_[id].may_again = true; }
    void ended(UnitId id, const core::ExitStatus& status) { all_[id].end = status; }
    void told(UnitId id, const std::string& unit, core::HookResult result)
    {
        Its& its = all_[id];
        if (result == core::HookResult::done && its.end != core::ExitStatus{})
            violated(unit + ": the hook of its ladder is called done and did not end well");
        its.may_again = result == core::HookResult::unseen;
        its.owed_since.reset();
    }
    /// Of what was under way the next engine may know no more than that it had begun.
    void engine_died()
    {
        for (auto& [id, its] : all_)
            its.may_again = true;
    }
    /// Since when it ought to have been run; none: it was, or need not be.
    [[nodiscard]] std::optional<MonoTime> owed_since(UnitId id) const
    {
        const auto found = all_.find(id);
        return found == all_.end() ? std::nullopt : found->second.owed_since;
    }

private:
    struct Its {
        std::optional<MonoTime> owed_since;
        bool may_again = false;
        std::optional<core::ExitStatus> end;
    };
    std::map<UnitId, Its> all_;
};

} // namespace keel::sim
